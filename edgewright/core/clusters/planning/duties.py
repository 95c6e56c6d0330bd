"""Duties of the leader: admit hosts, remove those that leave, end grants, install add-ons.

Control planes elect the leader by a Lease. Duties are lanes that do not wait for each other; the lane `grant` has one
action at most, for everything that changes the members of etcd.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from edgewright.core.clusters import quorum, steps
from edgewright.core.clusters.actions import OPERATOR, Action, Lane, Wait, short
from edgewright.core.clusters.grants import JOIN, LEASE_SECONDS, GrantState, state_of
from edgewright.core.clusters.model import (
    ABSENT,
    CONTROL_PLANE,
    PRESENT,
    WORKER,
    ClusterDocument,
    Layer,
    Member,
)
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.planning.judge import admitted, etcd_member, joined, node_of

WORKERS_AT_ONCE = 10
GRANT_LANE = "grant"
LAYER_LANE = "layers"


def may_lead(document: ClusterDocument, observed: Observed) -> bool:
    """Return whether a host may take or renew the Lease.

    One that leaves leads only while no control plane that stays is a healthy voter: else nothing could ever be admitted
    to a cluster whose only control plane is to be replaced.
    """
    member = document.member(observed.host_uid)
    if member is None or member.role != CONTROL_PLANE or observed.local.reset:
        return False
    if member.state != PRESENT and (document.ending or _successor(document, observed)):
        return False
    if not observed.local.api_ready or observed.local.done is None or not observed.api.lease_readable:
        return False
    lease = observed.api.lease
    return lease is None or lease.holder in ("", observed.host_uid) or lease.age > LEASE_SECONDS


def _successor(document: ClusterDocument, observed: Observed) -> bool:
    """Return whether a control plane that stays can lead; unknown counts as yes."""
    if observed.api.etcd is None:
        return True
    entries = [etcd_member(observed, member) for member in document.control_planes]
    return any(entry is not None and entry.voter and entry.healthy for entry in entries)


def leads(document: ClusterDocument, observed: Observed) -> bool:
    """Return whether a host is the leader now."""
    lease = observed.api.lease
    if lease is None or lease.holder != observed.host_uid or lease.age > LEASE_SECONDS:
        return False
    return may_lead(document, observed) and observed.api.done is not None


def duties(document: ClusterDocument, observed: Observed) -> Tuple[Tuple[Lane, ...], Tuple[Wait, ...]]:
    """Return what the leader does, and what it cannot do yet."""
    lanes: List[Lane] = []
    waits: List[Wait] = []
    for name, actions, reasons in (
        _grant(document, observed),
        *_workers(document, observed),
        *_leaving(document, observed),
        *_left_behind(document, observed),
        _layers(document, observed),
    ):
        if actions:
            lanes.append(Lane(name, actions))
        waits.extend(reasons)
    return tuple(lanes), tuple(waits)


_Duty = Tuple[str, Tuple[Action, ...], Tuple[Wait, ...]]
"""Name of the lane, its actions, and what else it waits for."""


def _action(document: ClusterDocument, member: Member, step: str, **params: object) -> Action:
    given = {"hostUid": member.host_uid, "nodeName": member.node_name, **params}
    return Action(step, targets.host(document, member), given)


def _serve(document: ClusterDocument, member: Member) -> Action:
    return _action(document, member, steps.SERVE_JOIN, role=member.role, joinEpoch=member.join_epoch)


def _end(document: ClusterDocument, member: Member, fulfilled: bool) -> Action:
    return _action(document, member, steps.END_GRANT, fulfilled=fulfilled, joinEpoch=member.join_epoch)


def _grant(document: ClusterDocument, observed: Observed) -> _Duty:
    api = observed.api
    if api.etcd is None or api.served is None or api.joined is None or api.nodes is None:
        return GRANT_LANE, (), (Wait("etcd and grants cannot be read", (), steps.SERVE_JOIN),)
    if api.grant is not None:
        return _open(document, observed)
    waits: List[Wait] = []
    for action, wait in _candidates(document, observed):
        if action is not None:
            return GRANT_LANE, (action,), tuple(waits)
        if wait is not None:
            waits.append(wait)
    return GRANT_LANE, (), tuple(waits)


_Candidate = Tuple[Optional[Action], Optional[Wait]]


def _candidates(document: ClusterDocument, observed: Observed) -> Iterator[_Candidate]:
    """Yield what could get the grant, in order: what was left behind, removals, joins."""
    for entry in observed.api.etcd or ():
        yield _orphan(document, observed, entry)
    for member in _removals(document, observed):
        yield _remove(document, observed, member)
    for member in _joiners(document, observed):
        if _stale(document, observed, member):
            yield _remove(document, observed, member)
        elif joined(observed, document, member):
            yield _end(document, member, True), None
        else:
            wait = _may_join(document, observed, member)
            yield (_serve(document, member), None) if wait is None else (None, wait)


def _open(document: ClusterDocument, observed: Observed) -> _Duty:
    """Return what is done about the grant that is open."""
    grant = observed.api.grant
    assert grant is not None and observed.api.served is not None
    member = document.member(grant.host_uid)
    if member is None:
        params = {"hostUid": grant.host_uid, "nodeName": "", "fulfilled": False, "joinEpoch": 0}
        return GRANT_LANE, (Action(steps.END_GRANT, f"{short(grant.host_uid)}-0", params),), ()
    entry = etcd_member(observed, member)
    fulfilled = admitted(observed, document, member) if grant.action == JOIN else entry is None
    state = state_of(grant, document, fulfilled)
    if state is not GrantState.OPEN:
        return GRANT_LANE, (_end(document, member, state is GrantState.FULFILLED and grant.action == JOIN),), ()
    if grant.action == JOIN:
        if member.host_uid not in observed.api.served:
            return GRANT_LANE, (_serve(document, member),), ()
        text = f"{member.node_name} joins, since {grant.age:.0f} s of at most {grant.limit:.0f} s"
        return GRANT_LANE, (), (Wait(text, (member.host_uid,), steps.SERVE_JOIN, member.host_uid),)
    action, wait = _remove(document, observed, member)
    return (GRANT_LANE, (action,), ()) if action is not None else (GRANT_LANE, (), (wait,) if wait else ())


def _orphan(document: ClusterDocument, observed: Observed, entry: quorum.EtcdMember) -> _Candidate:
    """Return what is done about an etcd member that has no grant and no vote, or no host."""
    owner = next((m for m in document.members if etcd_member(observed, m) == entry and m.role == CONTROL_PLANE), None)
    if owner is None:
        name = entry.name or entry.address or entry.id
        return None, Wait(f"etcd lists {name}, which is not a control plane of the document", (OPERATOR,))
    if entry.voter and entry.started:
        return None, None
    if owner.state == PRESENT and entry.started:
        return _serve(document, owner), None  # it runs: its join is granted again, and finishes
    return _end(document, owner, False), None


def _removals(document: ClusterDocument, observed: Observed) -> List[Member]:
    """Return control planes to remove from etcd, lost ones first."""
    absent = [m for m in document.members if m.state == ABSENT and m.release_id and m.role == CONTROL_PLANE]
    others = [member for member in absent if member.host_uid != observed.host_uid]  # by a survivor only
    listed = [member for member in others if etcd_member(observed, member) is not None]
    return sorted(listed, key=lambda member: not member.lost)


def _remove(document: ClusterDocument, observed: Observed, member: Member) -> _Candidate:
    entry = etcd_member(observed, member)
    assert entry is not None and observed.api.etcd is not None
    node = node_of(observed, member)
    leaves = member.state == ABSENT and not member.lost
    if leaves and node is not None and node.release != member.release_id:
        return None, Wait(f"{member.node_name} is drained first", (), steps.REMOVE_MEMBER, member.host_uid)
    verdict = quorum.may_remove(observed.api.etcd, entry.id)
    if not verdict.allowed:
        text = f"{member.node_name} stays in etcd: {verdict.reason}"
        return None, Wait(text, (OPERATOR,), steps.REMOVE_MEMBER, member.host_uid)
    action = _action(document, member, steps.REMOVE_MEMBER, memberId=entry.id, guard=verdict.reason)
    return action, None


def _joiners(document: ClusterDocument, observed: Observed) -> List[Member]:
    """Return control planes that have not joined in their epoch: prepared ones first, the last to fail at the end."""
    recorded = observed.api.joined or {}
    first = document.bootstrap.init_host_uid

    def inside(member: Member) -> bool:
        # A record alone is not enough: that of a host which has left may still be there when it is added again.
        formed = member.host_uid == first and member.join_epoch == 1
        known = formed or recorded.get(member.host_uid) == member.join_epoch
        return known and etcd_member(observed, member) is not None

    waiting = [member for member in document.control_planes if not inside(member)]

    def rank(member: Member) -> Tuple[bool, int]:
        peer = observed.peers.get(member.host_uid)
        prepared = peer.prepared if peer is not None else None
        return member.host_uid == observed.api.last_expired, {True: 0, None: 1, False: 2}[prepared]

    return sorted(waiting, key=rank)


def _stale(document: ClusterDocument, observed: Observed, member: Member) -> bool:
    """Return whether etcd lists a dead member of an earlier join of this host: it is removed first."""
    entry = etcd_member(observed, member)
    if entry is None or not entry.started or entry.healthy:
        return False
    recorded = (observed.api.joined or {}).get(member.host_uid)
    return recorded is not None or member.host_uid == document.bootstrap.init_host_uid


def _may_join(document: ClusterDocument, observed: Observed, member: Member) -> Optional[Wait]:
    assert observed.api.etcd is not None
    wait = _taken(observed, member)
    if wait is not None:
        return wait
    verdict = quorum.may_add(observed.api.etcd)
    if not verdict.allowed:
        return Wait(f"{member.node_name} waits: {verdict.reason}", (), steps.SERVE_JOIN, member.host_uid)
    return None


def _taken(observed: Observed, member: Member) -> Optional[Wait]:
    """Return why a host of any role is not admitted: it is not prepared, or its node name is in use."""
    peer = observed.peers.get(member.host_uid)
    if peer is not None and (peer.prepared is False or (peer.prepared is None and peer.reason)):
        text = f"{member.node_name} {peer.reason or 'is not prepared yet'}"
        return Wait(text, (member.host_uid,), steps.SERVE_JOIN, member.host_uid)
    node = node_of(observed, member)
    if node is not None and node.ready and node.host_uid not in (None, member.host_uid):
        text = f"another host is the ready node {member.node_name}"
        return Wait(text, (OPERATOR,), steps.SERVE_JOIN, member.host_uid)
    return None


def _workers(document: ClusterDocument, observed: Observed) -> List[_Duty]:
    api = observed.api
    if api.served is None or api.joined is None or api.nodes is None:
        return []
    result: List[_Duty] = []
    room = WORKERS_AT_ONCE
    for member in document.present:
        recorded = api.joined.get(member.host_uid) == member.join_epoch and member.node_name in api.nodes
        if member.role != WORKER or recorded:
            if member.role == WORKER and member.host_uid in api.served:
                result.append((f"join-{member.host_uid}", (_end(document, member, True),), ()))
            continue
        lane = f"join-{member.host_uid}"
        if member.host_uid in api.served:
            room -= 1
            ready = joined(observed, document, member)
            wait = Wait(f"{member.node_name} joins", (member.host_uid,), steps.SERVE_JOIN, member.host_uid)
            result.append((lane, (_end(document, member, True),), ()) if ready else (lane, (), (wait,)))
            continue
        refused = _taken(observed, member)
        if refused is None and room > 0:
            room -= 1
            result.append((lane, (_serve(document, member),), ()))
        else:
            text = f"{member.node_name}: {WORKERS_AT_ONCE} workers join at once"
            result.append((lane, (), (refused or Wait(text, (), steps.SERVE_JOIN, member.host_uid),)))
    return result


def _leaving(document: ClusterDocument, observed: Observed) -> List[_Duty]:
    nodes = observed.api.nodes
    if nodes is None or observed.api.etcd is None:
        return []
    draining: Dict[str, int] = {}
    limits = {pool.name: pool.max_unavailable for pool in document.pools}
    result: List[_Duty] = []
    for member in document.members:
        node = nodes.get(member.node_name)
        if member.state != ABSENT or not member.release_id or node is None or member.host_uid == observed.host_uid:
            continue
        if any(other.node_name == member.node_name for other in document.present):
            continue  # another host has the name now; its Node is not this one's
        lane = f"leave-{member.host_uid}"
        if not member.lost and node.release != member.release_id:
            draining[member.pool] = draining.get(member.pool, 0) + 1
            if draining[member.pool] <= limits.get(member.pool, 1):
                action = _action(document, member, steps.DRAIN, releaseId=member.release_id)
                result.append((lane, (action,), ()))
            else:
                text = f"{member.node_name}: at most {limits.get(member.pool, 1)} of the pool {member.pool} at a time"
                result.append((lane, (), (Wait(text, (), steps.DRAIN, member.host_uid),)))
        elif member.role == CONTROL_PLANE and etcd_member(observed, member) is not None:
            continue  # the lane of grants shows what it waits for
        elif member.lost or not node.ready or _clean(observed, member):
            result.append((lane, (_action(document, member, steps.REMOVE_NODE),), ()))
        else:
            text = f"{member.node_name} resets itself"
            result.append((lane, (), (Wait(text, (member.host_uid,), steps.REMOVE_NODE, member.host_uid),)))
    return result


def _left_behind(document: ClusterDocument, observed: Observed) -> List[_Duty]:
    """Return Nodes that were drained for a release whose host the document does not list any more.

    The plane drops the entry when the host has confirmed that it left, which may be before its Node was removed. The
    release id on the Node proves that the host was asked to leave; without it a Node is never removed.
    """
    names = {member.node_name for member in document.members}
    result: List[_Duty] = []
    for name, node in (observed.api.nodes or {}).items():
        if node.release and not node.ready and name not in names:
            params = {"hostUid": node.host_uid or "", "nodeName": name}
            action = Action(steps.REMOVE_NODE, short(f"{name} {node.release}"), params)
            result.append((f"leave-{name}", (action,), ()))
    return result


def _clean(observed: Observed, member: Member) -> bool:
    peer = observed.peers.get(member.host_uid)
    return peer is not None and bool(peer.clean)


def _layers(document: ClusterDocument, observed: Observed) -> _Duty:
    """Return add-ons in order, after the removal of those that the document does not list."""
    applied = observed.api.layers
    if applied is None:
        return LAYER_LANE, (), (Wait("the add-ons cannot be read", (), steps.LAYER),)
    names = {layer.name for layer in document.layers}
    removed = [Action(steps.REMOVE_LAYER, name, {"layer": name}) for name in sorted(applied) if name not in names]
    wanted = [Action(steps.LAYER, targets.layer(layer), {"layer": layer.name}) for layer in in_order(document)]
    return LAYER_LANE, (*removed, *wanted), ()


def in_order(document: ClusterDocument) -> List[Layer]:
    """Return the add-ons in the order in which they are installed."""
    return [layer for _, _, layer in sorted((layer.order, n, layer) for n, layer in enumerate(document.layers))]

"""`plan(document, observed)`: what a host does next for a cluster. Pure; the hub only forecasts with it.

Nothing is decided by an absence: a host that the document does not name does nothing, and what cannot be observed is
neither done nor not done. A host leaves only by its entry `absent` with a release id, or by its own reset.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import (
    DELETING,
    FORMER,
    JOINER,
    LEAVING,
    OPERATOR,
    OUTSIDE,
    WORKER_ROLE,
    Action,
    Plan,
    Wait,
    short,
)
from edgewright.core.clusters.model import ABSENT, VIP, WORKER, ClusterDocument, Member
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.planning.duties import duties, leads
from edgewright.core.clusters.planning.forming import may_form
from edgewright.core.clusters.planning.judge import etcd_member, formed
from edgewright.core.clusters.planning.leaving import leave
from edgewright.core.clusters.quorum import NOSPACE, healthy, majority, voters


def plan(document: ClusterDocument, observed: Observed) -> Plan:
    """Return what a host does next: its own actions in order, and the duties of the leader."""
    member = document.member(observed.host_uid)
    role = role_of(document, observed)
    if member is None or role == OUTSIDE:
        return Plan(OUTSIDE, ())
    if role in (LEAVING, DELETING):
        lanes, waits = duties(document, observed) if role == LEAVING and leads(document, observed) else ((), ())
        return Plan(role, leave(document, observed, member, role), lanes, waits)
    room = _etcd_space(document, observed, member)
    actions = [*_prepare(document, observed, member), *room, *_own(document, observed, member, role)]
    stop = _stop(document, observed)
    if stop is not None:
        return Plan(role, tuple(action._replace(wait=stop) for action in actions))
    if not leads(document, observed):
        return Plan(role, tuple(actions))
    lanes, waits = duties(document, observed)
    return Plan(role, tuple(actions), lanes, waits)


def role_of(document: ClusterDocument, observed: Observed) -> str:
    """Return what a host is for a cluster, one of `ROLES`."""
    member = document.member(observed.host_uid)
    if member is None:
        return OUTSIDE
    if observed.local.reset:
        return LEAVING
    if member.state == ABSENT:
        if not member.release_id:
            return OUTSIDE
        return DELETING if document.ending else LEAVING
    if member.role == WORKER:
        return WORKER_ROLE
    first = member.host_uid == document.bootstrap.init_host_uid
    return FORMER if first and formed(document, observed) is None else JOINER


def _stop(document: ClusterDocument, observed: Observed) -> Optional[Wait]:
    """Return why nothing may start at all."""
    change = document.change
    if change is not None and document.generation > change.approved_generation:
        return Wait(f"generation {document.generation} is not approved", (OPERATOR,))
    proofs = [proof for proof in (document.bootstrap.done, observed.local.done, observed.api.done) if proof is not None]
    if len({proof.ca_spki_sha256 for proof in proofs}) > 1:
        return Wait("the proofs of formation name different CAs: this host has data of another cluster", (OPERATOR,))
    member = document.member(observed.host_uid)
    if observed.local.moved and member is not None:
        return Wait(moved(member, observed.local.moved), (OPERATOR,))
    return None


def moved(member: Member, addresses: str) -> str:
    """Return what is wrong when a host does not have the address of its entry, which never changes."""
    return f"{member.node_name} has the address {member.address} in the cluster, and this host has {addresses}"


def _prepare(document: ClusterDocument, observed: Observed, member: Member) -> List[Action]:
    """Return the steps up to the preload; the preflight is over as soon as the host has formed or joined."""
    local = observed.local
    begun = bool(local.joined) or bool(local.kubelet_ca) or local.etcd_epoch == document.bootstrap.epoch
    actions = [] if begun else [Action(steps.PREFLIGHT, targets.members(document), {})]
    other = begun and bool(local.tree) and local.tree != document.tree.digest
    wait = Wait("another version of Kubernetes runs; this release does not upgrade", (OPERATOR,)) if other else None
    return [
        *actions,
        Action(steps.FETCH, targets.content(document), {}),
        Action(steps.ACTIVATE, targets.tree(document), {}, wait),
        Action(steps.RUNTIME, targets.tree(document), {}),
        Action(steps.PRELOAD, targets.images(document), {}),
    ]


def _etcd_space(document: ClusterDocument, observed: Observed, member: Member) -> List[Action]:
    """Return the step that makes room in etcd: without a leader, because its Lease cannot be renewed meanwhile."""
    full = sorted(entry.name for entry in observed.api.etcd or () if NOSPACE in entry.alarms)
    entry = etcd_member(observed, member)
    if entry is None or entry.name not in full:
        return []
    wait = Wait(f"{full[0]} makes room in etcd first") if full[0] != entry.name else None
    return [Action(steps.ETCD_SPACE, targets.epoch(document), {}, wait)]


def _own(document: ClusterDocument, observed: Observed, member: Member, role: str) -> List[Action]:
    if role == WORKER_ROLE:
        return _join(document, observed, member, steps.JOIN_WORKER)
    serve = [Action(steps.KEEPALIVED, targets.endpoint(document), {})] if document.endpoint.kind == VIP else []
    target = targets.epoch(document)
    if role == FORMER:
        wait = may_form(document, observed, member)
        vip = [Action(steps.VIP, targets.endpoint(document), {}, wait)] if document.endpoint.kind == VIP else []
        return [*vip, Action(steps.INIT, target, {}, wait), Action(steps.MARK, target, {}), *serve]
    first = member.host_uid == document.bootstrap.init_host_uid
    if first and observed.local.etcd_epoch == document.bootstrap.epoch and not is_removed(document, observed, member):
        return [Action(steps.MARK, target, {}), *serve]
    join = _join(document, observed, member, steps.JOIN_CONTROL_PLANE)
    return [*join, Action(steps.MARK, target, {}), *serve]


def _join(document: ClusterDocument, observed: Observed, member: Member, step: str) -> List[Action]:
    """Return the join, unless the host has noted that it is done: it never joins again by itself in that epoch."""
    removed = step == steps.JOIN_CONTROL_PLANE and is_removed(document, observed, member)
    if observed.local.joined == member.join_epoch and observed.local.kubelet_ca and not removed:
        return []
    params: Dict[str, Any] = {"joinEpoch": member.join_epoch}
    if step == steps.JOIN_CONTROL_PLANE:
        params["wipe"] = removed
    return [Action(step, targets.join(document, member), params, _admission(document, observed, member, removed))]


def is_removed(document: ClusterDocument, observed: Observed, member: Member) -> bool:
    """Return whether etcd data here is of a member that etcd, with quorum, does not list: a disk that came back."""
    listed = observed.api.etcd
    if not listed or not observed.local.etcd_epoch or etcd_member(observed, member) is not None:
        return False
    return healthy(listed) >= majority(voters(listed))


def _admission(document: ClusterDocument, observed: Observed, member: Member, removed: bool) -> Optional[Wait]:
    """Return why a host does not join yet. What a join has begun is finished without another admission."""
    epoch = observed.local.etcd_epoch
    if member.role != WORKER and epoch not in (0, document.bootstrap.epoch, None) and not removed:
        return Wait("etcd data that is not of this cluster is on the disk", (OPERATOR,))
    if member.role != WORKER and epoch is None:
        return Wait("the etcd data of this host cannot be read")
    if observed.local.kubelet_ca and not removed and observed.local.joined == 0:
        return None
    if formed(document, observed) is None and not observed.local.admitted:
        first = document.bootstrap.init_host_uid
        return Wait(f"{name_of(document, first)} has not formed the cluster yet", (first,))
    if observed.local.admitted is None or not observed.local.admitted:
        if observed.api.answers is False:
            return Wait(f"the API does not answer at {document.endpoint.host}")
        what = "the leader has not admitted this host yet"
        return Wait(what, tuple(m.host_uid for m in document.control_planes if m is not member)[:1])
    return None


def name_of(document: ClusterDocument, host_uid: str) -> str:
    """Return the node name of a host, for sentences."""
    member = document.member(host_uid)
    return member.node_name if member is not None else short(host_uid)

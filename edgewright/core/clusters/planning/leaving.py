"""What a host does that leaves: it waits until it may go, then resets itself, and never goes back once it has begun."""

from __future__ import annotations

from typing import Optional, Tuple

from edgewright.core.clusters import quorum, steps
from edgewright.core.clusters.actions import DELETING, OPERATOR, Action, Wait, short
from edgewright.core.clusters.model import CONTROL_PLANE, WORKER, ClusterDocument, Member
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.planning.judge import etcd_member, node_of

ALONE = 600.0
"""Seconds without an answer of the API, after which a worker leaves, and a cluster is deleted, by local clean-up."""


def leave(document: ClusterDocument, observed: Observed, member: Member, role: str) -> Tuple[Action, ...]:
    """Return the one action of a host that leaves."""
    if observed.local.reset:
        # An operator asked for it on this host: nothing is waited for.
        params = {"releaseId": observed.local.reset}
        return (Action(steps.RELEASE, short(observed.local.reset), params),)
    params = {"releaseId": member.release_id}
    step = steps.DELETE if role == DELETING else steps.RELEASE
    wait = None
    if observed.local.resetting != member.release_id and not observed.local.clean:
        wait = _delete(document, observed, member) if role == DELETING else _release(document, observed, member)
    return (Action(step, targets.release(member), params, wait),)


def _release(document: ClusterDocument, observed: Observed, member: Member) -> Optional[Wait]:
    api = observed.api
    never = not observed.local.kubelet_ca and observed.local.kubelet_ca is not None and not observed.local.etcd_epoch
    if never:
        return None  # it has not joined: nothing to move away
    if api.nodes is None:
        if member.role == WORKER and api.silent_for >= ALONE:
            return None
        return Wait(
            "the API does not answer, so the node cannot be drained", () if member.role == WORKER else (OPERATOR,)
        )
    node = node_of(observed, member)
    if node is not None and node.release != member.release_id:
        return Wait("the leader drains this host first")
    if member.role == CONTROL_PLANE:
        if api.etcd is None:
            return Wait("the members of etcd cannot be read", (OPERATOR,))
        entry = etcd_member(observed, member)
        if entry is not None:
            verdict = quorum.may_remove(api.etcd, entry.id)
            if not verdict.allowed:
                return Wait(f"{member.node_name} stays in etcd: {verdict.reason}", (OPERATOR,))
            return Wait("a survivor removes this host from etcd first")
    return None


def _delete(document: ClusterDocument, observed: Observed, member: Member) -> Optional[Wait]:
    """Return what a host of a deleted cluster waits for: workers go first, then control planes, the leader last."""
    if member.role == WORKER or observed.api.silent_for >= ALONE:
        return None
    leader = observed.api.lease.holder if observed.api.lease is not None else ""
    if not leader:
        leader = document.bootstrap.init_host_uid
    left = []
    for other in document.members:
        before = other.role == WORKER or (member.host_uid == leader and other.host_uid != leader)
        if other.host_uid != member.host_uid and before and not _left(observed, other):
            left.append(other)
    if not left:
        return None
    return Wait(f"{', '.join(other.node_name for other in left[:5])} first", tuple(other.host_uid for other in left))


def _left(observed: Observed, member: Member) -> bool:
    """Return whether a host has left: it reports so, was declared lost, or its Node is not ready or not there."""
    peer = observed.peers.get(member.host_uid)
    if member.lost or (peer is not None and peer.clean):
        return True
    if observed.api.nodes is None:
        return False
    node = node_of(observed, member)
    return node is None or not node.ready

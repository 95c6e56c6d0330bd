"""Whether a host may form the cluster: the rule that there is never a second init."""

from __future__ import annotations

from typing import Optional, Tuple

from edgewright.core.clusters.actions import OPERATOR, Wait
from edgewright.core.clusters.model import VIP, ClusterDocument, Member
from edgewright.core.clusters.observed import NO_OWNER, ONE_OWNER, TWO_OWNERS, Observed
from edgewright.core.clusters.planning.judge import formed


def may_form(document: ClusterDocument, observed: Observed, member: Member) -> Optional[Wait]:
    """Return why a host must not run `init` (yet), `None` when it may.

    All must be true: it is the host that the document names; no proof of formation in the document, on disk or, if that
    can be read, in the cluster; no etcd data here that is not of this epoch; no other member's API answers; nothing but
    this host answers for the VIP; and preflight has passed on all members. A host that has begun may finish.
    """
    local = observed.local
    if member.host_uid != document.bootstrap.init_host_uid:
        return Wait("another host forms the cluster", (document.bootstrap.init_host_uid,))
    if not local.done_readable:
        return Wait("the proof of formation on the disk cannot be read")
    if formed(document, observed) is not None:
        return Wait("the cluster is formed already", (OPERATOR,))
    if local.etcd_epoch is None:
        return Wait("the etcd data of this host cannot be read")
    if local.etcd_epoch not in (0, document.bootstrap.epoch):
        return Wait("etcd data that is not of this cluster is on the disk", (OPERATOR,))
    return _others(document, observed, member) or _vip(document, observed)


def _others(document: ClusterDocument, observed: Observed, member: Member) -> Optional[Wait]:
    waiting = []
    for other in document.present:
        if other.host_uid == member.host_uid:
            continue
        peer = observed.peers.get(other.host_uid)
        if peer is not None and peer.api:
            text = f"the API of {other.node_name} answers: a cluster is there already"
            return Wait(text, (OPERATOR,))
        if peer is None or peer.api is None:
            waiting.append((other, "cannot be probed"))
        elif observed.local.etcd_epoch == 0 and not peer.preflight:
            waiting.append((other, peer.reason or "has not passed preflight yet"))
    return _listed(tuple(waiting))


def _listed(waiting: Tuple[Tuple[Member, str], ...]) -> Optional[Wait]:
    if not waiting:
        return None
    text = "; ".join(f"{other.node_name} {reason}" for other, reason in waiting[:5])
    return Wait(text, tuple(other.host_uid for other, _ in waiting))


def _vip(document: ClusterDocument, observed: Observed) -> Optional[Wait]:
    if document.endpoint.kind != VIP:
        return None
    vip = observed.local.vip
    if vip.owners == NO_OWNER or (vip.owners == ONE_OWNER and vip.mac_is_ours):
        return None
    if vip.owners == TWO_OWNERS:
        return Wait(f"two hosts answer for {document.endpoint.host}", (OPERATOR,))
    if vip.owners == ONE_OWNER:
        return Wait(f"another machine answers for {document.endpoint.host}", (OPERATOR,))
    return Wait(f"who answers for {document.endpoint.host} is not known")

"""What a host does at each look besides its steps: answer members, note a join; the leader its Lease and Nodes."""

from __future__ import annotations

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube import leader, nodes
from edgewright.agent.clusters.kube.api import admin
from edgewright.agent.clusters.kube.joining import note_joined_here
from edgewright.core.clusters.model import PRESENT
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planning.duties import may_lead
from edgewright.core.clusters.planning.judge import joined
from edgewright.core.errors import EdgewrightError

RENEW = 45.0
"""Seconds after which the leader renews its Lease."""
STAMP = paths.RUN + "/renewed.json"


def tend(context: Context, observed: Observed) -> bool:
    """Do what is due; return whether something changed that was observed before. Never raises for the cluster."""
    member = context.document.member(context.host_uid)
    if member is None:
        return False
    leads = may_lead(context.document, observed)
    if member.state != PRESENT and not leads:
        give_vip_up(context)
        return False
    try:
        if member.state != PRESENT:
            return _lead(context, observed)  # until a control plane that stays can; it serves the VIP as long
        context.claim()
        if len(context.document.members) > 1:
            failed = observed.local.preflight
            peer.write_status(
                context,
                prepared=observed.local.images_missing == 0,
                preflight=bool(observed.local.kubelet_ca) or (failed is not None and not failed.failures),
            )
            peer.serve_status(context)
        begun = not observed.local.joined and observed.local.kubelet_ca
        if begun and joined(observed, context.document, member):
            note_joined_here(context)
        return _lead(context, observed)
    except EdgewrightError:
        return False  # the next look tries again


def give_vip_up(context: Context) -> None:
    """Let another control plane have the VIP as soon as this host is to leave, before its API server ends."""
    host = context.host
    serves = context.has_vip and host.has(f"{paths.UNITS}/{paths.KEEPALIVED_UNIT}")
    if not serves or not context.me.release_id or not context.document.control_planes:
        return
    if host.run(["systemctl", "is-active", "--quiet", paths.KEEPALIVED_UNIT]).code == 0:
        host.run(["systemctl", "stop", paths.KEEPALIVED_UNIT], 30)


def _lead(context: Context, observed: Observed) -> bool:
    if not may_lead(context.document, observed):
        return False
    lease = observed.api.lease
    due = lease is None or lease.holder != context.host_uid or lease.age > RENEW
    renewed = due and leader.renew(context, admin(context.host))
    if lease is not None and lease.holder == context.host_uid:
        nodes.settle(admin(context.host), context.document)
    return renewed

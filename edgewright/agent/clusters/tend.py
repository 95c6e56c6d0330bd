"""What a host does at each look besides its steps: settings, answers to members; the leader its Lease and Nodes."""

from __future__ import annotations

import json

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.content.sweep import sweep_once
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.gather import connect
from edgewright.agent.clusters.k3s import admission
from edgewright.agent.clusters.kube import leader, nodes
from edgewright.agent.clusters.kube.api import admin
from edgewright.agent.clusters.kube.joining import note_joined_here
from edgewright.agent.clusters.machine import settings
from edgewright.agent.clusters.outside import step_out
from edgewright.agent.reconcile.steps import unit_name
from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import short
from edgewright.core.clusters.model import PRESENT
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planning.duties import may_lead
from edgewright.core.clusters.planning.judge import etcd_member, joined
from edgewright.core.errors import EdgewrightError

RENEW = 45.0
"""Seconds after which the leader renews its Lease."""
NODES = 20.0
NODES_STAMP = paths.RUN + "/nodes.json"
"""When the leader looked at all Nodes, for which document, and what was wrong."""


def tend(context: Context, observed: Observed) -> bool:
    """Do what is due; return whether something changed that was observed before. Never raises for the cluster."""
    member = context.document.member(context.host_uid)
    if member is None:
        return False
    leads = may_lead(context.document, observed)
    if member.state != PRESENT and not leads:
        give_vip_up(context)
        return _resign(context, observed)
    changed = False
    try:
        if member.state != PRESENT:
            return _lead(context, observed)  # until a control plane that stays can; it serves the VIP as long
        context.claim()
        changed = settings.settle(context)
        if len(context.document.members) > 1:
            failed = observed.local.preflight
            served = (observed.api.served if leads else None) or frozenset()
            peer.write_status(
                context,
                prepared=observed.local.images_missing == 0,
                preflight=bool(observed.local.kubelet_ca) or (failed is not None and not failed.failures),
                **(admission.answer(context, served) if context.k3s else {}),
            )
            peer.serve_status(context)
        if observed.local.tree == context.document.tree.digest and not (
            observed.local.images_missing or observed.local.content_missing or observed.local.images_missing is None
        ):
            sweep_once(context)
        begun = not observed.local.joined and observed.local.kubelet_ca
        if begun and joined(observed, context.document, member):
            note_joined_here(context)
        return step_out(context, observed, member) or _lead(context, observed) or changed
    except EdgewrightError:
        return changed  # the next look tries again


def give_vip_up(context: Context) -> None:
    """Let another control plane have the VIP as soon as this host is to leave, before its API server ends."""
    host = context.host
    serves = context.has_vip and host.has(f"{paths.UNITS}/{paths.KEEPALIVED_UNIT}")
    if not serves or not context.me.release_id or not context.document.control_planes:
        return
    if host.run(["systemctl", "is-active", "--quiet", paths.KEEPALIVED_UNIT]).code == 0:
        host.run(["systemctl", "stop", paths.KEEPALIVED_UNIT], 30)


def _resign(context: Context, observed: Observed) -> bool:
    """Give the Lease up when this host leaves, or its API does not serve, and another one can lead.

    Otherwise the others wait until it is too old. Not while the cluster is deleted: its leader goes last, and everyone
    has to know who that is. Not while a program of this host changes an add-on either.
    """
    lease, leaves = observed.api.lease, context.me.state != PRESENT
    if lease is None or lease.holder != context.host_uid or context.document.ending or observed.api.etcd is None:
        return False
    others = [member for member in context.document.control_planes if member.host_uid != context.host_uid]
    entries = [etcd_member(observed, member) for member in others]
    if not (leaves or not observed.local.api_ready) or not any(entry and entry.healthy for entry in entries):
        return False
    if _changes_layer(context):
        return False
    try:
        leader.resign(context, connect(context))
    except EdgewrightError:
        return False  # the next look tries again
    return True


def _changes_layer(context: Context) -> bool:
    """Return whether a program of this host installs or removes an add-on.

    Another leader would take that for what a helm that was killed has left, and remove it.
    """
    begin = f"cluster-{short(context.document.uid, 8)}"
    units = [unit_name(f"{begin}-{step}-*") for step in (steps.LAYER, steps.REMOVE_LAYER)]
    listed = context.host.run(["systemctl", "list-units", "--plain", "--no-legend", "--state=running", *units], 20)
    return bool(listed.output.strip())


def _lead(context: Context, observed: Observed) -> bool:
    if not may_lead(context.document, observed):
        return _resign(context, observed)
    lease = observed.api.lease
    due = lease is None or lease.holder != context.host_uid or lease.age > RENEW
    renewed = due and leader.renew(context, admin(context.host))
    if lease is not None and lease.holder == context.host_uid:
        _nodes(context)
    return renewed


def _nodes(context: Context) -> None:
    """Let Nodes have what the document wants of them, at once for another document and every `NODES` seconds."""
    host, digest = context.host, context.document.digest
    before = host.json(NODES_STAMP)
    at = before.get("at")
    if before.get("digest") == digest and isinstance(at, (int, float)) and 0 <= host.uptime() - at < NODES:
        return
    problem = ""
    try:
        for name in nodes.settle(admin(host), context.document):
            host.report(f"the Node {name} is changed as the document wants it")
    except EdgewrightError as error:
        problem = error.message
        if problem != before.get("problem"):
            host.report(f"Nodes cannot be changed as the document wants it: {problem}")
    body = {"digest": digest, "at": host.uptime(), "problem": problem}
    host.write(NODES_STAMP, json.dumps(body).encode(), 0o600, durable=False)

"""Hosts that will never return: declared lost by an operator, and removed without their confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from edgewright.core.clusters import quorum
from edgewright.core.clusters.quorum import EtcdMember
from edgewright.hub.clusters import form
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import conflict, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.clusters.access import Edited, Loaded
from edgewright.hub.resources.clusters.pools import guard
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]


async def forget(call: Call) -> Response:
    """Declare a host of a cluster lost: the others remove it and its Node, and nothing waits for it."""
    item = access.find(call)
    uid = str((await call.body()).get("hostUid") or "")
    await access.change(call, item, "update", partial(_lost, call, item, uid))
    return call.empty()


def _lost(call: Call, item: Cluster, uid: str, now: Loaded) -> Edited:
    name = now.record.name
    pool, machine = next((row for row in form.machines(now.head) if row[1]["hostUid"] == uid), (None, None))
    if pool is None or machine is None:
        raise not_found(f"host of the cluster '{name}'", uid)
    title = machine["hostName"]
    entry = call.hub.state.hosts.get(uid)
    if entry is not None:
        renderer = call.hub.renderer
        if renderer.silence(entry, call.now) < renderer.host_limit(entry):
            text = f"The host '{title}' is in contact and cannot be lost; release it from the cluster '{name}' instead."
            raise conflict(text, wire.E_CONTACT)
    if machine["state"] == wire.PRESENT:
        form.release(machine)
        guard(now, pool, 1)
    if form.is_control_plane(pool["config"]):
        _guard(call.hub.part(Reports).document(item.uid), now, title, machine["nodeName"])
    machine["lost"] = True
    return Edited(f"the host '{title}' is declared lost", now.head)


def _guard(report: Mapping[str, Any], now: Loaded, title: str, node: str) -> None:
    """Raise 409 unless etcd has a majority without a control plane, by what the leader reports of it."""
    name = now.record.name
    if now.head["done"] is None:
        text = f"The cluster '{name}' is not formed yet; delete it, and create it without the host '{title}'."
        raise conflict(text, wire.E_QUORUM)
    listed = etcd_of(report)
    if not listed:
        text = f"No control plane of the cluster '{name}' reports etcd; nothing shows that it works without '{title}'."
        raise conflict(f"{text} Bring another control plane back first.", wire.E_QUORUM)
    own = next((member for member in listed if member.name == node), None)
    if own is None:
        return
    verdict = quorum.may_remove(listed, own.id)
    if not verdict.allowed:
        text = f"The host '{title}' cannot be taken out of the cluster '{name}': {verdict.reason}."
        raise conflict(f"{text} Bring another control plane back first.", wire.E_QUORUM)


def etcd_of(report: Mapping[str, Any]) -> list[EtcdMember]:
    """Return the members of etcd in a report of the leader."""
    rows = [row for row in report.get("etcd") or () if isinstance(row, dict)]
    return [
        EtcdMember(
            str(row.get("id") or ""),
            str(row.get("name") or ""),
            bool(row.get("voter")),
            bool(row.get("healthy")),
            bool(row.get("leader")),
        )
        for row in rows
    ]


def removed(item: Cluster, report: Mapping[str, Any]) -> list[str]:
    """Return the lost hosts that are in the cluster no more: no Node has their name, nor does etcd list them.

    A report without nodes proves nothing, and for a control plane one without etcd, or with an unnamed member, neither.
    """
    nodes = {str(node.get("name") or "") for node in report.get("nodes") or ()}
    names = {member.name for member in etcd_of(report)}
    result = []
    for pool, machine in item.machines():
        if not machine.get("lost") or not nodes or machine["nodeName"] in nodes:
            continue
        if form.is_control_plane(pool["config"]) and (not names or names & {"", machine["nodeName"]}):
            continue
        result.append(machine["hostUid"])
    return result


ROUTES = (
    Route("POST", wire.FORGET, Access.WRITE, forget, On.OBJECT, body=shapes.obj(hostUid=shapes.name())),
)  # fmt: skip

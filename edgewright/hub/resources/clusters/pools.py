"""The cloud configuration of a cluster: endpoint and servers, machine pools, machines (`/v1/cloudconfigs`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from edgewright.core.clusters import quorum
from edgewright.hub.clusters import form, machine_documents, status
from edgewright.hub.clusters.host_facts import ProjectHosts
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.http import problems
from edgewright.hub.http.palette_bodies import cloudconfigs as palette
from edgewright.hub.http.problems import conflict, invalid
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.clusters.access import Edited, Loaded
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_FIXED = ("controlPlaneEndpoint", "overlayNetworkConfiguration", "isTwoNodeCluster", "staticIp")
"""What a cluster is made with and cannot change: certificates and kubeconfigs contain the endpoint."""
PoolEdit = Callable[[Loaded], str]


async def get(call: Call) -> Response:
    """Return the configuration with all pools and their hosts."""
    return call.json(machine_documents.cloud_config(access.of_config(call)))


async def update(call: Call) -> Response:
    """Change time servers and SSH keys; raises 409 for what is fixed."""
    item = access.of_config(call)
    sent = (await call.body()).get("clusterConfig") or {}

    def edit(now: Loaded) -> Edited:
        stored = now.head["cloudConfig"]
        for key in _FIXED:
            if key in sent and sent[key] != stored.get(key) and (sent[key] or stored.get(key)):
                text = f"{key} of the cluster '{now.record.name}' cannot be changed: its certificates contain it."
                raise conflict(f"{text} Make a new cluster.", "Fixed")
        now.head["cloudConfig"] = {**stored, **sent}
        return Edited("its cloud configuration is changed", now.head, again=True)

    await access.change(call, item, "update", edit)
    return call.empty()


async def _changed(call: Call, edit: PoolEdit) -> Response:
    """Change the pools of the cluster of the call; `edit` changes the head and returns what it did."""
    item = access.of_config(call)

    def edited(now: Loaded) -> Edited:
        return Edited(edit(now), now.head)

    await access.change(call, item, "update", edited)
    return call.empty()


def _hosts(call: Call) -> ProjectHosts:
    return ProjectHosts(call.hub, access.of_config(call).record.project_uid)


async def create_pool(call: Call) -> Response:
    """Add a pool; answers with its name, by which pools are addressed."""
    item, body = access.of_config(call), await call.body()
    name = str((body.get("poolConfig") or {}).get("name") or "")
    hosts = _hosts(call)

    def edit(now: Loaded) -> Edited:
        if form.is_control_plane(body.get("poolConfig") or {}):
            other = next((pool for pool in now.head["pools"] if form.is_control_plane(pool["config"])), None)
            if other is not None:
                text = f"The control planes of '{now.record.name}' are in the pool '{other['name']}'; add hosts to it."
                raise conflict(text, "PoolRole")
        form.add_pool(now.head, body, hosts, call.now)
        return Edited(f"the machine pool '{name}' is added", now.head)

    await access.change(call, item, "update", edit)
    return call.created(name)


async def update_pool(call: Call) -> Response:
    """Replace a pool: hosts that are new join, hosts that are not named leave."""
    name, body = call.params["machinePoolName"], await call.body()
    hosts = _hosts(call)

    def edit(now: Loaded) -> str:
        pool = form.find_pool(now.head, name)
        before = {machine["uid"] for machine in form.present(pool)}
        form.update_pool(now.head, name, body, hosts, call.now)
        after = {machine["uid"] for machine in form.present(pool)}
        guard(now, pool, len(before - after))
        added, released = len(after - before), len(before - after)
        return f"the machine pool '{name}' is updated ({added} hosts join, {released} leave)"

    return await _changed(call, edit)


async def delete_pool(call: Call) -> Response:
    """Remove a pool: its hosts leave, and it disappears with the last of them."""
    name = call.params["machinePoolName"]

    def edit(now: Loaded) -> str:
        pool = form.find_pool(now.head, name)
        if form.is_control_plane(pool["config"]):
            text = f"The pool '{name}' has the control planes of the cluster '{now.record.name}'; delete the cluster."
            raise conflict(text, "PoolRole")
        for machine in pool["machines"]:
            form.release(machine)
        if pool["machines"]:
            pool["removing"] = True
        else:
            now.head["pools"].remove(pool)
        return f"the machine pool '{name}' is removed"

    return await _changed(call, edit)


def guard(now: Loaded, pool: Json, leaving: int) -> None:
    """Raise 409 when more than one control plane would leave at once, or the last one.

    Hosts guard the quorum by what etcd reports; this refuses what no report could allow.
    """
    if not leaving or not form.is_control_plane(pool["config"]):
        return
    present = len(form.present(pool))
    if not present:
        text = f"The cluster '{now.record.name}' would have no control plane; delete the cluster instead."
        raise conflict(text, wire.E_QUORUM)
    if leaving > 1:
        before = present + leaving
        text = (
            f"{leaving} of {before} control planes of the cluster '{now.record.name}' would leave at once, and etcd "
            f"needs {quorum.majority(before)} of {before}. Release one, and the next one when it has left."
        )
        raise conflict(text, wire.E_QUORUM)


def _find(call: Call) -> tuple[Cluster, Json, Json]:
    """Return the cluster of the call with pool and machine, as the cluster has them now; raises 404."""
    item = access.of_config(call)
    pool = form.find_pool(item.head, call.params["machinePoolName"])
    return item, pool, form.find_machine(pool, call.params["machineUid"])


async def machines(call: Call) -> Response:
    """Return the machines of a pool."""
    item = access.of_config(call)
    pool = form.find_pool(item.head, call.params["machinePoolName"])
    listed = [member for member in status.members(call.hub, item) if member.pool is pool]
    return call.json({"items": [machine_documents.machine(call.hub, item, member) for member in listed]})


async def machine(call: Call) -> Response:
    """Return one machine."""
    item, _pool, own = _find(call)
    member = next(member for member in status.members(call.hub, item) if member.machine is own)
    return call.json(machine_documents.machine(call.hub, item, member))


async def add_machine(call: Call) -> Response:
    """Add a host to a pool."""
    name, item, hosts = call.params["machinePoolName"], access.of_config(call), _hosts(call)
    body = await call.body()
    host = str((body.get("spec") or {}).get("edgeHostUid") or "")
    if not host:
        raise invalid(problems.REQUIRED, "spec.edgeHostUid in body is required")
    uid = ""

    def edit(now: Loaded) -> Edited:
        nonlocal uid
        pool = form.find_pool(now.head, name)
        title = str((body.get("metadata") or {}).get("name") or "")
        uid = form.add_machine(now.head, pool, {"hostUid": host, "hostName": title}, hosts, call.now)["uid"]
        return Edited(f"the host '{host}' joins the machine pool '{name}'", now.head)

    await access.change(call, item, "update", edit)
    return call.created(uid)


async def delete_machine(call: Call) -> Response:
    """Ask a host to leave."""
    _find(call)
    name, uid = call.params["machinePoolName"], call.params["machineUid"]

    def edit(now: Loaded) -> str:
        pool = form.find_pool(now.head, name)
        own = form.find_machine(pool, uid)
        if own["state"] == wire.PRESENT:
            form.release(own)
            guard(now, pool, 1)
        return f"the host '{own['hostUid']}' leaves the machine pool '{name}'"

    return await _changed(call, edit)


async def maintenance(call: Call) -> Response:
    """Cordon a node or not: part of the document, which the leader carries out; no pods are moved."""
    _find(call)
    action = str((await call.body()).get("action") or "")
    if not action:
        raise invalid(problems.REQUIRED, "action in body is required")
    name, uid = call.params["machinePoolName"], call.params["machineUid"]

    def edit(now: Loaded) -> str:
        own = form.find_machine(form.find_pool(now.head, name), uid)
        if own["state"] != wire.PRESENT:
            raise conflict(f"The host '{own['hostName']}' leaves the cluster and is cordoned for that.", wire.E_STATE)
        own["maintenance"] = {"action": action}
        return f"the node '{own['nodeName']}' is to be {action}ed"

    return await _changed(call, edit)


async def machine_uids(call: Call) -> Response:
    """Return the uids of all machines by pool."""
    item = access.of_config(call)
    pools = {pool["name"]: {"machineUids": [own["uid"] for own in pool["machines"]]} for pool in item.head["pools"]}
    return call.json({"machinePools": pools})


_POOL_BODY = palette.EDGE_NATIVE_MACHINE_POOL_CONFIG_ENTITY
ROUTES = (
    Route("GET", wire.CONFIG, Access.READ, get),
    Route(
        "PUT", wire.CLUSTER_CONFIG, Access.WRITE, update, On.OBJECT,
        body=palette.EDGE_NATIVE_CLOUD_CLUSTER_CONFIG_ENTITY,
    ),
    Route("POST", wire.POOLS, Access.WRITE, create_pool, On.OBJECT, body=_POOL_BODY),
    Route("PUT", wire.POOL, Access.WRITE, update_pool, On.OBJECT, body=_POOL_BODY),
    Route("DELETE", wire.POOL, Access.WRITE, delete_pool, On.OBJECT),
    Route("GET", wire.MACHINES, Access.READ, machines),
    Route("POST", wire.MACHINES, Access.WRITE, add_machine, On.OBJECT, body=palette.EDGE_NATIVE_MACHINE),
    Route("GET", wire.MACHINE, Access.READ, machine),
    Route("DELETE", wire.MACHINE, Access.WRITE, delete_machine, On.OBJECT),
    Route("PUT", wire.MAINTENANCE, Access.WRITE, maintenance, On.OBJECT, body=palette.MACHINE_MAINTENANCE),
    Route("GET", wire.MACHINE_UIDS, Access.READ, machine_uids),
)  # fmt: skip

"""Role bindings and namespaces of a cluster, which become a layer of its document; repave status, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from edgewright.core import times
from edgewright.hub.clusters import form
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.http.palette_bodies import clusters as palette
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.clusters.access import Edited, Loaded
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_AUTHORITIES = {"etcd": "etcd-ca", "front-proxy": "front-proxy-ca"}
"""Which authority signs a certificate, by the beginning of its name; all others have that of Kubernetes."""


def _shown(row: Json, item: Cluster) -> Json:
    created = times.rfc3339(row["created"])
    meta = {"labels": {}, "annotations": {}, **row["metadata"]}
    about = {"kind": wire.KIND, "uid": item.uid, "name": item.record.name}
    return {
        "metadata": {**meta, "creationTimestamp": created, "lastModifiedTimestamp": created},
        "spec": {**row["spec"], "relatedObject": about},
        "status": {"errors": []},
    }


def _listing(call: Call, name: str) -> Response:
    item = access.find(call)
    return call.json({"items": [_shown(row, item) for row in item.head[name]]})


async def rbacs(call: Call) -> Response:
    """Return the role bindings."""
    return _listing(call, "rbacs")


async def namespaces(call: Call) -> Response:
    """Return the namespaces with their quotas."""
    return _listing(call, "namespaces")


async def _replace(call: Call, name: str, what: str) -> Response:
    item = access.find(call)
    sent = (await call.body()).get(name) or []

    def edit(now: Loaded) -> Edited:
        now.head[name] = form.named_resources(sent, now.head[name], what, call.now)
        return Edited(f"its {name} are set ({len(sent)})", now.head, again=True)

    await access.change(call, item, "update", edit)
    return call.empty()


async def put_rbacs(call: Call) -> Response:
    """Replace the role bindings."""
    return await _replace(call, "rbacs", "rbac")


async def put_namespaces(call: Call) -> Response:
    """Replace the namespaces."""
    return await _replace(call, "namespaces", "namespace")


def _find(head: Mapping[str, Any], name: str, what: str, uid: str) -> Json:
    row: Json | None = next((row for row in head[name] if row["metadata"]["uid"] == uid), None)
    if row is None:
        raise not_found(what, uid)
    return row


async def rbac(call: Call) -> Response:
    """Return one role binding."""
    item = access.find(call)
    return call.json(_shown(_find(item.head, "rbacs", "role binding", call.params["rbacUid"]), item))


async def namespace(call: Call) -> Response:
    """Return one namespace."""
    item = access.find(call)
    return call.json(_shown(_find(item.head, "namespaces", "namespace", call.params["namespaceUid"]), item))


async def _put_one(call: Call, name: str, what: str, uid: str) -> Response:
    item, body = access.find(call), await call.body()

    def edit(now: Loaded) -> Edited:
        row = _find(now.head, name, what, uid)
        meta = {**row["metadata"], **(body.get("metadata") or {})}
        row["metadata"] = {**meta, "uid": uid, "name": row["metadata"]["name"]}
        row["spec"] = body.get("spec") or {}
        return Edited(f"the {what} '{row['metadata']['name']}' is changed", now.head, again=True)

    await access.change(call, item, "update", edit)
    return call.empty()


async def put_rbac(call: Call) -> Response:
    """Change one role binding."""
    return await _put_one(call, "rbacs", "role binding", call.params["rbacUid"])


async def put_namespace(call: Call) -> Response:
    """Change one namespace."""
    return await _put_one(call, "namespaces", "namespace", call.params["namespaceUid"])


async def certificates(call: Call) -> Response:
    """Return the certificates that the leader reports, by node and authority (`v1MachineCertificates`)."""
    item = access.find(call)
    nodes: dict[str, dict[str, list[Json]]] = {}
    for row in call.hub.part(Reports).document(item.uid).get("certificates") or ():
        name = str(row.get("name") or "")
        signer = next((ca for prefix, ca in _AUTHORITIES.items() if name.startswith(prefix)), "ca")
        shown = {"name": name, **({"expiry": row["notAfter"]} if row.get("notAfter") else {})}
        nodes.setdefault(str(row.get("node") or ""), {}).setdefault(signer, []).append(shown)
    rows = []
    for node, signers in sorted(nodes.items()):
        own = [{"name": signer, "certificates": listed} for signer, listed in sorted(signers.items())]
        rows.append({"name": node, "certificateAuthorities": own})
    return call.json({"machineCertificates": rows})


async def repave_status(call: Call) -> Response:
    """Return whether a repave waits for approval: hosts of Edgewright are never repaved by a change of a profile."""
    item = access.find(call)
    stored = item.head.get("repave") or {}
    moment = times.rfc3339(item.record.modified)
    spec = {"reasons": [], "source": "user", "spectroClusterUid": item.uid}
    state = {"state": stored.get("state") or "Approved", "message": "", "repaveTransitionTime": moment}
    meta = {"uid": item.uid, "name": item.record.name, "labels": {}, "annotations": {}}
    return call.json({"metadata": meta, "spec": spec, "status": state})


async def approve(call: Call) -> Response:
    """Approve a repave."""
    item = access.find(call)

    def edit(now: Loaded) -> Edited:
        now.head["repave"] = {"state": "Approved"}
        return Edited("its repave is approved", now.head)

    await access.change(call, item, "action", edit)
    return call.empty()


async def backup(call: Call) -> Response:
    """Report that no backup is set up, with the code that clients accept."""
    item = access.find(call)
    text = f"The cluster '{item.record.name}' has no backup; Edgewright does not make them yet."
    raise Problem(404, wire.E_BACKUP, text)


async def scan(call: Call) -> Response:
    """Report that no scan is set up."""
    item = access.find(call)
    text = f"The cluster '{item.record.name}' has no compliance scan; Edgewright does not make them yet."
    raise Problem(404, protocol.E_NOT_FOUND, text)


ROUTES = (
    Route("GET", wire.RBACS, Access.READ, rbacs),
    Route("PUT", wire.RBACS, Access.WRITE, put_rbacs, On.OBJECT, body=palette.CLUSTER_RBAC_RESOURCES_UPDATE_ENTITY),
    Route("GET", wire.RBAC, Access.READ, rbac),
    Route("PUT", wire.RBAC, Access.WRITE, put_rbac, On.OBJECT, body=palette.CLUSTER_RBAC_INPUT_ENTITY),
    Route("GET", wire.NAMESPACES, Access.READ, namespaces),
    Route(
        "PUT", wire.NAMESPACES, Access.WRITE, put_namespaces, On.OBJECT,
        body=palette.CLUSTER_NAMESPACE_RESOURCES_UPDATE_ENTITY,
    ),
    Route("GET", wire.NAMESPACE, Access.READ, namespace),
    Route(
        "PUT", wire.NAMESPACE, Access.WRITE, put_namespace, On.OBJECT,
        body=palette.CLUSTER_NAMESPACE_RESOURCE_INPUT_ENTITY,
    ),
    Route("GET", wire.CERTIFICATES, Access.READ, certificates),
    Route("GET", wire.REPAVE_STATUS, Access.READ, repave_status),
    Route("PATCH", wire.REPAVE_APPROVE, Access.WRITE, approve, On.OBJECT),
    Route("GET", wire.BACKUP, Access.READ, backup),
    Route("GET", wire.SCAN, Access.READ, scan),
)  # fmt: skip

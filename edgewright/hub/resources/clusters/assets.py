"""Kubeconfigs of a cluster: stored files that a control plane handed over; nothing is made here."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection
from starlette.responses import Response

from edgewright.core.roles import ADMIN, OPERATOR
from edgewright.hub.clusters import status, store, tables
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import Problem, conflict
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.clusters import access
from edgewright.wire.protocol import clusters as wire

_BYTES = "application/octet-stream"


def read(connection: Connection, call: Call, uid: str, name: str) -> str:
    """Return a stored kubeconfig; "" without one."""
    return store.read_secret(connection, call.hub.box, uid, name)


async def has(call: Call, item: Cluster) -> tuple[bool, bool]:
    """Return whether the kubeconfigs for admins and for clients are stored."""
    names = await call.hub.read(lambda connection: store.secret_names(connection, item.uid))
    return store.ADMIN_CONFIG in names, store.CLIENT_CONFIG in names


async def _send(call: Call, name: str, role: str) -> Response:
    item = access.find(call)
    call.require(role, item.record.project_uid)
    record = item.record
    if record.phase == tables.DELETED_PHASE:
        text = f"The cluster '{record.name}' is deleted, and its kubeconfig with it."
        raise Problem(404, wire.E_DELETED, text)
    if item.head["simulated"]:
        raise conflict(f"The cluster '{record.name}' is simulated and has no API.", wire.E_SIMULATED)
    text = await call.hub.read(partial(read, call=call, uid=item.uid, name=name))
    if not text:
        state = status.state(item, status.members(call.hub, item))
        sentence = f"The cluster '{record.name}' has no kubeconfig yet: it is {state}. Ask again when it is Running."
        raise Problem(404, wire.E_NO_KUBECONFIG, sentence)
    word = "admin" if role == ADMIN else "client"

    def job(tx: Tx) -> None:
        message = f"The {word} kubeconfig of the cluster '{record.name}' is read"
        call.audit(tx, "action", wire.KIND, item.uid, record.name, message, record.project_uid)

    await call.write(job)
    return call.file(text, f"{record.name}.kubeconfig")


async def client(call: Call) -> Response:
    """Return the kubeconfig with the rights of an operator; for the roles operator and admin, and audited."""
    return await _send(call, store.CLIENT_CONFIG, OPERATOR)


async def admin(call: Call) -> Response:
    """Return the kubeconfig with the rights of an admin; for the role admin, and audited."""
    return await _send(call, store.ADMIN_CONFIG, ADMIN)


ROUTES = (
    Route(
        "GET", wire.KUBECONFIG, Access.OPERATE, client, On.OBJECT, query={"frp": shapes.text(8)}, returns=shapes.ANY,
        media=_BYTES,
    ),
    Route("GET", wire.KUBECONFIG_CLIENT, Access.OPERATE, client, On.OBJECT, returns=shapes.ANY, media=_BYTES),
    Route("GET", wire.KUBECONFIG_ADMIN, Access.WRITE, admin, On.OBJECT, returns=shapes.ANY, media=_BYTES),
)  # fmt: skip

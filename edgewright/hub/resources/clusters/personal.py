"""Personal kubeconfigs: a control plane signs a certificate request of the caller, with the rights of his role (P136).

The plane decides user, role and end, and carries the request to a host as an operation; the certificate is its result.
Neither of them is a secret: the private key stays with the caller.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from sqlalchemy import func, select
from starlette.responses import Response

from edgewright.core import times
from edgewright.core.roles import VIEWER
from edgewright.hub.clusters import status, tables
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.db import schema
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import Problem, conflict
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.relay.choice import choose
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.operations.routes import make_operation
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import personal

WAITING = 8
"""Requests that may wait for one host: viewers may make them, and no user is to take the place of operations."""
_LEAST_RSA, _LEAST_CURVE = 2048, 256
_UNREADABLE = (
    ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.DuplicateExtension, x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What the library raises for a request of another kind; the last two are no `ValueError`."""


def _cluster(call: Call) -> Cluster:
    """Return the cluster of a call; raises 404 for none, and while it has no API, 409 for a simulated one."""
    item = access.find(call)
    record = item.record
    call.require(VIEWER, record.project_uid)
    if record.phase == tables.DELETED_PHASE:
        raise Problem(404, wire.E_DELETED, f"The cluster '{record.name}' is deleted, and its kubeconfig with it.")
    if item.head["simulated"]:
        raise conflict(f"The cluster '{record.name}' is simulated and has no API.", wire.E_SIMULATED)
    if item.head["done"] is None:
        state = status.state(item, status.members(call.hub, item))
        sentence = f"The cluster '{record.name}' has no kubeconfig yet: it is {state}. Ask again when it is Running."
        raise Problem(404, wire.E_NO_KUBECONFIG, sentence)
    return item


def _role(call: Call, item: Cluster, wanted: str) -> str:
    """Return the role that a kubeconfig gets: the caller's own, or the lower one that is wanted; raises 403."""
    if wanted:
        call.require(wanted, item.record.project_uid)
    return wanted or call.actor.grants.role(item.record.project_uid)


async def offer(call: Call) -> Response:
    """Return whom a certificate request of the caller has to name: user and group, with the role and the seconds."""
    item = _cluster(call)
    role = _role(call, item, call.choice("role"))
    user = personal.user_name(call.actor.name, call.actor.uid)
    return call.json({"user": user, "group": personal.GROUPS[role], "role": role, "seconds": personal.VALID})


async def ask(call: Call) -> Response:
    """Ask the control plane that is reached first to sign a certificate request."""
    item = _cluster(call)
    body = await call.body()
    record, role = item.record, _role(call, item, str(body.get("role") or ""))
    user = personal.user_name(call.actor.name, call.actor.uid)
    request = check_request(str(body["request"]), user, personal.GROUPS[role])
    chosen = choose(call.hub, item, "", "no kubeconfig can be signed")
    until = times.rfc3339(call.now + personal.VALID)
    params = {"cluster": item.uid, "request": request, "user": user, "role": role, "until": until}

    def job(tx: Tx) -> str:
        lock_hosts(tx, [chosen.uid])
        table = schema.operations
        waits = (table.c.host_uid == chosen.uid) & (table.c.state == protocol.OP_PENDING)
        waiting = tx.first(select(func.count()).where(waits & (table.c.kind == protocol.OP_KUBECONFIG)))
        if waiting is not None and waiting[0] >= WAITING:
            text = f"{WAITING} kubeconfigs wait for the host '{chosen.name}'; try again in a moment."
            raise conflict(text, protocol.E_TOO_MANY_OPERATIONS)
        operation = make_operation(call, tx, protocol.OP_KUBECONFIG, params, None, chosen.uid)
        message = (
            f"A personal kubeconfig of the cluster '{record.name}' for {user} with the role {role}, "
            f"valid until {until}, is asked of the host '{chosen.name}'"
        )
        call.audit(tx, "action", wire.KIND, item.uid, record.name, message, record.project_uid)
        return operation

    operation = await call.write(job)
    return call.json({**chosen.document(), "operation": operation, "role": role, "until": until}, 202)


def check_request(text: str, user: str, group: str) -> str:
    """Return a certificate request (PEM) of this user and group, with a key that is strong, as this plane writes it.

    Raises `Problem` 422 for another one. Nothing but the subject may be in it: names or usages of its own would be in
    the certificate, too. Only what was read here is passed on: another reader may take another part of a text for it.
    """
    try:
        request = x509.load_pem_x509_csr(text.encode())
        key, signed, extensions = request.public_key(), request.is_signature_valid, len(request.extensions)
        subject = sorted((attribute.rfc4514_attribute_name, str(attribute.value)) for attribute in request.subject)
    except _UNREADABLE:
        raise _wrong("it cannot be read") from None
    if not signed:
        raise _wrong("its signature is not that of its key")
    if not _is_strong(key):
        raise _wrong(
            f"its key has to be Ed25519, an elliptic curve's with {_LEAST_CURVE} bits, or RSA with {_LEAST_RSA}"
        )
    if subject != [("CN", user), ("O", group)] or extensions:
        raise _wrong(f"its subject has to be CN={user} and O={group}, and nothing else in it")
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _is_strong(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.key_size >= _LEAST_CURVE
    return isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA
    )


def _wrong(reason: str) -> Problem:
    return Problem(422, personal.E_REQUEST, f"The certificate request is refused: {reason}.")


_ROLE = shapes.text(16, *personal.GROUPS)
_OFFER = shapes.obj(user=shapes.text(), group=shapes.text(), role=_ROLE, seconds=shapes.NUMBER)
_BODY = shapes.requiring(shapes.obj(request=shapes.text(personal.MAX_REQUEST), role=_ROLE), "request")
_ASKED = shapes.obj(
    operation=shapes.text(), host=shapes.text(), hostName=shapes.text(), by=shapes.text(), expectedAt=shapes.WHEN,
    seconds=shapes.NUMBER, role=_ROLE, until=shapes.WHEN,
)  # fmt: skip
ROUTES = (
    Route("GET", personal.PATH, Access.READ, offer, On.OBJECT, query={"role": _ROLE}, returns=_OFFER),
    Route("POST", personal.PATH, Access.READ, ask, On.OBJECT, body=_BODY, returns=_ASKED, status=202),
)

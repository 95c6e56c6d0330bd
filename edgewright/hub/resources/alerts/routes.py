"""Receivers of alerts over the API (rule P58). Only admins of the tenant add one: the hub connects to its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.db.shared.rows import queue, retain_project
from edgewright.hub.http import answers, problems
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.alerts import courier, receivers, shapes, stored
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.hub.resources.alerts.failure import DeliveryFailed
from edgewright.hub.resources.alerts.incidents import TEST, Incident, Message
from edgewright.hub.resources.alerts.message import document
from edgewright.hub.resources.alerts.receivers import SIGNING_PREFIX, WEBHOOK, Receiver, configure, seal
from edgewright.hub.security.secretbox import new_secret, new_uid
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

KIND = "alertreceiver"
_TABLE = schema.alert_receivers


def _find(call: Call) -> Receiver:
    """Return the receiver of the path within the caller's scope; raises 404."""
    receiver = call.hub.part(Alerting).receivers.get(call.uid)
    if receiver is None or not call.scope.covers(receiver.project_uid):
        raise not_found("alert receiver", call.uid)
    return receiver


async def _documents(call: Call, chosen: list[Receiver]) -> list[dict[str, Any]]:
    waiting = await call.hub.read(stored.counts)
    return [receiver.document(waiting.get(receiver.uid, 0)) for receiver in chosen]


async def listing(call: Call) -> Response:
    """List the receivers of the reader's scope with how their deliveries go; nothing secret."""
    every = call.hub.part(Alerting).receivers.values()
    chosen = [receiver for receiver in every if call.scope.covers(receiver.project_uid)]
    chosen.sort(key=lambda receiver: (receiver.name.casefold(), receiver.uid))
    return call.json({"items": await _documents(call, chosen)})


async def get(call: Call) -> Response:
    """Return one receiver."""
    return call.json((await _documents(call, [_find(call)]))[0])


async def create(call: Call) -> Response:
    """Add a receiver; a signing key that the hub made for a webhook is in this answer and nowhere else."""
    body = await call.body()
    name, kind = body["name"].strip(), body["kind"]
    if not name:
        raise problems.invalid(problems.REQUIRED, "name in body is required")
    config, secret = configure(kind, body)
    made = ""
    if kind == WEBHOOK and not secret["key"]:
        made = secret["key"] = new_secret(SIGNING_PREFIX)
    active = bool(body.get("active", True))
    receiver = await add(call, name, kind, config, secret, call.project, active=active)
    return call.json({"uid": receiver.uid, **({"key": made} if made else {})}, 201)


async def add(
    call: Call, name: str, kind: str, config: dict[str, Any], secret: dict[str, Any], project: str, *, active: bool
) -> Receiver:
    """Store a receiver; raises 409 for a name that exists in the project, or too many receivers."""
    sealed = seal(call.hub.box, secret)

    def job(tx: Tx) -> Receiver:
        if tx.first(select(_TABLE.c.uid).where(_TABLE.c.name == name, _TABLE.c.project_uid == project)) is not None:
            raise problems.conflict(f"An alert receiver named '{name}' exists already.", "DuplicateName")
        queue(tx, "receivers")
        if int(tx.first(select(func.count()).select_from(_TABLE))[0]) >= receivers.MOST:
            raise Problem(
                409, protocol.E_TOO_MANY_RECEIVERS, f"A plane has at most {receivers.MOST} alert receivers; remove one."
            )
        retain_project(tx, project)
        receiver = Receiver(new_uid(), name, kind, project, active, dump(config), sealed, tx.now, tx.now)
        tx.run(_TABLE.insert().values(**msgspec.structs.asdict(receiver)))
        text = f"Alert receiver '{name}' is added: {kind} to {config['target']}"
        call.audit(tx, "create", KIND, receiver.uid, name, text, project)
        tx.changed(receiver)
        return receiver

    return await call.write(job)


def change(tx: Tx, uid: str, **changes: Any) -> None:
    """Change columns of a receiver; raises 404."""
    if not receivers.note(tx, uid, **changes):
        raise not_found("alert receiver", uid)


async def switch(call: Call) -> Response:
    """Switch a receiver on or off; what waits for it stays."""
    body = await call.body()
    before = _find(call)
    active = body["active"]

    def job(tx: Tx) -> None:
        change(tx, before.uid, active=active, modified=tx.now)
        text = f"Alert receiver '{before.name}' is switched {'on' if active else 'off'}"
        call.audit(tx, "update", KIND, before.uid, before.name, text, before.project_uid)

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a receiver with everything that waits for it."""
    before = _find(call)

    def job(tx: Tx) -> None:
        if not tx.run(_TABLE.delete().where(_TABLE.c.uid == before.uid)):
            raise not_found("alert receiver", before.uid)
        lost = stored.delete_messages_of(tx, before.uid)
        waited = f"; {lost} waiting messages are deleted" if lost else ""
        text = f"Alert receiver '{before.name}' is removed{waited}"
        call.audit(tx, "delete", KIND, before.uid, before.name, text, before.project_uid)
        tx.removed(before)

    await call.write(job)
    return call.empty()


async def test(call: Call) -> Response:
    """Send one message at once, past the queue; returns whether the receiver accepted it."""
    receiver = _find(call)
    now, uid = times.now(), new_uid()
    problem = {
        "key": "test",
        "kind": "test",
        "subject": receiver.name,
        "text": f"this receiver works; sent by {call.origin}",
        "since": now,
        "owner": "operator",
        "hosts": 0,
        "nextStep": "Nothing to do.",
    }
    incident = Incident("test", receiver.project_uid, "test", now, problem)
    project = call.hub.state.projects.get(receiver.project_uid)
    named = (receiver.project_uid, project.name if project else "")
    doc = document(Message(receiver.uid, TEST, incident, problem), uid, named, None, now)
    error = ""
    try:
        await courier.deliver(call.hub, receiver, doc)
    except DeliveryFailed as failure:
        error = failure.message

    def job(tx: Tx) -> None:
        changes: dict[str, Any] = {"last_error": error}
        changes["last_failure" if error else "last_success"] = tx.now
        receivers.note(tx, receiver.uid, **changes)
        text = f"Alert receiver '{receiver.name}' is tested: {error or 'delivered'}"
        call.audit(tx, "action", KIND, receiver.uid, receiver.name, text, receiver.project_uid)

    await call.write(job)
    if not error:
        call.hub.part(Alerting).poke(receiver.uid, healthy=True)
    return call.json({"deliveryId": uid, "delivered": not error, "error": error})


ROUTES = (
    Route("GET", protocol.RECEIVERS, Access.READ, listing, returns=answers.items(shapes.RECEIVER_SHOWN)),
    Route(
        "POST",
        protocol.RECEIVERS,
        Access.WRITE,
        create,
        On.TENANT,
        body=shapes.RECEIVER,
        returns=shapes.RECEIVER_MADE,
        status=201,
    ),
    Route("GET", protocol.RECEIVER, Access.READ, get, returns=shapes.RECEIVER_SHOWN),
    Route("PATCH", protocol.RECEIVER, Access.WRITE, switch, On.TENANT, body=shapes.RECEIVER_STATE),
    Route("DELETE", protocol.RECEIVER, Access.WRITE, delete, On.TENANT),
    Route("POST", protocol.RECEIVER_TEST, Access.WRITE, test, On.TENANT, returns=shapes.TESTED),
)

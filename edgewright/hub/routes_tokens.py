"""Registration tokens: made, read back, ended, and which hosts came in by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.hub import bodies, problems, schema
from edgewright.hub.auth import ADMIN
from edgewright.hub.problems import not_found
from edgewright.hub.records import TokenRecord, dump
from edgewright.hub.routing import Access, Call, Route
from edgewright.hub.secretbox import digest, new_secret, new_uid
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.writer import Tx

KIND = "edgetoken"
TOKEN_HOSTS = protocol.PREFIX + "/tokens/{uid}/hosts"


def _need(tx: Tx, uid: str) -> TokenRecord:
    row = tx.one(select(schema.tokens).where(schema.tokens.c.uid == uid))
    if row is None:
        raise not_found("registration token", uid)
    return TokenRecord(**row._mapping)


def _save(call: Call, tx: Tx, record: TokenRecord, message: str, **changes: Any) -> None:
    newer = msgspec.structs.replace(record, modified=tx.now, **changes)
    tx.run(schema.tokens.update().where(schema.tokens.c.uid == record.uid).values(modified=tx.now, **changes))
    call.audit(tx, "update", KIND, record.uid, newer.name, message)

    def taken() -> None:
        call.hub.state.put_token(newer)
        call.hub.changes.publish("token", "put", newer.uid)

    tx.after(taken)


def _split(call: Call, body: dict[str, Any]) -> tuple[str, str | None, float | None, dict[str, Any]]:
    """Return name, default project, expiry and the document to keep."""
    meta, spec = dict(body.get("metadata") or {}), dict(body.get("spec") or {})
    name = str(meta.get("name") or "").strip()
    if not name:
        raise problems.invalid(problems.REQUIRED, "metadata.name in body is required")
    project = str(spec.pop("defaultProjectUid", "") or "") or None
    if project and project not in call.hub.state.projects:
        raise not_found("project", project)
    expiry = times.parse(spec.pop("expiry", None))
    for secret in ("token", "defaultProject"):
        spec.pop(secret, None)
    for stamp in ("uid", "creationTimestamp", "lastModifiedTimestamp", "deletionTimestamp"):
        meta.pop(stamp, None)
    rest = {key: value for key, value in body.items() if key not in ("metadata", "spec", "status")}
    return name, project, expiry, {**rest, "metadata": meta, "spec": spec}


def _record(call: Call) -> TokenRecord:
    record = call.hub.state.tokens.get(call.uid)
    if record is None:
        raise not_found("registration token", call.uid)
    return record


async def listing(call: Call) -> Response:
    """List every token; its text is for admins only."""
    secret = call.actor.role == ADMIN
    records = sorted(call.hub.state.tokens.values(), key=lambda record: (record.name, record.uid))
    return call.json({"items": [call.hub.renderer.token(record, secret=secret, now=call.now) for record in records]})


async def create(call: Call) -> Response:
    """Make a token."""
    body = await call.body(bodies.TOKEN)
    name, project, expiry, document = _split(call, body)
    if expiry is not None and expiry <= call.now:
        raise problems.invalid(problems.MINIMUM, "spec.expiry in body should lie in the future")
    secret = new_secret(protocol.TOKEN_PREFIX)
    hub = call.hub

    def job(tx: Tx) -> str:
        if tx.one(select(schema.tokens.c.uid).where(schema.tokens.c.name == name)) is not None:
            raise problems.conflict(f"A registration token named '{name}' exists already.", "DuplicateName")
        record = TokenRecord(
            new_uid(), name, digest(secret), hub.box.seal(secret), project, True, expiry, dump(document), tx.now, tx.now
        )
        tx.run(schema.tokens.insert().values(**msgspec.structs.asdict(record)))
        call.audit(tx, "create", KIND, record.uid, name, f"Registration token '{name}' is created")

        def taken() -> None:
            hub.state.put_token(record)
            hub.changes.publish("token", "put", record.uid)

        tx.after(taken)
        return record.uid

    return call.created(await call.write(job))


async def get(call: Call) -> Response:
    """Return one token."""
    return call.json(call.hub.renderer.token(_record(call), secret=call.actor.role == ADMIN, now=call.now))


async def update(call: Call) -> Response:
    """Change name, description, default project or expiry."""
    body = await call.body(bodies.TOKEN)
    body.setdefault("metadata", {}).setdefault("name", _record(call).name)
    name, project, expiry, document = _split(call, body)

    def job(tx: Tx) -> None:
        record = _need(tx, call.uid)
        message = f"Registration token '{name}' is updated"
        _save(call, tx, record, message, name=name, project_uid=project, expiry=expiry, doc=dump(document))

    await call.write(job)
    return call.empty()


async def set_state(call: Call) -> Response:
    """Revoke a token or make it valid again; hosts that came in by it stay (rule P11)."""
    body = await call.body(bodies.ACTIVE)
    active = bool(body.get("isActive", False))

    def job(tx: Tx) -> None:
        record = _need(tx, call.uid)
        message = f"Registration token '{record.name}' is {'active again' if active else 'revoked'}"
        _save(call, tx, record, message, active=active)

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a token."""

    def job(tx: Tx) -> None:
        record = _need(tx, call.uid)
        tx.run(schema.tokens.delete().where(schema.tokens.c.uid == record.uid))
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Registration token '{record.name}' is deleted")

        def gone() -> None:
            call.hub.state.drop_token(record.uid)
            call.hub.changes.publish("token", "delete", record.uid)

        tx.after(gone)

    await call.write(job)
    return call.empty()


async def hosts(call: Call) -> Response:
    """List the hosts that came in by a token."""
    record, state = _record(call), call.hub.state
    found = [
        {
            "uid": entry.record.uid,
            "name": entry.facts.name,
            "registeredAt": times.rfc3339(entry.record.registered_at),
            "healthState": entry.live.health,
            "projectUid": entry.record.project_uid,
        }
        for entry in (state.hosts[uid] for uid in state.came_by.get(record.uid, ()))
    ]
    return call.json({"items": sorted(found, key=lambda item: str(item["uid"]))})


ROUTES = (
    Route("GET", protocol.TOKENS, Access.READ, listing),
    Route("POST", protocol.TOKENS, Access.WRITE, create),
    Route("GET", protocol.TOKEN, Access.READ, get),
    Route("PUT", protocol.TOKEN, Access.WRITE, update),
    Route("DELETE", protocol.TOKEN, Access.WRITE, delete),
    Route("PUT", protocol.TOKEN_STATE, Access.WRITE, set_state),
    Route("GET", TOKEN_HOSTS, Access.READ, hosts),
)

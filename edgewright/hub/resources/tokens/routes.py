"""Registration tokens: made, read back, ended, and which hosts registered with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import TokenRecord, dump
from edgewright.hub.db.shared.rows import locked, retain_project
from edgewright.hub.http import answers, bodies, problems
from edgewright.hub.http.merge import check_expiry, merge_expiry, merge_metadata
from edgewright.hub.http.problems import not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resources.tokens import shapes
from edgewright.hub.resources.tokens.document import document
from edgewright.hub.security.secretbox import digest, new_secret, new_uid
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

KIND = "edgetoken"
_COLUMNS = ("token", "defaultProject", "defaultProjectUid", "expiry")
TOKEN_HOSTS = protocol.PREFIX + "/tokens/{uid}/hosts"


def _get_or_404(tx: Tx, uid: str) -> TokenRecord:
    row = tx.first(locked(select(schema.tokens).where(schema.tokens.c.uid == uid)))
    if row is None:
        raise not_found("registration token", uid)
    return TokenRecord(**row._mapping)


def _save(call: Call, tx: Tx, record: TokenRecord, message: str, **changes: Any) -> None:
    newer = msgspec.structs.replace(record, modified=tx.now, **changes)
    tx.run(schema.tokens.update().where(schema.tokens.c.uid == record.uid).values(modified=tx.now, **changes))
    call.audit(tx, "update", KIND, record.uid, newer.name, message)
    tx.changed(newer)


def _name(body: dict[str, Any]) -> str:
    name = str((body.get("metadata") or {}).get("name") or "").strip()
    if not name:
        raise problems.invalid(problems.REQUIRED, "metadata.name in body is required")
    return name


def _project(call: Call, uid: str) -> str | None:
    """Return the uid of a project that exists, `None` for an empty one; raises 404."""
    if uid and uid not in call.hub.state.projects:
        raise not_found("project", uid)
    return uid or None


def _document(body: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored besides the columns, with what `body` sends in place of what `stored` has."""
    spec = {key: value for key, value in (body.get("spec") or {}).items() if key not in _COLUMNS}
    rest = {key: value for key, value in body.items() if key not in ("metadata", "spec", "status")}
    return {
        **stored,
        **rest,
        "metadata": merge_metadata(stored.get("metadata") or {}, body.get("metadata") or {}),
        "spec": {**(stored.get("spec") or {}), **spec},
    }


def _refuse_duplicate(tx: Tx, name: str, own_uid: str = "") -> None:
    """Raise 409 when another token has this name: Palette's clients find tokens by name."""
    same = select(schema.tokens.c.uid).where(schema.tokens.c.name == name, schema.tokens.c.uid != own_uid)
    if tx.first(same) is not None:
        raise problems.conflict(f"A registration token named '{name}' exists already.", "DuplicateName")


def _record(call: Call) -> TokenRecord:
    record = call.hub.part(Tokens).by_uid.get(call.uid)
    if record is None or not _seen(call, record):
        raise not_found("registration token", call.uid)
    return record


def _seen(call: Call, record: TokenRecord) -> bool:
    """Return whether the caller may know of a token: all for a role of the tenant, else those of its projects."""
    return call.actor.grants.sees(record.project_uid or "")


async def listing(call: Call) -> Response:
    """List the tokens; the text is for admins only."""
    secret = call.is_admin
    shown = (record for record in call.hub.part(Tokens).by_uid.values() if _seen(call, record))
    records = sorted(shown, key=lambda record: (record.name, record.uid))
    items = []
    async with call.pace() as pace:
        for record in records:
            items.append(document(call.hub, record, secret=secret, now=call.now))
            if pace.due:
                await pace.rest()
    return call.json({"items": items})


async def create(call: Call) -> Response:
    """Make a token."""
    body = await call.body()
    spec = body.get("spec") or {}
    name, project = _name(body), _project(call, str(spec.get("defaultProjectUid") or ""))
    expiry = check_expiry(times.parse(spec.get("expiry")), call.now)
    doc = check_record("registration token", name, dump(_document(body, {})))
    secret = new_secret(protocol.TOKEN_PREFIX)
    hub = call.hub

    def job(tx: Tx) -> str:
        _refuse_duplicate(tx, name)
        retain_project(tx, project or "")
        record = TokenRecord(
            new_uid(), name, digest(secret), hub.box.seal(secret), project, True, expiry, doc, tx.now, tx.now
        )
        tx.run(schema.tokens.insert().values(**msgspec.structs.asdict(record)))
        call.audit(tx, "create", KIND, record.uid, name, f"Registration token '{name}' is created")
        tx.changed(record)
        return record.uid

    return call.created(await call.write(job))


async def get(call: Call) -> Response:
    """Return one token."""
    return call.json(document(call.hub, _record(call), secret=call.is_admin, now=call.now))


async def update(call: Call) -> Response:
    """Change name, description, default project or expiry; what is not sent stays (rule P51)."""
    body = await call.body()
    spec = body.get("spec") or {}
    wanted = _project(call, str(spec.get("defaultProjectUid") or ""))

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        name = str((body.get("metadata") or {}).get("name") or "").strip() or record.name
        if name != record.name:
            _refuse_duplicate(tx, name, record.uid)
        project = wanted if "defaultProjectUid" in spec else record.project_uid
        retain_project(tx, wanted or "")
        expiry = merge_expiry(spec, record.expiry, tx.now)
        stored = _document(body, msgspec.json.decode(record.doc))
        doc = check_record("registration token", name, dump(stored), record.doc)
        message = f"Registration token '{name}' is updated"
        _save(call, tx, record, message, name=name, project_uid=project, expiry=expiry, doc=doc)

    await call.write(job)
    return call.empty()


async def set_state(call: Call) -> Response:
    """Revoke a token or make it valid again; hosts registered with it stay (rule P11)."""
    body = await call.body()
    active = bool(body.get("isActive", False))

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        message = f"Registration token '{record.name}' is {'active again' if active else 'revoked'}"
        _save(call, tx, record, message, active=active)

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a token."""

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        tx.run(schema.tokens.delete().where(schema.tokens.c.uid == record.uid))
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Registration token '{record.name}' is deleted")
        tx.removed(record)

    await call.write(job)
    return call.empty()


async def hosts(call: Call) -> Response:
    """List the hosts that registered with a token."""
    record, state = _record(call), call.hub.state
    items = []
    async with call.pace() as pace:
        for uid in sorted(state.hosts_by_token.get(record.uid, ())):
            entry = state.hosts.get(uid)
            if entry is not None and call.actor.grants.sees(entry.record.project_uid):
                items.append(
                    {
                        "uid": uid,
                        "name": entry.facts.name,
                        "registeredAt": times.rfc3339(entry.record.registered_at),
                        "healthState": entry.live.health,
                        "projectUid": entry.record.project_uid,
                    }
                )
            if pace.due:
                await pace.rest()
    return call.json({"items": items})


ROUTES = (
    Route("GET", protocol.TOKENS, Access.READ, listing, On.OBJECT),
    Route("POST", protocol.TOKENS, Access.WRITE, create, On.TENANT, body=shapes.TOKEN),
    Route("GET", protocol.TOKEN, Access.READ, get, On.OBJECT),
    Route("PUT", protocol.TOKEN, Access.WRITE, update, On.TENANT, body=shapes.TOKEN),
    Route("DELETE", protocol.TOKEN, Access.WRITE, delete, On.TENANT),
    Route("PUT", protocol.TOKEN_STATE, Access.WRITE, set_state, On.TENANT, body=bodies.ACTIVE),
    Route("GET", TOKEN_HOSTS, Access.READ, hosts, On.OBJECT, returns=answers.items(shapes.TOKEN_HOST)),
)

"""Sessions, who am I, and API keys."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.core.roles import ADMIN, PROJECT_SCOPE, ROLES, covers, lower, permissions
from edgewright.hub.db import schema
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import KeyRecord, UserRecord, dump
from edgewright.hub.db.shared.rows import locked, retain_user
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.auth import SESSION_COOKIE
from edgewright.hub.http.merge import check_expiry, merge_expiry, merge_metadata
from edgewright.hub.http.problems import not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import FLAG
from edgewright.hub.resources.tenants import shapes
from edgewright.hub.security.admins import require_admin
from edgewright.hub.security.secretbox import SESSION_SECONDS, digest, new_secret, new_uid
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

KIND = "apikey"


_COOKIE = {"setCookie": FLAG}


def _token_answer(call: Call, key: KeyRecord) -> Response:
    token = call.hub.box.sign_session(key.uid, key.user_uid, call.hub.clock.latest())
    headers = {}
    if call.request.query_params.get("setCookie", "true").lower() == "true":
        headers["Set-Cookie"] = (
            f"{SESSION_COOKIE}={token}; Max-Age={SESSION_SECONDS}; Path=/; Secure; HttpOnly; SameSite=Strict"
        )
    return call.json({"Authorization": token, "isMfa": False}, headers=headers)


async def authenticate(call: Call) -> Response:
    """Open a session: the password of a user is one of their API keys, so that there is one secret and not two."""
    body = await call.body()
    password = str(body.get("password") or "")
    await _await_credential(call, {"apikey": password})
    record = call.hub.state.keys_by_hash.get(digest(password))
    user = call.hub.state.users.get(record.user_uid) if record else None
    usable = call.hub.authenticator.still_valid(record)
    given = str(body.get("emailId") or "").lower()
    if (
        record is None
        or user is None
        or not usable
        or not hmac.compare_digest(given.encode(), user.email.lower().encode())
    ):
        raise call.hub.authenticator.fail(call.actor.address, "The e-mail address or the password is wrong.")
    call.hub.write_later(lambda tx: _signed_in(call, tx, user.uid))
    return _token_answer(call, record)


async def _await_credential(call: Call, headers: dict[str, str]) -> None:
    """Wait for a credential that another hub issued a moment ago (rule P68), as if it were in the headers."""
    if call.hub.membership.shared and not call.hub.authenticator.braked(call.actor.address):
        await call.hub.await_credential(headers)


def _signed_in(call: Call, tx: Tx, uid: str) -> None:
    """Store when a user logged in."""
    table = schema.users
    row = tx.first(table.update().where(table.c.uid == uid).values(last_sign_in=tx.now).returning(*table.c))
    if row is not None:
        tx.changed(UserRecord(**row._mapping))


async def refresh(call: Call) -> Response:
    """Return a fresh session token for one that has not ended."""
    call.hub.check_current()  # the credential is in the path, so the request itself needs none
    await _await_credential(call, {"authorization": call.params["token"]})
    claims = call.hub.box.read_session(call.params["token"], call.hub.clock.latest())
    record = call.hub.state.keys.get(str(claims.get("key"))) if claims else None
    if record is None or not call.hub.authenticator.still_valid(record):
        raise call.hub.authenticator.fail(call.actor.address, "This session has ended; log in again.")
    return _token_answer(call, record)


def _role_here(call: Call) -> str:
    """Return the caller's role in the project of the call; without one the highest that it has anywhere.

    A console refuses by this role before it asks, so a lower one would take rights that the user has in a project.
    """
    grants = call.actor.grants
    return (grants.role(call.project) if call.project else "") or grants.highest


async def info(call: Call) -> Response:
    """Return who calls (`v1UserInfo`)."""
    state = call.hub.state
    return call.json(
        {
            "orgName": state.settings.get("org", ""),
            "tenantUid": state.tenant_uid,
            "userUid": call.actor.uid,
            "edgewright": {
                "role": _role_here(call),
                "tenantRole": call.actor.grants.tenant,
                "projectRoles": {uid: call.actor.grants.role(uid) for uid in call.actor.grants.projects},
                "name": call.actor.name,
                "via": call.actor.via,
            },
        }
    )


async def me(call: Call) -> Response:
    """Return who calls, in the form of the vendor's own toolkit (`v1User` with permissions)."""
    state = call.hub.state
    user = state.users.get(call.actor.uid)
    grants = call.actor.grants
    seen = [uid for uid in state.projects if grants.sees(uid)]
    return call.json(
        {
            "metadata": {"uid": call.actor.uid, "name": call.actor.name},
            "spec": {
                "firstName": user.first_name if user else "",
                "lastName": user.last_name if user else "",
                "emailId": user.email if user else "",
                "roles": [_role_here(call)],
            },
            "status": {
                "projectPermissions": {uid: permissions(grants.role(uid), PROJECT_SCOPE) for uid in seen},
                "tenantPermissions": {state.tenant_uid: permissions(grants.tenant)} if grants.tenant else {},
            },
        }
    )


def _get_or_404(tx: Tx, uid: str) -> KeyRecord:
    row = tx.first(locked(select(schema.api_keys).where(schema.api_keys.c.uid == uid)))
    if row is None:
        raise not_found("API key", uid)
    return KeyRecord(**row._mapping)


def _document(body: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": merge_metadata(stored.get("metadata") or {}, body.get("metadata") or {}), "spec": {}}


def _refuse_duplicate(tx: Tx, name: str, user_uid: str, own_uid: str = "") -> None:
    """Raise 409 when a user has another key of this name: which one is revoked must never be a guess."""
    table = schema.api_keys
    same = select(table.c.uid).where(table.c.name == name, table.c.user_uid == user_uid, table.c.uid != own_uid)
    if tx.first(same) is not None:
        raise problems.conflict(f"An API key named '{name}' exists already.", "DuplicateName")


def _owner(call: Call, asked: str) -> str:
    """Return the uid of the user that a key is for; raises 404, and 403 for another user than the caller.

    Palette's clients send the uid of the tenant, which they read from `users/info`, and mean the caller (rule P52).
    """
    if not asked or asked in (call.hub.state.tenant_uid, call.actor.uid):
        return call.actor.uid
    call.require(ADMIN, "")
    if asked not in call.hub.state.users:
        raise not_found("user", asked)
    return asked


def _limit(call: Call, asked: str, owner: str) -> str:
    """Return the role that a new key is limited to (rule P52); raises 422 and 403.

    Unless less is asked for, that of the caller's key: a limited key makes none with more rights. What the key may do
    is what its user may do, within that limit.
    """
    if asked and asked not in ROLES:
        raise problems.invalid(problems.ENUM, f"spec.edgewright.role in body should be one of [{' '.join(ROLES)}]")
    most = call.hub.state.grants(owner).highest
    if call.actor.uid == owner:
        most = lower(most, call.actor.grants.highest)
    if asked and not covers(most, asked):
        raise problems.forbidden(
            f"This user has the role {most or 'none'}; an API key of role {asked} would have more rights."
        )
    return asked or (call.actor.key.role if call.actor.key is not None else ADMIN)


def _seen(call: Call, record: KeyRecord) -> bool:
    """Return whether the caller may know of a key: all for a role of the tenant, else its own."""
    return bool(call.actor.grants.tenant) or record.user_uid == call.actor.uid


def _check_change(call: Call, record: KeyRecord) -> None:
    """Raise 404 or 403 unless the caller may change a key: an admin any, a user its own of no more rights."""
    if not _seen(call, record):
        raise not_found("API key", record.uid)
    if record.user_uid != call.actor.uid:
        call.require(ADMIN, "")
    limit = call.actor.key.role if call.actor.key is not None else ADMIN
    if not covers(limit, record.role):
        raise problems.forbidden(f"The {call.actor.via} is limited to the role {limit} and cannot change this key.")


async def keys(call: Call) -> Response:
    """List the API keys, those of the caller unless it has a role of the tenant."""
    shown = (record for record in call.hub.state.keys.values() if _seen(call, record))
    records = sorted(shown, key=lambda record: (record.name, record.uid))
    return call.json({"items": [call.hub.renderer.key(record) for record in records]})


def _for(call: Call, user_uid: str, limit: str) -> str:
    """Return whose key it is and its limit, for the audit log."""
    user = call.hub.state.users.get(user_uid)
    limited = "" if limit == ADMIN else f" limited to the role {limit}"
    return f"of {user.email if user else user_uid}{limited}"


async def create_key(call: Call) -> Response:
    """Make an API key; its text is in this answer and nowhere else."""
    body = await call.body()
    meta, spec = body.get("metadata") or {}, body.get("spec") or {}
    name = str(meta.get("name") or "").strip()
    if not name:
        raise problems.invalid(problems.REQUIRED, "metadata.name in body is required")
    asked = spec.get("edgewright") or (meta.get("edgewright") if isinstance(meta.get("edgewright"), dict) else None)
    user_uid = _owner(call, str(spec.get("userUid") or ""))
    role = _limit(call, str((asked or {}).get("role") or ""), user_uid)
    expiry = check_expiry(times.parse(spec.get("expiry")), call.now)
    doc = check_record("API key", name, dump(_document(body, {})))
    text = new_secret(protocol.API_KEY_PREFIX)

    def job(tx: Tx) -> str:
        retain_user(tx, user_uid)
        _refuse_duplicate(tx, name, user_uid)
        record = KeyRecord(
            new_uid(), name, digest(text), role, user_uid, True, expiry, doc, tx.now, tx.now,
        )  # fmt: skip
        tx.run(schema.api_keys.insert().values(**msgspec.structs.asdict(record)))
        call.audit(tx, "create", KIND, record.uid, name, f"API key '{name}' {_for(call, user_uid, role)} is created")
        tx.changed(record)
        return record.uid

    uid = await call.write(job)
    return call.json({"uid": uid, "apiKey": text}, 201)


async def get_key(call: Call) -> Response:
    """Return one API key without its text."""
    record = call.hub.state.keys.get(call.uid)
    if record is None or not _seen(call, record):
        raise not_found("API key", call.uid)
    return call.json(call.hub.renderer.key(record))


def _change(call: Call, tx: Tx, record: KeyRecord, message: str, **changes: Any) -> None:
    newer = msgspec.structs.replace(record, modified=tx.now, **changes)
    tx.run(schema.api_keys.update().where(schema.api_keys.c.uid == record.uid).values(modified=tx.now, **changes))
    call.audit(tx, "update", KIND, record.uid, newer.name, message)
    tx.changed(newer)


async def update_key(call: Call) -> Response:
    """Change name, description or expiry of an API key; what is not sent stays (rule P51)."""
    body = await call.body()

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        _check_change(call, record)
        name = str((body.get("metadata") or {}).get("name") or "").strip() or record.name
        if name != record.name:
            _refuse_duplicate(tx, name, record.user_uid, record.uid)
        expiry = merge_expiry(body.get("spec") or {}, record.expiry, tx.now)
        document = _document(body, msgspec.json.decode(record.doc))
        doc = check_record("API key", name, dump(document), record.doc)
        _change(call, tx, record, f"API key '{name}' is updated", name=name, expiry=expiry, doc=doc)
        if record.role == ADMIN and expiry is not None:
            require_admin(tx, "API key")

    await call.write(job)
    return call.empty()


async def set_key_state(call: Call) -> Response:
    """Switch an API key on or off."""
    body = await call.body()
    active = bool(body.get("isActive", False))

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        _check_change(call, record)
        _change(call, tx, record, f"API key '{record.name}' is switched {'on' if active else 'off'}", active=active)
        if not active and record.role == ADMIN:
            require_admin(tx, "API key")

    await call.write(job)
    return call.empty()


async def delete_key(call: Call) -> Response:
    """Delete an API key."""

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        _check_change(call, record)
        tx.run(schema.api_keys.delete().where(schema.api_keys.c.uid == record.uid))
        if record.role == ADMIN:
            require_admin(tx, "API key")
        call.audit(tx, "delete", KIND, record.uid, record.name, f"API key '{record.name}' is deleted")
        tx.removed(record)

    await call.write(job)
    return call.empty()


ROUTES = (
    Route("POST", protocol.AUTHENTICATE, Access.OPEN, authenticate, body=shapes.LOGIN, query=_COOKIE),
    Route("GET", protocol.REFRESH, Access.OPEN, refresh, query=_COOKIE),
    Route("GET", protocol.USERS_INFO, Access.READ, info, On.OBJECT),
    Route("GET", protocol.USERS_ME, Access.READ, me, On.OBJECT),
    Route("GET", protocol.API_KEYS, Access.READ, keys, On.OBJECT),
    Route("POST", protocol.API_KEYS, Access.OPERATE, create_key, On.OBJECT, body=shapes.API_KEY),
    Route("GET", protocol.API_KEY, Access.READ, get_key, On.OBJECT),
    Route("PUT", protocol.API_KEY, Access.OPERATE, update_key, On.OBJECT, body=shapes.API_KEY_UPDATE),
    Route("PATCH", protocol.API_KEY, Access.OPERATE, set_key_state, On.OBJECT, body=bodies.ACTIVE),
    Route("DELETE", protocol.API_KEY, Access.OPERATE, delete_key, On.OBJECT),
    Route("PUT", protocol.API_KEY_STATE, Access.OPERATE, set_key_state, On.OBJECT, body=bodies.ACTIVE),
)

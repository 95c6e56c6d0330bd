"""Activation: a new user gets the first API key by a link that an admin hands over; the hub sends no mail.

The link has a code of 256 random bits behind `#`, which no client sends in a request line, so that it is in no log. It
works once, within `VALID`, and is stored encrypted, since admins read it back like a registration token.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from starlette.responses import Response

from edgewright.core.roles import ADMIN
from edgewright.hub.db import schema
from edgewright.hub.db.records import KeyRecord, UserRecord, dump
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.auth import Actor
from edgewright.hub.http.problems import unauthorized
from edgewright.hub.http.routing import Call
from edgewright.hub.resources.users import store
from edgewright.hub.security.secretbox import SecretBox, digest, new_secret, new_uid
from edgewright.wire import protocol

VALID = 7 * 86_400.0
"""Seconds in which an activation link is accepted."""
_INVALID = "This activation code is not valid: it was used or has ended."
BODY = shapes.obj(code=shapes.name(512))
ANSWER = shapes.obj(uid=shapes.text(), emailId=shapes.text(), apiKey=shapes.text())


def new_code(box: SecretBox, now: float) -> dict[str, Any]:
    """Return the columns of a fresh activation code."""
    code = new_secret(protocol.ACTIVATION_PREFIX)
    return {
        "activation_hash": digest(code),
        "activation_encrypted": box.seal(code),
        "activation_until": now + VALID,
    }


NONE: dict[str, Any] = {"activation_hash": None, "activation_encrypted": None, "activation_until": None}
"""The columns of a user without an activation code."""


def link(record: UserRecord, box: SecretBox, base: str, now: float) -> str:
    """Return the activation link of a user; empty when there is none that is accepted. `base`: the hub's address."""
    if record.activation_encrypted is None or now >= (record.activation_until or 0.0):
        return ""
    code = box.unseal(record.activation_encrypted)
    return f"{base.rstrip('/')}{protocol.ACTIVATIONS}#{code}" if code else ""


def _invited(code_hash: str, connection: Connection) -> str:
    """Return the uid of the user with an activation code as the database has it; empty when there is none."""
    query = select(schema.users.c.uid).where(schema.users.c.activation_hash == code_hash)
    return str(connection.execute(query).scalar() or "")


async def activate(call: Call) -> Response:
    """Accept an activation code: makes the user active and returns an API key, whose text is in this answer only."""
    body = await call.body()
    code = str(body.get("code") or "").strip()
    hub, stored, text = call.hub, digest(code), new_secret(protocol.API_KEY_PREFIX)
    user_uid = next((user.uid for user in hub.state.users.values() if code and user.activation_hash == stored), "")
    if not user_uid and hub.membership.shared and not hub.authenticator.braked(call.actor.address):
        # Another hub may have made the code a moment ago (rule P68).
        user_uid = await hub.read(partial(_invited, stored))
    if not user_uid:
        raise hub.authenticator.fail(call.actor.address, _INVALID)

    def job(tx: Tx) -> UserRecord:
        record = store.get_or_404(tx, user_uid)
        if record.activation_hash != stored or tx.now >= (record.activation_until or 0.0):
            raise unauthorized(_INVALID)
        newer = store.update(tx, record, active=True, **NONE)
        uid, doc = new_uid(), dump({"metadata": {}, "spec": {}})
        name = f"activation-{uid[:6]}"
        key = KeyRecord(uid, name, digest(text), ADMIN, record.uid, True, None, doc, tx.now, tx.now)
        tx.run(schema.api_keys.insert().values(**msgspec.structs.asdict(key)))
        actor = Actor(key.role, record.uid, record.email, call.actor.address, "activation link", key=key)
        message = f"User '{record.email}' is activated with the API key '{name}'"
        call.audit(tx, "update", "user", record.uid, record.email, message, actor=actor)
        tx.changed(key)
        return newer

    record = await call.write(job)
    return call.json({"uid": record.uid, "emailId": record.email, "apiKey": text}, 201)

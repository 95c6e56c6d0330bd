"""Registration: how a host becomes known, gets its credential, and why it may be refused (rules P8 to P16)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.core.hosts.hosts import MAX_UID, HostState, check_uid
from edgewright.hub.db import schema
from edgewright.hub.db.events import host_event, store_event
from edgewright.hub.db.hosts import find_host, insert_host, save_host
from edgewright.hub.db.records import HostRecord, TokenRecord, dump
from edgewright.hub.db.shared.rows import queue
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.auth import Actor
from edgewright.hub.http.merge import merge_tunnel
from edgewright.hub.http.problems import Problem, bad_request, conflict, forbidden, not_found
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.resources.hosts.pairing import pair
from edgewright.hub.resources.hosts.rejections import Rejections
from edgewright.hub.security.secretbox import digest, new_host_credential
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx


def require_uid(document: dict[str, Any]) -> str:
    """Return the host UID of a document; raises 422 with code 602, 603 or 605 (rule P14)."""
    meta = document.get("metadata") or {}
    host = (document.get("spec") or {}).get("host") or {}
    uid = str(meta.get("uid") or host.get("hostUid") or meta.get("name") or "")
    if not uid:
        raise problems.invalid(problems.REQUIRED, "metadata.uid in body is required")
    result = check_uid(uid)
    if result:
        code = problems.TOO_LONG if len(uid) > MAX_UID else problems.PATTERN
        raise problems.invalid(code, f"metadata.uid in body: {' '.join(result)}")
    return uid


def host_document(sent: dict[str, Any], uid: str, current: dict[str, Any] | None) -> dict[str, Any]:
    """Return the document to store: what was sent, without secrets and without what only the plane writes.

    Labels of a record that exists win over those sent (rule P15); its tunnel configuration and marks stay (P20, P27).
    """
    spec = dict(sent.get("spec") or {})
    host = {
        key: value
        for key, value in (spec.get("host") or {}).items()
        if key not in ("hostAuthToken", "hostPairingKey", "project")
    }
    extension = {key: value for key, value in (spec.get("edgewright") or {}).items() if key != "registrationId"}
    meta = {
        key: value
        for key, value in (sent.get("metadata") or {}).items()
        if key not in ("creationTimestamp", "lastModifiedTimestamp", "deletionTimestamp")
    }
    old_meta = (current or {}).get("metadata") or {}
    old_spec = (current or {}).get("spec") or {}
    for mark in ("observed", "simulated"):
        if (old_spec.get("edgewright") or {}).get(mark):
            extension[mark] = True
    meta["uid"] = uid
    meta["name"] = old_meta.get("name") or meta.get("name") or uid
    meta["labels"] = {**(meta.get("labels") or {}), **(old_meta.get("labels") or {})}
    if old_meta.get("annotations"):
        meta["annotations"] = {**(meta.get("annotations") or {}), **old_meta["annotations"]}
    tunnel = old_spec.get("tunnelConfig") or spec.get("tunnelConfig")
    cached = {key: value for key, value in old_spec.items() if key not in spec}
    spec = {**cached, **spec, "host": host, "edgewright": extension}
    if tunnel:
        spec["tunnelConfig"] = merge_tunnel(tunnel, {})
    unknown = {key: value for key, value in sent.items() if key not in ("metadata", "spec", "status", "aclmeta")}
    old_unknown = {key: value for key, value in (current or {}).items() if key not in ("metadata", "spec", "status")}
    return {**old_unknown, **unknown, "metadata": meta, "spec": spec, "status": (current or {}).get("status") or {}}


class _Asked:
    """What a registration brings."""

    def __init__(self, document: dict[str, Any]) -> None:
        spec = document.get("spec") or {}
        host = spec.get("host") or {}
        self.document = document
        self.uid = require_uid(document)
        self.token = str(host.get("hostAuthToken") or "")
        self.pairing_key = str(host.get("hostPairingKey") or "")
        self.manual = bool(host.get("disableAutoRegister"))
        project = host.get("project") or {}
        self.project_uid, self.project_name = str(project.get("uid") or ""), str(project.get("name") or "")
        registration = str((spec.get("edgewright") or {}).get("registrationId") or "")
        self.registration_hash = digest(registration) if registration else None


def _token(tx: Tx, text: str) -> TokenRecord | None:
    """Return a registration token as the database has it, so that one revoked by any hub lets no host in.

    It is locked against a change until the host is stored, but not against other registrations.
    """
    table = schema.tokens
    row = (
        tx.first(select(table).where(table.c.secret_hash == digest(text)).with_for_update(read=True)) if text else None
    )
    return None if row is None else TokenRecord(**row._mapping)


def _check_token(call: Call, tx: Tx, asked: _Asked) -> TokenRecord:
    """Return the token that lets the host in; raises 401 (rule P11)."""
    record = _token(tx, asked.token)
    if record is None:
        if not asked.token:
            raise problems.unauthorized(
                f"The host '{asked.uid}' brought no registration token.", protocol.E_INVALID_TOKEN
            )
        raise call.hub.authenticator.fail(
            call.actor.address, "This registration token is not known here.", protocol.E_INVALID_TOKEN
        )
    if not record.active:
        raise problems.unauthorized(
            f"The registration token '{record.name}' was revoked; use another one.", protocol.E_TOKEN_REVOKED
        )
    if record.expiry is not None and record.expiry <= call.hub.clock.latest():
        raise problems.unauthorized(
            f"The registration token '{record.name}' expired at {times.rfc3339(record.expiry)}; use another one.",
            protocol.E_TOKEN_EXPIRED,
        )
    return record


def _project(call: Call, asked: _Asked, token: TokenRecord) -> str:
    """Return the project of a new host (rule P12)."""
    state = call.hub.state
    if asked.project_uid or asked.project_name:
        result = state.projects.get(asked.project_uid) if asked.project_uid else state.project_named(asked.project_name)
        if result is None:
            raise not_found("project", asked.project_uid or asked.project_name)
        return result.uid
    if token.project_uid and token.project_uid in state.projects:
        return token.project_uid
    raise bad_request(
        f"The host '{asked.uid}' names no project and the token '{token.name}' has no default project.",
        protocol.E_PROJECT_REQUIRED,
    )


def _not_pre_registered(uid: str) -> Problem:
    return Problem(
        403,
        protocol.E_HOST_NOT_PREREGISTERED,
        f"The host '{uid}' waits for approval: it is not pre-registered here. Run: edgewright host register {uid}",
    )


def _admit(call: Call, tx: Tx, asked: _Asked, record: HostRecord | None) -> tuple[TokenRecord | None, bool] | Problem:
    """Decide whether the host may register; returns its token and whether this repeats a registration.

    A wrong pairing key is counted in this transaction, so its answer is returned, and raised after the commit.
    """
    if record is not None and record.registered_at is not None:
        same = record.registration_hash and asked.registration_hash
        if same and hmac.compare_digest(record.registration_hash or "", asked.registration_hash or ""):
            return None, True
        raise conflict(
            f"The UID '{asked.uid}' belongs to a host that is registered already. If this is the same machine, "
            "delete its record first; if not, give it another UID.",
            protocol.E_DUPLICATE_HOST,
        )
    if record is not None and record.pairing_hash:
        authenticator, address = call.hub.authenticator, call.actor.address
        wrong = pair(tx, authenticator, asked.uid, address, asked.pairing_key, record.pairing_hash)
        return wrong or (None, False)
    if record is None and not asked.token:
        raise _not_pre_registered(asked.uid)
    token = _check_token(call, tx, asked)
    if record is None and asked.manual:
        raise _not_pre_registered(asked.uid)
    return token, False


def _register(call: Call, tx: Tx, asked: _Asked) -> tuple[str, str] | Problem:
    """Store the registration; returns the host's uid and its new credential, or the refusal of a wrong pairing key."""
    record = find_host(tx, asked.uid)
    if record is None:  # there is no row to lock: the same registration may arrive at another hub right now (rule P9)
        queue(tx, f"host {asked.uid}")
        record = find_host(tx, asked.uid)
    admitted = _admit(call, tx, asked, record)
    if isinstance(admitted, Problem):
        return admitted
    token, repeated = admitted
    credential = new_host_credential(asked.uid)
    current = digest(credential)
    actor = Actor("host", asked.uid, asked.uid, call.actor.address, "registration")
    call.actor = actor
    if repeated and record is not None:
        document = host_document(asked.document, asked.uid, stored(record))
        save_host(tx, record, pending_hash=current, doc=dump(document), address=actor.address)
        return asked.uid, credential
    document = host_document(asked.document, asked.uid, stored(record) if record is not None else None)
    common: dict[str, Any] = {
        "doc": dump(document),
        "registered_at": tx.now,
        "registration_hash": asked.registration_hash,
        "credential_hash": current,
        "pending_hash": None,
        "pairing_hash": None,
        "token_uid": token.uid if token else None,
        "address": actor.address,
    }
    if record is None:
        if token is None:
            raise forbidden("A token is needed.")
        record = HostRecord(
            uid=asked.uid,
            project_uid=_project(call, asked, token),
            state=HostState.READY.value,
            created=tx.now,
            modified=tx.now,
            generation=1,
            **common,
        )
        insert_host(tx, record)
    else:
        state = HostState.READY.value if record.state == HostState.UNPAIRED.value else record.state
        record = save_host(tx, record, state=state, **common)
    how = f"with the token '{token.name}'" if token else "with its pairing key"
    message = f"Edge host '{asked.uid}' registered {how} from {actor.address}"
    call.audit(tx, "create", "edgehost", asked.uid, asked.uid, message, record.project_uid)
    name = str(stored(record)["metadata"].get("name") or asked.uid)
    event = host_event(asked.uid, name, "Info", "HostRegistered", message + ".")
    store_event(call.hub.state, tx, event, record.project_uid)
    if token is not None:
        tx.emit("token", "put", token.uid)
    return asked.uid, credential


def stored(record: HostRecord) -> dict[str, Any]:
    """Return a record's document."""
    document: dict[str, Any] = msgspec.json.decode(record.doc)
    return document


async def register(call: Call) -> Response:
    """Answer `POST /v1/edgehosts/register`."""
    asked = _Asked(await call.body())
    try:
        registered = await call.write(lambda tx: _register(call, tx, asked))
        if isinstance(registered, Problem):
            raise registered
        uid, credential = registered
    except Problem as problem:
        if problem.status < 500:
            call.hub.part(Rejections).registration(asked.uid, call.actor.address, problem)
        raise
    call.hub.part(Rejections).registered(uid)
    entry = call.hub.state.hosts.get(uid)
    if entry is None:
        raise Problem(503, protocol.E_UNAVAILABLE, f"The host '{uid}' was deleted while it registered; try again.")
    document = call.hub.renderer.host(entry)
    document["status"]["serviceAuthToken"] = credential
    return call.json(document)


ROUTES = (Route("POST", protocol.HOST_REGISTER, Access.OPEN, register, body=bodies.HOST),)

"""Writers about credentials: each is issued, used and revoked, and offered to every hub afterwards."""

from __future__ import annotations

import random
from typing import Any

import httpx

from edgewright.core import roles
from edgewright.wire import protocol
from tests.dist.drive import Drive, registration, status
from tests.dist.plane import Member

_INFO = "/v1/users/info"


def _create(drive: Drive, chance: random.Random, who: str, path: str, body: Any) -> dict[str, Any] | None:
    answer = drive.send(who, "POST", path, body, chance=chance)
    created: dict[str, Any] | None = None
    if drive.done(who, answer, 201) and answer is not None:
        created = answer.json()
    return created


def _revoke(drive: Drive, chance: random.Random, who: str, method: str, path: str, body: Any = None) -> bool:
    """Return whether a revocation was acknowledged; a hub that does not know the thing yet answers 404."""
    answer = drive.send(who, method, path, body, chance=chance)
    return (answer is None or answer.status_code != 404) and drive.done(who, answer, 204)


def _reads(drive: Drive, headers: dict[str, str]) -> Any:
    """Return what uses a credential of a user at a hub."""

    def use(member: Member) -> httpx.Response:
        return drive.clients.once(member, "GET", _INFO, headers)

    return use


def tokens(drive: Drive, chance: random.Random) -> None:
    """Registration tokens that are made and revoked."""
    number = 0
    while drive.go_on(chance, 0.2, 0.6):
        number += 1
        body = {"metadata": {"name": f"{drive.name}-{number}"}, "spec": {"defaultProjectUid": drive.project}}
        created = _create(drive, chance, "token", protocol.TOKENS, body)
        if created is None:
            continue
        path = f"{protocol.TOKENS}/{created['uid']}"
        drive.model.acknowledged("token", path, status(path, 200))
        answer = drive.send("token", "GET", path, chance=chance)
        if answer is None or answer.status_code != 200:
            continue  # this hub may not know it yet
        text = answer.json()["spec"]["token"]
        if _revoke(drive, chance, "token", "PUT", f"{path}/state", {"isActive": False}):
            sent = registration(f"no-{drive.name}-{number}", text)

            def use(member: Member, sent: dict[str, Any] = sent) -> httpx.Response:
                return drive.clients.once(member, "POST", protocol.HOST_REGISTER, {}, sent)

            drive.model.revoke(f"token {number}", use)


def keys(drive: Drive, chance: random.Random) -> None:
    """API keys of the admin that are made, used, and deleted or switched off; with a session of some of them."""
    number = 0
    login = {"emailId": drive.email, "password": ""}
    while drive.go_on(chance, 0.2, 0.6):
        number += 1
        created = _create(drive, chance, "key", protocol.API_KEYS, {"metadata": {"name": f"{drive.name}-key-{number}"}})
        if created is None:
            continue
        uid, headers = created["uid"], {"ApiKey": created["apiKey"]}
        # Valid everywhere at once: what a hub does not know yet it looks up.
        drive.done("a new key", drive.send("key", "GET", _INFO, None, headers, chance), 200)
        session = None
        if number % 3 == 0:
            body = {**login, "password": created["apiKey"]}
            answer = drive.send("session", "POST", protocol.AUTHENTICATE, body, {}, chance)
            if drive.done("session", answer, 200) and answer is not None:
                session = {"Authorization": answer.json()["Authorization"]}
                drive.done("a new session", drive.send("session", "GET", _INFO, None, session, chance), 200)
        path = f"{protocol.API_KEYS}/{uid}"
        if chance.random() < 0.5:
            if not _revoke(drive, chance, "key", "DELETE", path):
                continue
            drive.model.acknowledged("deletion", uid, status(path, 404), lasting=True)
        elif not _revoke(drive, chance, "key", "PUT", f"{path}/state", {"isActive": False}):
            continue
        drive.model.revoke(f"key {number}", _reads(drive, headers))
        if session is not None:
            drive.model.revoke(f"session of key {number}", _reads(drive, session))


def hosts(drive: Drive, chance: random.Random) -> None:
    """Hosts that are registered and deleted, with their credentials."""
    number = 0
    while drive.go_on(chance, 0.3, 0.8):
        number += 1
        uid = f"{drive.name}-gone-{number}"
        answer = drive.send(uid, "POST", protocol.HOST_REGISTER, registration(uid, drive.token), {}, chance)
        if not drive.done(uid, answer, 200) or answer is None:
            continue
        own = {"Authorization": answer.json()["status"]["serviceAuthToken"]}
        if _revoke(drive, chance, uid, "DELETE", f"/v1/edgehosts/{uid}"):
            path = f"/v1/edgehosts/{uid}"
            drive.model.acknowledged("host gone", uid, status(path, 404), lasting=True)
            beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}

            def use(member: Member, path: str = f"{path}/health", own: Any = own, beat: Any = beat) -> httpx.Response:
                return drive.clients.once(member, "PATCH", path, own, beat)

            drive.model.revoke(f"host {uid}", use)


def users(drive: Drive, chance: random.Random) -> None:
    """Users with a key of their own, who are deactivated or deleted, or whose key is deleted."""
    number = 0
    while drive.go_on(chance, 0.3, 0.8):
        number += 1
        spec = {"emailId": f"{drive.name}-{number}@example.org", "roles": [roles.uid("viewer")]}
        created = _create(drive, chance, "user", protocol.USERS, {"spec": spec})
        if created is None:
            continue
        path = f"{protocol.USERS}/{created['uid']}"
        drive.model.acknowledged("user", path, status(path, 200))
        text = _activated(drive, chance, path)
        if text:
            drive.done("a new user's key", drive.send("user", "GET", _INFO, None, {"ApiKey": text}, chance), 200)
        way = chance.choice(["delete", "deactivate", "none"])
        if way == "none":
            continue
        drive.model.acknowledged("user", path, lambda get: None)  # it may be deleted or not
        if way == "delete":
            ended = _revoke(drive, chance, "user", "DELETE", path)
            if ended:
                drive.model.acknowledged("user", path, status(path, 404), lasting=True)
        else:
            change = [{"op": "replace", "path": "/status/isActive", "value": False}]
            ended = _revoke(drive, chance, "user", "PATCH", path, change)
        if ended and text:
            drive.model.revoke(f"key of user {number} ({way})", _reads(drive, {"ApiKey": text}))


def _activated(drive: Drive, chance: random.Random, path: str) -> str:
    """Activate a user; returns its API key, empty where a hub does not know the user yet or its answer was lost."""
    answer = drive.send("user", "GET", path, chance=chance)
    if answer is None or answer.status_code != 200:
        return ""
    code = answer.json()["status"]["activationLink"].partition("#")[2]
    answer = drive.send("activation", "POST", protocol.ACTIVATIONS, {"code": code}, {}, chance)
    return str(answer.json()["apiKey"]) if drive.done("activation", answer, 201) and answer is not None else ""


CREDENTIAL_WRITERS = [tokens, keys, hosts, users]

"""Who calls: an API key, a session, a host, or no one; and what a role may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from edgewright.core import times
from edgewright.core.roles import ROLES, Grants
from edgewright.hub.db.records import HostEntry, KeyRecord
from edgewright.hub.http.limiter import FailureLimiter
from edgewright.hub.http.problems import Problem, unauthorized
from edgewright.hub.readmodel.state import State
from edgewright.hub.security.secretbox import SecretBox, digest
from edgewright.wire import protocol

HOST, ANONYMOUS = "host", ""
SESSION_COOKIE = "Authorization"
"""The cookie of `authenticate?setCookie=true`, as Palette names it; `SameSite=Strict`, so no other site can use it."""


class Credential(NamedTuple):
    """A credential by its kind (`host`, `key`, `session`) and its hash, of a session the uid of its key."""

    kind: str
    name: str


@dataclass(frozen=True)
class Actor:
    """Who sends a request; `via` names the credential (never its text)."""

    role: str
    """The role with the most rights that a user has anywhere, `host` for a host, `""` without a credential."""
    uid: str
    name: str
    address: str
    via: str = ""
    host: HostEntry | None = None
    key: KeyRecord | None = None
    session_end: float | None = None
    """When the session ends (epoch seconds); `None` for every other credential."""
    grants: Grants = field(default_factory=Grants)
    """What a user may do, limited by the API key."""
    pending: bool = False
    """The host used its newest credential for the first time; the older one is to end (rule P10)."""

    @property
    def is_user(self) -> bool:
        """Return whether it is a user and no host."""
        return self.role in ROLES


def cookie(header: str, name: str) -> str:
    """Return the value of one cookie of a `Cookie` header; empty without it."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip().strip('"')
    return ""


class Authenticator:
    """Turns headers into an `Actor`; wrong credentials are counted by address."""

    def __init__(
        self, state: State, box: SecretBox, limiter: FailureLimiter, now: Callable[[], float] = times.now
    ) -> None:
        """`now` decides expiry (rule P41)."""
        self._now = now
        self._state = state
        self._box = box
        self._limiter = limiter

    def actor(self, headers: Mapping[str, str], address: str) -> Actor:
        """Return who calls; raises `Problem` 401 for a wrong credential and 429 after too many of them."""
        key = headers.get("apikey", "")
        authorization = headers.get("authorization", "")
        if authorization[:7].lower() == "bearer ":
            authorization = authorization[7:]
        if authorization.startswith(protocol.HOST_CREDENTIAL_PREFIX):
            return self._host(authorization, address)
        if key or authorization.startswith(protocol.API_KEY_PREFIX):
            return self._key(key or authorization, address)
        if authorization:
            return self._session(authorization, address)
        if session := cookie(headers.get("cookie", ""), SESSION_COOKIE):
            return self._session(session, address)
        return Actor(ANONYMOUS, "", "", address)

    def still_valid(self, key: KeyRecord | None) -> bool:
        """Return whether an API key would be accepted now: for a login."""
        record = None if key is None else self._state.keys.get(key.uid)
        try:
            return record is not None and self._of_key(record, "", "").is_user
        except Problem:
            return False

    def may_continue(self, actor: Actor) -> bool:
        """Return whether a user would still be accepted with the same rights: for lasting responses."""
        record = None if actor.key is None else self._state.keys.get(actor.key.uid)
        if record is None or (actor.session_end is not None and actor.session_end <= self._now()):
            return False
        try:
            return self._of_key(record, actor.address, actor.via).grants == actor.grants
        except Problem:
            return False

    def end(self, actor: Actor) -> float | None:
        """Return when a user's credential ends by itself (epoch seconds), if ever."""
        ends = [actor.session_end, actor.key.expiry if actor.key is not None else None]
        return min((end for end in ends if end is not None), default=None)

    def unknown(self, headers: Mapping[str, str]) -> Credential | None:
        """Return what names a credential that memory does not have; `None` for a known one, and for none.

        Another hub may have issued it a moment ago.
        """
        key, authorization = headers.get("apikey", ""), headers.get("authorization", "")
        if authorization[:7].lower() == "bearer ":
            authorization = authorization[7:]
        if authorization.startswith(protocol.HOST_CREDENTIAL_PREFIX):
            stored = digest(authorization)
            known = stored in self._state.credentials or stored in self._state.revoked
            return None if known else Credential("host", stored)
        if key or authorization.startswith(protocol.API_KEY_PREFIX):
            stored = digest(key or authorization)
            return None if stored in self._state.keys_by_hash else Credential("key", stored)
        session = authorization or cookie(headers.get("cookie", ""), SESSION_COOKIE)
        claims = self._box.read_session(session, self._now()) if session else None
        uid = str(claims.get("key")) if claims else ""
        return Credential("session", uid) if uid and uid not in self._state.keys else None

    def braked(self, address: str) -> bool:
        """Return whether so many wrong credentials came from an address that the database is not asked for more."""
        return self._limiter.pause(address, times.now()) > 0

    def fail(self, address: str, message: str, code: str = protocol.E_UNAUTHORIZED) -> Problem:
        """Count a wrong credential and return the answer for it."""
        wait = self._limiter.failed(address, times.now())
        if wait > 0:
            return Problem(
                429,
                protocol.E_TOO_MANY,
                f"Too many wrong credentials came from {address}; wait {int(wait) + 1} s. Right ones still work.",
                {"Retry-After": str(int(wait) + 1)},
            )
        return unauthorized(message, code)

    def _host(self, credential: str, address: str) -> Actor:
        stored = digest(credential)
        entry = self._state.credentials.get(stored)
        if entry is None:
            if stored in self._state.revoked:
                uid = self._state.revoked[stored]
                raise unauthorized(f"The host {uid} was deleted here; it must register again.", protocol.E_HOST_DELETED)
            raise self.fail(address, "This host credential is not known here.")
        record = entry.record
        return Actor(HOST, record.uid, record.uid, address, "host", entry, pending=stored == record.pending_hash)

    def _key(self, text: str, address: str) -> Actor:
        record = self._state.keys_by_hash.get(digest(text))
        if record is None:
            raise self.fail(address, "This API key is not known here.")
        return self._of_key(record, address, f"API key {record.name}")

    def _of_key(self, record: KeyRecord, address: str, via: str) -> Actor:
        if not record.active:
            raise unauthorized(f"The API key '{record.name}' is switched off.")
        if record.expiry is not None and record.expiry <= self._now():
            raise unauthorized(f"The API key '{record.name}' ended at {times.rfc3339(record.expiry)}.")
        user = self._state.users.get(record.user_uid)
        if user is None or not user.active:
            email = "" if user is None else f" {user.email}"
            raise unauthorized(f"The user{email} of the API key '{record.name}' is not active.")
        grants = self._state.grants(record.user_uid).limited(record.role)
        if not grants.highest:
            raise unauthorized(f"The user {user.email} has no role. An admin can assign one.")
        return Actor(grants.highest, user.uid, user.email, address, via, key=record, grants=grants)

    def _session(self, token: str, address: str) -> Actor:
        claims = self._box.read_session(token, self._now())
        record = self._state.keys.get(str(claims.get("key"))) if claims else None
        if record is None:
            raise self.fail(address, "This session has ended or is not known here; log in again.")
        actor = self._of_key(record, address, f"session of API key {record.name}")
        return replace(actor, session_end=float(claims["exp"]) if claims else None)

"""Authentication at a registry: the challenge of its 401, and the token or the basic header that answers it.

Bearer tokens by the distribution project's token specification (scope, service, realm) and its OAuth2 form for
identity tokens.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from edgewright.core.errors import Refused
from edgewright.core.text import clean
from edgewright.oci import address, errors
from edgewright.oci.credentials import Login
from edgewright.oci.session import FAILURES, Answer, Session

_FIELD = re.compile(r'\b([A-Za-z]+)="((?:[^"\\]|\\.)*)"|\b([A-Za-z]+)=([^",\s]+)')
MAX_TOKEN = 64 * 1024
"""Bytes of a token service's reply, and of a challenge."""


def challenge(header: str) -> tuple[str, dict[str, str]]:
    """Return scheme (lower case) and fields of a WWW-Authenticate header."""
    scheme, _, rest = header.strip().partition(" ")
    fields = {(m[1] or m[3]).lower(): m[2] if m[1] else m[4] for m in _FIELD.finditer(rest[:MAX_TOKEN])}
    return scheme.lower(), fields


def basic(login: Login) -> str:
    """Return the header's value for a login with a password."""
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def mount_scope(repository: str) -> str:
    """Return the scope that mounting from a repository needs."""
    return f"repository:{repository}:pull"


class Tokens:
    """The Authorization header of one registry by scope; asks the realm that a challenge names.

    `plain` decides for which hosts (`HOST:PORT`) a realm without TLS is accepted. Safe for several threads.
    """

    def __init__(self, session: Session, registry: str, login: Login | None, plain: Callable[[str], bool]) -> None:
        self._session, self._registry, self.login, self._plain = session, registry, login, plain
        self._headers: dict[frozenset[str], str] = {}
        self._lock = threading.Lock()

    def header(self, scopes: Iterable[str]) -> str | None:
        """Return what was accepted for these scopes, or None."""
        return self._headers.get(frozenset(scopes))

    def respond(self, header: str, scopes: Iterable[str], used: str | None) -> bool:
        """Make a new Authorization for a challenge; `used` is the one that was not accepted.

        Returns False when there is nothing to respond with. Raises `Refused` for a wrong login or a realm that a
        password must not be sent to, `Unreachable`.
        """
        scheme, fields = challenge(header)
        key = frozenset(scopes)
        with self._lock:
            if self._headers.get(key) not in (None, used):
                return True  # another thread was faster
            made: str | None = None
            if scheme == "basic" and self.login is not None and self.login.user:
                made = basic(self.login)
            elif scheme == "bearer" and fields.get("realm"):
                made = "Bearer " + self._token(fields, sorted(key))
            if made is None or made == used:
                return False
            self._headers[key] = made
            return True

    def _token(self, fields: dict[str, str], scopes: list[str]) -> str:
        realm, what = fields["realm"], "asking for a token"
        self._check_realm(realm)
        pairs = [("service", fields["service"])] if "service" in fields else []
        try:
            if self.login is not None and self.login.identity_token:
                pairs += [("scope", " ".join(scopes)), ("client_id", "edgewright"), ("grant_type", "refresh_token")]
                form = urlencode([*pairs, ("refresh_token", self.login.identity_token)]).encode()
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                answer = self._session.request("POST", realm, kind, form, MAX_TOKEN, follow=False)
            else:
                query = urlencode([*pairs, *(("scope", scope) for scope in scopes)])
                url = realm + ("&" if "?" in realm else "?") + query
                headers = {"Authorization": basic(self.login)} if self.login is not None and self.login.user else {}
                answer = self._session.request("GET", url, headers, most=MAX_TOKEN)
        except FAILURES as error:
            raise errors.lost(error, address.parse(realm).netloc, what) from None
        if answer.status in (400, 401, 403):
            raise errors.from_response(401, b"", what, self._registry, self.login)
        if answer.status != 200:
            raise errors.from_response(answer.status, answer.body, what, self._registry, self.login)
        return self._read(answer)

    def _check_realm(self, realm: str) -> None:
        try:
            place = address.parse(realm)
        except address.BadAddress:
            place = None
        if place is None or (place.scheme != "https" and not self._plain(place.netloc)):
            raise Refused(
                f"The registry {self._registry} sends its logins to {clean(realm, 200)}, which has no TLS.",
                "Have its token service set up with https.",
                "InsecureRealm",
            )

    def _read(self, answer: Answer) -> str:
        try:
            document = json.loads(answer.body)
            token = document.get("token") or document.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise Refused(f"The token service of {self._registry} gave no token.", "Its log has the reason.")
        return token

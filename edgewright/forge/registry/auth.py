"""How a registry lets one in: the challenge of its 401, and the token or the basic header that answers it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgewright.core.errors import Refused
from edgewright.forge.registry import answers
from edgewright.forge.registry.credentials import Login

if TYPE_CHECKING:
    import httpx

_FIELD = re.compile(r'([A-Za-z]+)="((?:[^"\\]|\\.)*)"|([A-Za-z]+)=([^",\s]+)')


def challenge(header: str) -> tuple[str, dict[str, str]]:
    """Return scheme (lower case) and fields of a WWW-Authenticate header."""
    scheme, _, rest = header.strip().partition(" ")
    fields = {(m[1] or m[3]).lower(): m[2] if m[1] else m[4] for m in _FIELD.finditer(rest)}
    return scheme.lower(), fields


def basic(login: Login) -> str:
    """Return the header's value for a login with a password."""
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


class Tokens:
    """The Authorization header of one registry by scope; asks the realm that a challenge names.

    Not for several threads at once.
    """

    def __init__(self, http: httpx.Client, registry: str, login: Login | None, *, plain: bool) -> None:
        self._http = http
        self._registry = registry
        self.login = login
        self._plain = plain
        self._held: dict[frozenset[str], str] = {}

    def header(self, scopes: Iterable[str]) -> str | None:
        """Return what was found to work for these scopes, or None."""
        return self._held.get(frozenset(scopes))

    def answer(self, header: str, scopes: Iterable[str]) -> str | None:
        """Return the new Authorization for a challenge; None when there is nothing to answer with.

        Raises `Refused` for a wrong login or a realm that a password must not be sent to, `Unreachable`.
        """
        scheme, fields = challenge(header)
        key = frozenset(scopes)
        made: str | None = None
        if scheme == "basic" and self.login is not None and self.login.user:
            made = basic(self.login)
        elif scheme == "bearer" and fields.get("realm"):
            made = "Bearer " + self._token(fields, sorted(key))
        if made is None or made == self._held.get(key):
            return None
        self._held[key] = made
        return made

    def forget(self, scopes: Iterable[str]) -> None:
        """Drop a token that is not accepted any more."""
        self._held.pop(frozenset(scopes), None)

    def _token(self, fields: dict[str, str], scopes: list[str]) -> str:
        import httpx

        realm = fields["realm"]
        if urlsplit(realm).scheme != "https" and not self._plain:
            raise Refused(
                f"The registry {self._registry} sends its logins to {realm}, which has no TLS.",
                "Have its token service set up with https.",
            )
        what = "asking for a token"
        pairs: list[tuple[str, str | int | float | bool | None]] = [("scope", scope) for scope in scopes]
        if "service" in fields:
            pairs.insert(0, ("service", fields["service"]))
        try:
            if self.login is not None and self.login.identity_token:
                form = dict(pairs) | {"scope": " ".join(scopes), "client_id": "edgewright"}
                form |= {"grant_type": "refresh_token", "refresh_token": self.login.identity_token}
                answer = self._http.post(realm, data=form)
            else:
                headers = {"Authorization": basic(self.login)} if self.login is not None and self.login.user else {}
                answer = self._http.get(realm, params=httpx.QueryParams(pairs), headers=headers)
        except httpx.HTTPError as error:
            raise answers.lost(error, urlsplit(realm).netloc, what) from None
        if answer.status_code in (400, 401, 403):
            raise answers.from_answer(401, b"", what, self._registry, self.login)
        if answer.status_code != 200:
            raise answers.from_answer(answer.status_code, answer.content, what, self._registry, self.login)
        try:
            told = answer.json()
            token = told.get("token") or told.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not isinstance(token, str) or not token:
            raise Refused(f"The token service of {self._registry} gave no token.", "Its log tells more.")
        return token

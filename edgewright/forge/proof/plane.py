"""What a proof asks of the plane: the token of the user-data, a token of its own, its host, and to forget both.

The calls are for a thread without an event loop; each makes a client of its own, so that a connection that broke while
the machine booted does not matter.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from edgewright.core import times
from edgewright.core.cloudconfig.findings import ERROR, NOTE
from edgewright.core.cloudconfig.userdata import site_of
from edgewright.core.errors import EdgewrightError, Failed, NotFound, Refused
from edgewright.core.text import clean
from edgewright.forge.proof.failures import why
from edgewright.forge.userdata.online_plane import check_endpoint
from edgewright.wire.palette.edgehost import EdgeHost
from edgewright.wire.palette.tokens import EdgeToken

if TYPE_CHECKING:
    from edgewright.clients.palette.client import PlaneClient

T = TypeVar("T")
DAY = 86400.0


class Verdict(NamedTuple):
    """State of a token at the plane: ok, bad, or unknown when it is not reported; `project_uid` is its default one."""

    state: Literal["ok", "bad", "unknown"]
    name: str
    sentence: str
    hint: str = ""
    project_uid: str = ""


class Seen(NamedTuple):
    """A host as the plane has it: its health (empty while not known), and tags."""

    health: str
    tags: dict[str, str]


class Report(NamedTuple):
    """A refusal that the plane reported as an event; `about_host` means that it names the proof's own host."""

    message: str
    about_host: bool


REFUSALS = ("RegistrationRefused", "PlaneNotTrusted", "ClockOrCertificate", "ClockOrName")
"""Reasons of a hub's events about hosts that it did not let in, or that broke off the handshake."""


def masked(token: str) -> str:
    """Return a token so that its owner recognises it and it cannot be used: `ewt_3f…9c`."""
    if len(token) < 12:
        return "…" if token else "none"
    return f"{token[:6]}…{token[-2:]}"


class ProofPlane:
    """The plane of a proof. `make(project_uid)` gives a client; `name` is how the plane is called in sentences."""

    def __init__(self, make: Callable[[str], PlaneClient], name: str) -> None:
        self._make = make
        self.name = name
        self.project_uid = ""
        self._known: set[str] | None = None
        """Events that were there before the machine was switched on."""

    def _ask(self, ask: Callable[[PlaneClient], Awaitable[T]]) -> T:
        async def once() -> T:
            async with self._make(self.project_uid) as client:
                return await ask(client)

        return asyncio.run(once())

    def judge(self, token: str, project_uid: str = "", project_name: str = "", now: float | None = None) -> Verdict:
        """Return what the plane knows of the user-data's token. Raises `Unreachable`."""
        at = times.now() if now is None else now
        try:
            documents = self._ask(lambda client: client.tokens.all())
        except (Refused, NotFound) as error:
            return Verdict("unknown", masked(token), f"The plane does not list its tokens: {error.message}")
        known = [EdgeToken(document) for document in documents]
        result = next((item for item in known if item.token and item.token == token), None)
        if result is None:
            if known and not any(item.token for item in known):
                return Verdict("unknown", masked(token), "The plane does not show the text of its tokens to this key.")
            return Verdict(
                "bad",
                masked(token),
                f"The token {masked(token)} of the user-data is not known at {self.name}.",
                "Make one and put it into the user-data: edgewright token create NAME",
            )
        name, project = clean(result.name), result.project_uid
        if not result.is_active:
            hint = (
                f"Activate it (edgewright token activate {shlex.quote(name)}), or put another one into the user-data."
            )
            return Verdict("bad", name, f"The token {name} of the user-data was revoked.", hint, project)
        if result.expired(at):
            sentence = f"The token {name} of the user-data expired at {times.rfc3339(result.expiry)}."
            return Verdict(
                "bad", name, sentence, "Put another one into the user-data: edgewright token create NAME", project
            )
        differs = (project_uid and project and project_uid != project) or (
            project_name and result.project_name and project_name != result.project_name
        )
        if differs:
            sentence = (
                f"The token {name} is for the project {clean(result.project_name or project)}, "
                f"the user-data names {clean(project_name or project_uid)}."
            )
            return Verdict("bad", name, sentence, "Let both name the same project.", project)
        return Verdict("ok", name, f"The token {name} is valid at {self.name}.", "", project)

    def project_named(self, name: str) -> str:
        """Return the uid of a project by its name. Raises `NotFound`."""
        for document in self._ask(lambda client: client.projects.all()):
            meta: dict[str, Any] = document.get("metadata") or {}
            if name in (meta.get("name"), meta.get("uid")):
                return str(meta.get("uid"))
        raise NotFound(f"There is no project {clean(name)} at {self.name}.", "See them: edgewright context list")

    def only_project(self) -> str:
        """Return the project when there is one only, else the empty text."""
        result = self._ask(lambda client: client.projects.all())
        return str((result[0].get("metadata") or {}).get("uid", "")) if len(result) == 1 else ""

    def make_token(self, name: str, project_uid: str, made: Callable[[str], None]) -> str:
        """Make the proof's own token for a day and return its text; `made` gets its uid as soon as there is one."""

        async def ask(client: PlaneClient) -> str:
            end = times.now() + DAY
            uid = await client.tokens.create(name, project_uid, end, "one boot proof; deleted at its end")
            made(uid)
            token = EdgeToken(await client.tokens.get(uid))
            if token.token:
                return token.token
            listed = (EdgeToken(document) for document in await client.tokens.all())
            return next((item.token for item in listed if item.uid == uid and item.token), "")

        text = self._ask(ask)
        if not text:
            raise Failed(f"{self.name} created a token and does not return its text.", "Use an API key of role admin.")
        return text

    def see(self, uid: str) -> Seen | None:
        """Return the host, None while it is not there; a plane that does not answer just now means nothing."""
        try:
            document = self._ask(lambda client: client.hosts.get(uid))
        except EdgewrightError:
            return None
        status: dict[str, Any] = document.get("status") or {}
        ours, health = status.get("edgewright") or {}, status.get("health") or {}
        state = str(ours.get("healthState") or health.get("state") or "").lower()
        labels = EdgeHost(document).labels or {}
        return Seen("" if state == "unknown" else state, {str(k): str(v) for k, v in labels.items()})

    def trusted(self, document: Mapping[str, Any], *, any_store: bool = False, timeout: float = 5.0) -> Verdict:
        """Return whether the host that this user-data makes would trust the plane at its address.

        It is asked as the host will ask it: by the authorities of `caCerts`, under the name of `paletteEndpoint`.
        `any_store` means that the host's own store, which counts without `caCerts`, may contain other authorities than
        this machine's.
        """
        site = site_of(document)
        name = urlsplit(site.endpoint).netloc
        try:
            (finding,) = asyncio.run(asyncio.wait_for(check_endpoint(document, timeout), timeout * 3))
        except (TimeoutError, OSError, ValueError):
            return Verdict("unknown", name, "Whether the host would trust its plane is not known: no answer.")
        if finding.code == "UnknownCA" and any_store and not site.ca_certs:
            return Verdict("unknown", name, f"{finding.message} The base may know its CA by itself.")
        if finding.severity == ERROR:
            hint = why("not-trusted").hint if finding.code == "UnknownCA" else finding.hint
            return Verdict("bad", name, finding.message, hint)
        if finding.severity == NOTE:
            return Verdict("ok", name, finding.message)
        return Verdict("unknown", name, finding.message, finding.hint)

    def reports(self, uid: str) -> list[Report]:
        """Return the refusals that came as events since this was called first, the newest first.

        A plane that does not answer just now, or has no such events, reports nothing.
        """
        try:
            page = self._ask(lambda client: client.events.page(limit=50))
        except EdgewrightError:
            return []
        events = {str((item.get("metadata") or {}).get("uid") or at): item for at, item in enumerate(page.items)}
        if self._known is None:
            self._known = set(events)
            return []
        matches = []
        for key, event in events.items():
            if key in self._known or event.get("reason") not in REFUSALS:
                continue
            message = clean(event.get("message"), 300)
            matches.append(Report(message, uid in message))
        return matches

    def forget_host(self, uid: str) -> None:
        """Delete the proof's host; one that is not there is not an error. Raises `EdgewrightError`."""
        try:
            self._ask(lambda client: client.hosts.delete(uid))
        except NotFound:
            return

    def forget_token(self, uid: str) -> None:
        """Delete the proof's token; one that is not there is not an error. Raises `EdgewrightError`."""
        try:
            self._ask(lambda client: client.tokens.delete(uid))
        except NotFound:
            return

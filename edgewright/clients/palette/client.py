"""The client of a plane: a real Palette or a hub, by the same paths.

Importing this module is cheap; the HTTP library is loaded when a client is created.
"""

from __future__ import annotations

import time
from typing import Any, Self

import msgspec

from edgewright.clients.http.budget import Budget
from edgewright.clients.http.credential import Credential
from edgewright.clients.http.stream import Change, StreamApi
from edgewright.clients.palette.alerts import AlertsApi
from edgewright.clients.palette.feed import FeedApi, Page
from edgewright.clients.palette.filters import FiltersApi
from edgewright.clients.palette.hosts import HostsApi, HostsPage
from edgewright.clients.palette.operations import OperationsApi
from edgewright.clients.palette.ssh_keys import SshKeysApi
from edgewright.clients.palette.tokens import TokensApi
from edgewright.clients.palette.users import UsersApi
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, ExitCode, NotFound
from edgewright.core.text import clean
from edgewright.wire import protocol

__all__ = ["Budget", "Caller", "Change", "Credential", "Features", "HostsPage", "Page", "PlaneClient"]


class Features(msgspec.Struct, frozen=True):
    """What a plane can do. A plane that does not answer the question is a Palette."""

    kind: str = "palette"
    """`hub` or `palette`."""
    version: str = ""
    stream: str = ""
    """Path of the change stream, `""` when there is none."""
    page_limit: int = protocol.PAGE_LIMIT
    started: str = ""
    beats: bool = False
    """Whether its stream has heartbeats in short form."""
    certificates: tuple[tuple[str, float, bool], ...] = ()
    """The plane's own certificates: name, end (epoch seconds), and whether the plane renews it by itself."""

    @property
    def hub(self) -> bool:
        """Whether the other end is a hub."""
        return self.kind == "hub"


class Caller(msgspec.Struct, frozen=True):
    """Who this client is for the plane; everything is empty where the plane does not report it."""

    role: str = ""
    """`admin`, `operator` or `viewer`."""
    name: str = ""
    """User who owns the credential."""
    via: str = ""
    """What was shown, e.g. `API key noc-wall`."""


class PlaneClient(HostsApi, TokensApi, UsersApi, SshKeysApi, FiltersApi, FeedApi, AlertsApi, OperationsApi, StreamApi):
    """Everything that the console and the command line ask of a plane.

    `async with PlaneClient(url, Credential(api_key=...), ca=path, project_uid=uid) as client: ...`
    """

    _features: Features | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def features(self, fresh: bool = False) -> Features:
        """Return what the plane can do; asked once. From a hub on, the budget of Palette no longer applies."""
        if self._features is not None and not fresh:
            return self._features
        try:
            data: Any = (await self.call("GET", protocol.FEATURES, "list of features")).data
        except EdgewrightError as error:
            no_such_path = error.exit_code in (ExitCode.NOT_FOUND, ExitCode.REFUSED, ExitCode.INVALID)
            if not no_such_path and error.code != "NotJSON":
                raise
            data = None
        self._features = _features(data)
        self.budget.limited = not self._features.hub
        return self._features

    async def caller(self) -> Caller:
        """Return who calls by the hub's own words; a plane without them is not an error. Raises `EdgewrightError`."""
        try:
            user = (await self.who()).get(protocol.EXTENSION)
        except NotFound:
            user = None
        if not isinstance(user, dict):
            return Caller()
        return Caller(*(clean(user.get(key) or "", limit=120) for key in ("role", "name", "via")))

    async def ping(self) -> float:
        """Return the seconds that the plane takes to answer at all, whatever it answers."""
        began = time.perf_counter()
        await self.features(fresh=True)
        return time.perf_counter() - began


def _features(data: Any) -> Features:
    if not isinstance(data, dict) or data.get("product") != "edgewright-hub":
        return Features()
    stream, limit = data.get("stream"), data.get("pageLimit")
    return Features(
        kind="hub",
        version=clean(data.get("version"), limit=60),
        stream=stream if isinstance(stream, str) else "",
        page_limit=max(limit, protocol.PAGE_LIMIT) if isinstance(limit, int) else protocol.PAGE_LIMIT,
        started=clean(data.get("started"), limit=40),
        beats=isinstance(data.get("beats"), (int, float)),
        certificates=_certificates(data.get("certificates")),
    )


def _certificates(value: Any) -> tuple[tuple[str, float, bool], ...]:
    matches = []
    for entry in value[:20] if isinstance(value, list) else ():
        try:
            ends = times.parse(entry["ends"])
            if ends is not None:
                matches.append((clean(entry["name"], limit=40), ends, entry.get("renewed") is True))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # not as a hub sends it
    return tuple(matches)

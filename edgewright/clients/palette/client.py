"""The client of a plane: a real Palette or a hub, by the same paths.

Importing this module is cheap; the HTTP library is loaded when a client is created.
"""

from __future__ import annotations

import time
from typing import Any, Self, TypeVar, cast

from edgewright.clients import ports
from edgewright.clients.http.budget import Budget
from edgewright.clients.http.credential import Credential
from edgewright.clients.http.stream import Change, Stream
from edgewright.clients.http.transport import Transport
from edgewright.clients.palette.alerts import Problems, Receivers
from edgewright.clients.palette.features import Caller, Features
from edgewright.clients.palette.feed import Alerts, Audits, Events, Projects
from edgewright.clients.palette.filters import Filters
from edgewright.clients.palette.hosts import Hosts
from edgewright.clients.palette.operations import Operations
from edgewright.clients.palette.pages import Page
from edgewright.clients.palette.session import Session
from edgewright.clients.palette.ssh_keys import SshKeys
from edgewright.clients.palette.tokens import Tokens
from edgewright.clients.palette.users import Roles, Users
from edgewright.clients.relay import Relays
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, ExitCode, NotFound, Refused
from edgewright.core.text import clean
from edgewright.wire import protocol

__all__ = ["Budget", "Caller", "Change", "Credential", "Features", "Page", "PlaneClient"]

P = TypeVar("P")


class PlaneClient(Transport):
    """Everything that the console and the command line ask of a plane, by noun: `client.hosts.reset(uid)`.

    `async with PlaneClient(url, Credential(api_key=...), ca=path, project_uid=uid) as client: ...`
    """

    _features: Features | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what `Transport` takes."""
        super().__init__(*arguments, **options)
        self.hosts = Hosts(self)
        self.operations = Operations(self)
        self.tokens = Tokens(self)
        self.projects = Projects(self)
        self.users = Users(self)
        self.roles = Roles(self)
        self.ssh_keys = SshKeys(self)
        self.filters = Filters(self)
        self.events = Events(self)
        self.audits = Audits(self)
        self.alerts = Alerts(self)
        self.problems = Problems(self)
        self.receivers = Receivers(self)
        self.changes = Stream(self)
        self.relays = Relays(self)
        self.session = Session(self)
        self._offered = self._ports()

    async def port(self, wanted: type[P]) -> P:
        """Return a port; the first question for one that only a hub has asks the plane what it is.

        Raises `Refused` (code `NotAvailable`) when this plane does not have it, else `EdgewrightError`.
        """
        if wanted in ports.HUB_ONLY and wanted in ports.missing((await self.features()).kind):
            raise Refused(ports.sentence(wanted), ports.HINT_HUB, ports.NOT_AVAILABLE)
        return cast("P", self._offered[wanted])

    async def page_limit(self) -> int:
        """Return how many entries of a list this plane gives at a time."""
        return (await self.features()).page_limit

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
            user = (await self.session.who()).get(protocol.EXTENSION)
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

    def _ports(self) -> dict[type, object]:
        offered: dict[type, object] = {}

        def offer(port: type[P], noun: P) -> None:  # the type checker compares the noun with the port here
            offered[port] = noun

        offer(ports.CanDescribe, self)
        offer(ports.CanCall, self)
        offer(ports.CanListHosts, self.hosts)
        offer(ports.CanRegisterHosts, self.hosts)
        offer(ports.CanTag, self.hosts)
        offer(ports.CanReset, self.hosts)
        offer(ports.CanDeleteHosts, self.hosts)
        offer(ports.CanReadLogs, self.operations)
        offer(ports.CanOperateHosts, self.operations)
        offer(ports.CanListOperations, self.operations)
        offer(ports.CanListTokens, self.tokens)
        offer(ports.CanManageTokens, self.tokens)
        offer(ports.CanListProjects, self.projects)
        offer(ports.CanListUsers, self.users)
        offer(ports.CanManageUsers, self.users)
        offer(ports.CanListRoles, self.roles)
        offer(ports.CanListKeys, self.ssh_keys)
        offer(ports.CanManageKeys, self.ssh_keys)
        offer(ports.CanListFilters, self.filters)
        offer(ports.CanManageFilters, self.filters)
        offer(ports.CanReadEvents, self.events)
        offer(ports.CanReadAudits, self.audits)
        offer(ports.CanReadAlerts, self.alerts)
        offer(ports.CanHandleProblems, self.problems)
        offer(ports.CanManageReceivers, self.receivers)
        offer(ports.CanFollow, self.changes)
        offer(ports.CanRelay, self.relays)
        return offered


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

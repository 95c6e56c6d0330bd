"""Finding hosts among tens of thousands: filter, order, and cursors that outlive what changes between two pages.

A search walks the hosts in the order of their names and looks at few values of each, giving way to other requests every
few milliseconds (`pace`); what it may ask of each host is bounded (`core.search.search.MAX_TESTS`). Its result is
stored for a while, so that the next page costs no second search. A cursor names its result and the last host of its
page by value: when the result is no longer stored, the next page begins after that host in a fresh result, so that a
host that did not change comes once, whatever came or went meanwhile.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from operator import attrgetter
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from edgewright.core.hosts.health import GRACE
from edgewright.core.roles import EVERYTHING, Scope
from edgewright.core.search import search as rules
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, bad_request
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.state import State

MAX_RESULTS = 16
"""Results that are cached at the same time."""
FRESH = 30.0
"""Seconds that a result serves further pages."""

Value = str | float | bool | None
Column = list[Value]
Order = tuple[str, str, str]
Sorting = list[tuple[str, bool]]


def _rounded(moment: float) -> float:
    """Return a time as documents contain it, to the millisecond."""
    return round(moment * 1000) / 1000


class View:
    """Reads search properties of the host in `entry`; made once for a search and moved from host to host."""

    def __init__(self, renderer: Renderer, now: float) -> None:
        self.entry: HostEntry
        self._renderer = renderer
        self._now = now
        self._started = renderer.started
        self._limit = renderer.silence_limit
        self._quiet = GRACE * renderer.interval
        self.getters: Mapping[str, Callable[[], Any]] = {
            "name": lambda: self.entry.facts.name,
            "tags": lambda: self.entry.facts.tags,
            "uid": lambda: self.entry.record.uid,
            "site": lambda: self.entry.facts.site,
            "clusterName": lambda: self.entry.facts.cluster,
            "architecture": lambda: self.entry.facts.architecture,
            "hostType": lambda: self.entry.facts.host_type,
            "cpu": lambda: self.entry.facts.cpu,
            "memory": lambda: self.entry.facts.memory,
            "simulated": lambda: self.entry.facts.simulated,
            "observed": lambda: self.entry.facts.observed,
            "state": lambda: self.entry.record.state,
            "agentVersion": lambda: self.entry.live.agent_version or None,
            "healthState": self.health,
            "creationTimestamp": lambda: _rounded(self.entry.record.created),
            "lastModifiedTimestamp": self._modified,
            "lastHeartbeat": lambda: None if self.entry.live.at is None else _rounded(self.entry.live.at),
        }

    def __call__(self, name: str) -> object:
        """Return one property of the host; `None` when it is unknown."""
        getter = self.getters.get(name)
        return None if getter is None else getter()

    def _counted_from(self) -> float | None:
        """Return from when silence counts (rule P18)."""
        live, record = self.entry.live, self.entry.record
        if record.registered_at is None:
            return None
        word = live.at if live.at is not None else record.registered_at
        return max(word, self._started)

    def health(self) -> str:
        """Return the host's health now: as it was last settled, unless its time has run out since."""
        health: str = self.entry.live.health
        counted = self._counted_from()
        # most hosts have no limit of their own, and this is asked for each host of a fleet
        own = "interval" in self.entry.live.vitals
        limit = self._renderer.host_limit(self.entry) if own else self._limit
        if counted is None or (health == "unhealthy") is (self._now >= counted + limit):
            return health
        return self._renderer.verdict(self.entry, self._now).health.value

    def _modified(self) -> float:
        """Return when the record or its judgement last changed; the latter as `core.hosts.health.judge` finds it."""
        record, live = self.entry.record, self.entry.live
        if record.registered_at is None:
            return _rounded(max(record.modified, record.created))
        if live.at is None:
            return _rounded(max(record.modified, record.registered_at))
        since, counted = live.at, max(live.at, self._started)
        reported = live.since if live.state else None
        limit, quiet = self._limit, self._quiet
        if "interval" in live.vitals:
            limit, quiet = self._renderer.host_limit(self.entry), GRACE * self._renderer.host_interval(self.entry)
        late = self._now - counted > (quiet if live.state == "healthy" or not live.state else limit)
        if reported is not None and not late and self._now < counted + limit:
            since = reported
        return _rounded(max(since, record.modified))


class Result(NamedTuple):
    """What a search found, in order, with the values that the order came from as they were then."""

    serial: str
    at: float
    uids: list[str]
    orders: list[Order]
    columns: list[Column]
    """The values of each field that was sorted by."""
    sorting: Sorting


class Cursor(msgspec.Struct):
    """The hub's own part of a `continue` text: the result, and the last host of the page by its values."""

    s: str
    v: tuple[Value, ...]
    o: Order


class Finder:
    """Runs searches and caches their results for the pages that follow."""

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state = state
        self._renderer = renderer
        self._results: OrderedDict[tuple[Scope, bytes], Result] = OrderedDict()
        self._ordered: list[HostEntry] = []
        self._version = -1

    def ordered(self, scope: Scope = EVERYTHING) -> list[HostEntry]:
        """Return every host of a scope in the order of names."""
        if self._version != self._state.version:
            self._ordered = sorted(self._state.hosts.values(), key=attrgetter("facts.order"))
            self._version = self._state.version
        if scope.projects is None:
            return self._ordered
        projects = scope.projects
        return [entry for entry in self._ordered if entry.record.project_uid in projects]

    async def find(self, scope: Scope, spec: dict[str, Any], now: float, pace: Pace | None = None) -> Result:
        """Search and store the result; raises `Problem` 422 for a search that cannot be evaluated or costs too much."""
        for problem in rules.validate(spec):
            raise problems.invalid(problem.code, problem.message)
        sorting = rules.sort_fields(spec)
        view = View(self._renderer, now)
        columns: list[Column] = []
        async with pace or Pace.alone() as pace:
            match = self.ordered(scope)
            if (spec.get("filter") or {}).get("filterGroups"):
                match = await _passing(match, rules.compile_search(spec), view, pace)
            if sorting:
                match, columns = await _sorted(match, sorting, view, pace)
            if pace.due:
                await pace.rest()
            uids, orders = [entry.record.uid for entry in match], [entry.facts.order for entry in match]
        result = Result(secrets.token_hex(6), now, uids, orders, columns, sorting)
        key = _key_of(scope, spec)
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > MAX_RESULTS or now - next(iter(self._results.values())).at > FRESH:
            self._results.popitem(last=False)
        return result

    async def page(
        self, scope: Scope, spec: dict[str, Any], now: float, offset: int, cursor: str, pace: Pace | None = None
    ) -> tuple[Result, int]:
        """Return a result and where in it the page begins; raises `Problem` 400 for a foreign cursor."""
        wanted = _read_cursor(cursor) if cursor else None
        stored = self._results.get(_key_of(scope, spec))
        if stored is not None and now - stored.at <= FRESH and offset and (wanted is None or wanted.s == stored.serial):
            return stored, offset
        result = await self.find(scope, spec, now, pace)
        if wanted is None:
            return result, offset
        if len(wanted.v) != len(result.sorting):
            raise _foreign()
        return result, _position(result, wanted)


def _key_of(scope: Scope, spec: dict[str, Any]) -> tuple[Scope, bytes]:
    """Return what a result is found by: short, however long the search is."""
    return scope, sha256(msgspec.json.encode(spec)).digest()


def cursor(result: Result, end: int) -> str:
    """Return the cursor of a page that ends before index `end` (at least 1) of a result."""
    values = tuple([column[end - 1] for column in result.columns])
    return msgspec.json.encode(Cursor(result.serial, values, result.orders[end - 1])).decode()


def _position(result: Result, wanted: Cursor) -> int:
    """Return the index of the first host that comes after the cursor's."""
    low, high = 0, len(result.uids)
    while low < high:
        middle = (low + high) // 2
        if _comes_after(result, middle, wanted):
            high = middle
        else:
            low = middle + 1
    return low


def _comes_after(result: Result, index: int, wanted: Cursor) -> bool:
    for (_, descending), column, theirs in zip(result.sorting, result.columns, wanted.v, strict=True):
        mine = column[index]
        if mine is None or theirs is None:
            if mine is not theirs:
                return mine is None  # what is unknown comes last either way
            continue
        left, right = _key(mine), _key(theirs)
        if left != right:
            return (left < right) if descending else (left > right)
    return result.orders[index] > wanted.o


def _key(value: Any) -> tuple[int, Any]:
    """Return what values are compared by; a number and a text can be compared as well."""
    return (0, value) if isinstance(value, (int, float)) else (1, str(value).casefold())


async def _passing(entries: Sequence[HostEntry], passes: rules.Check, view: View, pace: Pace) -> list[HostEntry]:
    matches = []
    for entry in entries:
        view.entry = entry
        if passes(view):
            matches.append(entry)
        if perf_counter() >= pace.end:
            await pace.rest()
    return matches


async def _sorted(
    entries: Sequence[HostEntry], sorting: Sorting, view: View, pace: Pace
) -> tuple[list[HostEntry], list[Column]]:
    """Return the hosts in order, and each field's values; hosts that are equal are in the order of their names."""
    columns: list[Column] = []
    for field, _ in sorting:
        column: Column = []
        getter = view.getters[field]
        for entry in entries:
            view.entry = entry
            column.append(getter())
            if perf_counter() >= pace.end:
                await pace.rest()
        columns.append(column)
    order = list(range(len(entries)))
    for column, (_, descending) in reversed(list(zip(columns, sorting, strict=True))):
        keys: list[Any] = [value.casefold() if isinstance(value, str) else value for value in column]
        unknown = [index for index in order if keys[index] is None]
        known = [index for index in order if keys[index] is not None] if unknown else order
        known.sort(key=keys.__getitem__, reverse=descending)
        order = known + unknown
        await pace.rest()
    columns = [[column[index] for index in order] for column in columns]
    if pace.due:
        await pace.rest()
    return [entries[index] for index in order], columns


async def ordered_by(entries: Sequence[HostEntry], sorting: Sorting, view: View, pace: Pace) -> list[HostEntry]:
    """Return hosts in another order."""
    return (await _sorted(entries, sorting, view, pace))[0]


def _foreign() -> Problem:
    return bad_request("The value of 'continue' is not one that this plane gave for this search.")


def _read_cursor(text: str) -> Cursor:
    try:
        return msgspec.json.decode(text, type=Cursor)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _foreign() from None

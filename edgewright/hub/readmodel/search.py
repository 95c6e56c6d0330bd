"""Finding hosts among tens of thousands: filter, order, and cursors that outlive what changes between two pages.

A search asks the index (`readmodel/index`); while that is being built it walks the hosts and looks at few values of
each. Both give way to other requests every few milliseconds (`pace`), and what may be asked of each host is bounded
(`core.search.search.MAX_TESTS`). A result is stored for a while, so that the next page costs no second search. A cursor
names its result and the last host of its page by value: when the result is no longer stored, the next page begins after
that host in a fresh result, so that a host that did not change comes once, whatever came or went meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import compress
from operator import attrgetter
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from edgewright.core import times
from edgewright.core.roles import EVERYTHING, Scope
from edgewright.core.search import search as rules
from edgewright.hub.db.records import HostEntry, Order
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, bad_request
from edgewright.hub.readmodel.index.fleet import PROJECT, TIMES, FleetIndex
from edgewright.hub.readmodel.index.masks import Mask
from edgewright.hub.readmodel.index.matches import Matches, SlotMatches, Value
from edgewright.hub.readmodel.index.query import Query
from edgewright.hub.readmodel.pace import Pace, Turns
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.state import State
from edgewright.hub.readmodel.view import View

log = logging.getLogger("edgewright.hub")
MAX_RESULTS = 16
"""Results that are cached at the same time."""
FRESH = 30.0
"""Seconds that a result serves further pages."""
EVERY = 5.0
"""Seconds between two times that the index follows the fleet while there is no search."""
_SMALL = 2000
"""Hosts up to which the first search builds the index, in some milliseconds."""
_AT_ONCE = 1000
"""Hosts that the index takes without giving way."""
_INDEX = "index"
"""The caller whose turns the work for the index takes."""

Values = list[Value]
Sorting = list[tuple[str, bool]]


class Result(NamedTuple):
    """What a search found, in order, with the values that the order came from as they were then."""

    serial: str
    at: float
    matches: Matches
    sorting: Sorting

    @property
    def uids(self) -> list[str]:
        """Return the uids of all hosts of the result."""
        return self.uids_of(0, len(self.matches))

    def uids_of(self, start: int, end: int) -> list[str]:
        """Return the uids of some hosts of the result."""
        return [order[2] for order in self.matches.part(start, end)]


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
        self.index = FleetIndex(state, renderer)

    async def follow(self, turns: Turns) -> None:
        """Build the index, then bring it up to date every few seconds, until cancelled."""
        frozen: FleetIndex | None = None
        while True:
            try:
                async with Pace(turns, _INDEX) as pace:
                    await self.index.refresh(times.now(), pace)
                    if self.index.worn:
                        await self._replace_index(pace)
                if frozen is not self.index and self.index.built:
                    gc.freeze()  # as the fleet itself: nothing of it becomes garbage in circles
                    frozen = self.index
            except Exception:
                log.exception("the index of the hosts could not be brought up to date; it is tried again")
            await asyncio.sleep(EVERY)

    async def _replace_index(self, pace: Pace) -> None:
        """Make another index while searches use the present one."""
        index, passed_on = FleetIndex(self._state, self._renderer), set[str]()
        self.index.passed_on = passed_on
        try:
            await index.refresh(times.now(), pace, alone=False)
        finally:
            self.index.passed_on = None
        self._state.moved |= passed_on
        self.index = index

    async def _indexed(self, now: float, pace: Pace) -> bool:
        """Return whether the index can be asked; that of a small fleet is built here."""
        if not self.index.built and len(self._state.hosts) > _SMALL:
            return False
        return await self.index.refresh(now, pace)

    def ordered(self, scope: Scope = EVERYTHING) -> list[HostEntry]:
        """Return every host of a scope in the order of names."""
        if self._version != self._state.version:
            if self.index.built and len(self._state.moved) <= _AT_ONCE:
                self._ordered = self.index.in_order()
            else:
                self._ordered = sorted(self._state.hosts.values(), key=attrgetter("order"))
            self._version = self._state.version
        if scope.projects is None:
            return self._ordered
        projects = scope.projects
        return [entry for entry in self._ordered if entry.record.project_uid in projects]

    async def find(self, scope: Scope, spec: dict[str, Any], now: float, pace: Pace | None = None) -> Result:
        """Search and store the result; raises `Problem` 422 for a search that cannot be evaluated or costs too much."""
        for problem in rules.validate(spec):
            raise problems.invalid(problem.code, problem.message)
        sorting, plan, view = rules.sort_fields(spec), rules.parse_search(spec), View(self._renderer, now)
        async with pace or Pace.alone() as pace:
            if await self._indexed(now, pace):
                matches = await self._look_up(scope, plan, sorting, view, pace)
            else:
                matches = await self._walk(scope, plan, sorting, view, pace)
        result = Result(secrets.token_hex(6), now, matches, sorting)
        key = _key_of(scope, spec)
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > MAX_RESULTS or now - next(iter(self._results.values())).at > FRESH:
            self._results.popitem(last=False)
        return result

    async def _walk(self, scope: Scope, plan: rules.Plan, sorting: Sorting, view: View, pace: Pace) -> Matches:
        """Return what a search finds by a look at each host."""
        columns: list[Values] = []
        match: Sequence[HostEntry] = self.ordered(scope)
        if plan.groups:
            match = await _passing(match, plan.compiled(), view, pace)
        if sorting:
            match, columns = await _sorted(match, sorting, view, pace)
        if pace.due:
            await pace.rest()
        return Matches([entry.order for entry in match], columns)

    async def _look_up(self, scope: Scope, plan: rules.Plan, sorting: Sorting, view: View, pace: Pace) -> Matches:
        """Return the same as `_walk`, by the index."""
        index = self.index
        by_time = sorting[0] if len(sorting) == 1 and sorting[0][0] in TIMES else None
        with index.watched() as touched:
            mask = await Query(index, plan, view, pace).run(_in_scope(index, scope))
            order = None if by_time is None else await index.time_order(*by_time, pace)
            if touched:
                mask = _looked_again(index, mask, touched, scope, plan, view)
        total, bits = mask.bit_count(), mask.to_bytes(index.size, "little")
        if order is not None:
            slots, moments = order.slots[:], index.times[sorting[0][0]][:]
            return SlotMatches(total, lambda: compress(slots, map(bits.__getitem__, slots)), index.orders, moments)
        by_name = index.names.slots_in(bits)
        if not sorting or sorting == [("name", False)]:
            return SlotMatches(total, by_name, index.orders, index.texts["name"][0] if sorting else None)
        field, descending = sorting[0]
        if len(sorting) == 1 and field in index.columns:
            values = index.columns[field].of
            grouped = _grouped(by_name(), values, descending=descending)
            return Matches([index.orders[slot] for slot in grouped], [[values[slot] for slot in grouped]])
        entries = [entry for slot in by_name() if (entry := index.entries[slot]) is not None]
        match, columns = await _sorted(entries, sorting, view, pace)
        return Matches([entry.order for entry in match], columns)

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
    (order,) = result.matches.part(end - 1, end)
    return msgspec.json.encode(Cursor(result.serial, result.matches.values(end - 1), order)).decode()


def _position(result: Result, wanted: Cursor) -> int:
    """Return the index of the first host that comes after the cursor's."""
    low, high = 0, len(result.matches)
    orders, columns = result.matches.lists()
    while low < high:
        middle = (low + high) // 2
        values = [column[middle] for column in columns]
        if _comes_after(result.sorting, values, orders[middle], wanted):
            high = middle
        else:
            low = middle + 1
    return low


def _comes_after(sorting: Sorting, values: Sequence[Value], order: Order, wanted: Cursor) -> bool:
    for (_, descending), mine, theirs in zip(sorting, values, wanted.v, strict=True):
        if mine is None or theirs is None:
            if mine is not theirs:
                return mine is None  # what is unknown comes last either way
            continue
        left, right = _key(mine), _key(theirs)
        if left != right:
            return (left < right) if descending else (left > right)
    return order > wanted.o


def _key(value: Any) -> tuple[int, Any]:
    """Return what values are compared by; a number and a text can be compared as well."""
    return (0, value) if isinstance(value, (int, float)) else (1, str(value).casefold())


def _in_scope(index: FleetIndex, scope: Scope) -> Mask:
    if scope.projects is None:
        return index.everything
    return index.postings[PROJECT].union(scope.projects, index.size)


def _looked_again(index: FleetIndex, mask: Mask, touched: set[int], scope: Scope, plan: rules.Plan, view: View) -> Mask:
    """Return the mask after a look at the hosts that changed while the search gave way to others."""
    passes = plan.compiled()
    bits = bytearray(mask.to_bytes(index.size, "little"))
    for slot in touched:
        entry = index.entries[slot]
        bits[slot] = 0
        if entry is not None and scope.covers(entry.record.project_uid):
            view.entry = entry
            bits[slot] = passes(view)
    return int.from_bytes(bits, "little")


def _grouped(slots: Iterable[int], values: Sequence[str | None], *, descending: bool) -> list[int]:
    """Return slots in the order of their values without case, which are few; unknown ones come last."""
    groups: defaultdict[str | None, list[int]] = defaultdict(list)
    folded = {value: None if value is None else value.casefold() for value in set(values)}
    for slot in slots:
        groups[folded[values[slot]]].append(slot)
    known = sorted((value for value in groups if value is not None), reverse=descending)
    return [slot for value in [*known, None] for slot in groups.get(value, ())]


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
) -> tuple[list[HostEntry], list[Values]]:
    """Return the hosts in order, and each field's values; hosts that are equal are in the order of their names."""
    columns: list[Values] = []
    for field, _ in sorting:
        column: Values = []
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

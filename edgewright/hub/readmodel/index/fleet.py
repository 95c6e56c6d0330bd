"""The index of the fleet: each host has a slot, and each property of the search is stored by slot.

It follows what `State.moved` names, and the moments at which time alone changes a host (`moments`). Both are worked off
when a search asks, and every few seconds besides, in slices. Used on the event loop only.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf, nan
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from edgewright.core.search.match import as_number, as_texts
from edgewright.hub.readmodel.index.masks import Mask
from edgewright.hub.readmodel.index.moments import Alarms, outlook
from edgewright.hub.readmodel.index.orders import NameOrder, TimeOrder, sorted_in_slices
from edgewright.hub.readmodel.index.postings import Column, Postings
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.view import View

if TYPE_CHECKING:
    from edgewright.hub.db.records import HostEntry, Order
    from edgewright.hub.readmodel.facts import Facts
    from edgewright.hub.readmodel.render import Renderer
    from edgewright.hub.readmodel.state import State


def _copy(text: str) -> str:
    return (" " + text)[1:]


def _number(value: object) -> tuple[float, ...]:
    number = as_number(value)
    return () if number is None else (number,)


PIECES = "pieces"
"""Not a property of the search: what the name consists of, so that few names are looked at for a text in it."""


def pieces(folded: str) -> set[str]:
    """Return each character of a text without case, and each two that follow each other."""
    return {*folded, *map(str.__add__, folded, folded[1:])}


_OF_FACTS: dict[str, Callable[[Facts], tuple[Any, ...]]] = {
    PIECES: lambda facts: tuple(pieces(facts.name.casefold())),
    "tags": lambda facts: facts.tags,
    "site": lambda facts: () if facts.site is None else (facts.site,),
    "clusterName": lambda facts: () if facts.cluster is None else (facts.cluster,),
    "architecture": lambda facts: tuple(as_texts(facts.architecture)),
    "hostType": lambda facts: tuple(as_texts(facts.host_type)),
    "cpu": lambda facts: _number(facts.cpu),
    "memory": lambda facts: _number(facts.memory),
    "simulated": lambda facts: (bool(facts.simulated),),
    "observed": lambda facts: (bool(facts.observed),),
}
"""Property of a document -> what it is found by: texts, numbers or a truth value."""
TIMES = ("creationTimestamp", "lastModifiedTimestamp")
PROJECT = "project"
_WORN_PART, _WORN_LEAST = 8, 1000
"""An index is made again when that part of the hosts, and that many, are not in the slots of its order."""
_AT_ONCE = 2048
"""Hosts of whose documents one property is read before other work gets its turn."""


class FleetIndex:
    """What a search needs of all hosts. `built` is false until it has taken the hosts that were loaded."""

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._watchers: list[set[int]] = []
        self._building = False
        self.passed_on: set[str] | None = None
        """Collects the uids that are brought up to date, for the index that takes the place of this one."""
        self._clear()

    def _clear(self) -> None:
        self.built = False
        self.size = 0
        self._settings: tuple[float, float, float] | None = None
        self._latest = 0.0
        self._slot_of: dict[str, int] = {}
        self._due: list[int] = []
        self.entries: list[HostEntry | None] = []
        """The host of each slot; slots from `size` on do not exist."""
        self._facts: list[Facts | None] = []
        self.orders: list[Order] = []
        """What the host of each slot is ordered by; slots are not used twice, so that this only grows."""
        self.alive = bytearray()
        """1 for each slot that has a host."""
        self.columns = {name: Column() for name in ("state", "healthState", "agentVersion", PROJECT)}
        self._of_facts = {name: Postings() for name in _OF_FACTS}
        self.postings = {**self._of_facts, **{name: column.postings for name, column in self.columns.items()}}
        self.texts: dict[str, tuple[list[str], list[str]]] = {"name": ([], []), "uid": ([], [])}
        """Property that distinguishes hosts -> the text of each slot, and the same without case; they stay as well."""
        self.times: dict[str, array[float]] = {name: array("d") for name in TIMES}
        self.names = NameOrder(self.orders)
        self._time_orders: dict[tuple[str, bool], TimeOrder] = {}
        self._alarms = Alarms()

    @property
    def everything(self) -> Mask:
        """Return the mask of all hosts."""
        return int.from_bytes(self.alive, "little")

    def in_order(self) -> list[HostEntry]:
        """Return all hosts by name, those that came or changed a moment ago as well."""
        self._follow_records()
        slots = self.names.slots_in(bytes(self.alive))()
        return [entry for slot in slots if (entry := self.entries[slot]) is not None]

    @contextmanager
    def watched(self) -> Iterator[set[int]]:
        """Collect the slots that change within the block, those of new and of deleted hosts among them."""
        touched: set[int] = set()
        self._watchers.append(touched)
        try:
            yield touched
        finally:
            self._watchers = [other for other in self._watchers if other is not touched]

    async def time_order(self, field: str, descending: bool, pace: Pace) -> TimeOrder:
        """Return the present order of all hosts by a time."""
        order = self._time_orders.get((field, descending))
        if order is None:
            sign = -1 if descending else 1
            order = self._time_orders[field, descending] = TimeOrder(self.times[field], self.orders, sign)
        while not order.current:
            await order.refresh(pace)
        return order

    @property
    def worn(self) -> bool:
        """Return whether so many hosts came, were renamed or deleted that another index would cost less."""
        alive = len(self._slot_of)
        return self.built and self.names.later + self.size - alive > max(_WORN_LEAST, alive // _WORN_PART)

    async def refresh(self, now: float, pace: Pace, *, alone: bool = True) -> bool:
        """Bring the index up to date, and build it first; returns false while another task builds it.

        With `alone` false another index takes what moves until this one has its place.
        """
        if not self.built:
            if self._building:
                return False
            if alone:
                self._state.moved.clear()
            await self._build(now, pace)
            if not alone:
                return True
        self._latest = now
        settings = (self._renderer.started, self._renderer.silence_limit, self._renderer.interval)
        if settings != self._settings:
            self._settings = settings
            self._state.moved.update(self._state.hosts)
        self._due += self._alarms.due(now)
        view, moved = View(self._renderer, now), self._state.moved
        while moved:
            self._update(moved.pop(), view)
            if pace.due:
                await pace.rest()
        while self._due:
            entry = self.entries[self._due.pop()]
            if entry is not None:
                self._update(entry.record.uid, view)
            if pace.due:
                await pace.rest()
        return True

    def _follow_records(self) -> None:
        view = View(self._renderer, self._latest)
        while self._state.moved:
            self._update(self._state.moved.pop(), view)

    async def _build(self, now: float, pace: Pace) -> None:
        self._building = True
        try:
            self._clear()
            view = View(self._renderer, now)
            self._settings = (self._renderer.started, self._renderer.silence_limit, self._renderer.interval)
            named = []
            for entry in list(self._state.hosts.values()):
                named.append((entry.order, entry, entry.facts))  # a host that is renamed meanwhile moves after that
                if pace.due:
                    await pace.rest()
            await self._take_all(await sorted_in_slices(named, itemgetter(0), pace), view, pace)
            self.built = True
        finally:
            self._building = False

    async def _take_all(self, named: list[tuple[Order, HostEntry, Facts]], view: View, pace: Pace) -> None:
        """Take the hosts that were loaded; the values of their documents property by property, which costs less."""
        self._grow(len(named))
        self.names.base = self.size
        for slot, (order, entry, facts) in enumerate(named):
            self._slot_of[order[2]] = slot
            self._put_facts(slot, facts, order)
            self._facts[slot] = facts
            self._put_rest(slot, entry, view)
            if pace.due:
                await pace.rest()
        for name, read in _OF_FACTS.items():
            for start in range(0, len(named), _AT_ONCE):
                some = enumerate(self._facts[start : start + _AT_ONCE], start)
                self._of_facts[name].add_all((slot, read(facts)) for slot, facts in some if facts is not None)
                if pace.due:
                    await pace.rest()
            await self._of_facts[name].pack(self.size, pace)

    def _grow(self, count: int) -> None:
        """Make free slots at the end."""
        self.size += count
        self.entries += [None] * count
        self._facts += [None] * count
        self.orders += [("", "", "")] * count
        self.alive += bytes(count)
        for column in self.columns.values():
            column.of += [None] * count
        for texts in self.texts.values():
            for each in texts:
                each += [""] * count
        for values in self.times.values():
            values.extend([nan] * count)
        self._alarms.grow(count)

    def _place(self, uid: str) -> int:
        """Return a slot for a new host."""
        slot = self.size
        self._grow(1)
        self._slot_of[uid] = slot
        return slot

    def _update(self, uid: str, view: View) -> None:
        entry, slot = self._state.hosts.get(uid), self._slot_of.get(uid)
        if self.passed_on is not None:
            self.passed_on.add(uid)
        if entry is not None:
            before = None if slot is None else self._facts[slot]
            if slot is not None and before is not None and before.name != entry.facts.name:
                self._remove(uid, slot)
                slot = None
            self._put(self._place(uid) if slot is None else slot, entry, view)
        elif slot is not None:
            self._remove(uid, slot)

    def _put(self, slot: int, entry: HostEntry, view: View) -> None:
        """Store what is searched of a host; its slot is new, or that of the same name."""
        facts, before = entry.facts, self._facts[slot]
        if before is not facts:
            for name, read in _OF_FACTS.items():
                old, new = () if before is None else read(before), read(facts)
                if old != new:
                    self._of_facts[name].change(slot, old, new, self.size)
            if before is None:
                self._put_facts(slot, facts, entry.order)
                self.names.add(slot)
            self._facts[slot] = facts
        self._put_rest(slot, entry, view)
        self._touch(slot)

    def _put_facts(self, slot: int, facts: Facts, order: Order) -> None:
        """Store the texts of a host.

        They are copies, made one after the other and thus side by side in memory: a search reads those of all hosts.
        """
        plain, plain_uid, uid = _copy(order[0]), order[1], _copy(order[2])
        name = plain if facts.name == plain else _copy(facts.name)
        plain_uid = uid if plain_uid == uid else _copy(plain_uid)
        self.orders[slot] = plain, plain_uid, uid
        for property_, text, folded in (("name", name, plain), ("uid", uid, plain_uid)):
            texts = self.texts[property_]
            texts[0][slot], texts[1][slot] = text, folded

    def _put_rest(self, slot: int, entry: HostEntry, view: View) -> None:
        """Store what is searched of a host and changes without its document."""
        size, live, record = self.size, entry.live, entry.record
        view.entry = entry
        self.entries[slot] = entry
        self.alive[slot] = 1
        columns, times = self.columns, self.times
        columns["state"].put(slot, record.state, size)
        columns["healthState"].put(slot, view.health(), size)
        columns["agentVersion"].put(slot, live.agent_version or None, size)
        columns[PROJECT].put(slot, record.project_uid, size)
        for name in TIMES:
            time: float = view.getters[name]()
            if times[name][slot] != time:
                times[name][slot] = time
                self._stale(slot, name)
        until, live.watched = outlook(self._renderer, entry, view.now)
        self._alarms.set(slot, until)

    def _remove(self, uid: str, slot: int) -> None:
        before = self._facts[slot]
        assert before is not None
        for name, read in _OF_FACTS.items():
            self._of_facts[name].change(slot, read(before), (), self.size)
        for column in self.columns.values():
            column.put(slot, None, self.size)
        for name in TIMES:
            self.times[name][slot] = nan
            self._stale(slot, name)
        self.names.remove(slot)
        self._facts[slot] = self.entries[slot] = None
        self.alive[slot] = 0
        self._alarms.set(slot, inf)
        del self._slot_of[uid]
        self._touch(slot)

    def _stale(self, slot: int, field: str) -> None:
        for (name, _), order in self._time_orders.items():
            if name == field:
                order.stale.add(slot)

    def _touch(self, slot: int) -> None:
        for touched in self._watchers:
            touched.add(slot)

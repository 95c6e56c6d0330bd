"""Which hosts have a value: for each value of one property, the slots of its hosts.

A fleet repeats few values many times (states, versions) and many values a few times (sites, names of clusters). So one
host is a number, some are a set, and what a thirty-second part of the fleet has is a row of bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Any

from edgewright.hub.readmodel.index.masks import Mask
from edgewright.hub.readmodel.pace import Pace

_DENSE_PART, _DENSE_LEAST = 32, 64
"""A value is stored as a row of bytes from that part of all slots on, and from that many hosts."""


class _Dense:
    """The hosts of a value as a row of bytes."""

    __slots__ = ("bits", "count")

    def __init__(self, slots: Collection[int], size: int) -> None:
        self.bits = bytearray(size)
        for slot in slots:
            self.bits[slot] = 1
        self.count = self.bits.count(1)

    def add(self, slot: int, size: int) -> None:
        if slot >= len(self.bits):
            self.bits.extend(bytes(size - len(self.bits)))
        self.count += 1 - self.bits[slot]
        self.bits[slot] = 1


def _is_dense(count: int, size: int) -> bool:
    return count > _DENSE_LEAST and count * _DENSE_PART > size


class Postings:
    """The hosts by the values of one property; a host may have several values."""

    def __init__(self) -> None:
        self._hosts: dict[Hashable, int | set[int] | _Dense | list[int]] = {}
        self._values: list[Any] | None = None
        self._folded: list[str] | None = None
        self._cased: dict[str, list[str]] | None = None
        """Text without case -> the values that are another text with case. It follows each change: there may be more
        values than hosts, and one that is new must not cost a look at all of them."""

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._hosts)

    def values(self) -> list[Any]:
        """Return every value that some host has; not to be changed."""
        if self._values is None:
            self._values = list(self._hosts)
        return self._values

    def equal(self, folded: Iterable[str]) -> list[str]:
        """Return the values that are one of these texts without case."""
        if self._cased is None:
            self._cased = {}
            for value, text in zip(self.values(), self.folded(), strict=True):
                if value != text:
                    self._cased.setdefault(text, []).append(value)
        cased, hosts = self._cased, self._hosts
        return [value for text in folded for value in (*((text,) if text in hosts else ()), *cased.get(text, ()))]

    def folded(self) -> list[str]:
        """Return the values, which are texts, without case, in the order of `values`."""
        if self._folded is None:
            self._folded = [value.casefold() for value in self.values()]
        return self._folded

    def add(self, value: Hashable, slot: int, size: int) -> None:
        """Note that the host in a slot below `size` has a value."""
        hosts = self._hosts.get(value)
        if hosts is None:
            self._hosts[value] = slot
            self._changed(value, new=True)
        elif type(hosts) is int:
            self._hosts[value] = {hosts, slot}
        elif type(hosts) is set:
            hosts.add(slot)
            if _is_dense(len(hosts), size):
                self._hosts[value] = _Dense(hosts, size)
        else:
            assert isinstance(hosts, _Dense)
            hosts.add(slot, size)

    def discard(self, value: Hashable, slot: int) -> None:
        """Note that the host in a slot no longer has a value that it had."""
        hosts = self._hosts[value]
        if isinstance(hosts, _Dense):
            hosts.count -= hosts.bits[slot]
            hosts.bits[slot] = 0
            left = hosts.count
        elif isinstance(hosts, set):
            hosts.discard(slot)
            left = len(hosts)
        else:
            left = 0
        if not left:
            del self._hosts[value]
            self._changed(value, new=False)

    def _changed(self, value: Any, *, new: bool) -> None:
        """Follow that there is a new value, or one less."""
        self._values = self._folded = None
        if self._cased is not None and (text := value.casefold()) != value:
            same = self._cased.setdefault(text, [])
            if new:
                same.append(value)
            else:
                same.remove(value)
                if not same:
                    del self._cased[text]

    def add_all(self, values: Iterable[tuple[int, Iterable[Hashable]]]) -> None:
        """Note the values of many slots, which are to be packed before anything is asked."""
        hosts: dict[Hashable, Any] = self._hosts
        for slot, some in values:
            for value in some:
                slots = hosts.get(value)
                if slots is None:
                    hosts[value] = [slot]
                else:
                    slots.append(slot)

    async def pack(self, size: int, pace: Pace) -> None:
        """Store what `add_all` noted as everything else is stored."""
        for value, slots in self._hosts.items():
            assert isinstance(slots, list)
            if _is_dense(len(slots), size):
                self._hosts[value] = _Dense(slots, size)
            else:
                some = set(slots)
                self._hosts[value] = some if len(some) > 1 else slots[0]
            if pace.due:
                await pace.rest()
        self._values = self._folded = self._cased = None

    def change(self, slot: int, old: Iterable[Hashable], new: Iterable[Hashable], size: int) -> None:
        """Replace the values of the host in a slot."""
        before, after = set(old), set(new)
        for value in before - after:
            self.discard(value, slot)
        for value in after - before:
            self.add(value, slot, size)

    def union(self, values: Iterable[Hashable], size: int) -> Mask:
        """Return the hosts that have one of these values; values that no host has are left out."""
        marks, dense, sparse = bytearray(size), 0, False
        get = self._hosts.get
        for value in values:
            hosts = get(value)
            if type(hosts) is int:
                marks[hosts] = 1
                sparse = True
            elif type(hosts) is set:
                for slot in hosts:
                    marks[slot] = 1
                sparse = True
            elif isinstance(hosts, _Dense):
                dense |= int.from_bytes(hosts.bits, "little")
        return dense | int.from_bytes(marks, "little") if sparse else dense


def texts_that(operator: str, wanted: str, texts: list[str], values: list[str]) -> list[str]:
    """Return the values whose text (the same, or without case) begins with or contains `wanted`."""
    # By index: a look at each value beside its text would fetch two objects from memory instead of one.
    if operator == "contains":
        return [values[index] for index, text in enumerate(texts) if wanted in text]
    return [values[index] for index, text in enumerate(texts) if text.startswith(wanted)]


class Column:
    """The hosts by the one value of a property that changes more often than the document; `None` for none."""

    def __init__(self) -> None:
        self.postings = Postings()
        self.of: list[Any] = []
        """The value of each slot."""

    def put(self, slot: int, value: Hashable, size: int) -> None:
        """Set the value of a slot."""
        before = self.of[slot]
        if before == value:
            return
        if before is not None:
            self.postings.discard(before, slot)
        if value is not None:
            self.postings.add(value, slot, size)
        self.of[slot] = value

"""A draft of the next model: collections are copied when first touched, sums are updated as rows come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import MessageRow
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Minute, Model, Patch, SourceStatus, Tally
from edgewright.store.every import COLLECTIONS

_WITH_HOSTS: Final = tuple((each.name, each.hosts_of) for each in COLLECTIONS if each.ends_with_host and each.hosts_of)
_QUIET: Final = frozenset({"fetched_at"})
"""Fields whose change alone is not a patch: they are not drawn, and they change with every look at the plane."""

RESET_OVER: Final = 5000
"""A batch that touches more rows of a collection than this is reported as one reset: a new selection is cheaper."""


class Draft:
    """The model in the making. Used by the reducer alone, for one batch."""

    def __init__(self, base: Model) -> None:
        self._base = base
        self._copies: dict[str, dict[str, Any]] = {}
        self._touched: dict[str, dict[str, None]] = {}
        self._tally = list(msgspec.structs.astuple(base.tally))
        self._heartbeats = 0
        self._pulse = base.pulse
        self.seq = base.seq
        self.at = base.at
        self.source: SourceStatus = base.source
        self.messages: tuple[MessageRow, ...] = base.messages

    def view(self, collection: str) -> dict[str, Any]:
        """Return the collection as it is in the draft, to read."""
        copy = self._copies.get(collection)
        if copy is not None:
            return copy
        base: dict[str, Any] = getattr(self._base, collection)
        return base

    def put(self, collection: str, key: str, row: Any) -> None:
        """Set a row; an equal one changes nothing."""
        if self.view(collection).get(key) == row:
            return
        self._open(collection)[key] = row
        self._touched.setdefault(collection, {})[key] = None

    def drop(self, collection: str, key: str) -> None:
        """Take a row away; one that is not there is no error."""
        if key in self.view(collection):
            del self._open(collection)[key]
            self._touched.setdefault(collection, {})[key] = None

    def retain_only(self, collection: str, keys: set[str]) -> None:
        """Take away all rows but those of `keys`."""
        for key in [key for key in self.view(collection) if key not in keys]:
            self.drop(collection, key)

    def retain_newest(self, collection: str, limit: int, pinned: Callable[[Any], bool] | None = None) -> None:
        """Take away all but the `limit` newest rows, once a tenth more than that is there; `pinned` rows stay."""
        rows = self.view(collection)
        if len(rows) <= limit + limit // 10:
            return
        stored = {row.uid for row in rows.values() if pinned(row)} if pinned is not None else set()
        newest = sorted((row for row in rows.values() if row.uid not in stored), key=_age_of, reverse=True)[:limit]
        self.retain_only(collection, stored | {row.uid for row in newest})

    def put_host(self, row: HostRow) -> None:
        """Set a host's row, count its heartbeats and update the sums."""
        before: HostRow | None = self.view(names.HOSTS).get(row.uid)
        if before == row:
            return
        if before is not None:
            self._count(before, -1)
            if row.heartbeats is not None and before.heartbeats is not None:
                self._heartbeats += max(0, row.heartbeats - before.heartbeats)
            elif row.last_seen is not None and row.last_seen != before.last_seen:
                self._heartbeats += 1
        self._count(row, 1)
        self.put(names.HOSTS, row.uid, row)

    def drop_host(self, uid: str) -> None:
        """Take a host away with the rows that end with it, and update the sums."""
        before: HostRow | None = self.view(names.HOSTS).get(uid)
        if before is not None:
            self._count(before, -1)
            self.drop(names.HOSTS, uid)
            for collection, hosts_of in _WITH_HOSTS:
                for key in [key for key, row in self.view(collection).items() if uid in hosts_of(row)]:
                    self.drop(collection, key)

    def add_message(self, message: MessageRow) -> None:
        """Add a line to the message log."""
        self.messages = (*self.messages, message)[-names.MESSAGE_LIMIT :]

    def beat(self, at: float) -> None:
        """Write the sums into the minute of `at`; called once for each event about hosts."""
        minute = int(at // 60)
        _total, healthy, unhealthy, unknown = self._tally[:4]
        last = self._pulse[-1] if self._pulse else None
        if last is not None and minute <= last.minute:
            now = Minute(last.minute, last.heartbeats + self._heartbeats, healthy, unhealthy, unknown)
            self._pulse = (*self._pulse[:-1], now)
        else:
            now = Minute(minute, self._heartbeats, healthy, unhealthy, unknown)
            stored = tuple(old for old in self._pulse if old.minute > minute - names.PULSE_MINUTES)
            self._pulse = (*stored, now)
        self._heartbeats = 0

    def finish(self) -> tuple[Model, tuple[Patch, ...]]:
        """Return the next model and the patches from the base to it."""
        patches: list[Patch] = []
        changed: dict[str, Any] = {"seq": self.seq, "at": self.at}
        for collection in names.KEYED:
            if collection not in self._copies:
                continue
            changed[collection] = after = self._copies[collection]
            before: dict[str, Any] = getattr(self._base, collection)
            patches += _differences(collection, before, after, self._touched[collection])
        for name, value, old in (
            (names.SOURCE, self.source, self._base.source),
            (names.MESSAGES, self.messages, self._base.messages),
            (names.PULSE, self._pulse, self._base.pulse),
        ):
            if value is not old and value != old:
                changed[name] = value
                patches.append(Patch(name))
        changed["tally"] = Tally(*self._tally)
        return msgspec.structs.replace(self._base, **changed), tuple(patches)

    def _open(self, collection: str) -> dict[str, Any]:
        copy = self._copies.get(collection)
        if copy is None:
            copy = self._copies[collection] = dict(self.view(collection))
        return copy

    def _count(self, row: HostRow, step: int) -> None:
        _count(self._tally, row, step)


def _count(tally: list[int], row: HostRow, step: int) -> None:
    tally[0] += step
    tally[1 if row.health == "healthy" else 2 if row.health == "unhealthy" else 3] += step
    tally[4 if row.state == "unpaired" else 6 if row.state == "in-use" else 5] += step
    tally[7] += step * row.simulated
    tally[8] += step * row.observed


def completed(model: Model, head: Model, hosts: dict[str, HostRow]) -> Model:
    """Return `model`, which grew from `head`, with all hosts of the fleet that `head` has only some of."""
    if model.hosts is head.hosts:
        return msgspec.structs.replace(model, hosts=hosts)
    merged = {uid: row for uid, row in hosts.items() if uid not in head.hosts or uid in model.hosts}
    merged.update((uid, row) for uid, row in model.hosts.items() if row is not head.hosts.get(uid))
    sums = [0] * len(Tally.__struct_fields__)
    for row in merged.values():
        _count(sums, row, 1)
    return msgspec.structs.replace(model, hosts=merged, tally=Tally(*sums))


def _age_of(row: Any) -> tuple[float, str]:
    return row.at, row.uid


def _differences(
    collection: str, before: dict[str, Any], after: dict[str, Any], touched: dict[str, None]
) -> list[Patch]:
    if len(touched) > RESET_OVER:
        return [Patch(collection, op="reset")]
    patches: list[Patch] = []
    for key in touched:
        old, new = before.get(key), after.get(key)
        if new is None:
            if old is not None:
                patches.append(Patch(collection, key, "delete"))
        elif old is None:
            patches.append(Patch(collection, key, new=True))
        elif old != new:
            fields = _fields(old, new)
            if fields:
                patches.append(Patch(collection, key, fields=fields))
    return patches


def _fields(old: Any, new: Any) -> tuple[str, ...]:
    if not isinstance(new, msgspec.Struct):
        return ("value",)
    return tuple(
        name for name in new.__struct_fields__ if name not in _QUIET and getattr(old, name) != getattr(new, name)
    )

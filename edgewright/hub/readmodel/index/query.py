"""Which hosts pass a search, by the index; what it does not have (the last heartbeat) is looked up host by host.

The filters of a group are asked one after the other, the cheap ones first, and each only about the hosts that are
still open. After each the event loop gets its turn, so that the fleet may change meanwhile: the caller looks at the
hosts that were touched itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import repeat
from operator import contains
from time import perf_counter

from edgewright.core.search.match import number_check
from edgewright.core.search.search import Filter, Leaf, Plan
from edgewright.hub.readmodel.index.fleet import PIECES, FleetIndex, pieces
from edgewright.hub.readmodel.index.masks import Mask, from_flags, mask_of, slots_of
from edgewright.hub.readmodel.index.postings import Postings, texts_that
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.view import View

_FEW = 8
"""Hosts are looked at one by one when that part of the slots, or fewer, is open."""
_MOST_PIECES = 8
"""Pieces of a long text that are asked for; after these the names that are left are looked at."""
_AT_ONCE = 20_000
"""Tags that are looked at before others get their turn: a millisecond."""
OfKey = tuple[list[str], list[str]]
"""Tags of one key, and their texts after the key."""
Question = Callable[[Mask], Awaitable[Mask]]
"""Returns which hosts of a mask pass."""


class Query:
    """One search; `view` reads the values that are not in the index."""

    def __init__(self, index: FleetIndex, plan: Plan, view: View, pace: Pace) -> None:
        self._index, self._plan, self._view, self._pace = index, plan, view, pace
        self._keys: dict[tuple[str, str, bool], tuple[list[str], list[str]]] = {}

    async def run(self, within: Mask) -> Mask:
        """Return which hosts of a mask pass the search."""
        groups = [self._group(*pair) for pair in zip(self._plan.groups, self._plan.either, strict=True)]
        return await self._combined(groups, self._plan.any_group, within)

    def _group(self, filters: Sequence[Filter], either: bool) -> Question:
        ordered = sorted(filters, key=lambda each: self._cost(each.leaf))
        return lambda within: self._combined([self._question(each) for each in ordered], either, within)

    async def _combined(self, questions: Sequence[Question], either: bool, within: Mask) -> Mask:
        if not either or not questions:
            for question in questions:
                within = await question(within) if within else 0
            return within
        passed = 0
        for question in questions:
            rest = within ^ passed
            passed |= await question(rest) if rest else 0
        return passed

    def _question(self, each: Filter) -> Question:
        async def answer(within: Mask) -> Mask:
            leaf = each.leaf
            passed = await self._scan(each, within) if self._scanned(leaf) else await self._leaf(leaf, within)
            if self._pace.due:
                await self._pace.rest()
            return within ^ passed if leaf.negated and not self._scanned(leaf) else passed

        return answer

    def _scanned(self, leaf: Leaf) -> bool:
        index = self._index
        return leaf.name not in index.postings and leaf.name not in index.texts and leaf.name not in index.times

    def _cost(self, leaf: Leaf) -> tuple[int, int]:
        """Return what a filter is ordered by: those that cost little first."""
        if leaf.name in self._index.postings:
            return 0, len(self._index.postings[leaf.name])
        return (2 if self._scanned(leaf) else 1), len(leaf.wanted)

    async def _leaf(self, leaf: Leaf, within: Mask) -> Mask:
        """Return which hosts of a mask pass a filter, apart from its negation."""
        if leaf.name in self._index.times:
            return self._of_time(leaf, within)
        of_key = await self._of_key(leaf) if leaf.kind == "key" else None
        at_once = self._at_once(leaf, of_key)
        if at_once is not None:
            return within & at_once
        passed = within if leaf.every else 0
        for value in leaf.wanted:
            rest = passed if leaf.every else within ^ passed
            if not rest:
                break
            matches = self._of_value(leaf, str(value), rest, of_key)
            passed = matches if leaf.every else passed | matches
            if self._pace.due:
                await self._pace.rest()
        return passed

    async def _of_key(self, leaf: Leaf) -> OfKey:
        """Return the tags of a filter's key, and what follows the key in each, without case if the filter ignores it.

        They are found once for all wanted values: a fleet may have more tags than hosts.
        """
        key, start = leaf.key, leaf.key + ":"
        of_key = self._keys.get((leaf.name, key, leaf.fold))
        if of_key is None and ":" not in key:
            postings = self._index.postings[leaf.name]
            values, texts = postings.values(), postings.folded() if leaf.fold else postings.values()
            places: list[int] = []
            for begin in range(0, len(values), _AT_ONCE):
                some = enumerate(texts[begin : begin + _AT_ONCE], begin)
                places += [place for place, text in some if text.startswith(start) or text == key]
                if self._pace.due:
                    await self._pace.rest()
            of_key = [values[place] for place in places], [texts[place][len(start) :] for place in places]
        self._keys[leaf.name, key, leaf.fold] = of_key = of_key or ([], [])
        return of_key

    def _at_once(self, leaf: Leaf, of_key: OfKey | None) -> Mask | None:
        """Return which hosts pass a filter that is one look-up; `None` for one that asks value by value."""
        index = self._index
        any_equal = leaf.operator == "eq" and not leaf.every
        if leaf.name in index.texts:
            texts, only = index.texts[leaf.name][leaf.fold], frozenset(leaf.wanted)
            return from_flags([text in only for text in texts]) if any_equal else None
        postings = index.postings[leaf.name]
        if of_key is not None and (any_equal or not leaf.wanted):
            only = frozenset(leaf.wanted)
            return postings.union(
                [value for value, text in zip(*of_key, strict=True) if not only or text in only], index.size
            )
        if leaf.kind in ("bool", "number") or any_equal:
            return postings.union(_any_of(postings, leaf), index.size)
        return None

    def _of_value(self, leaf: Leaf, value: str, within: Mask, of_key: OfKey | None) -> Mask:
        """Return which hosts of a mask have a text that matches one wanted value."""
        if leaf.name in self._index.texts:
            return self._of_text(leaf, value, within)
        postings = self._index.postings[leaf.name]
        values, texts = of_key or (postings.values(), postings.folded() if leaf.fold else postings.values())
        if leaf.operator != "eq":
            matches = texts_that(leaf.operator, value, texts, values)
        elif of_key is not None:
            matches = [each for each, text in zip(values, texts, strict=True) if text == value]
        else:
            matches = postings.equal([value]) if leaf.fold else [value]
        return within & postings.union(matches, self._index.size)

    def _of_text(self, leaf: Leaf, value: str, within: Mask) -> Mask:
        """Return which hosts have a name or uid that matches one wanted value."""
        index = self._index
        texts = index.texts[leaf.name][leaf.fold]
        slots: Sequence[int] | None = None
        if leaf.name == "name" and leaf.operator != "contains":
            slots = index.names.beginning(value.casefold())
        else:
            if leaf.name == "name":
                for piece in _few_pieces(value.casefold()):
                    within &= index.postings[PIECES].union([piece], index.size)
                if leaf.fold and len(value) <= 2:
                    return within
            if within.bit_count() * _FEW <= index.size:
                slots = slots_of(within, index.size)
        if slots is not None:
            return within & mask_of([slot for slot in slots if _matches(leaf.operator, texts[slot], value)], index.size)
        if leaf.operator == "contains":
            return within & from_flags(list(map(contains, texts, repeat(value))))
        return within & from_flags([_matches(leaf.operator, text, value) for text in texts])

    def _of_time(self, leaf: Leaf, within: Mask) -> Mask:
        times, size = self._index.times[leaf.name], self._index.size
        passes, _ = number_check(leaf.operator, leaf.wanted, leaf.every)
        if within.bit_count() * _FEW <= size:
            return mask_of([slot for slot in slots_of(within, size) if passes(times[slot])], size)
        return within & from_flags(list(map(passes, times)))

    async def _scan(self, each: Filter, within: Mask) -> Mask:
        """Look at each host of a mask: for what moves with every heartbeat, so that no index follows it."""
        test, view, entries, pace = each.build(None), self._view, self._index.entries, self._pace
        passed = []
        for slot in slots_of(within, self._index.size):
            entry = entries[slot]
            if entry is not None:
                view.entry = entry
                if test(view):
                    passed.append(slot)
            if perf_counter() >= pace.end:
                await pace.rest()
        return mask_of(passed, self._index.size)


def _few_pieces(folded: str) -> list[str]:
    """Return pieces that a name with this text has: those of two characters where it is longer than one."""
    return [piece for piece in pieces(folded) if len(piece) == min(2, len(folded))][:_MOST_PIECES]


def _matches(operator: str, text: str, value: str) -> bool:
    if operator == "eq":
        return text == value
    return value in text if operator == "contains" else text.startswith(value)


def _any_of(postings: Postings, leaf: Leaf) -> list[object]:
    """Return the values that pass a filter for which a host needs one of them."""
    if leaf.kind == "number":
        passes, _ = number_check(leaf.operator, leaf.wanted, leaf.every)
        return [value for value in postings.values() if passes(value)]
    if not leaf.fold:
        return list(leaf.wanted)
    return list(postings.equal(leaf.wanted))

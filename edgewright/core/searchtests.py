"""How one filter of a host search is evaluated: what a host's values are compared with, and what that costs.

The texts of a host are read, folded and joined once for all filters of a search, whatever their number. The cost of a
filter is the number of comparisons that it makes for each host: equality with any number of values is one look-up.
"""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

Get = Callable[[str], object]
"""Reads one property of a host; `None` when it is unknown."""

_SEPARATOR = "\0"


class Texts(NamedTuple):
    """The texts of one property; `joined` holds all of them, for a substring search in one pass."""

    values: Sequence[str]
    joined: str


class Subject:
    """One host under test; every text is read and folded at most once."""

    __slots__ = ("_by_key", "_texts", "get")

    def __init__(self, get: Get) -> None:
        self.get = get
        self._texts: Dict[Tuple[str, bool], Texts] = {}
        self._by_key: Dict[Tuple[str, bool], Dict[str, Texts]] = {}

    def texts(self, name: str, fold: bool) -> Texts:
        """Return the texts of a property, without case if `fold`."""
        held = self._texts.get((name, fold))
        if held is None:
            values = as_texts(self.get(name))
            held = self._texts[name, fold] = _joined([value.casefold() for value in values] if fold else values)
        return held

    def values_of(self, name: str, key: str, fold: bool) -> Texts:
        """Return the values of one key among tags such as `key:value`; a bare `key` has the value ''."""
        held = self._by_key.get((name, fold))
        if held is None:
            found: Dict[str, List[str]] = {}
            for tag in self.texts(name, fold).values:
                label, _, value = tag.partition(":")
                found.setdefault(label, []).append(value)
            held = self._by_key[name, fold] = {label: _joined(values) for label, values in found.items()}
        return held.get(key, _NOTHING)


Test = Callable[[Subject], bool]
TextCheck = Callable[[Texts], bool]


class Filter(NamedTuple):
    """One filter ready to run, and how many comparisons it makes for each host."""

    test: Test
    cost: int


def _joined(values: Sequence[str]) -> Texts:
    return Texts(values, values[0] if len(values) == 1 else _SEPARATOR.join(values))


_NOTHING = Texts((), "")


def as_texts(value: object) -> Sequence[str]:
    """Return the texts of a property's value, which may be a list or a single value."""
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return () if value is None else (str(value),)


def text_check(operator: str, wanted: Sequence[str], every: bool) -> "Tuple[TextCheck, int]":
    """Return a check of texts by `eq`, `contains` or `beginsWith`, and its cost.

    It passes when some text matches some wanted value, or with `every` when each wanted value has a text that matches.
    """
    if operator == "eq":
        return _equal(frozenset(wanted), every), 1
    if operator == "beginsWith":
        return _begins(tuple(wanted), every), len(wanted)
    return _contains(wanted, every), len(wanted)


def _equal(wanted: FrozenSet[str], every: bool) -> TextCheck:
    if every:
        return lambda texts: wanted.issubset(texts.values)
    return lambda texts: not wanted.isdisjoint(texts.values)


def _begins(wanted: Tuple[str, ...], every: bool) -> TextCheck:
    if every:
        return lambda texts: all(any(text.startswith(start) for text in texts.values) for start in wanted)
    return lambda texts: any(text.startswith(wanted) for text in texts.values)


def _contains(wanted: Sequence[str], every: bool) -> TextCheck:
    quantor = all if every else any
    if any(_SEPARATOR in part for part in wanted):  # could match over the border of two joined texts
        return lambda texts: quantor(any(part in text for text in texts.values) for part in wanted)
    return lambda texts: bool(texts.values) and quantor(part in texts.joined for part in wanted)


def number_check(operator: str, wanted: Sequence[float], every: bool) -> "Tuple[Callable[[float], bool], int]":
    """Return a check of a number by `eq`, `gt`, `gte`, `lt`, `lte` or `range` (two values), and its cost."""
    if operator == "range":
        low, high = sorted(wanted)
        return (lambda value: low <= value <= high), 1
    if operator == "eq":
        values = frozenset(wanted)
        return (lambda value: value in values and (not every or len(values) == 1)), 1
    # Of several bounds only one decides: the loosest when any may hold, the tightest when every one must.
    tightest = max if operator.startswith("gt") is every else min
    bound = tightest(wanted)
    if operator == "gt":
        return (lambda value: value > bound), 1
    if operator == "gte":
        return (lambda value: value >= bound), 1
    if operator == "lt":
        return (lambda value: value < bound), 1
    return (lambda value: value <= bound), 1


def as_number(value: object) -> "float | None":
    """Return a property's value as a number; `None` when it is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

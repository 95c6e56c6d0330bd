"""How one filter of a host search is evaluated: what a host's values are compared with, and what that costs.

The texts of a host are read, folded and joined once for all filters of a search that read the same, whatever their
number. The cost of a filter is the number of comparisons that it makes for each host: equality with any number of
values is one look-up. A built search stores what it read of the present host, so it is not for several threads.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

Get = Callable[[str], object]
"""Reads one property of a host; `None` when it is unknown."""

_SEPARATOR = "\0"


class Texts(NamedTuple):
    """The texts of one property; `joined` contains all of them, for a substring search in one pass."""

    values: Sequence[str]
    joined: str


Test = Callable[[Get], bool]
TextCheck = Callable[[Texts], bool]
Read = Callable[[Get], Texts]


class Memo:
    """What was read of the host under test, for filters that read the same; cleared before the next host."""

    def __init__(self) -> None:
        self._texts: Dict[Tuple[str, bool], Texts] = {}
        self._by_key: Dict[Tuple[str, bool], Dict[str, Texts]] = {}

    def clear(self) -> None:
        """Forget the host."""
        self._texts.clear()
        self._by_key.clear()

    def texts(self, get: Get, name: str, fold: bool) -> Texts:
        """Return the texts of a property, without case if `fold`."""
        known = self._texts.get((name, fold))
        if known is None:
            known = self._texts[name, fold] = read_texts(get, name, fold)
        return known

    def values_of(self, get: Get, name: str, key: str, fold: bool) -> Texts:
        """Return the values of one key among tags such as `key:value`; a bare `key` has the value ''."""
        known = self._by_key.get((name, fold))
        if known is None:
            matches: Dict[str, List[str]] = {}
            for tag in self.texts(get, name, fold).values:
                label, _, value = tag.partition(":")
                matches.setdefault(label, []).append(value)
            known = self._by_key[name, fold] = {label: _joined(values) for label, values in matches.items()}
        return known.get(key, _NOTHING)


class Leaf(NamedTuple):
    """What one filter asks, as an index of hosts answers it: texts in `wanted` are folded already if `fold`."""

    name: str
    kind: str
    """`text`, `key` (the values of one key among tags), `number` or `bool`."""
    operator: str
    wanted: Sequence[Any]
    """Texts, numbers, or the one truth value; for `key` it may be empty: then the key is to be there."""
    every: bool = False
    """Whether each wanted value has to match some text, instead of one of them."""
    fold: bool = False
    key: str = ""
    negated: bool = False


class Filter(NamedTuple):
    """One filter of a search before it is built.

    `reads` is the property and whether case is folded, where texts are read. `build` returns the test; it is given the
    memo when another filter reads the same, else `None`.
    """

    build: Callable[[Optional[Memo]], Test]
    cost: int
    """Comparisons that it makes for each host."""
    leaf: Leaf
    reads: Optional[Tuple[str, bool]] = None


def build_tests(filters: Sequence[Sequence[Filter]]) -> "Tuple[List[List[Test]], Optional[Memo]]":
    """Return the tests of groups of filters, and the memo that is to be cleared for each host if there is one."""
    uses = Counter(item.reads for group in filters for item in group)
    memo = Memo() if any(count > 1 for reads, count in uses.items() if reads is not None) else None
    return [[item.build(memo if uses[item.reads] > 1 else None) for item in group] for group in filters], memo


def read_texts(get: Get, name: str, fold: bool) -> Texts:
    """Return the texts of a property of a host, without case if `fold`."""
    value = get(name)
    if type(value) is str:
        text = value.casefold() if fold else value
        return Texts((text,), text)
    values = as_texts(value)
    return _joined([text.casefold() for text in values] if fold else values)


def text_filter(name: str, fold: bool, operator: str, wanted: Sequence[str], every: bool) -> Filter:
    """Return a filter of a property's texts."""
    check, cost = text_check(operator, wanted, every)
    only = frozenset(wanted) if operator == "eq" and not every else None
    contained = _joined_check(wanted, every) if operator == "contains" else None

    def build(memo: Optional[Memo]) -> Test:
        if memo is not None:
            read = memo.texts
            return lambda get: check(read(get, name, fold))

        def test(get: Get) -> bool:
            value = get(name)
            if only is not None and type(value) is str:
                return (value.casefold() if fold else value) in only
            if contained is not None:
                text = value if type(value) is str else _SEPARATOR.join(as_texts(value))
                # Nothing is found in a host without any text, not even the empty text.
                return contained(text.casefold() if fold else text) and bool(text or as_texts(value))
            return check(read_texts(lambda _: value, name, fold))

        return test

    return Filter(build, cost, Leaf(name, "text", operator, wanted, every, fold), (name, fold))


def key_filter(name: str, key: str, fold: bool, operator: str, wanted: Sequence[str], every: bool) -> Filter:
    """Return a filter of the values of one key among tags; without wanted values, of the key being there."""
    check, cost = text_check(operator, wanted, every) if wanted else (lambda texts: bool(texts.values), 1)

    def build(memo: Optional[Memo]) -> Test:
        if memo is not None:
            read = memo.values_of
            return lambda get: check(read(get, name, key, fold))
        return lambda get: check(Memo().values_of(get, name, key, fold))

    return Filter(build, cost, Leaf(name, "key", operator, wanted, every, fold, key), (name, fold))


def _joined(values: Sequence[str]) -> Texts:
    return Texts(values, values[0] if len(values) == 1 else _SEPARATOR.join(values))


_NOTHING = Texts((), "")


def as_texts(value: object) -> Sequence[str]:
    """Return the texts of a property's value, which may be a list or a single value."""
    if isinstance(value, (list, tuple)):
        return [item if type(item) is str else str(item) for item in value]
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
    contained = _joined_check(wanted, every)
    if contained is None:
        quantor = all if every else any
        return lambda texts: quantor(any(part in text for text in texts.values) for part in wanted)
    return lambda texts: bool(texts.values) and contained(texts.joined)


def _joined_check(wanted: Sequence[str], every: bool) -> Optional[Callable[[str], bool]]:
    """Return a check of joined texts; `None` where a part could match over the border of two texts."""
    if any(_SEPARATOR in part for part in wanted):
        return None
    if len(wanted) == 1:
        only = wanted[0]
        return lambda joined: only in joined
    quantor = all if every else any
    return lambda joined: quantor(part in joined for part in wanted)


def number_check(operator: str, wanted: Sequence[float], every: bool) -> "Tuple[Callable[[float], bool], int]":
    """Return a check of a number by `eq`, `gt`, `gte`, `lt`, `lte` or `range` (two values), and its cost."""
    if operator == "range":
        low, high = sorted(wanted)
        return (lambda value: low <= value <= high), 1
    if operator == "eq":
        values = frozenset(wanted)
        return (lambda value: value in values and (not every or len(values) == 1)), 1
    # Of several bounds only one decides: the loosest when any is enough, the tightest when all are needed.
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

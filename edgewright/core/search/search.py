"""Palette's host search: check a `v1SearchFilterSummarySpec` and evaluate it.

Keys may be in any case and any object or list may be `null`. A filter without values asks for nothing and matches
everything. A search that asks for more than `MAX_TESTS` comparisons on each host is refused. Problems carry the
numeric codes of the framework under Palette (601 type, 602 required, 606 enum, 611 too many items), to be answered
with 422.
"""

from __future__ import annotations

from collections.abc import Mapping  # `isinstance` of the one of typing takes ten times as long
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from edgewright.core import times
from edgewright.core.hosts.tags import BARE
from edgewright.core.search.match import (
    Filter,
    Get,
    Leaf,
    Memo,
    Test,
    as_number,
    build_tests,
    key_filter,
    number_check,
    text_filter,
)
from edgewright.core.search.schema import BY_NAME, PROPERTIES, SORT_FIELDS, Property, host_values, schema_document

__all__ = [
    "SORT_FIELDS",
    "Filter",
    "Get",
    "Leaf",
    "Plan",
    "Problem",
    "compile_search",
    "host_values",
    "order",
    "parse_search",
    "schema_document",
    "sort_fields",
    "validate",
]

T = TypeVar("T")
Check = Callable[[Get], bool]

MAX_GROUPS, MAX_FILTERS, MAX_VALUES = 50, 50, 1000
MAX_TESTS = 1000
"""Comparisons that one search may ask for on each host, over all its filters: what bounds the work of a plane."""

_STRING_OPERATORS = ("eq", "contains", "beginsWith")
_NUMBER_OPERATORS = ("eq", "gt", "gte", "lt", "lte")
_DATE_OPERATORS = (*_NUMBER_OPERATORS, "range")
_TYPES = ("string", "int", "float", "bool", "date", "keyValue")
_ALLOWED: Dict[str, Tuple[str, ...]] = {
    "string": ("string",),
    "tags": ("string", "keyValue"),
    "int": ("int", "float"),
    "float": ("int", "float"),
    "bool": ("bool",),
    "date": ("date",),
}


class Problem(NamedTuple):
    """What is wrong with a search: the framework's code and its message, which names the place."""

    code: int
    message: str


class Plan(NamedTuple):
    """A search that can be evaluated: groups of filters, and what is to match of each group and of all groups."""

    groups: Tuple[Tuple[Filter, ...], ...]
    either: Tuple[bool, ...]
    """Group by group: whether one filter that passes is enough."""
    any_group: bool
    """Whether one group that passes is enough."""

    def compiled(self) -> Check:
        """Return a test of one host; it is given a reader of properties such as `host_values(document)`."""
        tests, memo = build_tests(self.groups)
        root = _combined([_combined(*pair) for pair in zip(tests, self.either)], self.any_group)
        if memo is None:
            return root
        clear = memo.clear

        def fresh(get: Get) -> bool:
            clear()
            return root(get)

        return fresh


class _Bad(Exception):
    def __init__(self, code: int, place: str, problem: str) -> None:
        super().__init__(problem)
        self.problem = Problem(code, f"{place} in body {problem}")


def validate(spec: Any) -> List[Problem]:
    """Return what is wrong with a search body; empty when it can be evaluated. `None` and `{}` are fine."""
    try:
        parse_search(spec)
        sort_fields(spec)
    except ValueError as error:
        return [error.args[0]] if error.args and isinstance(error.args[0], Problem) else [Problem(601, str(error))]
    return []


def compile_search(spec: Any) -> Check:
    """Return a test of one host, see `Plan.compiled`; raises `ValueError` as `parse_search`."""
    return parse_search(spec).compiled()


def parse_search(spec: Any) -> Plan:
    """Return what a search asks; raises `ValueError` with a `Problem` as its first argument."""
    try:
        return _parse(_object(spec, "body"))
    except _Bad as bad:
        raise ValueError(bad.problem) from None


def sort_fields(spec: Any) -> List[Tuple[str, bool]]:
    """Return (field, descending) pairs in the order of the search; raises `ValueError` as `compile_search`."""
    matches: List[Tuple[str, bool]] = []
    try:
        for item in _list(_key(_object(spec, "body"), "sort"), "sort", len(SORT_FIELDS)):
            item = _object(item, "sort")
            field = _enum(_key(item, "field"), SORT_FIELDS, "sort.field")
            direction = _enum(_key(item, "order") or "asc", ("asc", "desc"), "sort.order")
            matches.append((field, direction == "desc"))
    except _Bad as bad:
        raise ValueError(bad.problem) from None
    return matches


def order(rows: Sequence[T], fields: Sequence[Tuple[str, bool]], get: Callable[[T, str], object]) -> List[T]:
    """Return the rows sorted; unknown values come last either way, and equal rows are distinguished by name and uid."""
    matches = list(rows)
    for field, descending in reversed([*fields, ("name", False), ("uid", False)]):
        known = [row for row in matches if get(row, field) is not None]
        unknown = [row for row in matches if get(row, field) is None]
        known.sort(key=lambda row: _sortable(get(row, field)), reverse=descending)
        matches = known + unknown
    return matches


def _sortable(value: object) -> Tuple[int, Any]:
    if isinstance(value, (int, float)):
        return 0, value
    return 1, str(value).casefold()


def _key(mapping: Mapping[str, Any], name: str) -> Any:
    if name in mapping:
        return mapping[name]
    folded = name.casefold()
    return next((value for key, value in mapping.items() if isinstance(key, str) and key.casefold() == folded), None)


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _Bad(601, place, "must be of type object")
    return value


def _list(value: Any, place: str, most: int) -> List[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Bad(601, place, "must be of type array")
    if len(value) > most:
        raise _Bad(611, place, f"should have at most {most} items")
    return value


def _enum(value: Any, allowed: Sequence[str], place: str) -> str:
    if value is None:
        raise _Bad(602, place, "is required")
    if not isinstance(value, str):
        raise _Bad(601, place, "must be of type string")
    for word in allowed:
        if word == value:
            return word
    raise _Bad(606, place, f"should be one of [{' '.join(allowed)}]")


def _combined(tests: List[Test], either: bool) -> Test:
    if not tests:
        return lambda get: True
    if len(tests) == 1:
        return tests[0]
    if either:
        return lambda get: any(test(get) for test in tests)
    return lambda get: all(test(get) for test in tests)


def _either(conjunction: Any, place: str) -> bool:
    return _enum(conjunction or "and", ("and", "or"), place) == "or"


def _parse(body: Mapping[str, Any]) -> Plan:
    place = "filter"
    outer = _object(_key(body, "filter"), place)
    groups: List[Tuple[Filter, ...]] = []
    either: List[bool] = []
    for raw_group in _list(_key(outer, "filterGroups"), place + ".filterGroups", MAX_GROUPS):
        group = _object(raw_group, place + ".filterGroups")
        items = _list(_key(group, "filters"), place + ".filterGroups.filters", MAX_FILTERS)
        matches = [item for item in (_item(_object(item, place)) for item in items) if item is not None]
        any_of_group = _either(_key(group, "conjunction"), place + ".filterGroups.conjunction")
        if matches:
            groups.append(tuple(matches))
            either.append(any_of_group)
    any_group = _either(_key(outer, "conjunction"), place + ".conjunction")
    total = sum(item.cost for group in groups for item in group)
    if total > MAX_TESTS:
        raise _Bad(
            611,
            place,
            f"asks for {total} comparisons on each host, at most {MAX_TESTS} are allowed; "
            "use fewer values, or the operator eq, which counts as one",
        )
    return Plan(tuple(groups), tuple(either), any_group)


def _item(item: Mapping[str, Any]) -> Optional[Filter]:
    place = "filter.filterGroups.filters"
    name = _enum(_key(item, "property"), [entry.name for entry in PROPERTIES], place + ".property")
    known = BY_NAME[name]
    kind = _enum(_key(item, "type") or _ALLOWED[known.type][0], _TYPES, place + ".type")
    if kind not in _ALLOWED[known.type]:
        raise _Bad(606, place + ".type", f"should be one of [{' '.join(_ALLOWED[known.type])}]")
    condition = _object(_key(_object(_key(item, "condition"), place), kind), f"{place}.condition.{kind}")
    if not condition:
        return None
    if kind == "bool":
        wanted = _key(condition, "value")
        if not isinstance(wanted, bool):
            raise _Bad(601, place + ".condition.bool.value", "must be of type boolean")
        return Filter(lambda memo: lambda get: bool(get(name)) is wanted, 1, Leaf(name, "bool", "eq", (wanted,)))
    result = _of_values(known, kind, condition, f"{place}.condition.{kind}")
    if result is not None and _key(condition, "negation") is True:
        return _negated(result)
    return result


def _negated(plain: Filter) -> Filter:
    def build(memo: Optional[Memo]) -> Test:
        test = plain.build(memo)
        return lambda get: not test(get)

    return plain._replace(build=build, leaf=plain.leaf._replace(negated=True))


def _of_values(known: Property, kind: str, condition: Mapping[str, Any], place: str) -> Optional[Filter]:
    match = _object(_key(condition, "match"), place + ".match")
    values = _list(_key(match, "values"), place + ".match.values", MAX_VALUES)
    every = _enum(_key(match, "conjunction") or "or", ("and", "or"), place + ".match.conjunction") == "and"
    allowed = {"date": _DATE_OPERATORS, "int": _NUMBER_OPERATORS, "float": _NUMBER_OPERATORS}.get(
        kind, _STRING_OPERATORS
    )
    operator = _enum(_key(condition, "operator") or "eq", allowed, place + ".operator")
    key = ""
    if kind == "keyValue":
        raw_key = _key(condition, "key")
        if not isinstance(raw_key, str) or not raw_key:
            raise _Bad(602, place + ".key", "is required")
        key = raw_key
    if not values and not key:
        return None
    name = known.name
    if kind in ("string", "keyValue"):
        fold = _key(condition, "ignoreCase") is True
        wanted = [_wanted_text(value, fold, place, known.type == "tags") for value in values]
        if kind == "string":
            return text_filter(name, fold, operator, wanted, every)
        return key_filter(name, key.casefold() if fold else key, fold, operator, wanted, every)
    numbers = [_number(value, kind, place) for value in values]
    if operator == "range" and len(numbers) != 2:
        raise _Bad(612, place + ".match.values", "should have 2 items")
    passes, cost = number_check(operator, numbers, every)

    def test(get: Get) -> bool:
        value = as_number(get(name))
        return value is not None and passes(value)

    return Filter(lambda memo: test, cost, Leaf(name, "number", operator, numbers, every))


def _wanted_text(value: Any, fold: bool, place: str, tag: bool) -> str:
    if not isinstance(value, str):
        raise _Bad(601, place + ".match.values", "must be of type string")
    if tag and value.endswith(":" + BARE):
        value = value[: -len(BARE) - 1]
    text: str = value
    return text.casefold() if fold else text


def _number(value: Any, kind: str, place: str) -> float:
    if kind == "date":
        try:
            moment = times.parse(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None:
            raise _Bad(601, place + ".match.values", "must be of type date-time")
        return moment
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Bad(601, place + ".match.values", "must be of type number")
    try:
        return float(value)
    except OverflowError:
        raise _Bad(608, place + ".match.values", "is too large") from None

"""Palette's host search: check a `v1SearchFilterSummarySpec` and evaluate it.

Keys may come in any case and any object or list may be `null`. A filter without values asks for nothing and matches
everything. A search that asks for more than `MAX_TESTS` comparisons on each host is refused. Problems carry the
numeric codes of the framework under Palette (601 type, 602 required, 606 enum, 611 too many items), to be answered
with 422.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar

from edgewright.core import times
from edgewright.core.searchschema import BY_NAME, PROPERTIES, SORT_FIELDS, Property, host_values, schema_document
from edgewright.core.searchtests import Filter, Get, Subject, Test, as_number, number_check, text_check
from edgewright.core.tags import BARE

__all__ = [
    "SORT_FIELDS",
    "Problem",
    "compile_search",
    "host_values",
    "order",
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


class _Bad(Exception):
    def __init__(self, code: int, place: str, problem: str) -> None:
        super().__init__(problem)
        self.problem = Problem(code, f"{place} in body {problem}")


def validate(spec: Any) -> List[Problem]:
    """Return what is wrong with a search body; empty when it can be evaluated. `None` and `{}` are fine."""
    try:
        compile_search(spec)
        sort_fields(spec)
    except ValueError as error:
        return [error.args[0]] if error.args and isinstance(error.args[0], Problem) else [Problem(601, str(error))]
    return []


def compile_search(spec: Any) -> Check:
    """Return a test of one host; it is given a reader of properties such as `host_values(document)`.

    Raises `ValueError` with a `Problem` as its first argument.
    """
    try:
        test = _compile(_object(spec, "body"))
    except _Bad as bad:
        raise ValueError(bad.problem) from None
    return lambda get: test(Subject(get))


def sort_fields(spec: Any) -> List[Tuple[str, bool]]:
    """Return (field, descending) pairs in the order of the search; raises `ValueError` as `compile_search`."""
    found: List[Tuple[str, bool]] = []
    try:
        for item in _list(_key(_object(spec, "body"), "sort"), "sort", len(SORT_FIELDS)):
            item = _object(item, "sort")
            field = _enum(_key(item, "field"), SORT_FIELDS, "sort.field")
            direction = _enum(_key(item, "order") or "asc", ("asc", "desc"), "sort.order")
            found.append((field, direction == "desc"))
    except _Bad as bad:
        raise ValueError(bad.problem) from None
    return found


def order(rows: Sequence[T], fields: Sequence[Tuple[str, bool]], get: Callable[[T, str], object]) -> List[T]:
    """Return the rows sorted; unknown values come last either way, and equal rows are told apart by name and uid."""
    found = list(rows)
    for field, descending in reversed([*fields, ("name", False), ("uid", False)]):
        known = [row for row in found if get(row, field) is not None]
        unknown = [row for row in found if get(row, field) is None]
        known.sort(key=lambda row: _sortable(get(row, field)), reverse=descending)
        found = known + unknown
    return found


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


class _Cost:
    """Adds up the comparisons of a search, so that one over its budget is refused before any host is looked at."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, filter_: Filter) -> Test:
        self.total += filter_.cost
        return filter_.test


def _combined(tests: List[Test], conjunction: Any, place: str) -> Test:
    word = _enum(conjunction or "and", ("and", "or"), place)
    if not tests:
        return lambda subject: True
    if len(tests) == 1:
        return tests[0]
    if word == "or":
        return lambda subject: any(test(subject) for test in tests)
    return lambda subject: all(test(subject) for test in tests)


def _compile(body: Mapping[str, Any]) -> Test:
    place = "filter"
    outer = _object(_key(body, "filter"), place)
    groups: List[Test] = []
    cost = _Cost()
    for raw_group in _list(_key(outer, "filterGroups"), place + ".filterGroups", MAX_GROUPS):
        group = _object(raw_group, place + ".filterGroups")
        items = _list(_key(group, "filters"), place + ".filterGroups.filters", MAX_FILTERS)
        found = [item for item in (_item(_object(item, place)) for item in items) if item is not None]
        tests = [cost.add(item) for item in found]
        combined = _combined(tests, _key(group, "conjunction"), place + ".filterGroups.conjunction")
        if tests:
            groups.append(combined)
    if cost.total > MAX_TESTS:
        raise _Bad(
            611,
            place,
            f"asks for {cost.total} comparisons on each host, at most {MAX_TESTS} are allowed; "
            "use fewer values, or the operator eq, which counts as one",
        )
    return _combined(groups, _key(outer, "conjunction"), place + ".conjunction")


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
        return Filter(lambda subject: bool(subject.get(name)) is wanted, 1)
    found = _of_values(known, kind, condition, f"{place}.condition.{kind}")
    if found is not None and _key(condition, "negation") is True:
        plain = found.test
        return Filter(lambda subject: not plain(subject), found.cost)
    return found


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
        check, cost = text_check(operator, wanted, every)
        if kind == "string":
            return Filter(lambda subject: check(subject.texts(name, fold)), cost)
        label = key.casefold() if fold else key
        if not wanted:
            return Filter(lambda subject: bool(subject.values_of(name, label, fold).values), 1)
        return Filter(lambda subject: check(subject.values_of(name, label, fold)), cost)
    numbers = [_number(value, kind, place) for value in values]
    if operator == "range" and len(numbers) != 2:
        raise _Bad(612, place + ".match.values", "should have 2 items")
    passes, cost = number_check(operator, numbers, every)

    def test(subject: Subject) -> bool:
        value = as_number(subject.get(name))
        return value is not None and passes(value)

    return Filter(test, cost)


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

"""Filters: `health:unhealthy tag.site:berlin age<2h cpu>=4 -state:ready "free text" /regex/`.

One grammar for every list of the console and the command line (`core.filters.parse`); which fields there are is a table
(`core.filters.fields`). Matching never looks at case.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgewright.core import times
from edgewright.core.filters.fields import (
    AUDIT_FIELDS,
    EVENT_FIELDS,
    FILTER_FIELDS,
    FilterField,
    index,
    nearest,
)
from edgewright.core.filters.parse import FilterError, Term, Value, parse_terms, render
from edgewright.core.hosts.states import WHO_STORED

__all__ = [
    "AUDIT_FIELDS",
    "EVENT_FIELDS",
    "EVERYTHING",
    "FILTER_FIELDS",
    "Filter",
    "FilterError",
    "FilterField",
    "Term",
    "Value",
    "nearest",
    "parse",
    "to_search",
]

Get = Callable[[str], object]
Check = Callable[[Get, float], bool]

_MEMORY = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*(?:([kmgt])(?:i?b)?|b)?", re.IGNORECASE | re.ASCII)
_MEMORY_UNIT = {"k": 1 / 1024, "m": 1.0, "g": 1024.0, "t": 1024.0 * 1024.0}
_MAX_TEXTS, _TAGS = 1000, 20_000
"""Different words and tags whose result a filter stores."""
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


class Filter:
    """A parsed filter. Two filters with the same terms are equal; `text` is the canonical form."""

    def __init__(self, terms: Tuple[Term, ...], checks: Tuple[Check, ...]) -> None:
        self.terms = terms
        self.text = render(list(terms))
        self._checks = checks

    def matches(self, get: Get, now: Optional[float] = None) -> bool:
        """Return whether a row matches; `get(name)` gives its values, `now` is the time that ages count to."""
        if now is None:
            now = times.now()
        for check in self._checks:  # noqa: SIM110  no generator: this runs for 30,000 rows while the user types
            if not check(get, now):
                return False
        return True

    def narrows(self, other: "Filter") -> bool:
        """Return whether no row can match that does not match `other`: a letter was added to a free text, or a term.

        Only free texts of `other` are compared: they do not depend on the time.
        """
        if not other.terms or len(self.terms) < len(other.terms):
            return False
        pairs = [(_plain(mine), _plain(theirs)) for mine, theirs in zip(self.terms, other.terms)]
        return all(mine is not None and theirs is not None and theirs in mine for mine, theirs in pairs)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(self.terms)

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"


def parse(text: str, fields: Tuple[FilterField, ...] = FILTER_FIELDS) -> Filter:
    """Return the filter in `text`; an empty text finds everything.

    Raises `FilterError` with the position and a sentence; a wrong field name is answered with the nearest one.
    """
    by_name = index(fields)
    terms: List[Term] = []
    checks: List[Check] = []
    for term, at in parse_terms(text, fields):
        check = _free(term.values[0], fields) if not term.field else _of_field(term, by_name[term.field], at)
        terms.append(term)
        checks.append(_inverted(check) if term.negated else check)
    return Filter(tuple(terms), tuple(checks))


EVERYTHING = Filter((), ())


def _plain(term: Term) -> Optional[str]:
    """Return the folded text of a term that finds a free text; `None` for every other term."""
    if term.field or term.negated or len(term.values) != 1 or term.values[0].kind != "text":
        return None
    return term.values[0].text.casefold() or None


def _inverted(check: Check) -> Check:
    return lambda get, now: not check(get, now)


def _fold(value: object) -> str:
    if value is None:
        return ""
    return (value if isinstance(value, str) else str(value)).casefold()


def _free(value: Value, fields: Tuple[FilterField, ...]) -> Check:
    texts = tuple(field.get for field in fields if field.searched)
    tags = tuple(field.get for field in fields if field.kind == "tags")
    test = _tester(value, exact=False)
    if value.kind == "text" and value.text:
        return _part_of_any(value.text.casefold(), texts, tags)

    def check(get: Get, now: float) -> bool:
        if any(test(_fold(get(name))) for name in texts):
            return True
        return any(test(_fold(tag)) for name in tags for tag in _tags(get(name)))

    return check


def _part_of_any(wanted: str, texts: Tuple[str, ...], tags: Tuple[str, ...]) -> Check:
    """Return the check of a plain text: all values of a row are folded and searched at once."""

    def check(get: Get, now: float) -> bool:
        try:
            text = "\0".join(map(get, texts))  # type: ignore[arg-type]
            for name in tags:
                text += "\0" + "\0".join(get(name))  # type: ignore[arg-type]
        except TypeError:  # a value that is not known, or a number
            parts = [*map(_fold, map(get, texts)), *(_fold(tag) for name in tags for tag in _tags(get(name)))]
            text = "\0".join(parts)
        return wanted in text.casefold()

    return check


def _tester(value: Value, exact: bool) -> Callable[[str], bool]:
    """Return a test of one folded text."""
    if value.kind == "unset":
        return lambda text: not text
    if value.kind == "any":
        return bool
    if value.kind == "regex":
        search = re.compile(value.text, re.IGNORECASE).search
        return lambda text: search(text) is not None
    wanted = value.text.casefold()
    if exact or not wanted:
        return lambda text: text == wanted
    return lambda text: wanted in text


def _of_field(term: Term, field: FilterField, at: int) -> Check:
    name = field.get
    if field.kind == "tags":
        return _tag_check(term, name, at)
    if field.kind in ("text", "word"):
        if term.op not in (":", "="):
            raise FilterError(f"{field.name} is a text; write {field.name}:value.", at)
        complete = field.kind == "word" or term.op == "="
        tests = tuple(
            _tester(_spelled(value, name) if field.kind == "word" else value, complete) for value in term.values
        )
        return _word_check(name, tests) if field.kind == "word" else _text_check(name, tests)
    if field.kind == "flag":
        wanted = tuple(_flag(value, field, at) for value in term.values)
        if term.op not in (":", "="):
            raise FilterError(f"{field.name} is yes or no; write {field.name}:yes.", at)
        return lambda get, now: bool(get(name)) in wanted
    return _measured(term, field, at)


def _text_check(name: str, tests: Tuple[Callable[[str], bool], ...]) -> Check:
    if len(tests) == 1:
        test = tests[0]
        return lambda get, now: test(_fold(get(name)))
    return lambda get, now: any(test(_fold(get(name))) for test in tests)


def _word_check(name: str, tests: Tuple[Callable[[str], bool], ...]) -> Check:
    """Return the check of a word. There are few words and many rows, so that each word is tested once."""
    known: Dict[object, bool] = {}

    def check(get: Get, now: float) -> bool:
        value = get(name)
        try:
            return known[value]
        except KeyError:
            result = any(test(_dashed(value)) for test in tests)
            if len(known) < _MAX_TEXTS:
                known[value] = result
            return result
        except TypeError:  # not a word: a list
            return any(test(_dashed(value)) for test in tests)

    return check


def _dashed(value: object) -> str:
    return _fold(value).replace(" ", "-").replace("_", "-")


def _spelled(value: Value, field: str) -> Value:
    if value.kind != "text":
        return value
    text = _dashed(value.text)
    return Value("text", WHO_STORED.get(text, text) if field == "who" else text)


def _measured(term: Term, field: FilterField, at: int) -> Check:
    """Return the check of a number or an age; a value that is not known matches nothing but `-`."""
    name, op = field.get, term.op
    span = field.kind in ("age", "until")
    if span and op in (":", "=") and any(value.kind == "text" for value in term.values):
        raise FilterError(f"{field.name} is a time span; write {field.name}<2h or {field.name}>2h.", at)
    tests: List[Callable[[Optional[float]], bool]] = []
    for value in term.values:
        if value.kind == "unset":
            tests.append(lambda number: number is None)
        elif value.kind == "any":
            tests.append(lambda number: number is not None)
        elif value.kind == "regex":
            raise FilterError(f"{field.name} is a number; an expression cannot be compared with it.", at)
        else:
            tests.append(_comparison(op, _amount(value.text, field, at)))
    aged, ahead = field.kind == "age", field.kind == "until"

    def check(get: Get, now: float) -> bool:
        raw = get(name)
        known = isinstance(raw, (int, float)) and not isinstance(raw, bool)
        number = float(raw) if known else None  # type: ignore[arg-type]
        if aged and number is not None:
            number = max(0.0, now - number)
        elif ahead and number is not None:
            number -= now
        return any(test(number) for test in tests)

    return check


def _comparison(op: str, limit: float) -> Callable[[Optional[float]], bool]:
    if op == "<":
        return lambda number: number is not None and number < limit
    if op == "<=":
        return lambda number: number is not None and number <= limit
    if op == ">":
        return lambda number: number is not None and number > limit
    if op == ">=":
        return lambda number: number is not None and number >= limit
    return lambda number: number is not None and number == limit


def _amount(text: str, field: FilterField, at: int) -> float:
    try:
        if field.kind in ("age", "until"):
            return times.parse_span(text)
        if field.kind == "memory":
            match = _MEMORY.fullmatch(text)
            if match is None:
                raise ValueError(text)
            return float(match.group(1)) * _MEMORY_UNIT[(match.group(2) or "m").lower()]
        if not re.fullmatch(r"[+-]?\d{1,15}(?:\.\d{1,9})?%?", text, re.ASCII):
            raise ValueError(text)
        return float(text.rstrip("%"))
    except (ValueError, OverflowError):
        example = {"age": "2h", "until": "7d", "memory": "8G", "percent": "90"}.get(field.kind, "4")
        raise FilterError(f"{text[:40]!r} is not a value for {field.name}; write {field.name}>{example}.", at) from None


def _flag(value: Value, field: FilterField, at: int) -> bool:
    if value.kind == "any" or value.text.casefold() in _YES:
        return True
    if value.kind == "unset" or value.text.casefold() in _NO:
        return False
    raise FilterError(f"{field.name} is yes or no; write {field.name}:yes.", at)


def _tags(value: object) -> Tuple[object, ...]:
    return tuple(value) if isinstance(value, (tuple, list, frozenset, set)) else ()


def _tag_check(term: Term, name: str, at: int) -> Check:
    if term.op not in (":", "="):
        raise FilterError("A tag is compared with ':'; write tag.site:berlin.", at)
    wants_none = any(value.kind == "unset" for value in term.values)
    tests = tuple(_tester(value, exact=True) for value in term.values if value.kind != "unset")
    anything = any(value.kind == "any" for value in term.values)
    key = term.key.casefold()

    known: Dict[object, Optional[bool]] = {}

    def judged(tag: object) -> Optional[bool]:
        """Return whether a tag matches, None when it has another key."""
        tag_key, _, tag_value = _fold(tag).partition(":")
        result = None if tag_key != key else anything or any(test(tag_value) for test in tests)
        if len(known) < _TAGS:
            known[tag] = result
        return result

    def with_key(get: Get, now: float) -> bool:
        stored = False
        for tag in _tags(get(name)):
            match = known[tag] if tag in known else judged(tag)
            if match:
                return True
            stored = stored or match is not None
        return wants_none and not stored

    def any_tag(get: Get, now: float) -> bool:
        tags = [_fold(tag) for tag in _tags(get(name))]
        if any(test(tag) or test(tag.partition(":")[0]) for tag in tags for test in tests):
            return True
        return wants_none and not tags

    return with_key if key else any_tag


_SEARCHED: Dict[str, str] = {
    "name": "name",
    "state": "state",
    "health": "healthState",
    "arch": "architecture",
    "tag": "tags",
}


def to_search(wanted: Filter) -> Optional[Dict[str, Any]]:
    """Return the filter as Palette's host search (`v1SearchFilterSummarySpec`); `None` when it has more than that.

    Only name, tags, state, health and architecture can be asked for; a filter with anything else is applied to rows.
    """
    items: List[Dict[str, Any]] = []
    for term in wanted.terms:
        property_ = _SEARCHED.get(term.field)
        if property_ is None or term.op not in (":", "="):
            return None
        if any(value.kind != "text" for value in term.values):
            return None
        values = [value.text for value in term.values]
        operator = "contains" if term.field == "name" and term.op == ":" else "eq"
        if term.field == "health" and any(value.casefold() == "unknown" for value in values):
            return None  # Palette has no term for it
        if term.field == "tag":
            if not term.key:
                return None  # `tag:site` means the key whatever its value, which the search cannot express
            values = [f"{term.key}:{value}" for value in values]
        if term.field in ("state", "health", "arch"):
            values = [_dashed(value) for value in values]
        condition: Dict[str, Any] = {
            "operator": operator,
            "match": {"conjunction": "or", "values": values},
            "ignoreCase": True,
        }
        if term.negated:
            condition["negation"] = True
        items.append({"property": property_, "type": "string", "condition": {"string": condition}})
    if not items:
        return {"sort": None}
    return {
        "filter": {"conjunction": "and", "filterGroups": [{"conjunction": "and", "filters": items}]},
        "sort": None,
    }

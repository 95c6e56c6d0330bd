"""Shapes of request bodies: types, lengths, enums and the spelling of keys, checked in one walk.

A shape knows the keys that the hub reads. Keys are matched without case and written as the API spells them; `null` is
the same as absent; what the shape does not know is stored as received. Errors are go-openapi's (status 422, 601 to
612). Every string is freed of control and escape characters here, once, before anything is stored.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.text import REPLACEMENT, is_harmless
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, invalid

MAX_TEXT = 4096
MAX_NAME = 253
MAX_ITEMS = 2000
MAX_DEPTH = 32
MAX_VALUES = 20_000
"""Values (texts, numbers, lists, objects) in one body: what its check may cost, about 5 ms."""
_OBVIOUS = 5 * MAX_VALUES
"""Commas that no body within the limit has, even if its texts are full of them; counted before anything is decoded."""


@dataclass(frozen=True)
class Shape:
    """One value of a body; `kind` is object, text, integer, number, flag, when, list, map or any."""

    kind: str
    fields: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    limit: int = MAX_TEXT
    enum: tuple[str, ...] = ()
    strict: bool = False
    """Refuse control characters (names, secrets) instead of replacing them (messages, facts)."""
    required: tuple[str, ...] = ()
    """Keys of an object that must be there with a value; `null` and an empty text are none, as in go-openapi."""
    nullable: bool = False
    """An answer may have `null` here. In a body `null` is the same as absent, whatever the shape."""

    def canonical(self) -> dict[str, str]:
        """Return the known keys by their lower-case form."""
        return {name.lower(): name for name in self.fields}


def obj(**fields: Shape) -> Shape:
    """Return an object of known keys; a trailing underscore avoids Python's own words."""
    return Shape("object", {name.rstrip("_"): shape for name, shape in fields.items()})


def requiring(shape: Shape, *keys: str) -> Shape:
    """Return an object's shape that must have values for `keys`."""
    return replace(shape, required=keys)


def optional(shape: Shape) -> Shape:
    """Return the shape of a value that an answer may give as `null`."""
    return replace(shape, nullable=True)


def text(limit: int = MAX_TEXT, *enum: str) -> Shape:
    """Return a text whose control characters are replaced."""
    return Shape("text", limit=limit, enum=enum)


def name(limit: int = MAX_NAME) -> Shape:
    """Return a text in which control characters are refused."""
    return Shape("text", limit=limit, strict=True)


def many(item: Shape, limit: int = MAX_ITEMS) -> Shape:
    """Return a list of at most `limit` items."""
    return Shape("list", item=item, limit=limit)


FLAG = Shape("flag")
INTEGER = Shape("integer")
NUMBER = Shape("number")
WHEN = Shape("when")
ANY = Shape("any")
TEXTS = many(text())
LABELS = Shape("map", item=name(1024), limit=256)
ANNOTATIONS = Shape("map", item=text(64_000), limit=256)

_JSON_TYPES = {
    "object": "object",
    "map": "object",
    "list": "array",
    "text": "string",
    "flag": "boolean",
    "when": "string",
}


def decode(body: bytes) -> Any:
    """Return the JSON value of a body; raises a 400 `Problem` when it is none, 422 when it contains too many values."""
    body = body.removeprefix(codecs.BOM_UTF8)  # RFC 8259, section 8.1, lets a reader ignore it
    if not body.strip():
        return {}
    if len(body) > _OBVIOUS and body.count(b",") > _OBVIOUS:
        raise _too_many_values()
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problems.bad_request(f"The request body is not valid JSON: {str(error)[:200]}.") from None
    if len(body) > 2 * MAX_VALUES and _has_more_values(value, MAX_VALUES):
        raise _too_many_values()
    return value


def _too_many_values() -> Problem:
    return invalid(problems.MAX_ITEMS, f"body should have at most {MAX_VALUES} values in all")


def _has_more_values(value: Any, most: int) -> bool:
    """Return whether a decoded body contains more than `most` values, looking at no more of them than that."""
    waiting, count = [value], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        if count + len(waiting) > most:
            return True
    return False


def load(body: bytes, shape: Shape) -> Any:
    """Return a checked body; raises `Problem` 400 for what is not JSON, 422 for what breaks the shape."""
    return check(decode(body), shape)


def check(value: Any, shape: Shape, path: str = "body") -> Any:
    """Return a checked value with canonical keys and clean strings; raises a 422 `Problem`."""
    matches: list[Problem] = []
    if value is None and shape.kind in ("object", "map"):
        value = {}
    result = _walk(value, shape, "", matches, 0)
    if matches:
        first = matches[0]
        if len(matches) > 1:
            first.message = "; ".join(problem.message for problem in matches[:5])
        raise first
    return result


def scrub(value: Any, depth: int = 0) -> Any:
    """Return an unknown value with harmless strings; line ends and tabs stay, since keys and scripts need them."""
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_HARMLESS)
    if depth > MAX_DEPTH:
        raise invalid(problems.MAX_ITEMS, f"the body is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {scrub(key): scrub(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item, depth + 1) for item in value]
    return value


class _Harmless(dict[int, int]):
    """What each character becomes, filled as they occur: asking for each again takes a third of a second for 1 MiB."""

    MOST = 70_000
    """Characters that are remembered; those of all living scripts fit."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        result = code if character in "\n\t" or is_harmless(character) else ord(REPLACEMENT)
        if len(self) < self.MOST:
            self[code] = result
        return result


_HARMLESS = _Harmless()


def _walk(value: Any, shape: Shape, path: str, matches: list[Problem], depth: int) -> Any:
    if value is None:
        return None
    if shape.kind == "any":
        return scrub(value, depth)
    if not _fits(value, shape.kind):
        wanted = _JSON_TYPES.get(shape.kind, shape.kind)
        got = type(value).__name__.replace("dict", "object").replace("str", "string")
        matches.append(invalid(problems.TYPE, f'{path or "body"} in body must be of type {wanted}: "{got}"'))
        return None
    if shape.kind == "object":
        return _walk_object(value, shape, path, matches, depth)
    if shape.kind == "map":
        return _walk_map(value, shape, path, matches, depth)
    if shape.kind == "list":
        if len(value) > shape.limit:
            matches.append(invalid(problems.MAX_ITEMS, f"{path} in body should have at most {shape.limit} items"))
            return None
        item = shape.item or ANY
        return [_walk(entry, item, f"{path}.{index}", matches, depth + 1) for index, entry in enumerate(value)]
    if shape.kind in ("text", "when"):
        return _walk_text(value, shape, path, matches)
    return value


def _fits(value: Any, kind: str) -> bool:
    if kind in ("object", "map"):
        return isinstance(value, dict)
    if kind == "list":
        return isinstance(value, list)
    if kind in ("text", "when"):
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, int | float) and not isinstance(value, bool)


def _walk_object(value: dict[str, Any], shape: Shape, path: str, matches: list[Problem], depth: int) -> dict[str, Any]:
    canonical = shape.canonical()
    result: dict[str, Any] = {}
    wrong: set[str] = set()
    for key, item in value.items():
        known = key if key in shape.fields else canonical.get(key.lower())
        if known is None:
            result[scrub(key)] = scrub(item, depth + 1)
            continue
        if item is None or (known != key and known in value):
            continue
        before = len(matches)
        checked = _walk(item, shape.fields[known], f"{path}.{known}" if path else known, matches, depth + 1)
        if len(matches) > before:
            wrong.add(known)
        if checked is not None:
            result[known] = checked
    for key in shape.required:
        if result.get(key) in (None, "") and key not in wrong:
            matches.append(invalid(problems.REQUIRED, f"{path}.{key} in body is required".removeprefix(".")))
    return result


def _walk_map(value: dict[str, Any], shape: Shape, path: str, matches: list[Problem], depth: int) -> dict[str, Any]:
    item = shape.item or ANY
    if len(value) > shape.limit:
        matches.append(invalid(problems.MAX_ITEMS, f"{path} in body should have at most {shape.limit} items"))
        return {}
    result = {}
    for key, entry in value.items():
        _walk_text(key, name(256), f"{path} key", matches)
        result[key] = _walk(entry, item, f"{path}.{key[:40]}", matches, depth + 1) or ""
    return result


def _walk_text(value: str, shape: Shape, path: str, matches: list[Problem]) -> str | None:
    shown = scrub(path)
    if len(value) > shape.limit:
        matches.append(invalid(problems.TOO_LONG, f"{shown} in body should be at most {shape.limit} chars long"))
        return None
    if (
        not value.isprintable()
        and shape.strict
        and ("\n" in value or "\t" in value or value.translate(_HARMLESS) != value)
    ):
        matches.append(invalid(problems.PATTERN, f"{shown} in body must not contain control or hidden characters"))
        return None
    if shape.enum and value and value not in shape.enum:
        allowed = " ".join(shape.enum)
        matches.append(invalid(problems.ENUM, f"{shown} in body should be one of [{allowed}]"))
        return None
    if shape.kind == "when":
        try:
            times.parse(value)
        except ValueError as error:
            matches.append(invalid(problems.TYPE, f"{shown} in body must be of type date-time: {error}"))
            return None
    if shape.enum and not value:
        return None
    return str(scrub(value))

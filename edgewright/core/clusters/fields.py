"""Fields of a JSON document as data: one declaration reads strictly, writes, and describes itself as a JSON schema.

A reader accepts exactly what is declared: an unknown or repeated property, another type, a value out of its bounds
and another spelling of the same address are problems, each with its path. Standard library only, Python 3.9.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from dataclasses import MISSING, dataclass, fields
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type

from edgewright.core.errors import DocumentProblem
from edgewright.core.text import clean

MOST = 50
"""Problems that one reading lists."""
MAX_INTEGER = 2**53 - 1
"""The largest number that every JSON reader reads exactly."""
JSON_NAME = "json"
"""Key of the metadata of a dataclass field whose property has another name."""
MAX_DEPTH = 32
"""Levels of free JSON (the configuration of a driver)."""
_UPPER = re.compile(r"_([a-z0-9])")


class Notes:
    """The problems of one reading."""

    def __init__(self) -> None:
        self.problems: List[DocumentProblem] = []

    def add(self, path: str, message: str, hint: str = "", code: str = "") -> None:
        """Add a problem; those beyond `MOST` are not listed."""
        if len(self.problems) < MOST:
            self.problems.append(DocumentProblem(path, message, hint, code))


class Shape:
    """What one value may be."""

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """Return the value as the model has it; for one that is wrong add a problem and return anything."""
        raise NotImplementedError

    def write(self, value: Any, full: bool) -> Any:
        """Return the JSON form of a value of the model; without `full`, properties at their default are left out."""
        return value


@dataclass(frozen=True)
class Text(Shape):
    """A text that matches a pattern completely; `what` names it in a sentence: "must be {what}"."""

    what: str
    pattern: str = r"[^\x00-\x1f\x7f]*"
    limit: int = 253
    least: int = 0

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, str):
            notes.add(path, f"must be {self.what}, not {_type(value)}")
        elif not self.least <= len(value) <= self.limit or re.fullmatch(self.pattern, value, re.ASCII) is None:
            notes.add(path, f"must be {self.what}, not {_quoted(value)}")
        return value


@dataclass(frozen=True)
class Choice(Shape):
    """One of a few texts."""

    options: Tuple[str, ...]

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, str) or value not in self.options:
            shown = _quoted(value) if isinstance(value, str) else _type(value)
            notes.add(path, f"must be {' or '.join(self.options)}, not {shown}")
        return value


@dataclass(frozen=True)
class Integer(Shape):
    """A number without a fraction."""

    least: int = 0
    most: int = 2**31 - 1

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if isinstance(value, bool) or not isinstance(value, int):
            notes.add(path, f"must be a number from {self.least} to {self.most}, not {_type(value)}")
        elif not self.least <= value <= self.most:
            notes.add(path, f"must be a number from {self.least} to {self.most}, not {clean(value, 24)}")
        return value


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, bool):
            notes.add(path, f"must be true or false, not {_type(value)}")
        return value


@dataclass(frozen=True)
class Address(Shape):
    """An IPv4 or IPv6 address, or a network with `network`, in the one spelling that the library writes."""

    network: bool = False
    empty: bool = False

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        what = "a network such as 10.244.0.0/16" if self.network else "an IPv4 or IPv6 address"
        if not isinstance(value, str):
            notes.add(path, f"must be {what}, not {_type(value)}")
            return value
        if not value and self.empty:
            return value
        try:
            right = str(ipaddress.ip_network(value) if self.network else ipaddress.ip_address(value))
        except ValueError:
            notes.add(path, f"must be {what}, not {_quoted(value)}")
            return value
        if right != value or "%" in value:
            notes.add(path, f"must be written as {right.partition('%')[0]}, not {_quoted(value)}")
        return value


@dataclass(frozen=True)
class ListOf(Shape):
    """A list, which the model has as a tuple."""

    item: Shape
    most: int = 1000

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, (list, tuple)):
            notes.add(path, f"must be a list, not {_type(value)}")
            return ()
        if len(value) > self.most:
            notes.add(path, f"has {len(value)} entries; {self.most} are allowed")
        return tuple(self.item.read(entry, f"{path}[{n}]", notes) for n, entry in enumerate(value[: self.most]))

    def write(self, value: Any, full: bool) -> Any:
        """See `Shape.write`."""
        return [self.item.write(entry, full) for entry in value]


@dataclass(frozen=True)
class MapOf(Shape):
    """Names with values."""

    key: Text
    item: Shape
    most: int = 64

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, Mapping):
            notes.add(path, f"must be an object, not {_type(value)}")
            return {}
        if len(value) > self.most:
            notes.add(path, f"has {len(value)} entries; {self.most} are allowed")
        result = {}
        for name, entry in list(value.items())[: self.most]:
            self.key.read(name, path, notes)
            result[name] = self.item.read(entry, f"{path}.{clean(name, 80)}", notes)
        return result

    def write(self, value: Any, full: bool) -> Any:
        """See `Shape.write`."""
        return {name: self.item.write(entry, full) for name, entry in value.items()}


@dataclass(frozen=True)
class Json(Shape):
    """An object of free JSON, as a driver defines it."""

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, dict):
            notes.add(path, f"must be an object, not {_type(value)}")
            return {}
        _check_json(value, path, notes, MAX_DEPTH)
        return value


@dataclass(frozen=True)
class Nullable(Shape):
    """A value, or `null`: `None` in the model."""

    item: Shape

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        return None if value is None else self.item.read(value, path, notes)

    def write(self, value: Any, full: bool) -> Any:
        """See `Shape.write`."""
        return None if value is None else self.item.write(value, full)


class Record(Shape):
    """An object that the model has as a frozen dataclass; properties with a default may be left out.

    A property has the name of its field in camel case, `host_uid` is `hostUid`, or that of its metadata. Raises
    `TypeError` for a declaration that does not match the class.
    """

    def __init__(self, model: Type[Any], **shapes: Shape) -> None:
        self.model = model
        self.shapes = shapes
        self.defaults: Dict[str, Any] = {}
        names = [field.name for field in fields(model)]
        if names != list(shapes):
            raise TypeError(f"{model.__name__} has the fields {names}, declared are {list(shapes)}")
        for field in fields(model):
            factory: Optional[Callable[[], Any]] = None if field.default_factory is MISSING else field.default_factory
            if factory is not None:
                self.defaults[field.name] = factory()
            elif field.default is not MISSING:
                self.defaults[field.name] = field.default
        self.names = {field.name: field.metadata.get(JSON_NAME) or camel(field.name) for field in fields(model)}
        self._properties = {self.names[name]: name for name in names}

    @property
    def required(self) -> Sequence[str]:
        """Return the properties that must be there."""
        return [self.names[name] for name in self.shapes if name not in self.defaults]

    def read(self, value: Any, path: str, notes: Notes) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, Mapping):
            notes.add(path, f"must be an object, not {_type(value)}")
            return None
        before = len(notes.problems)
        for key in value:
            if key not in self._properties:
                notes.add(join(path, clean(key, 80)), "is not a known property", "Remove it, or upgrade this program.")
        for name in self.required:
            if name not in value:
                notes.add(join(path, name), "is missing")
        values = dict(self.defaults)
        for key, entry in value.items():
            field = self._properties.get(key)
            if field is not None:
                values[field] = self.shapes[field].read(entry, join(path, key), notes)
        return self.model(**values) if len(notes.problems) == before and before < MOST else None

    def write(self, value: Any, full: bool) -> Any:
        """See `Shape.write`."""
        result = {}
        for name, shape in self.shapes.items():
            item = getattr(value, name)
            if not full and name in self.defaults and item == self.defaults[name]:
                continue
            result[self.names[name]] = shape.write(item, full)
        return result


def camel(name: str) -> str:
    """Return the property of a field: `ca_spki_sha256` is `caSpkiSha256`."""
    return _UPPER.sub(lambda match: match.group(1).upper(), name)


def join(path: str, name: str) -> str:
    """Return the path of a property."""
    return f"{path}.{name}" if path else name


def parse(data: bytes, limit: int, notes: Notes) -> Any:
    """Return the value of JSON text; `None`, and a problem, for text that is too long, torn or repeats a property."""
    if len(data) > limit:
        notes.add("", f"has {len(data)} bytes; {limit} are allowed", "", "TooLarge")
        return None

    def unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the property {clean(twice, 80)} is there twice")
        return result

    try:
        return json.loads(data, object_pairs_hook=unique)
    except RecursionError:
        notes.add("", "is nested too deeply")
    except ValueError as error:
        notes.add("", f"is not valid JSON: {clean(error, 200)}")
    return None


def encode(value: Any) -> bytes:
    """Return canonical JSON: sorted properties, no spaces, ASCII; the same bytes on every host."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _check_json(value: Any, path: str, notes: Notes, depth: int) -> None:
    if depth == 0:
        notes.add(path, f"is nested more than {MAX_DEPTH} levels deep")
    elif isinstance(value, dict):
        for name, entry in value.items():
            if not isinstance(name, str):
                notes.add(path, f"has a property that is {_type(name)}")
            else:
                _check_json(entry, join(path, clean(name, 80)), notes, depth - 1)
    elif isinstance(value, list):
        for n, entry in enumerate(value):
            _check_json(entry, f"{path}[{n}]", notes, depth - 1)
    elif isinstance(value, bool) or value is None or isinstance(value, str):
        return
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            notes.add(path, f"is a number beyond {MAX_INTEGER}; write it as a text")
    elif not isinstance(value, float) or not math.isfinite(value):
        notes.add(path, f"must be JSON, not {_type(value)}")


def _quoted(value: str) -> str:
    return f"'{clean(value, 60)}'" if value else "empty"


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number"}
    if value is None:
        return "null"
    if isinstance(value, float):
        return "a fraction" if math.isfinite(value) else "not a finite number"
    return names.get(type(value), f"a value of type {type(value).__name__}")

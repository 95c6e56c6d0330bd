"""Typed properties of documents: descriptors that read a dotted path without fail and write it in place."""

from __future__ import annotations

from typing import Any, Dict, Generic, List, Optional, Protocol, Tuple, Type, TypeVar, Union, overload

from edgewright.core import times

Json = Any
V = TypeVar("V")


class Paths(Protocol):
    """What a field needs of a document (`document.Document`): values by path."""

    raw: Dict[str, Json]

    def __init__(self, raw: Optional[Dict[str, Json]] = None) -> None: ...

    def find(self, parts: List[str], default: Json = None) -> Json:
        """Return the value under the keys `parts`, or the default."""

    def set(self, path: str, value: Json) -> None:
        """Write a value at a dotted path."""

    def delete(self, path: str) -> bool:
        """Remove what is at a dotted path."""


D = TypeVar("D", bound=Paths)


def _parts(path: str) -> List[str]:
    return path.split(".")


class Field(Generic[V]):
    """A typed property of a document at a fixed path; a value of another type reads as the default.

    Assigning writes the path, `del` removes it. Subclasses define how JSON becomes the value and back.
    """

    def __init__(self, path: str, default: V) -> None:
        self.path = path
        self.parts = _parts(path)
        self.default = default

    def read(self, value: Json) -> V:
        """Return the value for a JSON value that is there; the default when it has another type."""
        raise NotImplementedError

    def write(self, value: V) -> Json:
        """Return the JSON for a value."""
        return value

    @overload
    def __get__(self, document: None, owner: Type[Paths]) -> "Field[V]": ...
    @overload
    def __get__(self, document: Paths, owner: Type[Paths]) -> V: ...

    def __get__(self, document: Optional[Paths], owner: Type[Paths]) -> Union["Field[V]", V]:
        if document is None:
            return self
        value = document.find(self.parts)
        return self.missing() if value is None else self.read(value)

    def missing(self) -> V:
        """Return the value of a path that is not there."""
        return self.default

    def __set__(self, document: Paths, value: V) -> None:
        document.set(self.path, self.write(value))

    def __delete__(self, document: Paths) -> None:
        document.delete(self.path)


class TextField(Field[str]):
    """A string; a number is read as its text, anything else as the default."""

    def read(self, value: Json) -> str:
        """Return the text."""
        if isinstance(value, str):
            return value
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else self.default


class IntegerField(Field[Optional[int]]):
    """An integer; a float without fraction and a text of digits are taken as well."""

    def read(self, value: Json) -> Optional[int]:
        """Return the number."""
        if isinstance(value, bool):
            return self.default
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return int(value)
        if isinstance(value, str) and len(value) < 40:
            try:
                return int(value)
            except ValueError:
                return self.default
        return self.default


class NumberField(Field[Optional[float]]):
    """A number with a fraction."""

    def read(self, value: Json) -> Optional[float]:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.default
        try:
            return float(value)
        except OverflowError:
            return self.default


class FlagField(Field[bool]):
    """True or false; the texts `true` and `false` are taken as well."""

    def read(self, value: Json) -> bool:
        """Return the flag."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return self.default


class TimeField(Field[Optional[float]]):
    """A time: RFC 3339 on the wire, epoch seconds here; the zero time and what is not a time read as `None`."""

    def read(self, value: Json) -> Optional[float]:
        """Return epoch seconds."""
        try:
            return times.parse(value) if isinstance(value, str) else None
        except ValueError:
            return None

    def write(self, value: Optional[float]) -> Json:
        """Return the RFC 3339 text."""
        return times.rfc3339(value)


class TextsField(Field[List[str]]):
    """A list of strings; items of another type are left out. The list is a copy: assign to change the document."""

    def read(self, value: Json) -> List[str]:
        """Return the strings."""
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def missing(self) -> List[str]:
        """Return a new empty list."""
        return []


class MappingField(Field[Dict[str, Json]]):
    """An object; read as a shallow copy: assign to change the document."""

    def read(self, value: Json) -> Dict[str, Json]:
        """Return the object's properties."""
        return dict(value) if isinstance(value, dict) else {}

    def missing(self) -> Dict[str, Json]:
        """Return a new empty mapping."""
        return {}


class EachField(Generic[D]):
    """A list of objects, each seen through a view; the views share the document's objects, so writes go through."""

    def __init__(self, path: str, view: Type[D]) -> None:
        self.path = path
        self.parts = _parts(path)
        self.view = view

    @overload
    def __get__(self, document: None, owner: Type[Paths]) -> "EachField[D]": ...
    @overload
    def __get__(self, document: Paths, owner: Type[Paths]) -> Tuple[D, ...]: ...

    def __get__(self, document: Optional[Paths], owner: Type[Paths]) -> Union["EachField[D]", Tuple[D, ...]]:
        if document is None:
            return self
        value = document.find(self.parts)
        if not isinstance(value, list):
            return ()
        return tuple(self.view(item) for item in value if isinstance(item, dict))

    def __set__(self, document: Paths, value: Tuple[D, ...]) -> None:
        document.set(self.path, [item.raw for item in value])


def text(path: str, default: str = "") -> TextField:
    """Return a string field at `path`."""
    return TextField(path, default)


def integer(path: str, default: Optional[int] = None) -> IntegerField:
    """Return an integer field at `path`; unknown is `None`, never 0."""
    return IntegerField(path, default)


def number(path: str, default: Optional[float] = None) -> NumberField:
    """Return a number field at `path`; unknown is `None`."""
    return NumberField(path, default)


def flag(path: str, default: bool = False) -> FlagField:
    """Return a true-or-false field at `path`."""
    return FlagField(path, default)


def when(path: str) -> TimeField:
    """Return a time field at `path`, in epoch seconds."""
    return TimeField(path, None)


def texts(path: str) -> TextsField:
    """Return a list-of-strings field at `path`."""
    return TextsField(path, [])


def mapping(path: str) -> MappingField:
    """Return an object field at `path`."""
    return MappingField(path, {})


def each(path: str, view: Type[D]) -> "EachField[D]":
    """Return a field for a list of objects at `path`, each seen through `view`."""
    return EachField(path, view)

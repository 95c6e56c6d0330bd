"""Documents: the JSON as it came, with typed views over the parts that we know.

The plane's JSON moves faster than its description. A `Document` therefore retains the object as it was parsed (`raw`),
and views read and write paths in it: key names are found in any case, `null` reads as "not there", and nothing
that a view does not know is touched. Two documents with the same `raw` are the same document.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Type, TypeVar, Union

from edgewright.wire.fields import each, flag, integer, mapping, number, text, texts, when
from edgewright.wire.jsontext import Json, copy_json, dump, parse_json, parse_object

__all__ = [
    "Document",
    "Json",
    "copy_json",
    "dump",
    "each",
    "find_key",
    "flag",
    "integer",
    "mapping",
    "number",
    "parse_json",
    "parse_object",
    "text",
    "texts",
    "when",
]

D = TypeVar("D", bound="Document")


def find_key(mapping: Mapping[str, Json], name: str) -> Optional[str]:
    """Return the key of `mapping` that is `name`, exactly or in another case; `None` when there is none.

    Of several spellings one that has a value wins over one that is `null`, and then the exact one over the others.
    """
    if mapping.get(name) is not None:
        return name
    folded = name.casefold()
    result = name if name in mapping else None
    for key in mapping:
        if isinstance(key, str) and key.casefold() == folded:
            if mapping[key] is not None:
                return key
            result = result or key
    return result


def _parts(path: str) -> List[str]:
    return path.split(".")


class Document:
    """One JSON object and the views that its subclasses add; `raw` is the object itself, not a copy."""

    __slots__ = ("raw",)

    def __init__(self, raw: Optional[Dict[str, Json]] = None) -> None:
        self.raw: Dict[str, Json] = {} if raw is None else raw

    @classmethod
    def parse(cls: Type[D], data: Union[bytes, str]) -> D:
        """Return the document in UTF-8 JSON text.

        Raises `InvalidInput` for text that is not a JSON object, NaN, infinity, over-deep nesting or bad UTF-8.
        """
        return cls(parse_object(data))

    def json(self) -> bytes:
        """Return the document as compact UTF-8 JSON, properties in the order in which they came."""
        return dump(self.raw)

    def get(self, path: str, default: Json = None) -> Json:
        """Return the value at a dotted path; `default` when it is missing, `null`, or under something not an object."""
        return self.find(_parts(path), default)

    def find(self, parts: List[str], default: Json = None) -> Json:
        """Return the value under `parts`, for keys that contain dots themselves; else as `get`."""
        value: Json = self.raw
        for part in parts:
            if not isinstance(value, dict):
                return default
            # the exact key is by far the usual case and costs one lookup
            result = value.get(part)
            if result is None:
                key = find_key(value, part)
                result = None if key is None else value[key]
            if result is None:
                return default
            value = result
        return value

    def set(self, path: str, value: Json) -> None:
        """Write `value` at a dotted path, into the existing key whatever its case; missing objects are made.

        An object on the way that is `null` or not an object at all is replaced, since nothing can live under it.
        """
        here = self.raw
        parts = _parts(path)
        for part in parts[:-1]:
            key = find_key(here, part)
            below = None if key is None else here[key]
            if not isinstance(below, dict):
                below = {}
                here[part if key is None else key] = below
            here = below
        last = parts[-1]
        here[find_key(here, last) or last] = value

    def delete(self, path: str) -> bool:
        """Remove every spelling of the key at a dotted path; return whether there was one."""
        parts = _parts(path)
        holder = self.raw if len(parts) == 1 else self.find(parts[:-1])
        if not isinstance(holder, dict):
            return False
        folded = parts[-1].casefold()
        doomed = [key for key in holder if isinstance(key, str) and key.casefold() == folded]
        for key in doomed:
            del holder[key]
        return bool(doomed)

    def copy(self: D) -> D:
        """Return a document that shares nothing with this one."""
        return type(self)(copy_json(self.raw))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.raw == other.raw

    __hash__ = None  # type: ignore[assignment]  # a document can change

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(list(self.raw)[:6])})"

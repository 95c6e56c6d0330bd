"""The Sprig functions that values may use. Names, order of arguments and results are Sprig's.

`substr`, `default` and `upper` occur in published packs and in Palette's documentation; the others are their
neighbours: functions of one text that need nothing but the text. Anything else is an error that names it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Callable, Dict, NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.model import MAX_VALUES


class Function(NamedTuple):
    """A function: how many values it takes, what it does with them, an example for sentences and the docs."""

    arguments: int
    run: Callable[..., str]
    example: str


def text_of(value: Any) -> str:
    """Return a value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _integer(value: Any, function: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        text = text_of(value)
        if not (text.lstrip("-").isdigit() and len(text) <= 10 and text.isascii()):
            raise InvalidInput(f"The function {function} needs a number.", "", "InvalidReference")
        return int(text)
    return value


def _substr(start: Any, end: Any, value: Any) -> str:
    text, begin, stop = text_of(value), _integer(start, "substr"), _integer(end, "substr")
    if begin < 0:
        return text[: max(stop, 0)]
    if stop < 0 or stop > len(text):
        return text[begin:]
    return text[begin:stop]


def _trunc(length: Any, value: Any) -> str:
    text, count = text_of(value), _integer(length, "trunc")
    if count < 0:
        return text[count:] if len(text) + count > 0 else text
    return text[:count]


def _quote(value: Any) -> str:
    out = []
    for character in text_of(value):
        escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
        out.append(escaped or character)
    return '"' + "".join(out) + '"'


def _b64dec(value: Any) -> str:
    try:
        return base64.b64decode(text_of(value), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidInput("The function b64dec was given text that is not base64.", "", "InvalidReference") from None


def _indent(spaces: Any, value: Any) -> str:
    count = min(max(_integer(spaces, "indent"), 0), 80)
    pad, text = " " * count, text_of(value)
    return pad + _replaced("\n", "\n" + pad, text)


def too_big() -> InvalidInput:
    """Return the error for a value that functions make too large."""
    return InvalidInput("The resolved values are larger than 5 MB.", "Remove references that repeat.", "TooBig")


def _replaced(old: Any, new: Any, value: Any) -> str:
    """Return a text with every `old` replaced; its size is known before it is made."""
    text, before, after = text_of(value), text_of(old), text_of(new)
    if not before:
        return text
    if len(text) + text.count(before) * (len(after) - len(before)) > MAX_VALUES:
        raise too_big()
    return text.replace(before, after)


def _without_prefix(prefix: Any, value: Any) -> str:
    text, start = text_of(value), text_of(prefix)
    return text[len(start) :] if start and text.startswith(start) else text


def _without_suffix(suffix: Any, value: Any) -> str:
    text, end = text_of(value), text_of(suffix)
    return text[: -len(end)] if end and text.endswith(end) else text


FUNCTIONS: Dict[str, Function] = {
    "default": Function(2, lambda other, value: text_of(value) or text_of(other), 'default "1.19.0"'),
    "substr": Function(3, _substr, "substr 0 4"),
    "trunc": Function(2, _trunc, "trunc 8"),
    "upper": Function(1, lambda value: text_of(value).upper(), "upper"),
    "lower": Function(1, lambda value: text_of(value).lower(), "lower"),
    "trim": Function(1, lambda value: text_of(value).strip(), "trim"),
    "trimPrefix": Function(2, _without_prefix, 'trimPrefix "v"'),
    "trimSuffix": Function(2, _without_suffix, 'trimSuffix "-rev2"'),
    "replace": Function(3, _replaced, 'replace "." "-"'),
    "quote": Function(1, _quote, "quote"),
    "squote": Function(1, lambda value: f"'{text_of(value)}'", "squote"),
    "b64enc": Function(
        1, lambda value: base64.b64encode(text_of(value).encode("utf-8", "replace")).decode("ascii"), "b64enc"
    ),
    "b64dec": Function(1, _b64dec, "b64dec"),
    "indent": Function(2, _indent, "indent 4"),
    "nindent": Function(2, lambda spaces, value: "\n" + _indent(spaces, value), "nindent 4"),
    "toString": Function(1, text_of, "toString"),
}
"""All functions, by name."""

"""A document as one line for each value, and what changed between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from edgewright.core.text import clean
from tui.frame.document_values import MASK, is_secret

_LOGIN = re.compile(r"(://[^/@:\s]*:)[^/@\s]+@")


def without_login(text: str) -> str:
    """Return a text in which no address shows its password (`http://user:password@proxy`)."""
    return _LOGIN.sub(rf"\1{MASK}@", text)


class Change(NamedTuple):
    """One value that came (`+`) or went (`-`)."""

    sign: str
    path: str
    value: str


def flatten(document: object, path: str = "") -> dict[str, str]:
    """Return the values by their dotted path, every secret masked and every text harmless."""
    if isinstance(document, Mapping) and document:
        matches: dict[str, str] = {}
        for key, value in document.items():
            matches |= flatten(value, f"{path}.{key}" if path else str(key))
        return matches
    if isinstance(document, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in document):
        matches = {}
        for index, value in enumerate(document):
            matches |= flatten(value, f"{path}[{index}]")
        return matches
    return {path: _text(document, path.rsplit(".", 1)[-1])} if path else {}


def _text(value: object, name: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping | list | tuple) and not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item, name) for item in value)
    if isinstance(value, str):
        if value and (is_secret(name) or "passw" in name.lower()):
            return MASK
        first, _, more = without_login(value).strip("\n").partition("\n")
        lines = more.count("\n") + 2
        return f"{clean(first)} ... ({lines} lines)" if more else clean(first) or '""'
    return clean(value)


def changes(before: Any, after: Any) -> list[Change]:
    """Return what came and went between two documents, in the order of the later one; what went comes last."""
    old, new = flatten(before), flatten(after)
    arrived = [Change("+", path, value) for path, value in new.items() if old.get(path) != value]
    return arrived + [Change("-", path, value) for path, value in old.items() if path not in new]


def changed_lines(before: Sequence[str], after: Sequence[str]) -> set[int]:
    """Return the places of the lines of `after` that `before` does not have there."""
    matcher = SequenceMatcher(None, list(before), list(after), autojunk=False)
    return {place for tag, _, _, low, high in matcher.get_opcodes() if tag != "equal" for place in range(low, high)}

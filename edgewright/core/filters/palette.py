"""The older filter dialect of Palette's lists: `filters=severity=InfoORseverity=Warning`, with AND and OR.

AND binds tighter than OR; spaces around both are allowed. A text that is not understood is an error, never a filter
that matches nothing: AND and OR count only before a known property, and a value has neither `=` nor spaces in it.
"""

from __future__ import annotations

import re
from typing import Collection, List, NamedTuple

MAX_TEXT = 4096
"""Characters of a filter."""
MAX_TERMS = 100
"""Comparisons of a filter; a database refuses an expression of many hundreds."""


class Term(NamedTuple):
    """One comparison: the property equals the value, or differs from it if `negated`."""

    property: str
    negated: bool
    value: str


def parse(text: str, properties: Collection[str]) -> List[List[Term]]:
    """Return alternatives (OR), each a list of terms that must all match (AND); empty for an empty text.

    Raises `ValueError` with a sentence for a text that is not understood.
    """
    if not text.strip():
        return []
    if len(text) > MAX_TEXT:
        raise ValueError(f"The filter has {len(text)} characters, at most {MAX_TEXT} are read.")
    known = "|".join(re.escape(name) for name in sorted(properties, key=len, reverse=True))
    following = rf"\s*(?=(?:{known})\s*!?=)"
    alternatives = [re.split(f"AND{following}", each) for each in re.split(f"OR{following}", text)]
    if sum(map(len, alternatives)) > MAX_TERMS:
        raise ValueError(f"The filter has more than {MAX_TERMS} comparisons.")
    return [[_term(part, properties) for part in parts] for parts in alternatives]


def _term(text: str, properties: Collection[str]) -> Term:
    name, equals, value = text.strip().partition("=")
    negated = name.endswith("!")
    name, value = name.rstrip("!").strip(), value.strip()
    cut_off = any(value.endswith(word + each) for word in ("AND", "OR") for each in properties)
    if not equals or name not in properties or not re.fullmatch(r"[^\s=]+", value) or cut_off:
        raise ValueError(
            f"The filter {text.strip()[:80]!r} is not understood. Write PROPERTY=VALUE or PROPERTY!=VALUE, joined by "
            f"AND or OR; known properties are {', '.join(sorted(properties))}."
        )
    return Term(name, negated, value)

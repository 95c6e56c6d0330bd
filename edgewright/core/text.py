"""Text from outside, made harmless before it reaches a terminal.

Hosts, planes and files send strings. A terminal obeys control characters and escape sequences, and bidirectional or
zero-width characters make one name look like another. `clean` is called once, where a string enters the model.
"""

from __future__ import annotations

import unicodedata
from typing import Optional

REPLACEMENT = "\ufffd"
"""What replaces a character that was taken out, so that its absence shows."""

LIMIT = 1024
"""Longest cleaned text unless the caller sets another limit."""

_INVISIBLE = frozenset(
    [
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),  # zero width, left-to-right and right-to-left marks
        *range(0x2028, 0x202F),  # line and paragraph separators, embeddings and overrides
        *range(0x2060, 0x2070),  # word joiner, isolates, deprecated format characters
        *range(0xFE00, 0xFE10),  # variation selectors: they change the width of what precedes them
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE1000),  # tags and further variation selectors
    ]
)
_BAD_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])


def is_harmless(character: str) -> bool:
    """Return whether one character may reach a terminal: no control, format, bidi, surrogate or unassigned one."""
    if " " <= character <= "~":
        return True
    return ord(character) not in _INVISIBLE and unicodedata.category(character) not in _BAD_CATEGORIES


def clean(value: object, limit: int = LIMIT) -> str:
    """Return `value` as one line of harmless text, at most `limit` characters (the last one is then `…`).

    Tabs and line ends become one space; every other character that could steer a terminal or hide becomes U+FFFD.
    `None` becomes the empty text. Idempotent: cleaning twice changes nothing more.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    cut = len(text) > limit
    if cut:
        text = text[: max(0, limit - 1)]
    if not (text.isascii() and text.isprintable()):
        text = "".join(_replace(character) for character in text)
    return text + "…" if cut and limit > 0 else text


def amount(count: int, noun: str, many: str = "") -> str:
    """Return a number with its noun: `1 problem`, `0 problems`; `many` is a plural that follows no rule."""
    return f"{count:,} {noun if count == 1 else many or plural(noun)}"


def _replace(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return character if is_harmless(character) else REPLACEMENT


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in at most `width` terminal cells, with `ellipsis` where it was cut (wide characters count two)."""
    if width <= 0:
        return ""
    if text.isascii():
        if len(text) <= width:
            return text
        return text[: max(0, width - cells(ellipsis))] + ellipsis if width > cells(ellipsis) else ellipsis[:width]
    if cells(text) <= width:
        return text
    room = width - cells(ellipsis)
    if room <= 0:
        return ellipsis[:width]
    used, stored = 0, []
    for character in text:
        used += cells(character)
        if used > room:
            break
        stored.append(character)
    return "".join(stored) + ellipsis


def cells(text: str) -> int:
    """Return how many terminal cells a cleaned text takes: combining marks none, wide characters two."""
    if text.isascii():
        return len(text)
    count = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
            continue
        count += 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
    return count


def plural(noun: str) -> str:
    """Return the plural of an English noun: `key` is `keys`, `registry` is `registries`."""
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"


def integer(text: str) -> Optional[int]:
    """Return the number that plain digits write, at most 18 of them; `None` for anything else.

    `str.isdigit` also takes digits that `int` does not (a superscript two), and `int` refuses thousands of them: what a
    stranger sent in a header must end in neither.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None

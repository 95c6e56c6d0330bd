"""Which parts of a line of YAML mean what, line by line: no parser, so a key costs the same in any file.

A line within a block of text (`|`) is shown as YAML too; most of them are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tui.widgets.lines import Role

MAX_COLUMNS = 400
"""Characters of a line that are looked at; what is beyond is plain."""
_KEY = re.compile(
    r"""\s*(?:-\ +)*(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s\#'"{\[\]},&*!|>%@`-][^\#:\s]*)\s*:(?=\s|$)""",
    re.VERBOSE,
)
_PARTS = re.compile(
    r"""(?P<comment>(?:^|(?<=\s))\#.*)
    |(?P<reference>\{\{.*?\}\})
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')
    |(?P<word>(?:(?<=[:-]\ )|(?<=[\[,])|(?<=[\[,]\ )|^)
        (?:true|false|null|~|[-+]?\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?)(?=\s*(?:$|[,\]}]|\s\#)))
    |(?P<sign>(?:^|(?<=\s))(?:---|\.\.\.|[&*][A-Za-z0-9_-]+|[|>][-+0-9]*$|-(?=\s|$)))""",
    re.VERBOSE,
)
_ROLES: dict[str, Role] = {"comment": "muted", "reference": "work", "word": "info", "sign": "muted"}


class Part(NamedTuple):
    """A part of a line with a meaning: columns from `start` up to `end`."""

    start: int
    end: int
    role: Role


@lru_cache(maxsize=8192)
def parts_of(line: str) -> tuple[Part, ...]:
    """Return the parts of a line that have a colour, from left to right; references within quotes have theirs."""
    text = line[:MAX_COLUMNS]
    parts: list[Part] = []
    at = 0
    key = _KEY.match(text)
    if key is not None:
        parts.append(Part(*key.span("key"), "accent"))
        at = key.end()
    while (match := _PARTS.search(text, at)) is not None:
        start, end = match.span()
        if match.lastgroup == "text":
            parts += [Part(start + a, start + b, "work") for a, b in _references(match.group())]
        else:
            parts.append(Part(start, end, _ROLES[str(match.lastgroup)]))
        at = max(end, at + 1)
    return tuple(parts)


def _references(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\{\{.*?\}\}", text)]

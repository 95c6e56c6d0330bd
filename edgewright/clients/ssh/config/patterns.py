"""Patterns of OpenSSH: `*`, `?`, lists with commas, and `!` for what must not match (match.c)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    first, *rest = ["".join("." if c == "?" else re.escape(c) for c in part) for part in re.split(r"\*+", pattern)]
    for number, part in enumerate(rest, 1):  # each takes its first place for good: a pattern costs no exponential time
        first += f".*{part}" if number == len(rest) else f"(?>.*?{part})"
    return re.compile(first + r"\Z", re.DOTALL)


def matches(text: str, pattern: str) -> bool:
    """Return whether one pattern matches the complete text; letters count as they are."""
    return _compiled(pattern).match(text) is not None


def in_list(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a pattern of a list matches and none with `!` does."""
    result = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if matches(text, pattern[1:]):
                return False
        elif matches(text, pattern):
            result = True
    return result


def host_in_list(host: str, patterns: str) -> bool:
    """Return whether a list with commas matches a host name, in small letters."""
    return in_list(host.lower(), [pattern.strip() for pattern in patterns.lower().split(",")])

"""Versions of packs in order: `1.30.4`, `v1.30`, `1.31.0-rc.1`, `20.4.1_1`, whatever a pack calls its version.

Semantic versions are compared by their rules; others by their numbers and parts from left to right.
"""

from __future__ import annotations

import re
from typing import List, Tuple

_PART = re.compile(r"\d{1,18}|[A-Za-z]+")
_SEMVER = re.compile(
    r"v?(?:0|[1-9]\d{0,17})\.(?:0|[1-9]\d{0,17})\.(?:0|[1-9]\d{0,17})(?:-[0-9A-Za-z.-]{1,100})?(?:\+[0-9A-Za-z.-]{1,100})?"
)
_NUMBERS = 6
"""Numbers of a version that an order from the highest looks at."""
Key = Tuple[Tuple[int, ...], int, Tuple[Tuple[int, int, str], ...]]


def is_semantic(version: str) -> bool:
    """Return whether a version is a semantic one, with or without `v` in front."""
    return _SEMVER.fullmatch(version) is not None


def key(version: str) -> Key:
    """Return what versions are sorted by, lowest first; a pre-release is before its release."""
    core, _, _build = version.strip()[:200].partition("+")
    core = core[1:] if core[:1] in "vV" and core[1:2].isdigit() else core
    numbers, _, pre = core.partition("-")
    release: List[int] = []
    rest: List[str] = []
    for part in _PART.findall(numbers):
        if part.isdigit() and not rest:
            release.append(int(part))
        else:
            rest.append(part)
    while release and release[-1] == 0:
        release.pop()
    # what follows a minus sign is a pre-release for semantic versions, and a build of a packager for most others
    parts = [_word(part) for part in [*rest, *_PART.findall(pre)]]
    return tuple(release), 0 if pre and not pre[:1].isdigit() else 1, tuple(parts)


def newest_first(version: str) -> Tuple[int, ...]:
    """Return what versions are sorted by, the highest first; a release is before its pre-releases."""
    release, final, _rest = key(version)
    return (*(-number for number in (*release, *[0] * _NUMBERS)[:_NUMBERS]), -final)


def _word(part: str) -> Tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() else (1, 0, part.lower())


def within(version: str, lowest: str, highest: str) -> bool:
    """Return whether a version is from `lowest` to `highest`, both included; an empty bound is none."""
    value = key(version)
    return (not lowest or value >= key(lowest)) and (not highest or value <= key(highest))


def parents(version: str) -> Tuple[str, ...]:
    """Return the tags that name the newest of several versions: `1.30.4` belongs to `1.30.x` and `1.x`."""
    match = re.fullmatch(r"v?(\d{1,9})\.(\d{1,9})\.\d{1,9}.*", version)
    return (f"{match.group(1)}.{match.group(2)}.x", f"{match.group(1)}.x") if match else ()

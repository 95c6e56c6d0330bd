"""Versions of profiles: strict semantic versions (semver.org). Versions of packs are lenient: `core.packs.versions`."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Tuple, Union

_NUMBER = r"(?:0|[1-9][0-9]{0,9})"
_PART = r"(?:0|[1-9][0-9]{0,17}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_STRICT = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PART}(?:\.{_PART})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)
MAX_LENGTH = 128

Key = Tuple[Tuple[int, int, int], int, Tuple[Tuple[int, Union[int, str]], ...]]


class Version(NamedTuple):
    """A semantic version; compare by `key`."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    build: str = ""

    @property
    def key(self) -> Key:
        """Return what versions are ordered by (semver.org, rule 11; the build does not count)."""
        parts = tuple((0, int(part)) if part.isdigit() else (1, part) for part in self.pre.split(".") if part)
        return (self.major, self.minor, self.patch), 0 if self.pre else 1, parts

    def __str__(self) -> str:
        pre = f"-{self.pre}" if self.pre else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}" + (f"+{self.build}" if self.build else "")


def parse(text: str) -> Optional[Version]:
    """Return a semantic version `x.y.z[-pre][+build]`; `None` for any other text."""
    match = _STRICT.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        return None
    major, minor, patch, pre, build = match.groups()
    return Version(int(major), int(minor), int(patch), pre or "", build or "")

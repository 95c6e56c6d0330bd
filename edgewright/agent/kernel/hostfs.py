"""The host's files below a root: `/` on a host, a made-up folder in a test.

Every fact comes from files; each reader takes a `Root`, so that a test can feed it a host that does not exist. A file
that is missing, unreadable or not text reads as empty: a fact that cannot be known is left out, never guessed.
"""

from __future__ import annotations

import os
from typing import List

LIMIT = 1 << 20
"""Bytes read of one file at most."""


class Root:
    """Reads files, folders and links below one folder. No method raises for a thing that is not there."""

    def __init__(self, top: str = "/") -> None:
        self.top = top.rstrip("/")

    @property
    def real(self) -> bool:
        """Whether this is the running host itself, so that kernel calls speak of the same host as the files."""
        return self.top == ""

    def path(self, name: str) -> str:
        """Return where the host's file `name` (absolute) is for this process."""
        return self.top + "/" + name.lstrip("/")

    def data(self, name: str, limit: int = LIMIT) -> bytes:
        """Return the first `limit` bytes of a file, or nothing."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read(limit)
        except OSError:
            return b""

    def text(self, name: str, limit: int = LIMIT) -> str:
        """Return a file as text without blanks at its ends, or the empty text."""
        return self.data(name, limit).decode("utf-8", "replace").strip()

    def lines(self, name: str) -> List[str]:
        """Return the lines of a file that are not empty."""
        return [line for line in self.text(name).splitlines() if line.strip()]

    def number(self, name: str) -> int:
        """Return the integer in a file, or 0."""
        try:
            return int(self.text(name, 64), 0)
        except ValueError:
            return 0

    def names(self, folder: str) -> List[str]:
        """Return the sorted names in a folder, or nothing."""
        try:
            return sorted(os.listdir(self.path(folder)))
        except OSError:
            return []

    def has(self, name: str) -> bool:
        """Return whether a file or folder is there."""
        return os.path.exists(self.path(name))

    def target(self, name: str) -> str:
        """Return where a link leads in the end, as a path of the host, or the empty text."""
        real = os.path.realpath(self.path(name))
        top = os.path.realpath(self.top or "/")
        if not os.path.lexists(self.path(name)):
            return ""
        if top == "/":
            return real
        return real[len(top) :] if real.startswith(top) else ""

"""Reading a short text that a user names: a key, a password, a link."""

from __future__ import annotations

import sys
from pathlib import Path

from edgewright.core.errors import UsageError


def read_small_file(path: str, most: int) -> str:
    """Return at most `most` characters of a file, or of stdin for `-`; ask for one more to notice a longer text.

    Raises `OSError` and `UnicodeDecodeError`, and `UsageError` for `-` where stdin is a terminal: the console reads its
    keys from there, and would wait for ever. A path may be a pipe or on a dead share: call it in a thread.
    """
    if path != "-":
        with Path(path).expanduser().open(encoding="utf-8") as file:
            return file.read(most)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("Nothing can be read from stdin: it is a terminal.", "Name a file, or use a pipe.")
    return sys.stdin.read(most)

"""Whether the files of this program are those that it was started from.

A module that is imported late comes from the files as they are then: after an update they may be of another version, or
no longer exist. This module imports nothing that is not loaded anyway, and is loaded at the start.
"""

from __future__ import annotations

import os
from typing import Tuple

UPDATED = "Edgewright was updated while it ran; start it again."
PROGRAM = __file__
"""A file that each update replaces."""


def _identity() -> Tuple[int, int]:
    try:
        facts = os.stat(PROGRAM)  # noqa: PTH116  pathlib is not loaded for `--version`
    except OSError:
        return (0, 0)
    return facts.st_ino, facts.st_mtime_ns


AT_START = _identity()


def was_updated(error: BaseException) -> bool:
    """Return whether `error` is an import that failed because the program was replaced while it ran."""
    return isinstance(error, ImportError) and _identity() != AT_START

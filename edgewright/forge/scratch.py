"""Folders for the time of one piece of work: gone at its end, and after a kill -9 at the next one's begin.

They contain user-data with its token, so that none may stay behind. Each is named by its process; one whose process has
ended has no owner.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def prefix_of(what: str) -> str:
    """Return how the folders for this kind of work begin, before the number of the process."""
    return f"edgewright-{what}-"


def sweep(what: str, folder: Path | None = None) -> None:
    """Remove folders of this kind whose process has ended; those of other users and of running processes stay."""
    prefix = prefix_of(what)
    for path in (folder or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
        pid = path.name.removeprefix(prefix).partition("-")[0]
        try:
            if pid.isdigit() and path.lstat().st_uid == os.getuid() and not Path("/proc", pid).exists():
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


@contextlib.contextmanager
def scratch(what: str) -> Iterator[Path]:
    """Give a new folder that only its owner can enter, and remove it with all that is in it."""
    sweep(what)
    path = Path(tempfile.mkdtemp(prefix=f"{prefix_of(what)}{os.getpid()}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)

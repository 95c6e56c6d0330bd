"""Room on the disk, asked for before the work, and what is reported when a tool fails because there was none."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import clean
from edgewright.forge.programs import Done
from edgewright.forge.progress import size


def require(folder: Path, count: int, what: str) -> None:
    """Raise `Failed` when the disk of `folder` has less than `count` bytes free; states how much is missing."""
    free = shutil.disk_usage(folder).free
    if free < count:
        raise no_space(folder, count, free, what)


def no_space(folder: Path, count: int, free: int, what: str) -> EdgewrightError:
    """Return the error of a full disk."""
    return Failed(
        f"{folder} has {size(free)} free and {what} takes about {size(count)}: "
        f"{size(max(count - free, 0))} are missing.",
        "Make room, or name another place (-o, EDGEWRIGHT_FORGE_CACHE).",
        "NoSpace",
    )


def tool_failed(name: str, done: Done, folder: Path) -> EdgewrightError:
    """Return the error of a program that failed: a full disk is reported as such, else its own last complaint."""
    if "No space left on device" in done.text:
        free = shutil.disk_usage(folder).free
        return Failed(
            f"The disk of {folder} became full while {name} ran; {size(free)} are free now.",
            "Make room, or name another place (-o, EDGEWRIGHT_FORGE_CACHE).",
            "NoSpace",
        )
    complaints = [line for line in done.lines if line.startswith(("E:", "dpkg: error", "dracut: FATAL", "FATAL"))]
    last = clean((complaints or list(done.lines) or [f"code {done.code}"])[-1], 300)
    return Failed(
        f"{name} failed (code {done.code}): {last.rstrip('.')}.", "Run it again; --keep-log FILE stores all its output."
    )

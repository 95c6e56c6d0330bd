"""Support bundles in a folder that were not finished."""

from __future__ import annotations

from pathlib import Path

from edgewright.clients.ssh.bundle.partial import Partial
from edgewright.core.errors import EdgewrightError
from edgewright.core.slow_files import read_in_time

MOST_FOLDERS = 200
"""Folders that are looked at."""


async def unfinished(folder: Path, target: str) -> str:
    """Return the newest bundle of a host in a folder that was not finished, "" for none."""

    def look() -> str:
        partials = sorted(folder.glob("*.partial"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in partials[:MOST_FOLDERS]:
            try:
                if Partial.open(path).state.target == target:
                    return str(path)
            except (EdgewrightError, OSError):
                continue
        return ""

    try:
        return await read_in_time(look, str(folder))
    except (EdgewrightError, OSError):
        return ""

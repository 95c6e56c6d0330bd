"""Bytes as people read them, and how far a transfer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.core import times

if TYPE_CHECKING:
    from edgewright.clients.ssh.files.progress import Progress


def size_of(count: float) -> str:
    """Return bytes for people: `16.0 KB`."""
    for unit in ("B", "KB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"


def progress_text(progress: Progress) -> str:
    """Return `12.0 MB of 80.1 MB (15 %), 1.2 MB/s, about 1m left`."""
    part = f" ({100 * progress.done // progress.total} %)" if progress.total else ""
    text = f"{size_of(progress.done)} of {size_of(progress.total)}{part}"
    if progress.rate:
        text += f", {size_of(progress.rate)}/s"
    if progress.left is not None and progress.left >= 1:
        text += f", about {times.duration(max(1, round(progress.left)))} left"
    return f"{text}, {progress.step}" if progress.step else text

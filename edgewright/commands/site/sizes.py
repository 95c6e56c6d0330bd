"""Bytes as people read them."""

from __future__ import annotations


def size_of(count: float) -> str:
    """Return bytes for people: `16.0 KB`."""
    for unit in ("B", "KB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"

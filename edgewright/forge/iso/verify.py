"""Whether a finished ISO holds what it should and will boot from where its base did."""

from __future__ import annotations

from pathlib import Path

from edgewright.forge.iso.facts import Base, Check


def verify_iso(path: Path, user_data: bytes, base: Base | None = None) -> list[Check]:
    """Return every check with its verdict; `base` is what it was made from, where that is known."""
    raise NotImplementedError

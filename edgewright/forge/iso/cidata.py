"""Small ISOs with the label `cidata` that bring one site's user-data beside a common installer."""

from __future__ import annotations

from pathlib import Path


def make_cidata(out: Path, user_data: bytes, meta_data: bytes = b"") -> str:
    """Write a seed ISO (readable by its owner alone) and return its sha256; same bytes in, same bytes out."""
    raise NotImplementedError

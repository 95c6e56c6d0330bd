"""What an ISO is: read from its own bytes, without mounting it and without root."""

from __future__ import annotations

from pathlib import Path

from edgewright.forge.iso.facts import Base


def identify(path: Path, *, inside: bool = True) -> Base:
    """Return what is known about an ISO; `inside=False` leaves its squashfs closed.

    A file that is no ISO gives a `Base` with `refuse` set. Raises `NotFound` when there is no such file and `Failed`
    when it cannot be read.
    """
    raise NotImplementedError

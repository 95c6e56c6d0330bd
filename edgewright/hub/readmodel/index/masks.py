"""Sets of hosts as numbers: byte `n` of a mask, little-endian, is 1 when the host in slot `n` belongs to it.

Python combines two of them (`&`, `|`, `^`) in microseconds for 100,000 hosts, and `compress` reads their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress

Mask = int


def mask_of(slots: Iterable[int], size: int) -> Mask:
    """Return the mask of slots below `size`."""
    marks = bytearray(size)
    for slot in slots:
        marks[slot] = 1
    return int.from_bytes(marks, "little")


def from_flags(flags: Iterable[object]) -> Mask:
    """Return the mask of the slots whose flag (a truth value or 0 and 1) is set."""
    return int.from_bytes(bytes(flags), "little")  # type: ignore[arg-type]


def slots_of(mask: Mask, size: int) -> list[int]:
    """Return the slots of a mask, rising."""
    return list(compress(range(size), mask.to_bytes(size, "little")))

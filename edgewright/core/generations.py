"""How two desired states of one host are ordered: by `(lineage, generation)` (rules P7, P22, P36, P37).

A lineage is the name of one history of one plane's database, a generation the place within it. Numbers of two
lineages cannot be compared: a restored database counts from an older number again. Standard library only, Python 3.9;
the real agent, the simulated one and the hub decide by these functions.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

LINEAGE_DIGITS = 16
"""Hex digits of a lineage."""
MAX_GENERATION = 2**31 - 1
"""The largest generation that either side believes: what a database column of 32 bits stores."""

_LINEAGE = re.compile(rf"[0-9a-f]{{{LINEAGE_DIGITS}}}", re.ASCII)


class Position(NamedTuple):
    """A place in the history of a plane. Lineage `""` means that the plane names none (hub v0.1.0)."""

    lineage: str
    generation: int

    @property
    def tag(self) -> str:
        """Return the text of an `ETag` for this position, without quotes."""
        return f"{self.lineage}-{self.generation}" if self.lineage else str(self.generation)


def read_generation(value: object) -> Optional[int]:
    """Return a generation as received if it can be one: an integer from 1 to `MAX_GENERATION`, not a boolean."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 1 <= value <= MAX_GENERATION else None


def read_lineage(value: object) -> Optional[str]:
    """Return a lineage as received, `""` when the other side names none, `None` for something that cannot be one."""
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) and _LINEAGE.fullmatch(value) else None


def is_late(stored: Position, received: Position) -> bool:
    """Return whether `received` is older than `stored`, so that it must be dropped: same lineage, lower generation.

    A position of another lineage is never late: its plane was restored, and is the authority all the same. A plane
    that stops to name a lineage (a hub that was set back to v0.1.0) counts as another lineage.
    """
    return received.lineage == stored.lineage and received.generation < stored.generation


def is_announced(stored: Position, lineage: Optional[str], generation: Optional[int]) -> bool:
    """Return whether a heartbeat's answer names something else than what is stored; `None` where it names nothing."""
    if lineage and lineage != stored.lineage:
        return True
    return generation is not None and generation > stored.generation

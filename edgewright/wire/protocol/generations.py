"""The order of desired states (rules P7, P22, P36, P37), under the name that both sides of the protocol use.

The rules are in `core`, because the documents of clusters follow the same order.
"""

from __future__ import annotations

from edgewright.core.generations import (
    LINEAGE_DIGITS,
    MAX_GENERATION,
    Position,
    is_announced,
    is_late,
    read_generation,
    read_lineage,
)

__all__ = [
    "LINEAGE_DIGITS",
    "MAX_GENERATION",
    "Position",
    "is_announced",
    "is_late",
    "read_generation",
    "read_lineage",
]

"""The made-up log of a simulated host: the same moment gives the same line, so that it can be followed."""

from __future__ import annotations

from typing import Any, List, Mapping

from edgewright.core import times

EVERY = 5
"""Seconds between two lines."""
MOST = 100
_TEXTS = (
    "heartbeat acknowledged by the plane",
    "measured CPU, memory and disks",
    "nothing to change, desired state reached",
    "link to the plane is up",
    "WARNING slow answer of the plane, 812 ms",
)


def simulated_log(name: str, now: float, params: Mapping[str, Any]) -> List[str]:
    """Return the last lines until `now` (epoch seconds) for the `lines` and `since` of a `collect-logs` operation."""
    lines, since = params.get("lines"), params.get("since")
    count = min(lines if isinstance(lines, int) else 20, MOST)
    newest = int(now) // EVERY * EVERY
    moments = [newest - EVERY * back for back in range(count - 1, -1, -1)]
    if isinstance(since, int):
        moments = [moment for moment in moments if moment >= since]
    return [f"{times.rfc3339(at)} {name} simulated[1]: {_TEXTS[at // EVERY % len(_TEXTS)]}" for at in moments]

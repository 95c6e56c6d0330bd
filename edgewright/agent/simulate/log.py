"""The made-up log of a simulated host: the same moment gives the same line, so that it can be followed."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

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
_FAULTS = {
    "kubelet.service": (
        "ERROR failed to run kubelet: validate CRI: connection refused to containerd.sock",
        "kubelet.service: Main process exited, code=exited, status=1/FAILURE",
        "kubelet.service: Scheduled restart job, restart counter is at 41",
    ),
    "containerd.service": (
        "ERROR failed to load plugin io.containerd.metadata.v1.bolt: database file is corrupt",
        "containerd.service: Failed with result 'exit-code'",
    ),
    "chronyd.service": (
        "Can't synchronise: no selectable sources",
        "Source 10.20.0.1 offline",
        "Could not resolve ntp",
    ),
}


def simulated_log(name: str, now: float, params: Mapping[str, Any], faulty: Sequence[str] = ()) -> List[str]:
    """Return the last lines until `now` (epoch seconds) for the `lines`, `since` and `unit` of `collect-logs`.

    The log of a unit in `faulty` shows why.
    """
    unit = params.get("unit")
    texts = _FAULTS.get(str(unit), _TEXTS) if unit in faulty else ("running",) if unit else _TEXTS
    process = str(unit).partition(".")[0] if unit else "simulated"
    lines, since = params.get("lines"), params.get("since")
    count = min(lines if isinstance(lines, int) else 20, MOST)
    newest = int(now) // EVERY * EVERY
    moments = [newest - EVERY * back for back in range(count - 1, -1, -1)]
    if isinstance(since, int):
        moments = [moment for moment in moments if moment >= since]
    return [f"{times.rfc3339(at)} {name} {process}[1]: {texts[at // EVERY % len(texts)]}" for at in moments]

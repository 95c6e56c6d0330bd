"""The clock of the hub against the clocks of its hosts (rule P41): most of them agree on another time: it is wrong.

A hub whose clock drifts, or was wrong from its first start, finds nothing on its own machine that contradicts it; its
hosts do. They can only cast doubt on the clock: that preserves data and blames no host. They cannot end a doubt, so
that stolen credentials of hosts delete nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.core.times import duration
from edgewright.hub.readmodel.alert_board import PLANE, Alert
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.services import Services

ALERT, CODE = "plane/clock-hosts", "ClockDiffersFromHosts"
LEAST = 3
"""Hosts that must report their clocks before they count."""
EVERY = 15.0
"""Seconds between two counts."""
SAMPLE = 1_000
"""Hosts of a large fleet that are asked: enough for a majority, and no work that is felt."""
_RECENT = 3
"""Heartbeat intervals within which a host must have reported."""


def outvoted(offsets: Iterable[float]) -> tuple[float, int, int] | None:
    """Return the seconds by which two thirds of the hosts agree that the hub's clock is off, how many do, of how many.

    `offsets` are host minus hub, in seconds. `None` when they are too few, disagree, or agree with the hub.
    """
    known = sorted(offsets)
    if len(known) < LEAST:
        return None
    middle = median(known)
    agreeing = sum(abs(offset - middle) <= protocol.CLOCK_TOLERANCE for offset in known)
    if abs(middle) <= protocol.CLOCK_TOLERANCE or agreeing * 3 < len(known) * 2:
        return None
    return -middle, agreeing, len(known)


def count(hub: Services) -> None:
    """Compare the clocks; raise, renew or end the alert. Simulated hosts all have the clock of one machine."""
    now = times.now()
    since = now - _RECENT * max(hub.options.heartbeat, protocol.HEARTBEAT_INTERVAL)
    entries = list(hub.state.hosts.values())
    votes = (
        entry.live.clock_offset
        for entry in entries[:: 1 + len(entries) // SAMPLE]
        if entry.live.clock_offset is not None and (entry.live.at or 0.0) >= since and not entry.facts.simulated
    )
    result = outvoted(votes)
    hub.clock.off_by = result[0] if result is not None else 0.0
    if result is None or hub.clock.suspect_alone:
        hub.alerts.drop(ALERT)
        return
    off, agreeing, of = result
    side = "ahead of" if off > 0 else "behind"
    stored = hub.alerts.get(ALERT)
    hub.alerts.report(
        Alert(
            uid=ALERT, kind=PLANE, subject="management plane", text=f"clock {duration(abs(off))} {side} its hosts'",
            message=f"{agreeing} of {of} hosts agree on a time that the clock of this hub is {duration(abs(off))}"
            f" {side}. Their own clocks are not reported as wrong meanwhile.",
            hint=hub.clock.step, code=CODE, project_uid="",
            host_uids=(), since=stored.since if stored is not None else now, last=now, quiet=None,
        )
    )  # fmt: skip

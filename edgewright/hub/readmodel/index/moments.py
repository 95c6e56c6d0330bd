"""Until when what a search finds of a host stays as it is, if no heartbeat and no change arrives (rule P18).

A host turns late, silent, and unsuspected of a copy by the clock alone. A heartbeat only moves these moments away, so
that it costs the index nothing: the host is looked at again at the moment that was noted, and finds a later one.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from edgewright.core.hosts.health import GRACE
from edgewright.core.hosts.link_spec import own_limit

if TYPE_CHECKING:
    from edgewright.hub.db.records import HostEntry
    from edgewright.hub.readmodel.render import Renderer

_MARGIN = 0.01
"""Seconds around such a moment in which the host is looked at by each search: sums of times are not exact."""
_WIDTH = 1.0
"""Seconds whose moments are noted together."""
_NEVER = -1


def outlook(renderer: Renderer, entry: HostEntry, now: float) -> tuple[float, bool]:
    """Return until when the health and the last change of a host stay, and whether its next heartbeat changes them.

    The latter is about a heartbeat that reports the same as the last one; any other one is a change of its own.
    """
    live, registered = entry.live, entry.record.registered_at
    if registered is None:
        return inf, False
    counted = max(live.at if live.at is not None else registered, renderer.started)
    limit, quiet = renderer.host_limit(entry), GRACE * renderer.host_interval(entry)
    moments = [counted + limit, counted + limit + live.excused, counted + quiet]
    if live.duplicate is not None:
        moments.append(live.duplicate.until)
    until = min((moment - _MARGIN for moment in moments if moment + _MARGIN > now), default=inf)
    return until, own_limit(live.vitals) or now >= counted + min(limit, quiet) - _MARGIN


class Alarms:
    """Which slots are to be looked at again, and when."""

    def __init__(self) -> None:
        self._slots: dict[int, list[int]] = {}
        """Second -> slots; a slot that was set to another one since is ignored there."""
        self._of: list[int] = []

    def grow(self, count: int) -> None:
        """Make room for more slots."""
        self._of += [_NEVER] * count

    def set(self, slot: int, until: float) -> None:
        """Look at a slot again at a time, and not at the one that was set before; `inf`: never."""
        second = _NEVER if until == inf else max(0, int(until // _WIDTH))
        if self._of[slot] == second:
            return
        self._of[slot] = second
        if second != _NEVER:
            self._slots.setdefault(second, []).append(slot)

    def due(self, now: float) -> list[int]:
        """Return the slots whose time is in the present second or before; they have none from then on."""
        present = int(now // _WIDTH)
        slots = []
        for second in [second for second in self._slots if second <= present]:
            for slot in self._slots.pop(second):
                if self._of[slot] == second:
                    self._of[slot] = _NEVER
                    slots.append(slot)
        return slots

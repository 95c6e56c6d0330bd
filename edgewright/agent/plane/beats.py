"""When a heartbeat may be sent in its short form, and what the answer to it means (rule P75)."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.text import clean, integer
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import read_generation, read_lineage
from edgewright.wire.protocol.relay import HEADER, Asked, read_header
from edgewright.wire.protocol.short_beat import FULL_EVERY, ShortBeat

Json = Dict[str, Any]
_MOVING = ("seq", "clock", "load1", "cpuPercent", "memoryUsedMB", "uptimeSeconds", "bytesMonth")
"""What a short heartbeat has, and what the plane can compute."""


class Pulse(NamedTuple):
    """The answer to a heartbeat; `None` where the plane sent nothing. `date` is the plane's clock."""

    generation: Optional[int]
    interval: Optional[float]
    date: Optional[float]
    lineage: Optional[str] = None
    duplicate: str = ""
    """Other machines that report with this identity, as the plane names them."""
    clock_doubted: bool = False
    """The plane does not believe its own clock (P41)."""
    streams: Tuple[Asked, ...] = ()
    """Streams of the relay that wait for this host (P30)."""


def since_boot() -> float:
    """Return seconds since the host was booted, sleep included: no clock that is set moves them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_pulse(headers: Mapping[str, str], date: Optional[float]) -> Pulse:
    """Return what the headers of an answer (names in lower case) mean."""
    generation = integer(headers.get(protocol.H_GENERATION.lower(), ""))
    lineage = read_lineage(headers.get(protocol.H_LINEAGE.lower()))
    duplicate = clean(headers.get(protocol.H_DUPLICATE.lower(), ""), 200)
    doubted = headers.get(protocol.H_CLOCK.lower()) == protocol.CLOCK_DOUBTED
    interval = number(headers.get(protocol.H_INTERVAL.lower()))
    streams = tuple(read_header(headers.get(HEADER.lower(), "")))
    return Pulse(read_generation(generation), interval, date, lineage, duplicate, doubted, streams)


class ShortForm:
    """Remembers the last full heartbeat that one plane accepted. A new connection to a plane begins with a full one."""

    def __init__(self, clock: Callable[[], float] = since_boot) -> None:
        self._clock = clock
        self._same: Optional[Json] = None
        self._accepted_at = 0.0
        self._date: Optional[float] = None
        self._interval: Optional[float] = None
        self._unknown = False

    def line(self, body: Mapping[str, Any]) -> Optional[bytes]:
        """Return the short form of a heartbeat; `None` when a full one is due or the plane does not know short ones."""
        if self._unknown or self._same is None or self._clock() - self._accepted_at >= FULL_EVERY:
            return None
        extension = body.get(protocol.EXTENSION) or {}
        boot, seq, clock = extension.get("bootId"), extension.get("seq"), extension.get("clock")
        if not boot or seq is None or clock is None or _without_moving(body) != self._same:
            return None
        vitals = (extension.get(name) for name in ("load1", "cpuPercent", "memoryUsedMB"))
        return ShortBeat(boot, seq, int(clock), *vitals).line()

    def full_accepted(self, body: Mapping[str, Any], pulse: Pulse) -> None:
        """Note a full heartbeat that the plane has accepted."""
        self._same, self._accepted_at = _without_moving(body), self._clock()
        self._date = pulse.date
        if pulse.interval != protocol.URGENT_INTERVAL:
            self._interval = pulse.interval

    def pulse(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Pulse:
        """Return what the answer 204 to a short heartbeat means: what it does not name is as it was.

        The plane's clock is the last `Date` and the time since; only a full heartbeat compares clocks again.
        """
        date = None if self._date is None else self._date + self._clock() - self._accepted_at
        pulse = read_pulse(headers, date)
        if pulse.generation is None:
            extension = body[protocol.EXTENSION]
            pulse = pulse._replace(generation=extension["observedGeneration"], lineage=extension.get("lineage", ""))
        return pulse if pulse.interval is not None else pulse._replace(interval=self._interval)

    def refused(self, status: int) -> None:
        """Note that the plane wants a full heartbeat (409), or does not know this path at all (any other answer)."""
        self._same = None
        self._unknown = self._unknown or status in (404, 405, 501)


def number(text: Optional[str]) -> Optional[float]:
    """Return a header's number; `None` for one that is none or out of bounds."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e12 else None


def _without_moving(body: Mapping[str, Any]) -> Json:
    extension = body.get(protocol.EXTENSION) or {}
    return {**body, protocol.EXTENSION: {name: value for name, value in extension.items() if name not in _MOVING}}

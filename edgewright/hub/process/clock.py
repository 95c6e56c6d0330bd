"""What the hub knows of time: whether its clock of day was set, is to be believed, and whether the hub itself ran.

Three things are distinguished by comparing the clock of day with the machine's count since its boot:

- the clock was **set**: both differ from what they were a moment ago (`Look.jump`);
- the hub was **absent**: stopped, swapped out, its machine asleep or paused, or its event loop blocked; more time has
  passed than its own tick accounts for (`Look.absent`). To the hosts that was an outage of the plane (rule P42);
- the clock is **in doubt**: it shows something that nothing else supports (rule P41). Doubt ends when the clock is back
  within `DOUBT_FROM` of the expected time, or when both clocks have agreed for `SETTLE` seconds of running.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from edgewright.core import times
from edgewright.core.certificate_clock import BUILT, clock_text
from edgewright.core.errors import Failed
from edgewright.hub.process.files import write_atomically

log = logging.getLogger("edgewright.hub")

CLOCK_FILE = "clock.json"
"""When this hub last ran with a clock that was believed."""
TICK = 1.0
"""Seconds between two looks while nothing else makes the hub look."""
ABSENT = 3.0
"""Seconds beyond a tick from which the hub counts as absent; a busy loop is late by far less."""
JUMP = 10.0
"""Seconds between two looks by which both clocks may part; a time server slews far less."""
DOUBT_FROM = 600.0
"""Seconds by which the clock may be set in all before it is doubted; no retention is shorter than a day."""
AWAY = times.DAY
"""Seconds that a hub may have been away; after a longer time its clock is doubted, as it may just as well be ahead."""
SETTLE = times.DAY
"""Seconds of running that both clocks must agree before a clock in doubt is believed: time to notice and correct it."""


class Look(NamedTuple):
    """What happened since the last look, in seconds: `jump` of the clock of day, `absent` time of the hub."""

    jump: float
    absent: float


_Moment = Annotated[float, msgspec.Meta(ge=0.0, le=253_402_300_799.0)]
"""Epoch seconds up to the year 9999, the last that has a date."""


class Seen(msgspec.Struct):
    """The content of `clock.json`; times in epoch seconds by the clock of then."""

    at: _Moment | None = None
    """When this hub last ran with a clock that was believed."""
    doubted_at: _Moment | None = None
    """When it last ran with a clock in doubt, after `at`."""
    agreed: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    """Seconds that both clocks had agreed by then."""
    audits_before: _Moment | None = None
    """Audit entries before this were too old at `audits_at`; they go at a second look (rule P41)."""
    audits_at: _Moment | None = None


def boottime() -> float:
    """Return the seconds since the machine was started, with those that it slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def read_seen(data: Path) -> Seen:
    """Return what an earlier run left in the data directory; empty when there was none, or none that can be."""
    try:
        return msgspec.json.decode((data / CLOCK_FILE).read_bytes(), type=Seen)
    except (OSError, msgspec.DecodeError):
        return Seen()


class ClockWatch:
    """Compares the clock of day with the count since boot. Used on the event loop; every look is some clock reads."""

    def __init__(
        self,
        seen: Seen | None = None,
        newest: float | None = None,
        steady: Callable[[], float] = boottime,
        *,
        of_database: bool = False,
    ) -> None:
        """`seen` is what an earlier run left; without it `newest`, the time of the newest row, is used for it."""
        self.whose = "the database" if of_database else "this machine"
        """Whose clock it is, for sentences: that of the database where several hubs have it in common (rule P82)."""
        self.seen = seen or Seen()
        self.doubt = ""
        """Why the clock is doubted, a sentence; empty when it is not."""
        self.only_away = False
        """The doubt has one harmless cause too: this hub was off for long. No action is needed then."""
        self.off_by = 0.0
        """Seconds by which most hosts agree that the clock is off; 0 when they do not (`fleet_clock`)."""
        self.doubted_since: float | None = None
        """When the doubt began, by the expected time."""
        self._steady = steady
        self._looked = steady()
        self.began = self._looked
        self._offset = self._believed = times.now() - self._looked
        self._agreed = 0.0
        reference = self.seen.at if self.seen.at is not None else newest
        if reference is not None and not -DOUBT_FROM <= times.now() - reference <= AWAY:
            self._believed = reference - self._looked
            self.only_away = times.now() > reference
            doubted = self.seen.doubted_at
            if doubted is not None and 0 <= times.now() - doubted <= AWAY:
                self._agreed = self.seen.agreed  # the same clock as at the last run: what was counted then still counts
        self._judge()

    def elapsed(self) -> float:
        """Return the seconds since the hub was started, whatever the clock of day did."""
        return self._steady() - self.began

    def expected(self) -> float:
        """Return the time that it should be, by the last time that was believed and the count since then."""
        return self._believed + self._steady()

    def latest(self) -> float:
        """Return the time that decides expiry: a clock in doubt never gives an expired secret its validity back."""
        return max(times.now(), self.expected()) if self.doubt else times.now()

    def look(self) -> Look:
        """Return what happened since the last look."""
        steady = self._steady()
        passed, self._looked = steady - self._looked, steady
        offset = times.now() - steady
        jump, self._offset = offset - self._offset, offset
        if abs(jump) <= JUMP:
            self._agreed += passed
            if not self.doubt:
                self._believed += jump  # a time server slews the clock, and crystals drift
            jump = 0.0
        else:
            self._agreed, self.only_away = 0.0, False
        self._judge()
        return Look(jump, passed if passed > TICK + ABSENT else 0.0)

    def _judge(self) -> None:
        now, expected = self._offset + self._looked, self._believed + self._looked
        impossible = now < BUILT
        if not impossible and (abs(now - expected) <= DOUBT_FROM or self._agreed >= SETTLE):
            if self._agreed >= SETTLE:
                self._believed = self._offset
            if self.doubt:
                log.warning("the clock of %s is believed again; it shows %s", self.whose, clock_text(now))
            self.doubt, self.doubted_since = "", None
            return
        if self.doubt:
            return
        self.doubted_since = expected
        shows = f"The clock of {self.whose} shows {clock_text(now)}"
        if abs(now - expected) > DOUBT_FROM:
            side = "ahead of" if now > expected else "behind"
            self.doubt = f"{shows}, {times.duration(abs(now - expected))} {side} what this hub expects."
        else:
            self.doubt = f"{shows}, which is before this version was built."
        log.warning("%s Nothing is deleted for its age until it is believed again.", self.doubt)

    def save(self, data: Path) -> None:
        """Write down when this hub ran, for its next start; a disk that does not take it is logged and no failure."""
        now = times.now()
        if self.doubt:
            self.seen.doubted_at, self.seen.agreed = now, self._agreed
            self.seen.at = self.seen.at if self.seen.at is not None else self.expected()
        else:
            self.seen.at, self.seen.doubted_at, self.seen.agreed = now, None, 0.0
        try:
            write_atomically(data / CLOCK_FILE, msgspec.json.encode(self.seen) + b"\n")
        except Failed as error:
            log.warning("the time of this run could not be stored: %s", error.message)

    @property
    def step(self) -> str:
        """Return what an operator does about a wrong clock."""
        machine = "the hub's machine" if self.whose == "this machine" else "the database's machine"
        return f"Set the clock of {machine}, or let it reach a time server."

    @property
    def suspect_alone(self) -> bool:
        """Return whether what this machine knows makes the clock more likely wrong than not.

        A hub that was only off for long has a good one.
        """
        return bool(self.doubt) and not self.only_away

    @property
    def suspect(self) -> bool:
        """Return whether the clock is more likely wrong than not, by what this machine and the hosts know."""
        return self.suspect_alone or self.off_by != 0.0

    @property
    def may_delete(self) -> bool:
        """Return whether things may be deleted for their age by this clock."""
        return not self.doubt and abs(self.off_by) <= DOUBT_FROM

    def as_dict(self) -> dict[str, Any]:
        """Return the state of the clock for `hub status`."""
        differs = None
        if self.off_by:
            side = "ahead of" if self.off_by > 0 else "behind"
            differs = f"The clock of {self.whose} is {times.duration(abs(self.off_by))} {side} that of most hosts."
        return {"clockDoubted": self.doubt or differs}

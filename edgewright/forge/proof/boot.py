"""The boots of one proof: from the medium, then from the disk, until the track is done or over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from edgewright.forge.progress import Job
from edgewright.forge.proof.console_log import ConsoleLog
from edgewright.forge.proof.guest import Guest
from edgewright.forge.proof.log_patterns import Reader
from edgewright.forge.proof.machine import Machine, command
from edgewright.forge.proof.milestones import BY_KEY
from edgewright.forge.proof.plane import ProofPlane
from edgewright.forge.proof.track import Track

EARLY = 3
"""How often the machine may reset before its kernel ran: firmware does so by itself."""
DISK = 3
"""How often the installed system may restart before it is up."""
ASK = 4.0
"""Seconds between two questions to the plane for the host."""


class Timing(NamedTuple):
    """Seconds: in total, and how long an installed machine is given to switch itself off or restart."""

    limit: float
    leave: float


def crowded() -> float:
    """Return how much longer everything takes because this machine has more to do than processors, 1 to 4."""
    try:
        return min(4.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
    except OSError:
        return 1.0


class Boot:
    """Runs the machine as often as it takes. Raises `Cancelled` and what QEMU's start raises."""

    def __init__(
        self,
        machine: Machine,
        track: Track,
        job: Job,
        log: ConsoleLog,
        timing: Timing,
        plane: ProofPlane | None = None,
        uid: str = "",
        console: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._machine, self._track, self._job, self._log = machine, track, job, log
        self._timing, self._plane, self._uid, self._console = timing, plane, uid, console
        self._began = time.monotonic()
        self._asked = 0.0
        self._shown = ""
        self._reader = Reader()
        self._scale = track.scale

    def _now(self) -> float:
        return time.monotonic() - self._began

    def run(self) -> list[str]:
        """Run until it is done or over, and return the last lines of the console."""
        track = self._track
        early = from_disk = starved = 0
        while not track.over():
            track.started(self._now())
            self._reader = Reader()
            self._log.line(self._now(), f"--- machine on, {'disk' if track.from_disk else 'medium'} first ---")
            with Guest(command(self._machine._replace(disk_first=track.from_disk))) as guest:
                self._watch(guest)
                message, code = guest.messages(), guest.code
            if track.over():
                break
            self._log.line(self._now(), "--- machine off ---")
            if track.starved > starved:
                starved = track.starved
            elif code not in (0, None, -15, -9):
                track.fail("qemu", f"with {code}: {' '.join(message)[-300:]}", self._now(), self._reader.lines)
            elif track.from_disk:
                from_disk += 1
                if from_disk >= DISK:
                    track.fail("off", f"it restarted {from_disk} times", self._now(), self._reader.lines)
            elif not track.installed:
                early += 1
                ran = track.marks["kernel"].state != "waiting"
                if ran or early >= EARLY:
                    track.fail("off", "", self._now(), self._reader.lines)
        return self._reader.last(14)

    def _watch(self, guest: Guest) -> None:
        track = self._track
        starved = track.starved
        while not guest.ended:
            self._take(guest.read())
            now = self._now()
            track.scale = self._scale * crowded()
            self._ask(now)
            if not track.over():
                self._show(now)
                if now > self._timing.limit:
                    track.out_of_time(now, self._reader.lines)
                track.overdue(now, self._reader.lines)
            if track.over():
                return
            if track.starved > starved:
                return  # no fault of the installer: it is started again
            if track.installed and not track.from_disk and track.quiet(now) > self._timing.leave:
                return  # it stays on after its installation: what an operator at the machine would do is to restart it

    def _take(self, data: bytes) -> None:
        for line, sign in self._reader.feed(data):
            now = self._now()
            self._console(self._log.line(now, line))
            if sign is not None:
                self._track.take(sign, now, self._reader.lines)

    def _ask(self, now: float) -> None:
        """Ask the plane for the host, once it may be there; only what the plane reports counts as registered."""
        track = self._track
        if self._plane is None or track.why is not None or "registered" not in track.marks or now - self._asked < ASK:
            return
        if track.marks["live"].state == "waiting":
            return
        self._asked = now
        seen = self._plane.see(self._uid)
        if seen is not None and seen.health:
            track.passed("registered", self._now(), f"{seen.health}, as {self._uid}")
        elif seen is None and track.from_disk:
            for report in self._plane.reports(self._uid):
                track.reported(report.message, self._now(), about_host=report.about_host)

    def _show(self, now: float) -> None:
        """Report what is waited for, and how long it has been quiet."""
        track = self._track
        if not track.next:
            return
        doing = f": {track.step}" if track.next == "installed" and track.step else ""
        step = f"waiting for: {BY_KEY[track.next].title}{doing}"
        if step != self._shown:
            self._shown = step
            self._job.step(step, "seconds")
        self._job.at(int(track.quiet(now)), int(track.patience))

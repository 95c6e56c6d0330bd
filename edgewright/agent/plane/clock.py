"""Setting the clock of a host from the time of its plane, where no time service does it (rule P138).

The link may not set it (`ProtectClock`). It leaves the time that an admitted plane reported, and this end, which is
root, decides.
"""

from __future__ import annotations

import ctypes
import math
import subprocess
import time
from typing import Any, Callable, Dict, Mapping

from edgewright.agent.facts.system import boot_id, time_service
from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import reason_of
from edgewright.agent.plane.beats import since_boot
from edgewright.agent.plane.floor import LATEST
from edgewright.agent.reconcile import exchange
from edgewright.core import times
from edgewright.core.certificate_clock import AGREE, BUILT, clock_text

SERVICE_HAS = 600.0
"""Seconds after the boot within which a time service that runs is expected to set the clock itself."""
FRESH = 300.0
"""Seconds that a reported time may be old."""
_UNSYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2)."""


class Clock:
    """The clock of this host: what it shows, and how it is set."""

    def __init__(self, root: Root) -> None:
        self.boot = boot_id(root)
        self.service: Callable[[], str] = lambda: time_service(root)
        self.since_boot: Callable[[], float] = since_boot

    def now(self) -> float:
        """Return the time that it shows."""
        return time.time()

    def synchronised(self) -> bool:
        """Return whether the kernel calls its clock synchronised: a time service has set it."""
        modes_0 = ctypes.create_string_buffer(1024)  # struct timex, 208 bytes: nothing is changed
        return int(ctypes.CDLL(None).adjtimex(modes_0)) not in (-1, _UNSYNCHRONISED)

    def set(self, moment: float) -> str:
        """Set it, and the hardware's; return why that is not set, or "". Raises `OSError`."""
        time.clock_settime(time.CLOCK_REALTIME, moment)
        try:
            command = ["hwclock", "--systohc"]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return "hwclock: " + (reason_of(error) if isinstance(error, OSError) else "it hangs")
        return f"hwclock ended with {done.returncode}" if done.returncode else ""


def take(request: Mapping[str, Any], own: str, clock: Clock, busy: bool, report: Callable[[int, str], None]) -> None:
    """Set the clock to the time of a request, or log why not; both are written to the folder `own`."""
    since, date, floor = (_seconds(request.get(name)) for name in ("since", "date", "floor"))
    before, up = clock.now(), clock.since_boot()
    if request.get("boot") != clock.boot or not 0 <= up - since <= FRESH:
        return  # of another boot, or from long ago: the link asks again
    moment, least = date + up - since, max(BUILT, floor)
    if math.isnan(floor) or before >= least - AGREE or not max(least, before) - AGREE <= moment < LATEST:
        return  # it may be right, or the time cannot be
    reason, hardware = _refusal(clock, busy, up), ""
    if not reason:
        try:
            hardware = clock.set(moment)
        except OSError as error:
            reason = f"it cannot be set: {reason_of(error)}"
    spent: Dict[str, Any] = {"boot": clock.boot, "before": before, "date": moment, "reason": reason}
    try:
        exchange.put(own, exchange.CLOCK, spent)
    except OSError:
        pass  # only status and facts read it
    text = f"from {clock_text(before)} to {clock_text(moment)}, the plane's time"
    if reason:
        report(agent_log.WARNING, f"The clock is not set {text}: {reason}.")
    else:
        report(agent_log.NOTICE, f"The clock was set {text}; no time service had done it.")
    if hardware:
        report(agent_log.WARNING, f"The hardware's clock is not set, so the next boot begins wrong: {hardware}.")


def _seconds(value: object) -> float:
    """Return a number of a request; `nan`, which compares as false with all, for anything else."""
    try:
        return float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return math.nan


def _refusal(clock: Clock, busy: bool, up: float) -> str:
    """Return why the clock is not set now, empty when it is."""
    if clock.synchronised():
        return "the kernel calls it synchronised, so a time service is responsible for it"
    service = clock.service()
    if service and up < SERVICE_HAS:
        return f"{service} runs and has until {times.duration(SERVICE_HAS)} after the boot to set it"
    return "a step runs, whose time limit would be over at once" if busy else ""

"""After each heartbeat: whether this host's clock can be right, and the reconciler asked to set one that is not."""

from __future__ import annotations

import time
from typing import Optional

from edgewright.agent.kernel.agent_log import WARNING, AgentLog
from edgewright.agent.plane.beats import Pulse, since_boot
from edgewright.agent.plane.floor import Floor
from edgewright.agent.reconcile.handover import Handover
from edgewright.core.certificate_clock import clock_text

ASK_EVERY = 600.0
"""Seconds between two requests to set the clock."""


class ClockWatch:
    """Watches the clock of one host; one that is only observed (`observe`) sets none."""

    def __init__(self, floor: Floor, handover: Handover, log: AgentLog, observe: bool) -> None:
        self._floor, self._handover, self._log, self._observe = floor, handover, log, observe
        self._asked: Optional[float] = None

    def look(self, pulse: Pulse, boot: str) -> str:
        """Take the plane's time; return what `status` shows, empty for a clock that is right by itself."""
        date = self._floor.look(pulse.date, pulse.clock_doubted)
        done = self._handover.clock(boot)
        if not self._floor.wrong:
            self._log.over("clock")
            before, moment = done.get("before"), done.get("date")
            if done.get("reason") or not isinstance(before, float) or not isinstance(moment, float):
                return ""
            return f"was {clock_text(before)}, set to the plane's time {clock_text(moment)} in this boot"
        least, source = self._floor.least()
        wrong = f"is before {clock_text(least)} ({source}), so certificates are compared with that instead"
        self._log.once("clock", WARNING, f"The clock of this host is wrong. It {wrong}.", 0.0)
        if date is not None and not self._observe and self._due():
            body = {"date": date, "since": since_boot(), "floor": least, "boot": boot}
            try:
                self._handover.ask_clock(body)
            except OSError as error:
                return f"{wrong}; it cannot be set: {error.strerror}"
        reason = str(done.get("reason") or "")
        return f"{wrong}{'; not set: ' + reason if reason else ''}"

    def _due(self) -> bool:
        now = time.monotonic()
        if self._asked is not None and now - self._asked < ASK_EVERY:
            return False
        self._asked = now
        return True

    def source(self, service: str, boot: str) -> str:
        """Return who sets this host's clock: the time `service` that runs, `plane`, or `none`."""
        done = self._handover.clock(boot)
        return service or ("plane" if done and not done.get("reason") else "none")

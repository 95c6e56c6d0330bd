"""Operation `reboot`: asked for once, and judged afterwards by the boot id (rule P72)."""

from __future__ import annotations

import os
import subprocess
from typing import Callable, List, Optional

from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.reconcile.journal import Record
from edgewright.agent.reconcile.requests import Request
from edgewright.agent.reconcile.runner import SYSTEMD
from edgewright.agent.reconcile.steps import Step
from edgewright.core import times
from edgewright.core.clusters.actions import with_titles
from edgewright.wire import protocol

LIMIT = 300.0
"""Seconds in which the host must be gone; one that still runs then was not rebooted, and is not asked again."""


class Reboot:
    """Handler and judge of `reboot`; `running` returns the steps that a reboot would interrupt."""

    def __init__(
        self,
        boot: str,
        clock: Callable[[], float],
        running: Callable[[], List[Step]],
        command: "tuple[str, ...]" = ("systemctl", "--no-block", "reboot"),
        possible: Callable[[], bool] = lambda: os.path.isdir(SYSTEMD),
    ) -> None:
        self._boot = boot
        self._clock = clock
        self._running = running
        self._command = command
        self._possible = possible

    def start(self, request: Request) -> Optional[Outcome]:
        """Ask the host to reboot; its record is on disk. `None` until it is over."""
        if not self._possible():
            return Outcome(protocol.OP_REFUSED, "This host was not booted by systemd; reboot it at the machine.")
        busy = self._running()
        if busy:
            running = f"The step {with_titles(busy[0].step)} is running; a reboot would interrupt it."
            return Outcome(protocol.OP_REFUSED, f"{running} Ask again when it has ended.")
        try:
            done = subprocess.run(self._command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return None  # the boot id decides
        except OSError as error:
            return Outcome(protocol.OP_FAILED, f"{self._command[0]} cannot be started: {error.strerror}.")
        if done.returncode != 0:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            return Outcome(
                protocol.OP_FAILED, f"The host refused to reboot: {lines[-1] if lines else done.returncode}."
            )
        return None

    def judge(self, record: Record) -> Optional[Outcome]:
        """Return how a reboot ended, `None` while that is open."""
        before, asked = record.get("boot"), float(record.get("at", 0.0))
        elapsed = self._clock() - asked
        if before and self._boot and before != self._boot:
            return Outcome(
                protocol.OP_SUCCEEDED, f"Rebooted; the agent runs again {times.duration(max(0.0, elapsed))} later."
            )
        if elapsed > LIMIT or elapsed < -LIMIT:
            return Outcome(
                protocol.OP_FAILED, f"The host has not rebooted within {LIMIT:.0f} s. It is not asked again by itself."
            )
        return None

"""What a host reports about its link (rule P78), as one sentence for the console and `edgewright-agent status`."""

from __future__ import annotations

from typing import Any, Mapping

from edgewright.core import times
from edgewright.core.text import clean


def link_text(report: Mapping[str, Any]) -> str:
    """Return when work starts on a host and what its link costs; empty when the host does not report it.

    `report` has `wake`, `wakeReason`, `interval` (s), `bytesMonth`, `budgetMB`; anything in it may be missing or wrong.
    """
    wake = report.get("wake")
    if not isinstance(wake, str) or not wake:
        return ""
    start = "work starts at once"
    if wake != "on":
        interval, reason = _number(report.get("interval")), report.get("wakeReason")
        every = f", every {times.duration(interval)}" if interval else ""
        because = f" ({clean(reason, 120)})" if isinstance(reason, str) and reason else ""
        start = f"work starts with the next heartbeat{every}{because}"
    used, budget = _number(report.get("bytesMonth")), _number(report.get("budgetMB"))
    if used is None:
        return start
    limit = f" of {budget:.0f}" if budget else ""
    return f"{start}; {used / 1e6:.1f}{limit} MB this month"


def _number(value: object) -> "float | None":
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

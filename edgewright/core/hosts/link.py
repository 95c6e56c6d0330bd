"""What a host reports about its link (rule P78), as text for the console, `host show` and `edgewright-agent status`."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

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
    used = used_text(report)
    return f"{start}; {used}" if used else start


def used_text(report: Mapping[str, Any]) -> str:
    """Return the bytes of this month and the budget: `3.2 of 50 MB this month`; empty when they are not reported."""
    used, budget = _number(report.get("bytesMonth")), _number(report.get("budgetMB"))
    if used is None:
        return ""
    limit = f" of {budget:.0f}" if budget else ""
    over = ", used up" if budget and used >= budget * 1e6 else ""
    return f"{used / 1e6:.1f}{limit} MB this month{over}"


def link_rows(
    report: Mapping[str, Any], interval: Optional[float], limit: Optional[float], seen: Optional[float], now: float
) -> List[Tuple[str, str]]:
    """Return label and text of what a host's link is and when work starts there; none for a host that reports no link.

    `interval` and `limit` (s) are what the plane judges the host by; all of it is as old as the last heartbeat, `seen`.
    """
    wake = report.get("wake")
    if not isinstance(wake, str) or not wake:
        return []
    kind = ["metered" if report.get("metered") is True else "not metered"]
    if interval:
        kind.append(f"heartbeat every {times.duration(interval)}")
    if limit:
        kind.append(f"silence limit {times.duration(limit)}")
    rows = [("link", ", ".join(kind)), ("new work", _start(report, wake, interval, seen, now))]
    used = used_text(report)
    return [*rows, ("data used", used)] if used else rows


def _start(report: Mapping[str, Any], wake: str, interval: Optional[float], seen: Optional[float], now: float) -> str:
    """Return when the host learns of new work, with the age of what that is concluded from."""
    if seen is None:
        return "starts with the first heartbeat"
    age = max(0.0, now - seen)
    if interval and age > LATE_BEATS * interval:
        return f"starts when the host reports again; last heartbeat {times.duration(age)} ago"
    if wake == "on":
        return f"starts at once (idle connection, reported {times.duration(age)} ago)"
    reason = report.get("wakeReason")
    because = f": {clean(reason, 120)}" if isinstance(reason, str) and reason else ""
    due = f", due in {times.duration(max(0.0, interval - age))}" if interval else ""
    return f"starts with the next heartbeat{due} (no idle connection{because}; reported {times.duration(age)} ago)"


LATE_BEATS = 2
"""Intervals without a heartbeat after which a report about the link is not current any more."""


def _number(value: object) -> "float | None":
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

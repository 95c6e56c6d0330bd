"""What a host was asked to do, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.core import times
from edgewright.core.hosts.operations import kind_text, operation_status
from edgewright.store.collections.operations import OperationRow
from tui.frame.ages import age_of
from tui.widgets.lines import Line, Piece, Role, Span, cut, heading, pad, spread

_ENDS: dict[str, tuple[str, str, Role]] = {
    "succeeded": ("•", "done", "ok"),
    "failed": ("▲", "failed", "bad"),
    "refused": ("▬", "refused", "parked"),
    "expired": ("○", "never answered", "muted"),
}


def operation_lines(rows: Sequence[OperationRow], now: float, width: int, limit: int = 5) -> list[Line]:
    """Return what a host was asked to do, the newest first: what came of it, or until when it must come."""
    if not rows:
        return []
    out = [heading("OPERATIONS", width, "asked" if width >= 48 else "")]
    for row in rows[:limit]:
        judged = operation_status(now, row.state, row.deadline, row.finished is not None)
        sign: str
        role: Role
        if judged.overdue:
            sign, role, message = "‼", "warn", f"overdue for {times.duration(-(judged.left or 0.0))}"
        elif judged.waits:
            left = "" if judged.left is None else f", {times.duration(judged.left)} left"
            sign, role, message = "►", "work", f"waits for the host{left}"
        else:
            sign, message, role = _ENDS.get(row.state, ("○", row.state or "-", "muted"))
            if row.finished is not None:
                message += f" after {times.duration(max(row.finished - row.at, 0.0))}"
        text = f"  {row.message}" if row.message and not judged.waits else ""
        sentence = cut(f"{message}{text}", max(width - 20, 8))
        pieces: list[Piece] = [Span(f"{sign} ", role), (pad(kind_text(row.kind), 10), "strong"), sentence]
        out.append(spread(pieces, [(age_of(row.at or None, now), "muted")], width))
    return out

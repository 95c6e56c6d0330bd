"""The checklist of a cluster as lines: done, running with its time, waiting, failed with the line of its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.core import times
from edgewright.core.text import amount, clean
from edgewright.wire.protocol import clusters as wire
from tui.frame.document_values import find, many, number, text, when
from tui.widgets.lines import Line, Role, cut, heading, line, pad, spread, wrap

SIGNS: Mapping[str, tuple[str, Role]] = {
    "done": ("•", "ok"),
    "running": ("►", "work"),
    "waiting": ("▬", "parked"),
    "failed": ("▲", "bad"),
    "pending": (" ", "muted"),
    "unknown": ("○", "muted"),
}
ROOM = 36
"""Columns beside the titles for hosts and times, where the screen has them."""
LATE = 2.0
"""Times the usual duration from which a step that runs is marked."""


def is_done(rows: Sequence[Any]) -> bool:
    """Return whether nothing of a checklist is left."""
    return bool(rows) and all(find(row, "state") == "done" for row in rows)


def time_left(doc: Mapping[str, Any], now: float) -> float | None:
    """Return about how many seconds the steps that are left take by their usual times; `None` when one failed.

    Steps of several hosts count one after the other, as a cluster is formed.
    """
    left = 0.0
    for row in many(doc, "status.edgewright.checklist"):
        state, since, expected = text(row, "state"), when(row, "since"), number(row, "expected") or 0.0
        if state == "failed":
            return None
        if state == "running" and since is not None:
            left += max(expected - max(now - since, 0.0), 0.0)
        elif state != "done":
            left += expected
    return left


def checklist_lines(doc: Mapping[str, Any], now: float, width: int) -> list[Line]:
    """Return every step with its state; a list of which nothing is left is one line.

    Of a cluster whose API serves, only what is left is shown: its nodes matter then.

    A failed step leads to its log, one under way to the first of its hosts that works on it.
    """
    rows = many(doc, "status.edgewright.checklist")
    if not rows:
        return []
    done = sum(1 for row in rows if find(row, "state") == "done")
    if is_done(rows):
        return [heading("CHECKLIST", width), line(("• ", "ok"), (f"all {amount(len(rows), 'step')} done", "muted"))]
    title_width = min(max(len(text(row, "title")) for row in rows), max(width - ROOM, width * 2 // 5, 16))
    out = [heading("CHECKLIST", width, f"{done} of {len(rows)} done")]
    serves = text(doc, "status.state") == wire.RUNNING
    for row in rows if not serves else [row for row in rows if find(row, "state") != "done"]:
        out += _row(doc, row, now, width, title_width)
    return out


def _row(doc: Mapping[str, Any], row: Any, now: float, width: int, title_width: int) -> list[Line]:
    state = text(row, "state")
    sign, role = SIGNS.get(state, SIGNS["unknown"])
    calm: Role = "muted" if state in ("done", "pending") else "" if state != "failed" else "bad"
    left = f"{sign} "
    title = pad(cut(text(row, "title"), title_width), title_width)
    names = [clean(each) for each in many(row, "hosts")]
    note = text(row, "text") if text(row, "text") != "-" else names[0] if len(names) == 1 else ""
    timing, timing_role = _timing(row, state, now)
    key = _key(doc, row, state)
    room = width - title_width - 4 - (len(timing) + 2 if timing else 0)
    if len(note) <= room or state not in ("waiting", "failed"):  # names of hosts come and go: no row moves for them
        note = cut(note, max(room, 1))
        return [spread([(left, role), (title, calm), "  ", (note, calm)], _right(timing, timing_role), width, key=key)]
    first = spread([(left, role), (title, calm)], _right(timing, timing_role), width, key=key)
    return [first, *wrap(note, width, "    ", "    ", role="" if state != "failed" else "bad")]


def _right(timing: str, role: Role) -> list[tuple[str, Role]]:
    return [(timing, role)] if timing else []


def _timing(row: Any, state: str, now: float) -> tuple[str, Role]:
    """Return how long a step runs, with the usual time; how long it waits or has failed."""
    since, expected = when(row, "since"), number(row, "expected")
    if since is None or state not in ("running", "waiting", "failed"):
        return "", "muted"
    lasted = max(now - since, 0.0)
    if state == "running" and expected:
        role: Role = "warn" if lasted > LATE * expected else "muted"
        return f"{times.age(lasted)} of ~{times.age(expected)}", role
    return f"{'waits ' if state == 'waiting' else ''}{times.age(lasted)}", "muted"


def _key(doc: Mapping[str, Any], row: Any, state: str) -> str:
    """Return what Enter opens: the log of a step that failed, else the first of its hosts that works on it."""
    if state not in ("failed", "running", "waiting"):
        return ""
    step, names = text(row, "step"), many(row, "hosts")
    members = [m for m in many(doc, "status.edgewright.members") if not names or text(m, "node") in names]
    for member in members:
        current = text(member, "progress.step")
        if f"-{step}-" in f"{current}-":
            uid = text(member, "uid")
            return f"logs/{uid}/edgewright-step-{current}.service" if state == "failed" else f"host/{uid}"
    return f"host/{text(members[0], 'uid')}" if members and names else ""

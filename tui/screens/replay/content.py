"""What the time line of a replay shows: where in the recording one is, how fast it goes, how to move."""

from __future__ import annotations

from typing import NamedTuple

from edgewright.core import times
from tui.frame.exact_times import exact
from tui.widgets.lines import Line, Piece, line, spread


class Moment(NamedTuple):
    """The position of a replay. Times are epoch seconds UTC of the recording."""

    start: float
    end: float
    now: float
    position: int
    events: int
    paused: bool
    speed: float
    marks: tuple[float, ...] = ()
    """Times at which something went wrong, to be seen on the slider."""


def slider_lines(moment: Moment, width: int) -> list[Line]:
    """Return two lines: REPLAY with the time, and the slider."""
    how: Piece = ("▬ paused", "parked") if moment.paused else (f"► {moment.speed:g}x", "work")
    stamp = exact(moment.now)
    length = times.duration(max(moment.end - moment.start, 0))
    left: list[Piece] = [("REPLAY", "work"), "  ", (stamp, "strong"), "  ", how]
    right: list[Piece] = [(f"event {moment.position:,} of {moment.events:,}, {length}", "muted")]
    return [spread(left, right, width), _slider(moment, width)]


def _slider(moment: Moment, width: int) -> Line:
    first, last = times.rfc3339(moment.start)[11:16], times.rfc3339(moment.end)[11:16]
    room = max(width - 14, 4)
    long = max(moment.end - moment.start, 1e-9)

    def cell(at: float) -> int:
        return min(max(round((at - moment.start) / long * (room - 1)), 0), room - 1)

    here = cell(moment.now)
    wrong = {cell(at) for at in moment.marks}
    pieces: list[Piece] = [(f"{first}Z ", "muted")]
    for index in range(room):
        if index == here:
            pieces.append(("█", "accent"))
        elif index in wrong:
            pieces.append(("▲", "bad"))
        else:
            pieces.append(("─", "accent" if index < here else "muted"))
    pieces.append((f" {last}Z", "muted"))
    return line(*pieces)

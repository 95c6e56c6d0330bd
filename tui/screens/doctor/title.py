"""The title line of a site: which host, through what, and whether the connection is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgewright.commands.site.doctor_text import ways_of
from edgewright.core.text import clean
from tui.frame.ages import age_of
from tui.widgets.lines import Line, Piece, cut, line, spread

if TYPE_CHECKING:
    from edgewright.commands.site.opened import Site

SILENT = 4.0
"""Seconds without an answer from which the title shows that; the connection is given up later."""
DROPPED = ("depths", "edgewright", "retry", "rtt", "via")
"""What leaves a title that is too long, least important first; the host and the state of the connection stay."""


def site_title(site: Site, now: float, width: int, read_only: bool = False, others: Sequence[Piece] = ()) -> Line:
    """Return the title in `width` cells; `others` is about the other sites (`tui.frame.title.sites_pieces`)."""
    for count in range(len(DROPPED) + 1):
        left, state = _place(site, DROPPED[:count]), _state(site, now, DROPPED[:count])
        if read_only:
            state = [("read-only", "warn"), "  ", *state]
        if others:
            state = [*others, "  ", *state]
        if line(*left, "  ", *state).width <= width:
            return spread(left, state, width)
    room = max(width - line(*state).width - 2, 4)
    return spread([cut(line(*left).plain, room)], state, width)


def _place(site: Site, dropped: tuple[str, ...]) -> list[Piece]:
    pieces: list[Piece] = [] if "edgewright" in dropped else [("edgewright", "head"), "  "]
    pieces += ["site ", (clean(site.name, 80), "strong"), " by SSH"]
    if site.reached is not None and site.reached.via and "via" not in dropped:
        pieces.append(f" via {', '.join(clean(hop, 80) for hop in site.reached.via)}")
    if site.report is not None and "depths" not in dropped and (answering := ways_of(site.report)[0]):
        pieces.append((f"  {answering}", "muted"))
    return pieces


def _state(site: Site, now: float, dropped: tuple[str, ...]) -> list[Piece]:
    if (silent := site.silent_for(now)) >= SILENT:
        return [("▬ ", "warn"), (f"no answer for {int(silent)}s", "warn")]
    if site.state == "open":
        rtt = "" if site.rtt is None or "rtt" in dropped else f"  rtt {milliseconds(site.rtt)}"
        return [("• ", "ok"), (f"open {age_of(site.since, now)}", ""), (rtt, "muted")]
    if site.state == "lost":
        again = ""
        if "retry" not in dropped:
            left = None if site.next_try is None else site.next_try - now
            again = ", connecting" if left is None or left < 1 else f", retry in {int(left)}s"
        return [("▬ ", "parked"), (f"connection lost {age_of(site.since, now)}{again}", "parked")]
    if site.state == "connecting":
        return [("► ", "work"), (f"connecting {age_of(site.since, now)}", "")]
    if site.state == "new":
        return [("○ ", "muted"), ("not connected", "muted")]
    return [("‼ ", "warn"), (f"not connected {age_of(site.since, now)}", "warn")]


def milliseconds(seconds: float) -> str:
    """Return a time as `310 ms`, `2.4 s` from two seconds on, `<1 ms` below one millisecond."""
    if seconds < 0.001:
        return "<1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 2 else f"{seconds:.1f} s"

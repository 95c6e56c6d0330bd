"""What is to be known of hosts whose logs are followed: connection, clock, rights, what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.commands.site.logs.following import SiteFollowing
from edgewright.core import times
from edgewright.core.text import amount, clean
from tui.widgets.lines import Role


def states_of(followed: Sequence[SiteFollowing], following: bool, lines: bool) -> list[tuple[str, Role]]:
    """Return one sentence for each thing, with the host where there are several."""
    out: list[tuple[str, Role]] = []
    for each in followed:
        host = f"{each.name}: " if len(followed) > 1 else ""
        out += [(f"{host}{clean(text, 400)}", role) for text, role in _state(each, following)]
    if not out and not lines:
        waits = any(not each.log.caught_up for each in followed) and following
        out.append(("Reading ...", "work") if waits else ("Nothing was logged yet.", "muted"))
    return out


def _state(followed: SiteFollowing, following: bool) -> list[tuple[str, Role]]:
    site, log = followed.site, followed.log
    out: list[tuple[str, Role]] = []
    if not site.is_open:
        text = "The connection is lost." if site.is_lost() else f"There is no connection to {site.target}."
        out.append((f"{text} The log continues where it ended when it is back.", "parked"))
    elif followed.problem:
        out.append((followed.problem, "bad"))
    elif not following:
        out.append(("Paused: nothing is read. It continues where it ended.", "muted"))
    if log.skew.matters:
        side = "ahead" if log.skew.seconds > 0 else "behind"
        span = times.duration(abs(log.skew.seconds))
        out.append((f"The clock of this host is {span} {side}; the times of its lines are corrected.", "warn"))
    if log.source:
        out.append((f"This host has no journal: {log.source} is read.", "muted"))
    if log.note:
        out.append((log.note, "warn"))
    if log.left_out:
        left_out = f"{amount(log.left_out, 'line')} left out by the host at {amount(log.gaps, 'place')}"
        out.append((f"{left_out}: the link was slower than the log.", "warn"))
    return out

"""The other hosts of a site beside one host: whether the host or the link is the cause is seen from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgewright.store.collections.hosts import HostRow
from tui.frame.ages import age_of
from tui.frame.signs import HEALTH_SIGNS
from tui.widgets.lines import Line, Piece, columns, heading, line

_WORST = {"unhealthy": 0, "unknown": 1}
_LEAST_NAME = 12


def neighbours_of(uid: str, hosts: Iterable[HostRow], site: str) -> list[HostRow]:
    """Return the other hosts of the site, unhealthy ones first; none when the site is not known."""
    matches = [row for row in hosts if site and row.site == site and row.uid != uid]
    return sorted(matches, key=lambda row: (_WORST.get(row.health, 2), row.name))


def neighbour_lines(rows: Sequence[HostRow], site: str, now: float, width: int, height: int) -> list[Line]:
    """Return a heading and a line for each host: sign, name, health, last heartbeat, disk; in `height` lines."""
    if not rows or height < 2:
        return []
    unhealthy = sum(row.health == "unhealthy" for row in rows)
    counted = f"{len(rows):,}, {unhealthy:,} unhealthy" if unhealthy else f"{len(rows):,}"
    out = [heading(f"OTHER HOSTS OF {site}", width, counted)]
    shown = rows if len(rows) < height else rows[: max(height - 2, 0)]
    longest = max((len(row.name or row.uid) for row in shown), default=0)
    name = max(min(longest, width - 34), _LEAST_NAME)
    for row in shown:
        sign, role = HEALTH_SIGNS.get(row.health, HEALTH_SIGNS["unknown"])
        disk = "" if row.disk_percent is None else f"disk {row.disk_percent:.0f} %"
        cells: list[tuple[Piece, int]] = [
            ((f"  {sign}", role), 3),
            (row.name or row.uid, name),
            ((row.health, role if row.health == "unhealthy" else "muted"), 9),
            ((age_of(row.last_seen, now), "muted"), -4),
            ((disk, "muted"), 10),
        ]
        out.append(columns(cells, gap=1, key=f"host/{row.uid}"))
    if len(shown) < len(rows):
        out.append(line((f"    and {len(rows) - len(shown):,} more", "muted"), key=f"hosts/site={site}"))
    return out

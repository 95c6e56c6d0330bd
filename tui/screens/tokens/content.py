"""What the screens of tokens show: state with three signs, when it ends, which hosts registered with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgewright.core import times
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.tokens import TokenRow, token_state
from tui.frame.ages import age_of
from tui.frame.document_values import MASK, UNKNOWN
from tui.frame.exact_times import exact
from tui.frame.signs import HEALTH_SIGNS
from tui.widgets.lines import Line, Piece, Role, Span, columns, facts, heading, line, spread, wrap

STATES: dict[str, tuple[str, Role]] = {
    "active": ("•", "ok"),
    "ends soon": ("‼", "warn"),
    "expired": ("○", "muted"),
    "revoked": ("▬", "parked"),
}


def ends(row: TokenRow, now: float) -> str:
    """Return when it ends: `in 6d`, `3d ago`, `never`."""
    if row.expiry is None:
        return "never"
    left = row.expiry - now
    return f"in {times.age(left)}" if left > 0 else f"{times.age(-left)} ago"


def hosts_of(uid: str, hosts: Iterable[HostRow]) -> list[HostRow]:
    """Return the hosts that registered with the token, those that are not healthy first."""
    worst = {"unhealthy": 0, "unknown": 1}
    return sorted((row for row in hosts if row.token_uid == uid), key=lambda row: (worst.get(row.health, 2), row.name))


def token_cells(row: TokenRow, hosts: int | None, now: float, stale: bool = False) -> tuple[Span, ...]:
    """Return the cells of a table row: sign, name, state, ends, project, hosts, created."""
    state = token_state(row, now)
    sign, role = STATES[state]
    calm: Role = "muted" if stale or state in ("expired", "revoked") else ""
    return (
        Span(sign, "muted" if stale else role),
        Span(row.name or row.uid, calm or "strong"),
        Span(state, "muted" if stale else role),
        Span(ends(row, now), role if state == "ends soon" and not stale else calm),
        Span(row.project or UNKNOWN, calm),
        Span(UNKNOWN if hosts is None else f"{hosts:,}", calm),
        Span(age_of(row.created, now), "muted"),
        Span(row.description or UNKNOWN, "muted"),
    )


def token_lines(
    row: TokenRow, hosts: Sequence[HostRow], now: float, width: int, value: str = "", shown: bool = False
) -> list[Line]:
    """Return the detail of a token: the answer, its value (masked unless shown), which hosts registered with it."""
    state = token_state(row, now)
    sign, role = STATES[state]
    out = [spread([(f"{sign} {row.name or row.uid}", role)], [(state, role)], width)]
    out += wrap(_sentence(row, state, now), width, first="  ", rest="  ")
    out.append(Line())
    secret: Piece = ("fetched when asked for, x shows it", "muted")
    if value:
        secret = (value, "strong") if shown else (f"{MASK}  x shows it", "muted")
    pairs: list[tuple[str, Piece]] = [
        ("value", secret),
        ("project", row.project or "none: a host must name one"),
        ("ends", f"{_stamp(row.expiry)}  ({ends(row, now)})" if row.expiry is not None else "never"),
        ("created", f"{_stamp(row.created)}  ({age_of(row.created, now)} ago)" if row.created else UNKNOWN),
        ("uid", row.uid),
    ]
    out += facts(pairs, 9, indent=2)
    if row.description:
        pairs = [
            ("about" if not index else "", part.plain) for index, part in enumerate(wrap(row.description, width - 13))
        ]
        out += facts(pairs, 9, indent=2)
    out += [Line(), heading("HOSTS REGISTERED WITH IT", width, f"{len(hosts):,}")]
    for host in hosts:
        mark, health = HEALTH_SIGNS.get(host.health, HEALTH_SIGNS["unknown"])
        seen = age_of(host.last_seen, now)
        cells: list[tuple[Piece, int]] = [
            ((f"  {mark}", health), 3),
            (host.name, max(min(width - 26, 40), 8)),
            ((host.state, "muted"), 8),
            ((seen, "muted"), -6),
        ]
        out.append(columns(cells, gap=1, key=f"host/{host.uid}"))
    return out if hosts else [*out, line(("  None yet.", "muted"))]


def _sentence(row: TokenRow, state: str, now: float) -> str:
    if state == "revoked":
        return (
            "Revoked: no host can register with it. Registered hosts are unaffected; `activate` makes it valid again."
        )
    if state == "expired":
        return "Expired: no host can register with it. Registered hosts are unaffected."
    if state == "ends soon":
        left = times.duration((row.expiry or now) - now)
        return f"Ends in {left}: installers that carry it are refused after that. Make a new one before."
    return "Hosts can register with it."


def _stamp(moment: float | None) -> str:
    return UNKNOWN if moment is None else exact(moment, seconds=False)

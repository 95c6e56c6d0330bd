"""What the title line and the crumb line show: where you are, whether the plane is reachable, what needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.text import clean
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.selectors import plane_troubles
from edgewright.wire import protocol
from edgewright.wire.protocol.clusters import DELETED
from tui.frame import ages
from tui.widgets.lines import Line, Piece, cut, line, spread

if TYPE_CHECKING:
    from edgewright.store.engine.model import Model, SourceStatus
    from tui.session import Session

_CALM = {"live": ("• ", "ok", "live"), "polling": ("• ", "ok", "polling"), "replay": ("► ", "work", "replay")}

QUIET = protocol.STREAM_PING + 10
"""Seconds without an answer after which the plane is no longer called live: a comment of its stream is missing."""

DROPPED = (
    "edgewright", "words", "clusters", "unknown", "project", "link", "total", "unhealthy", "plane", "detail",
)  # fmt: skip
"""What leaves a title that is too long, least important first; context, mode and state of the plane stay."""


def title_line(session: Session, now: float, width: int) -> Line:
    """Return the title: name, context, plane, its state and modes; at the right the counts of hosts.

    A short line still has which plane this is and whether it answers (see `DROPPED`); the context is cut last.
    """
    modes: list[Piece] = []
    if session.frozen_at is not None:
        modes += ["  ", (f"frozen {ages.age(max(now - session.frozen_at, 0.0))}", "warn")]
    if session.read_only or session.viewer:
        modes += ["  ", ("viewer" if session.viewer else "read-only", "warn")]
    if session.simulated or session.store.model.tally.simulated:
        modes += ["  ", ("simulated", "work")]
    for piece in sites_pieces(session):
        modes += ["  ", piece]
    model = session.store.model

    def made(dropped: Sequence[str]) -> tuple[list[Piece], list[Piece], bool]:
        state = trouble_pieces(model, now) or source_pieces(model.source, now, "detail" not in dropped)
        if session.sites and session.no_plane:
            state = [("○ ", "muted"), ("no plane", "muted")]  # "not connected" would be read as about the sites
        link: list[Piece] = ["  ", (session.link, "muted")] if session.link and "link" not in dropped else []
        tail: list[Piece] = [*modes, "  ", *state, *link]
        right = _count_pieces(session, dropped)
        room = width - line(*tail).width - (line(*right).width + 2 if right else 0)
        place, fits = _place(session, dropped, room)
        return [*place, *tail], right, fits

    left, right, fits = made(())
    if not fits:  # what matters most first, as far as there is room
        dropped = list(DROPPED)
        left, right, _ = made(dropped)
        for name in reversed(DROPPED[1:]):
            less = [each for each in dropped if each != name]
            trial = made(less)
            if trial[2]:
                dropped, (left, right, _) = less, trial
    return spread(left, right, width)


def sites_pieces(session: Session, but: Any = None) -> list[Piece]:
    """Return the number of open sites, of the lost ones where there are some; on the page of one (`but`) only these."""
    sites = [site for site in session.sites.values() if site is not but]
    lost = sum(site.state in ("lost", "shut") for site in sites)
    bundles = _bundle_pieces(session)
    if bundles and not lost:
        return bundles
    if lost and but is not None:
        return [(f"{lost} other site{'s' if lost > 1 else ''} lost", "warn")]
    if lost:
        return [(f"{lost} of {len(sites)} site{'s' if len(sites) > 1 else ''} lost", "warn")]
    if but is not None or not sites:
        return []
    return [(f"{len(sites)} site{'s' if len(sites) > 1 else ''}", "muted")]


def _bundle_pieces(session: Session) -> list[Piece]:
    """Return which support bundles are read, and how far one is."""
    reading = [bundling for bundling in session.bundles.values() if bundling.is_read]
    if len(reading) == 1:
        share = reading[0].share
        return [(f"bundle of {cut(clean(reading[0].site.target, 80), 24)}{' ' + share if share else ''}", "work")]
    return [(f"{len(reading)} bundles", "work")] if reading else []


def _place(session: Session, dropped: Sequence[str], room: int) -> tuple[list[Piece], bool]:
    """Return the name of the program, context, plane and project, and whether they fit into `room` cells."""
    name = "" if "edgewright" in dropped else "edgewright"
    parts = [session.context_name]
    parts += [] if "plane" in dropped and session.context_name else [session.peer]
    parts += [] if "project" in dropped else [_project(session)]
    place = " · ".join(part for part in parts if part)
    if not place:
        name = "edgewright"
    gap = "  " if name and place else ""
    fits = len(name) + len(gap) + line(place).width <= room
    return [(name, "head"), gap + cut(place, max(room - len(name) - len(gap), 4))], fits


def _project(session: Session) -> str:
    """Return the name of the project in use; its uid, which a context stores, while the name is not known."""
    row = session.store.model.rows(PROJECTS).get(session.project)
    return row.name if row is not None and row.name else session.project


def trouble_pieces(model: Model, now: float) -> list[Piece]:
    """Return what is wrong with a plane that answers, and since when; empty when nothing is, or it does not answer."""
    troubles = plane_troubles(model)
    if not troubles or model.source.away:
        return []
    worst = troubles[0]
    age = "" if worst.since is None else f" {ages.age(max(now - worst.since, 0.0))}"
    return [("‼ ", "warn"), (f"plane {worst.text.partition(':')[0]}{age}", "warn")]


def source_pieces(source: SourceStatus, now: float, detail: bool = True) -> list[Piece]:
    """Return what the feed of the plane is doing, in a few words; with `detail` also when it is tried again."""
    if source.state == "replay" and source.contact is not None:
        moment = times.rfc3339(source.contact)[:19].replace("T", " ")
        return [("► ", "work"), (f"replay {moment}Z", "strong"), (f" {source.message}", "muted")]
    if source.state == "live" and source.contact is not None and now - source.contact > QUIET:
        return [("‼ ", "warn"), (f"no answer {ages.age(now - source.contact)}", "warn")]
    if source.state in _CALM:
        sign, role, word = _CALM[source.state]
        return [(sign, role), (word, "muted")]  # type: ignore[list-item]
    if source.state == "loading":
        reported = f"{source.done:,} of {source.total:,}" if source.total else "loading"
        return [("► ", "work"), (reported, "")]
    away = "" if source.since is None else f" {ages.age(max(now - source.since, 0.0))}"
    if source.state == "refused":
        return [("‼ ", "warn"), (f"plane refuses us{away}", "warn")]
    if source.state == "lost":
        wait = ""
        if source.next_try is not None and detail:
            left = source.next_try - now
            wait = f", retry in {ages.age(left)}" if left >= 1 else ", connecting"
        return [("▬ ", "parked"), (f"plane unreachable{away}{wait}", "parked")]
    if source.state == "cache":
        return [("▬ ", "parked"), ("last known fleet, asking the plane", "parked")]
    return [("○ ", "muted"), ("not connected", "muted")]


def _count_pieces(session: Session, dropped: Sequence[str]) -> list[Piece]:
    tally = session.store.model.tally
    if not tally.total:
        return []
    clusters = [] if "clusters" in dropped else _cluster_pieces(session.store.model)
    word = "" if "words" in dropped else " host" if tally.total == 1 else " hosts"
    shown: list[Piece] = [] if "total" in dropped else [(f"{tally.total:,}{word}", "")]
    if tally.unhealthy and "unhealthy" not in dropped:
        shown.append((f"{tally.unhealthy:,} ▲", "bad"))
    if tally.unknown and "unknown" not in dropped:
        shown.append((f"{tally.unknown:,} ○", "muted"))
    return [*clusters, *[piece for count in shown for piece in ("   ", count)][1:]]


def _cluster_pieces(model: Model) -> list[Piece]:
    """Return how many clusters there are and how many of them are unhealthy; nothing without clusters."""
    rows = [row for row in model.rows(CLUSTERS).values() if row.state != DELETED]
    if not rows:
        return []
    unhealthy = sum(1 for row in rows if row.health == "unhealthy")
    pieces: list[Piece] = [(f"{len(rows):,} cluster{'s' if len(rows) > 1 else ''}", "")]
    if unhealthy:
        pieces += ["   ", (f"{unhealthy:,} ▲", "bad")]
    return [*pieces, "   "]


def crumb_line(trail: Sequence[str], count: str, width: int) -> Line:
    """Return the way here, the present view last, and at the right how much of it is shown."""
    right: list[Piece] = [(count, "muted")] if count else []
    room = max(width - len(count) - 2, 8)
    shown = list(trail)
    while len(shown) > 1 and len(" › ".join(shown)) > room:
        shown = ["…", *shown[2:]] if shown[0] == "…" else ["…", *shown[1:]]
        if shown == ["…", trail[-1]]:
            break
    pieces: list[Piece] = []
    for word in shown[:-1]:
        pieces += [(word, "muted"), (" › ", "muted")]
    if shown:
        used = line(*pieces).width
        pieces.append((cut(shown[-1], max(room - used, 6)), "strong"))
    return spread(pieces, right, width)

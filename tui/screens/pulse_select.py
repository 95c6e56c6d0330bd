"""From the read model to what the start screen shows: problems, counts, tags, tokens, the last hour, the newest."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from edgewright.core.problems import ATTENTION, WARNING
from edgewright.store import selectors
from edgewright.store.happenings import happenings
from edgewright.store.model import Model
from edgewright.store.problems import Problem, alert_of, explain, is_acknowledged, problems
from edgewright.store.rows import PLANE, AlertRow
from tui.exact import exact
from tui.screens.feed_content import told, told_together
from tui.screens.pulse_content import Item, Pulse, Section, TagCount, Told
from tui.screens.working import working_items

SHOWN_PROBLEMS = 500
TOKENS_WITHIN = 30 * 86400.0
_LOST = {"lost": "it is tried again by itself, ctrl+r tries now", "refused": "it refuses the key of this context"}


def pulse_of(model: Model, now: float, tags: bool = True) -> Pulse:
    """Return what Pulse shows now. `tags` costs a pass over every tag of every host; only the wall asks for it.

    Sites and tags are counted when all hosts are there: the head of a cached fleet has only those that are spoken of.
    """
    tally, source = model.tally, model.source
    sites = {site: counts for site, counts in _by_site(model).items() if site != selectors.NO_SITE}
    return Pulse(
        now=now,
        checked=source.contact,
        items=(
            *(_item(model, problem, now) for problem in problems(model, now, SHOWN_PROBLEMS)),
            *working_items(model, now),
        ),
        healthy=tally.healthy,
        unhealthy=tally.unhealthy,
        unknown=tally.unknown,
        by_state=tuple((state, count) for state, count in selectors.by_state(model).items() if count),
        sites=_worst_first(sites),
        tags=_tag_counts(model) if tags and model.whole else (),
        tokens_ending=tuple(
            (row.name or row.uid, row.expiry)
            for row in selectors.ending_tokens(model, now, TOKENS_WITHIN)
            if row.expiry is not None and row.expiry > now
        ),
        tokens=len(model.tokens),
        heartbeats=tuple(selectors.sparkline(model, now)) if model.pulse else (),
        rate=selectors.heartbeat_rate(model, now),
        feed=newest_told(model),
        simulated=tally.simulated,
        loading=f"{source.done:,} of {source.total:,} hosts" if source.state == "loading" and source.total else "",
        lost=_LOST.get(source.state, ""),
        reading=not model.whole,
    )


def aged(pulse: Pulse, now: float) -> Pulse:
    """Return the same with the ages of now."""
    return replace(pulse, now=now)


def newest_told(model: Model, limit: int = 60) -> tuple[Told, ...]:
    """Return the newest events as lines of a feed; what happened to many hosts at once is one line."""
    hosts = model.hosts
    return tuple(
        told_together(one)
        if one.folded
        else told(event := one.events[0], hosts[event.object_uid].name if event.object_uid in hosts else "")
        for one in happenings(model.feed.values(), hosts, limit)
    )


def _item(model: Model, problem: Problem, now: float) -> Item:
    section: Section = "person" if problem.section == ATTENTION else "unwell"
    alert = alert_of(model, problem.key)
    # The next step is in the row itself: its events may wait for the plane, and a narrow screen has no detail beside.
    next_step = f". {alert.hint}" if alert is not None and alert.kind == PLANE and alert.hint else ""
    return Item(
        key=problem.key,
        section=section,
        name=problem.subject,
        sentence=problem.text + next_step,
        since=problem.since,
        who=problem.owner,
        detail=_alert_detail(alert) or _detail(model, problem, now),
        acknowledged=is_acknowledged(model, problem.key),
        opens="/".join(problem.target),
        problem=problem.key,
        uids=problem.uids,
        mild=problem.section == WARNING,
    )


def _alert_detail(alert: AlertRow | None) -> tuple[str, ...]:
    """Return what an alert of the plane says: the whole sentence, the next step, how often and from where."""
    if alert is None:
        return ()
    often = f"Seen {alert.count:,} {'time' if alert.count == 1 else 'times'}"
    if alert.addresses:
        often += f", from {', '.join(alert.addresses)}"
    if alert.last is not None:
        often += f", last at {exact(alert.last)}"
    hint = "" if alert.kind == PLANE else alert.hint  # the row has it
    return tuple(part for part in (alert.message, hint, f"{often}.") if part)


def _detail(model: Model, problem: Problem, now: float) -> tuple[str, ...]:
    rows = [model.hosts[uid] for uid in problem.uids if uid in model.hosts]
    if len(rows) == 1:
        row = rows[0]
        where = "  ".join(part for part in (row.site, row.cluster, row.ip, row.os) if part)
        return tuple(part for part in (explain(model, row, now), where) if part and part != problem.text)
    if rows:
        names = ", ".join(sorted(row.name for row in rows)[:12])
        return ("All hosts of the site fell silent: taken as one problem, the link.", f"Behind it: {names}")
    if problem.kind == "token":
        return (
            "Installers that carry it are refused after that. Make a new token before, or give this one a later end.",
        )
    return ()


def _worst_first(counts: dict[str, selectors.Counts]) -> tuple[TagCount, ...]:
    rows = [TagCount(tag, one.healthy, one.unhealthy, one.unknown) for tag, one in counts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.unhealthy, -row.unknown, -row.total, row.tag)))


def _by_site(model: Model) -> dict[str, selectors.Counts]:
    return selectors.by_site(model) if model.whole else {}


def _tag_counts(model: Model) -> tuple[TagCount, ...]:
    """Count each tag; hosts with the same tags are counted as one group, which is what makes 30,000 of them cheap."""
    groups = Counter((row.tags, row.health) for row in model.hosts.values())
    sums: dict[str, list[int]] = {}
    place = {"healthy": 0, "unhealthy": 1}
    for (tags, health), count in groups.items():
        for tag in tags:
            if not tag.startswith("site:"):
                sums.setdefault(tag, [0, 0, 0])[place.get(health, 2)] += count
    rows = [TagCount(tag, *counts) for tag, counts in sums.items()]
    return tuple(sorted(rows, key=lambda row: (-row.unhealthy, -row.unknown, -row.total, row.tag)))

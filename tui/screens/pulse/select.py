"""From the read model to what the start screen shows: problems, counts, tags, tokens, the last hour, the newest."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from edgewright.core.filters.filters import Filter
from edgewright.core.problems import certificate_name
from edgewright.store.collections import selectors
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.happenings import happenings
from edgewright.store.collections.problems import problems
from edgewright.store.engine.model import Model
from edgewright.store.every import ENDING
from tui.frame.feed import FeedLine, feed_line, reported_together
from tui.screens.pulse.clusters import cluster_count, forming_items
from tui.screens.pulse.content import Endings, Pulse, TagCount
from tui.screens.pulse.items import items_of
from tui.screens.pulse.operations import working_items

SHOWN_PROBLEMS = 500
ENDS_WITHIN = 30 * 86400.0
_LOST = {"lost": "it is tried again automatically, ctrl+r tries now", "refused": "it rejects the key of this context"}


def pulse_of(model: Model, now: float, tags: bool = True, wanted: Filter | None = None, filter_text: str = "") -> Pulse:
    """Return what Pulse shows now: of the problems those that match `wanted`, whose text is `filter_text`.

    `tags` costs a pass over every tag of every host; only the wall asks for it. Sites and tags are counted when all
    hosts are there: the head of a cached fleet has only those of the first frame.
    """
    tally, source = model.tally, model.source
    sites = {site: counts for site, counts in _by_site(model).items() if site != selectors.NO_SITE}
    items = (
        *items_of(model, problems(model, now, SHOWN_PROBLEMS), now),
        *forming_items(model),
        *working_items(model, now),
    )
    return Pulse(
        now=now,
        checked=source.contact,
        items=items if wanted is None else tuple(item for item in items if wanted.matches(item.get, now)),
        filter=filter_text,
        problems=len(items),
        healthy=tally.healthy,
        unhealthy=tally.unhealthy,
        unknown=tally.unknown,
        by_state=tuple((state, count) for state, count in selectors.by_state(model).items() if count),
        sites=_worst_first(sites),
        tags=_tag_counts(model) if tags and model.complete else (),
        endings=_endings(model, now),
        certificates=tuple(
            (certificate_name(name).removeprefix("hub "), ends) for name, ends, _renewed in source.certificates
        ),
        heartbeats=tuple(selectors.sparkline(model, now)) if model.pulse else (),
        rate=selectors.heartbeat_rate(model, now),
        clusters=cluster_count(model),
        feed=newest_reported(model),
        simulated=tally.simulated,
        loading=f"{source.done:,} of {source.total:,} hosts" if source.state == "loading" and source.total else "",
        lost=_LOST.get(source.state, ""),
        reading=not model.complete,
    )


def aged(pulse: Pulse, now: float) -> Pulse:
    """Return the same with the ages of now."""
    return replace(pulse, now=now)


def newest_reported(model: Model, limit: int = 60) -> tuple[FeedLine, ...]:
    """Return the newest events as lines of a feed; what happened to many hosts at once is one line."""
    hosts = model.hosts
    return tuple(
        reported_together(happening)
        if happening.folded
        else feed_line(event := happening.events[0], hosts[event.object_uid].name if event.object_uid in hosts else "")
        for happening in happenings(model.rows(FEED).values(), hosts, limit)
    )


def _worst_first(counts: dict[str, selectors.Counts]) -> tuple[TagCount, ...]:
    rows = [TagCount(tag, item.healthy, item.unhealthy, item.unknown) for tag, item in counts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.unhealthy, -row.unknown, -row.total, row.tag)))


def _by_site(model: Model) -> dict[str, selectors.Counts]:
    return selectors.by_site(model) if model.complete else {}


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


def _endings(model: Model, now: float) -> tuple[Endings, ...]:
    soon = [each for each in selectors.ending(model, now, ENDS_WITHIN) if each.at > now]
    return tuple(
        Endings(
            collection.view.upper(),
            len(model.rows(collection)),
            tuple((each.row.name or each.row.uid, each.at) for each in soon if each.collection is collection),
        )
        for collection in ENDING
    )

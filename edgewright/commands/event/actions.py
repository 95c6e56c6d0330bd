"""Actions: verbs that show what happened: events of hosts, and the audit log of the plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from edgewright.clients.http.stream import OPEN
from edgewright.clients.ports import CanDescribe, CanFollow, CanReadAudits, CanReadEvents
from edgewright.commands.event import verbs as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.cells import or_dash, stamp
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import find_host
from edgewright.commands.kernel.results import Column, Item, Listing, Stream
from edgewright.core.errors import TimedOut, Unreachable
from edgewright.core.filters.command_line import filter_of
from edgewright.core.filters.fields import AUDIT_FIELDS, EVENT_FIELDS, FilterField
from edgewright.store.collections.audits import audit_row
from edgewright.store.collections.feed import event_row
from edgewright.store.collections.rows import Row


class EventList(declared.EventList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the newest events that match, or a stream of them.

        Raises `NotFound` for a host that does not exist, `InvalidInput` for a wrong filter.
        """
        # An event has no site: the console takes it from the host.
        fields = tuple(field for field in EVENT_FIELDS if field.name != "site")
        matches = _matcher(args, fields, event_row)
        columns = (Column("TIME"), Column("SEVERITY"), Column("HOST"), Column("REASON"), Column("MESSAGE"))
        uid = (await find_host(ctx, str(args["host"]))).uid if args.get("host") else None
        if args.get("follow"):
            stream = _matching(_follow(ctx, uid, report), matches)
            return Outcome((), result=Stream(columns, (20, 8, 20, 22, 0), stream))
        events = await ctx.port(CanReadEvents)
        documents, note = await _newest(lambda n, c: events.page(uid=uid, limit=n, continue_=c), _limit(args), matches)
        items = [item for item in map(_event_item, reversed(documents)) if item is not None]
        empty = "Nothing has happened yet." if matches is None else "No event matches."
        return Outcome((), result=Listing(columns, tuple(items), empty, note))


class AuditList(declared.AuditList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the newest entries that match. Raises `UsageError` for a wrong filter."""
        matches = _matcher(args, AUDIT_FIELDS, audit_row)
        audits = await ctx.port(CanReadAudits)
        columns = (
            Column("TIME"),
            Column("WHO"),
            Column("WHAT"),
            Column("KIND"),
            Column("THING"),
            Column("FROM"),
            Column("MESSAGE", wide=True),
            Column("NOTE", wide=True),
        )
        items = []
        documents, note = await _newest(lambda n, c: audits.page(limit=n, continue_=c), _limit(args), matches)
        for document in reversed(documents):
            row = audit_row(document)
            if row is not None:
                texts = (row.actor, row.action, row.kind, row.resource, row.address, row.message, row.note)
                items.append(Item(row.uid, (stamp(row.at), *map(or_dash, texts)), document))
        empty = "Nothing was changed yet." if matches is None else "No entry matches."
        return Outcome((), result=Listing(columns, tuple(items), empty, note))


def _limit(args: Mapping[str, Any]) -> int:
    limit = args.get("limit")
    return 100 if limit is None else int(limit)


_LOOKED_AT = 1000
"""Documents of which the matching ones are listed, unless `--limit` asks for more; 20 pages of Palette's size."""


def _matcher(
    args: Mapping[str, Any], fields: tuple[FilterField, ...], row_of: Callable[[dict[str, Any]], Row | None]
) -> Callable[[dict[str, Any]], bool] | None:
    """Return whether a document matches the filter words, None without any. Raises `InvalidInput`."""
    wanted = filter_of(args, fields)
    if not wanted:
        return None

    def matches(document: dict[str, Any]) -> bool:
        row = row_of(document)
        return row is not None and wanted.matches(row.get)

    return matches


async def _newest(
    page: Callable[[int, str], Any], limit: int, matches: Callable[[dict[str, Any]], bool] | None
) -> tuple[list[dict[str, Any]], str]:
    """Return up to `limit` documents that match, newest first, in pages of Palette's size, and a note for the user."""
    events: list[dict[str, Any]] = []
    continue_, looked_at, most = "", 0, max(_LOOKED_AT, limit)
    while len(events) < limit:
        if looked_at >= most:
            return events, f"The newest {looked_at} were looked at; --limit {2 * most} looks at more."
        answer = await page(50 if matches else min(50, limit - len(events)), continue_)
        looked_at += len(answer.items)
        events += [document for document in answer.items if matches is None or matches(document)]
        if not answer.items or not answer.continue_ or answer.continue_ == continue_:
            break
        continue_ = answer.continue_
    return events[:limit], ""


async def _matching(
    stream: AsyncIterator[Item], matches: Callable[[dict[str, Any]], bool] | None
) -> AsyncIterator[Item]:
    """Yield the items whose documents match."""
    async for item in stream:
        if matches is None or matches(item.document):
            yield item


def _event_item(document: dict[str, Any]) -> Item | None:

    row = event_row(document)
    if row is None:
        return None
    host = row.object_name or row.object_uid or row.host
    return Item(row.uid, (stamp(row.at), *map(or_dash, (row.severity, host, row.reason, row.message))), document)


async def _follow(ctx: CommandContext, uid: str | None, report: Callable[[str], None]) -> AsyncIterator[Item]:
    """Yield events as they come: the last ten, then from the stream of a hub, or asking a Palette every 5 s.

    When the plane is unreachable later, it is tried again until it is back; `report` gets the cause. What happened
    meanwhile follows, up to 50 events. Raises what the first connection raises, and `Refused` at any time.
    """
    feed = _Feed(await ctx.port(CanReadEvents), uid)
    features = await (await ctx.port(CanDescribe)).features()
    stream = await ctx.port_or_none(CanFollow)
    opened, wait = False, _RETRY
    while True:
        try:
            if stream is None:
                for item in await feed.fresh():
                    yield item
                opened, wait = True, _RETRY
                await asyncio.sleep(_POLL)
                continue
            # Heartbeats in short form, which are ignored: else the hub would send a complete document for each.
            async for change in stream.changes(beats=0.0 if features.beats else None):
                if change.kind in (OPEN, "resync"):
                    opened, wait = True, _RETRY
                    for item in await feed.fresh():
                        yield item
                elif change.kind == "event" and change.doc is not None:
                    for item in feed.news(change.doc):
                        yield item
        except (Unreachable, TimedOut) as error:
            if not opened:
                raise
            report(f"{error.message} Trying again.")
        await asyncio.sleep(wait)
        wait = min(2 * wait, _RETRY_MOST)


_POLL, _RETRY, _RETRY_MOST = 5.0, 1.0, 30.0
"""Seconds between two questions to a Palette, before the second attempt, and at most between two attempts."""


class _Feed:
    """Events that were not given yet. `_from` is the time of the oldest one given: older ones are history."""

    def __init__(self, events: CanReadEvents, uid: str | None) -> None:
        self._events, self._uid = events, uid
        self._seen: dict[str, None] = {}
        self._from: str | None = None

    async def fresh(self) -> list[Item]:
        """Return the newest events by asking: ten the first time, then what is new of the last 50."""
        page = await self._events.page(uid=self._uid, limit=10 if self._from is None else 50)
        items = [item for item in map(_event_item, reversed(page.items)) if item is not None]
        if self._from is None:
            self._from = items[0].cells[0] if len(items) >= 10 else ""
        return [item for item in items if item.cells[0] >= self._from and self._new(item)]

    def news(self, document: dict[str, Any]) -> list[Item]:
        """Return an event of the stream, when it is of the host and new."""
        item = _event_item(document)
        involved = document.get("involvedObject") or {}
        wanted = item is not None and self._uid in (None, involved.get("uid"))
        return [item] if item is not None and wanted and self._new(item) else []

    def _new(self, item: Item) -> bool:
        if item.name in self._seen:
            return False
        self._seen[item.name] = None
        if len(self._seen) > 5000:
            del self._seen[next(iter(self._seen))]
        return True

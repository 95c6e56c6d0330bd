"""Verbs that show what happened: events of hosts, and the audit log of the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from edgewright.clients.palette import PlaneClient
    from edgewright.commands.context import CommandContext
    from edgewright.commands.results import Item


class EventList(Command):
    """List what happened on the hosts, newest last; --follow keeps listening."""

    name = "event list"
    title = "events"
    keys = ("4",)
    aliases = ("events", "event", "ev")
    params = (
        Param("host", "only of this host", flag="--host", metavar="HOST"),
        Param("limit", "at most this many", flag="--limit", kind="int", default=100, metavar="N"),
        Param("follow", "keep listening", flag="--follow", kind="flag"),
    )
    opens = "events"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the newest events, or a stream of them. Raises `NotFound` for a host that is not there."""
        from edgewright.commands.lookup import find_host
        from edgewright.commands.results import Column, Listing, Stream

        client = await ctx.client()
        columns = (Column("TIME"), Column("SEVERITY"), Column("HOST"), Column("REASON"), Column("MESSAGE"))
        uid = (await find_host(client, str(args["host"]))).uid if args.get("host") else None
        if args.get("follow"):
            return Outcome((), result=Stream(columns, (20, 8, 20, 22, 0), _follow(client, uid)))
        documents = await _newest(lambda n, c: client.events(uid=uid, limit=n, continue_=c), _limit(args))
        items = [item for item in map(_event_item, reversed(documents)) if item is not None]
        return Outcome((), result=Listing(columns, tuple(items), "Nothing has happened yet."))


class AuditList(Command):
    """List who changed what, when and from where, newest last."""

    name = "audit list"
    title = "audit"
    keys = ("5",)
    aliases = ("audit", "audits")
    params = (Param("limit", "at most this many", flag="--limit", kind="int", default=100, metavar="N"),)
    opens = "audit"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the newest entries."""
        from edgewright.commands.host_rows import or_dash, stamp
        from edgewright.commands.results import Column, Item, Listing
        from edgewright.store.normalise import audit_row

        client = await ctx.client()
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
        for document in reversed(await _newest(lambda n, c: client.audits(limit=n, continue_=c), _limit(args))):
            row = audit_row(document)
            if row is not None:
                texts = (row.actor, row.action, row.kind, row.resource, row.address, row.message, row.note)
                items.append(Item(row.uid, (stamp(row.at), *map(or_dash, texts)), document))
        return Outcome((), result=Listing(columns, tuple(items), "Nothing was changed yet."))


def _limit(args: Mapping[str, Any]) -> int:
    limit = args.get("limit")
    return 100 if limit is None else int(limit)


async def _newest(page: Callable[[int, str], Any], limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` documents, newest first, in pages of Palette's size."""
    found: list[dict[str, Any]] = []
    continue_ = ""
    while len(found) < limit:
        answer = await page(min(50, limit - len(found)), continue_)
        found += answer.items
        if not answer.items or not answer.continue_ or answer.continue_ == continue_:
            break
        continue_ = answer.continue_
    return found[:limit]


def _event_item(document: dict[str, Any]) -> Item | None:
    from edgewright.commands.host_rows import or_dash, stamp
    from edgewright.commands.results import Item
    from edgewright.store.normalise import event_row

    row = event_row(document)
    if row is None:
        return None
    host = row.object_name or row.object_uid or row.host
    return Item(row.uid, (stamp(row.at), *map(or_dash, (row.severity, host, row.reason, row.message))), document)


async def _follow(client: PlaneClient, uid: str | None) -> AsyncIterator[Item]:
    """Yield events as they come: the last ten, then from the stream of a hub, or asking a Palette every 5 s."""
    import asyncio

    from edgewright.clients.stream import OPEN

    seen: dict[str, None] = {}

    async def fresh(limit: int) -> list[Item]:
        page = await client.events(uid=uid, limit=limit)
        items = [item for item in map(_event_item, reversed(page.items)) if item is not None and item.name not in seen]
        seen.update(dict.fromkeys(item.name for item in items))
        while len(seen) > 5000:
            del seen[next(iter(seen))]
        return items

    features = await client.features()
    if not features.stream:
        limit = 10
        while True:
            for item in await fresh(limit):
                yield item
            limit = 50
            await asyncio.sleep(5.0)
    # Heartbeats in short form, which are ignored: else the hub would send a whole document for each.
    async for change in client.changes(beats=0.0 if features.beats else None):
        if change.kind == OPEN:
            for item in await fresh(10):
                yield item
        elif change.kind == "resync":
            for item in await fresh(50):
                yield item
        elif change.kind == "event" and change.doc is not None:
            told = _event_item(change.doc)
            involved = change.doc.get("involvedObject") or {}
            if told is not None and told.name not in seen and uid in (None, involved.get("uid")):
                seen[told.name] = None
                yield told


COMMANDS: tuple[type[Command], ...] = (EventList, AuditList)

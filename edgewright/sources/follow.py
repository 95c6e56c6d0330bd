"""Following a hub: the stream is opened first, then everything is read in big pages, then changes continue by number.

What changes while the pages are read waits, newest state only, and comes after them: so nothing is missed and nothing
older overwrites what is newer. After a break the stream continues from the last number without reading again.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, Final

from edgewright.clients.http.stream import OPEN
from edgewright.clients.palette.client import Change, Features
from edgewright.clients.ports import Plane
from edgewright.sources.lists import read_list, read_lists
from edgewright.sources.redact import redact, redact_all
from edgewright.sources.teller import Teller
from edgewright.store.engine import events as kinds
from edgewright.store.every import COLLECTIONS
from edgewright.wire import protocol

_READY_WITHIN: Final = 3.0
"""Seconds to wait for the hub's first comment; after it the stream has its place."""
_BATCH: Final = 1000
"""Changes that become one event at the most."""
_BEATS: Final = 100
"""Heartbeats that become one event at the most."""
_SEEN: Final = {each.change_kind: each.seen for each in COLLECTIONS if each.change_kind}
_REMOVED: Final = {each.change_kind: each.removed for each in COLLECTIONS if each.change_kind}
_SORT: Final = {"sort": [{"field": "name", "order": "asc"}]}


class Inbox:
    """Changes that wait, the newest of each thing; what comes faster than it is taken costs no memory."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], Change] = {}
        self._some = asyncio.Event()
        self._ready = asyncio.Event()
        self._beats: dict[str, list[Any]] = {}
        self.seq = 0
        self.beats_at = 0.0
        """Time of the newest heartbeats by the plane's clock."""
        self.resync = False
        self.relist: set[str] = set()
        """Kinds of changes whose lists are to be read again, since they are in the memory of one hub only (P63)."""
        self.failure: BaseException | None = None

    def put(self, change: Change) -> None:
        """Take one change in."""
        if change.kind != OPEN:
            self._ready.set()
        self.seq = max(self.seq, change.seq)
        if change.kind == protocol.CHANGE_RESYNC:
            lists = (change.doc or {}).get("kinds")
            if isinstance(lists, list):
                self.relist.update(kind for kind in lists if isinstance(kind, str))
            else:
                self.resync = True
                self.seq = change.seq
        elif change.kind == protocol.CHANGE_BEATS:
            self._put_beats(change.doc or {})
        elif change.uid:
            self._waiting.pop((change.kind, change.uid), None)
            self._waiting[change.kind, change.uid] = change
        self._some.set()

    def _put_beats(self, doc: dict[str, Any]) -> None:
        now, hosts = doc.get("now"), doc.get("hosts")
        if isinstance(now, (int, float)):
            self.beats_at = float(now)
        for item in hosts if isinstance(hosts, list) else []:
            if isinstance(item, list) and item and isinstance(item[0], str):
                self._beats[item[0]] = item

    def take_beats(self) -> list[list[Any]]:
        """Return the heartbeats that wait, the newest of each host."""
        beats, self._beats = list(self._beats.values()), {}
        return beats

    def end(self, failure: BaseException) -> None:
        """Note why no more will come."""
        self.failure = failure
        self._some.set()
        self._ready.set()

    async def ready(self) -> None:
        """Wait until the stream has its place. Raises what ended it."""
        await self._ready.wait()
        if self.failure is not None:
            raise self.failure

    async def take(self) -> list[Change]:
        """Wait for something; return the changes that wait (none: the hub only reported that it is there)."""
        await self._some.wait()
        self._some.clear()
        if self.failure is not None and not self._waiting:
            raise self.failure
        if self.failure is not None:
            self._some.set()
        taken = list(self._waiting.values())
        self._waiting.clear()
        return taken


class Follower:
    """Reads one hub for `PlaneSource`; retains its number over breaks."""

    def __init__(self, client: Plane, teller: Teller) -> None:
        self._client = client
        self._teller = teller
        self._since: int | None = None
        self._beats_at = 0.0
        self._reported: set[str] = set()

    async def run(self, features: Features) -> None:
        """Follow until the stream breaks. Raises `EdgewrightError`."""
        inbox = Inbox()
        beats = None if not features.beats else self._beats_at if self._since is not None else 0.0
        reader = asyncio.create_task(self._read(inbox, beats))
        try:
            try:
                async with asyncio.timeout(_READY_WITHIN):
                    await inbox.ready()
            except TimeoutError:
                pass
            if self._since is None or inbox.resync:
                await self._fill(features, inbox)
            await self._relist(features, inbox)
            self._teller.state("live")
            while True:
                changes = await inbox.take()
                if inbox.resync:
                    await self._fill(features, inbox)
                await self._relist(features, inbox)
                self._pass_on(changes)
                self._pass_on_beats(inbox.take_beats())
                self._since = inbox.seq or self._since
                self._beats_at = inbox.beats_at or self._beats_at
                self._teller.state("live")
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, inbox: Inbox, beats: float | None) -> None:
        try:
            async with aclosing(self._client.changes.changes(self._since, beats)) as changes:
                async for change in changes:
                    inbox.put(change)
        except Exception as error:
            inbox.end(error)

    async def _fill(self, features: Features, inbox: Inbox) -> None:
        """Read everything; hosts first, since they are what people look for."""
        inbox.resync = False
        inbox.relist.clear()
        self._since = None
        uids: list[str] = []
        continue_, total = "", 0
        while True:
            page = await self._client.hosts.search(_SORT, features.page_limit, continue_)
            docs = redact_all(page.items)
            uids += [uid for doc in docs if (uid := uid_of(doc))]
            total = max(total, page.count)
            if docs:
                self._teller.emit(kinds.HOSTS_SEEN, {"docs": docs})
            self._teller.state("loading", "reading the fleet", len(uids), total)
            if not page.continue_ or not page.items or page.continue_ == continue_:
                break
            continue_ = page.continue_
        self._teller.emit(kinds.HOSTS_COMPLETE, {"uids": uids})
        await read_lists(self._client, self._teller, self._reported, features)
        self._since = inbox.seq or None

    async def _relist(self, features: Features, inbox: Inbox) -> None:
        """Read the lists again that the plane names; everything else continues from the number."""
        lists, inbox.relist = inbox.relist, set()
        for collection in COLLECTIONS if lists else ():
            if collection.change_kind in lists:
                await read_list(self._client, self._teller, self._reported, collection, features.page_limit)

    def _pass_on_beats(self, beats: list[list[Any]]) -> None:
        """Emit heartbeats in pieces that take no time to reduce."""
        for start in range(0, len(beats), _BEATS):
            self._teller.emit(kinds.HOSTS_BEAT, {"beats": beats[start : start + _BEATS]})

    def _pass_on(self, changes: list[Change]) -> None:
        """Emit changes, runs of one kind as one event."""
        run: list[Any] = []
        running = ""
        for change in changes:
            put = change.op == protocol.CHANGE_PUT and change.doc is not None
            kind = (_SEEN if put else _REMOVED).get(change.kind, "")
            if not kind:
                continue
            if kind != running or len(run) >= _BATCH:
                self._emit(running, run)
                run, running = [], kind
            run.append(redact(change.doc) if put and change.doc is not None else change.uid)
        self._emit(running, run)

    def _emit(self, kind: str, run: list[Any]) -> None:
        if run:
            self._teller.emit(kind, {"uids" if kind in _REMOVED.values() else "docs": run})


def uid_of(doc: dict[str, Any]) -> str:
    """Return the uid of a document, `""` when it has none."""
    meta = doc.get("metadata")
    uid = meta.get("uid") if isinstance(meta, dict) else None
    return uid if isinstance(uid, str) else ""

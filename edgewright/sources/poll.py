"""Polling a Palette: no stream, pages of 50, ten requests a second. Newest changes first, the rest behind them.

The fleet is read by the time of last change, the newest first. A host that changes meanwhile jumps to the front, where
the next look at the newest page finds it, and pushes others back, never past the reader: so no change is missed. Only
a deletion pulls others forward; hosts that were known and did not come are asked for one by one before they count as
gone.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from edgewright.clients.palette.pages import Page
from edgewright.clients.ports import Plane
from edgewright.core.errors import EdgewrightError, ExitCode, NotFound
from edgewright.sources.follow import uid_of
from edgewright.sources.lists import read_list
from edgewright.sources.pace import Pace
from edgewright.sources.redact import redact_all
from edgewright.sources.teller import Teller
from edgewright.store.collection import Collection
from edgewright.store.engine import events as kinds
from edgewright.store.every import COLLECTIONS
from edgewright.wire import protocol

_NEWEST_FIRST: Final = {"sort": [{"field": "lastModifiedTimestamp", "order": "desc"}]}
_TRIES: Final = 3
"""How often a page is asked for before the plane counts as lost."""
_PASSING: Final = frozenset({ExitCode.UNREACHABLE, ExitCode.TIMED_OUT, ExitCode.FAILED})
_ASKED_FOR: Final = 50
"""Hosts that were not in a scan and are asked for one by one; when there are more, the next scan decides."""
_FRESH_PAGES: Final = 4
"""Pages of newest changes that one look reads at the most; the scan has the rest."""


class Poller:
    """Reads one Palette for `PlaneSource`; what it has seen it retains over breaks."""

    def __init__(self, client: Plane, teller: Teller, pace: Pace) -> None:
        self._client = client
        self._teller = teller
        self._pace = pace
        self._known: dict[str, str] = {}
        """Time of last change by uid, as text."""
        self._missing: set[str] = set()
        self._reported: set[str] = set()
        self._filled = False
        self._fill_over = asyncio.Event()
        self._sort: dict[str, Any] = dict(_NEWEST_FIRST)
        self.scans = 0
        """Completed scans of the entire fleet."""

    async def run(self) -> None:
        """Poll until the plane fails. Raises `EdgewrightError`."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hosts())
                for collection in COLLECTIONS:
                    if collection.reading is not None and collection.reading.every is not None:
                        group.create_task(self._every(collection, collection.reading.every))
        except BaseExceptionGroup as failures:
            known, other = failures.split(EdgewrightError)
            if other is not None or known is None:
                raise
            raise _first(known) from None

    async def _hosts(self) -> None:
        first = await self._page(0)
        self._take(first)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._freshness())
            group.create_task(self._scans(first))

    async def _freshness(self) -> None:
        while True:
            await self._until_next_look()
            for index in range(_FRESH_PAGES):
                page = await self._page(index * protocol.PAGE_LIMIT)
                news = self._take(page)
                if news < len(page.items) or not page.items:
                    break
            if self._filled:
                self._teller.state("polling")

    async def _until_next_look(self) -> None:
        """Wait for the next look at the newest; the end of the first fill shortens the wait."""
        if not self._filled:
            try:
                async with asyncio.timeout(self._pace.fresh_while_filling):
                    await self._fill_over.wait()
            except TimeoutError:
                return
        await asyncio.sleep(self._pace.fresh)

    async def _scans(self, first: Page) -> None:
        while True:
            await self._scan(first)
            self._filled = True
            self._fill_over.set()
            self._teller.state("polling")
            await asyncio.sleep(self._pace.rescan)
            first = await self._page(0)
            self._take(first)

    async def _scan(self, first: Page) -> None:
        """Read the entire fleet behind its newest page, several pages at a time."""
        step = protocol.PAGE_LIMIT
        total = max(first.count, len(first.items))
        before = set(self._known) if self._filled else set()
        seen = {uid_of(doc) for doc in first.items}
        offsets = iter(range(step, total, step))
        lead = uid_of(first.items[0]) if first.items else ""
        stuck = False

        async def worker() -> None:
            nonlocal stuck
            for offset in offsets:
                page = await self._page(offset)
                if page.items and uid_of(page.items[0]) == lead and page.offset <= step:
                    stuck = True  # this plane does not know `offset`; its own token will do
                    return
                self._take(page)
                seen.update(uid_of(doc) for doc in page.items)
                if not self._filled:
                    self._teller.state("loading", "reading the fleet", len(seen), total)
                else:
                    await asyncio.sleep((1 / self._pace.scan_share - 1) * 0.1 * workers)

        workers = self._pace.workers if not self._filled else 2
        if not self._filled:
            self._teller.state("loading", "reading the fleet", len(seen), total)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
        if stuck:
            await self._scan_by_token(first, seen)
        seen.discard("")
        await self._settle(before - seen)
        self.scans += 1

    async def _scan_by_token(self, first: Page, seen: set[str]) -> None:
        continue_ = first.continue_
        while continue_:
            page = await self._client.hosts.search(self._sort, protocol.PAGE_LIMIT, continue_)
            self._take(page)
            seen.update(uid_of(doc) for doc in page.items)
            if not page.items or page.continue_ == continue_:
                return
            continue_ = page.continue_

    async def _settle(self, absent: set[str]) -> None:
        """Find out which of the hosts that did not come no longer exist, and report it."""
        removed = []
        for uid in sorted(absent, key=lambda uid: (uid not in self._missing, uid))[:_ASKED_FOR]:
            try:
                await self._client.hosts.get(uid)
            except NotFound:
                removed.append(uid)
        self._missing = absent - set(removed)
        for uid in removed:
            self._known.pop(uid, None)
        if removed:
            self._teller.emit(kinds.HOSTS_REMOVED, {"uids": removed})
        if not self._filled and self._known:
            self._teller.emit(kinds.HOSTS_COMPLETE, {"uids": sorted(self._known)})

    async def _page(self, offset: int) -> Page:
        """Fetch one page; a passing failure is tried again."""
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._client.hosts.search(self._sort, protocol.PAGE_LIMIT, offset=offset)
            except EdgewrightError as error:
                if error.exit_code == ExitCode.INVALID and self._sort:
                    self._sort = {}  # an older plane that cannot sort: take its own order
                elif error.exit_code not in _PASSING or attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def _take(self, page: Page) -> int:
        """Emit what is new on a page; return how many of its hosts are new or changed."""
        news, docs = 0, []
        for doc in page.items:
            uid = uid_of(doc)
            changed = str((doc.get("metadata") or {}).get("lastModifiedTimestamp") or "")
            if uid and (self._known.get(uid) != changed or not changed):
                news += 1
            if uid:
                self._known[uid] = changed
                docs.append(doc)
        if docs:
            self._teller.emit(kinds.HOSTS_SEEN, {"docs": redact_all(docs)})
        return news

    async def _every(self, collection: Collection[Any], seconds: float) -> None:
        while await read_list(self._client, self._teller, self._reported, collection, protocol.PAGE_LIMIT):
            await asyncio.sleep(seconds)


def _first(group: BaseExceptionGroup[EdgewrightError]) -> EdgewrightError:
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")

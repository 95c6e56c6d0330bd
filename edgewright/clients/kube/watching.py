"""One list of objects that follows the API: listed in pages, then watched with bookmarks.

The list is taken page by page from one resource version; the watch begins there. Bookmarks move the version on while
nothing changes, so that a watch which ends, or whose link was lost, continues where it was. When the API does not have
a version any more (410) the list is taken again, and what is not in it any more is removed. A watch that is silent is
checked with a small request: over a relay a dead link is silent for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from edgewright.clients.kube import refusals
from edgewright.clients.kube.ports import CanAskApi
from edgewright.core.errors import EdgewrightError, Failed, NotFound, TimedOut, Unreachable

R = TypeVar("R")
PAGE = 500
"""Objects of one page: decoding one takes a few milliseconds of the event loop."""
WATCH_SECONDS = 300
"""Seconds after which the API ends a watch; it then begins again at its version."""
SILENT = 90.0
"""Seconds without a byte after which a watch is given up; the API sends a bookmark each minute."""
CHECK_EVERY = 10.0
"""Seconds between two checks of a silent watch."""
CHECK_WITHIN = 6.0
PAUSES = (1.0, 2.0, 5.0, 10.0)
"""Seconds before the list is taken again, after one failure, two, ..."""
STEADY = 5.0
"""Seconds that a watch lasts before failures are counted from zero again: shorter ones begin at growing distances."""
MOST = 50_000
"""Objects of one list; more are left out, and the view reports it."""
_MOST_PAGES = 2 * MOST // PAGE
_UNREADABLE = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    next: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    items: list[msgspec.Raw] | None = None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Error(msgspec.Struct):
    message: str = ""
    code: int = 0


class _Marked(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


class Watched(Generic[R]):
    """The rows of one list by key, and how old what they show is.

    `row_of` makes the key and the row of an object (JSON); it raises one of `_UNREADABLE` for one that it cannot read,
    which is left out. `changed` is called with the keys that differ, `None` for all of them.
    """

    def __init__(
        self,
        api: CanAskApi,
        path: str,
        row_of: Callable[[msgspec.Raw], tuple[str, R]],
        changed: Callable[[set[str] | None], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api, self._path, self._row_of, self._changed, self._clock = api, path, row_of, changed, clock
        self.rows: dict[str, R] = {}
        self.complete = False
        """Whether the list was taken once."""
        self.as_of: float | None = None
        """When the API answered last, epoch seconds UTC: the rows are as of then."""
        self.error = ""
        """Why the list is not followed now; empty while it is."""
        self.retry_at: float | None = None
        self.unknown = False
        """Whether the API does not know this kind: what serves it is not installed."""
        self.skipped = 0
        """Objects that could not be read, or were more than `MOST`."""
        self._failures = 0
        self._lasted = 0.0
        self._version = ""

    @property
    def live(self) -> bool:
        """Whether the rows follow the API now."""
        return self.complete and not self.error

    async def run(self) -> None:
        """Follow the list until cancelled."""
        while True:
            self._lasted = 0.0
            try:
                if not self._version:
                    await self._take_list()
                await self._watch()
            except EdgewrightError as error:
                self._judge()
                await self._failed(error)
            else:
                self._judge()
                if self._lasted < STEADY:  # a proxy or an API that ends each watch at once is asked slowly
                    await asyncio.sleep(self._pause())

    def _judge(self) -> None:
        if self._lasted >= STEADY:
            self._failures = 0

    def _pause(self) -> float:
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        return pause

    async def _failed(self, error: EdgewrightError) -> None:
        if not isinstance(error, TimedOut | Unreachable):
            self._version = ""  # after an error of the link the watch continues where it was
        if error.code == refusals.EXPIRED and not self._failures:
            self._failures = 1  # the list is taken at once; an API that answers so to a new list too is asked slowly
            return
        self.unknown = isinstance(error, NotFound)
        pause = self._pause()
        self.error, self.retry_at = error.message, self._clock() + pause
        self._changed(None)
        await asyncio.sleep(pause)

    async def _take_list(self) -> None:
        rows: dict[str, R] = {}
        query: dict[str, Any] = {"limit": PAGE}
        skipped = 0
        for _ in range(_MOST_PAGES):
            data = await self._api.request("GET", self._with(query))
            page = _decoded(data, _List)
            for at, raw in enumerate(page.items or ()):
                if len(rows) >= MOST:
                    skipped += 1
                    continue
                if at % PAGE == PAGE - 1:  # an API may send more than it was asked for
                    await asyncio.sleep(0)
                try:
                    key, row = self._row_of(raw)
                except _UNREADABLE:
                    skipped += 1
                    continue
                rows[key] = row
            if not self.complete:  # the first page is shown at once, the others follow
                self.rows = dict(rows)
                self._answered()
                self._changed(None)
            if len(rows) >= MOST:
                skipped += page.metadata.remaining_item_count or 0
                break
            if not page.metadata.next:
                break
            query = {"limit": PAGE, "continue": page.metadata.next}
            await asyncio.sleep(0)
        else:
            raise Failed("The list of the API does not end.", "Use kubectl.")
        self._version = page.metadata.resource_version
        if not self._version:
            raise Failed("The API gives its list no version.", "Use kubectl.")
        self.rows, self.complete, self.skipped = rows, True, skipped
        self._answered()
        self._changed(None)

    async def _watch(self) -> None:
        query = {
            "watch": "1", "allowWatchBookmarks": "true", "resourceVersion": self._version,
            "timeoutSeconds": WATCH_SECONDS,
        }  # fmt: skip
        reading, began = asyncio.create_task(self._read(self._with(query))), time.monotonic()
        try:
            if self.error:
                await self._check()
            while not reading.done():
                await asyncio.wait({reading}, timeout=CHECK_EVERY)
                if not reading.done() and self._clock() - (self.as_of or 0.0) >= CHECK_EVERY:
                    await self._check()
            await reading
        finally:
            self._lasted = time.monotonic() - began
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, EdgewrightError):
                await reading

    async def _check(self) -> None:
        """Ask something small, so that the age of the rows is known. Raises `EdgewrightError`."""
        try:
            async with asyncio.timeout(CHECK_WITHIN):
                await self._api.request("GET", "/version")
        except TimeoutError:
            raise TimedOut("The API does not answer any more.", "It is asked again.") from None
        self._answered()

    async def _read(self, path: str) -> None:
        async for line in self._api.lines(path, SILENT):
            if not line:
                continue
            event = _decoded(line, _Event)
            self._answered()
            if event.type == "BOOKMARK":
                self._version = _decoded(event.object, _Marked).metadata.resource_version or self._version
            elif event.type == "ERROR":
                status = _decoded(event.object, _Error)
                raise refusals.of_status(status.code, status.message)
            else:
                self._take(event)

    def _take(self, event: _Event) -> None:
        version = _decoded(event.object, _Marked).metadata.resource_version
        try:
            key, row = self._row_of(event.object)
        except _UNREADABLE:
            self.skipped += 1
            return
        finally:
            self._version = version or self._version
        if event.type == "DELETED":
            self.rows.pop(key, None)
        elif key in self.rows or len(self.rows) < MOST:
            self.rows[key] = row
        else:
            self.skipped += 1
            return
        self._changed({key})

    def _answered(self) -> None:
        self.as_of = self._clock()
        if self.error:
            self.error, self.retry_at = "", None
            self._changed(None)

    def _with(self, query: dict[str, Any]) -> str:
        return f"{self._path}{'&' if '?' in self._path else '?'}{urlencode(query)}"


T = TypeVar("T")


def _decoded(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Failed("The API answers something that is not an object of Kubernetes.", "Use kubectl.") from None

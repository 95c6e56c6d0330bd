"""The console's live feed: one context at a time, its client, its cache; changing the context changes all three.

Whatever goes wrong with a plane or a credential becomes a source state in the store; nothing is raised at a screen.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.commands.kernel.context import CommandContext, connect, make_plane_client
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.core.slow_files import read_in_time
from edgewright.sources.base import Gate
from edgewright.sources.plane import PlaneSource
from edgewright.store.engine import cache
from edgewright.store.engine.events import SOURCE_STATE
from edgewright.store.engine.model import Model

if TYPE_CHECKING:
    from edgewright.clients.palette.client import PlaneClient
    from edgewright.config.contexts import Context
    from edgewright.config.settings import Settings
    from edgewright.store.engine.journal import Journal
    from edgewright.store.engine.store import Store


class LiveFeed:
    """Feeds `store` from the plane of `context` until cancelled; `use` goes to another plane or project."""

    def __init__(
        self, store: Store, settings: Settings, journal: Journal | None, caches: Path | None, read_only: bool = False
    ) -> None:
        self.store = store
        self.settings = settings
        self.journal = journal
        self.context: Context | None = None
        self.project = ""
        self.read_only = read_only
        self._caches = caches
        self._gate = Gate(store.emit)
        self._client: PlaneClient | None = None
        self._source: PlaneSource | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._rest: cache.Rest | None = None

    def prepare(self, context: Context | None, project: str = "", *, quick: bool = False) -> str:
        """Set the plane before the loop runs and show its last known fleet; returns a sentence if that is spoilt.

        With `quick` it may be the head of the fleet alone: `complete` reads the rest when the first frame is out.
        """
        self.context, self.project = context, project or (context.project if context else "")
        self._rest = None
        path = self._cache_path()
        if path is None:
            return ""
        loaded = cache.load_head(path) if quick else cache.load(path)
        self._rest = loaded.rest
        if loaded.model is not None:
            self.store.restore(loaded.model)
        return loaded.problem

    async def complete(self) -> None:
        """Read what `prepare` left on disk; nothing to do when it left nothing."""
        rest, self._rest = self._rest, None
        if rest is not None:
            await cache.complete(self.store, self.store.restored, rest)

    async def use(self, context: Context, project: str = "") -> None:
        """Leave the present plane and go to this one, or to another project of it."""
        await self._stop()

        self.store.restore(Model())
        problem = self.prepare(context, project, quick=True)
        if problem:
            self.store.message(problem, "warn")
        self._changed.set()

    def retry_now(self) -> None:
        """Ask the plane at once."""
        if self._source is not None:
            self._source.retry_now()
        self._changed.set()

    def make_context(self) -> CommandContext:
        """Return what a verb works with now; it shares the client."""
        return CommandContext(
            self.settings,
            context=self.context,
            project=self.project,
            read_only=self.read_only or (self.context is not None and self.context.read_only),
            timeout=self.settings.timeout,
            store=self.store,
            journal=self.journal,
            client=self._client,
            actor="console",
        )

    def peer(self) -> str:
        """Return host and port of the address in use; empty while there is no client."""
        return self._client.peer if self._client is not None else ""

    async def run(self) -> None:
        """Feed until cancelled."""
        try:
            while True:
                self._changed.clear()
                if self.context is not None:
                    await self._follow(self.context)
                await self._changed.wait()
        finally:
            await self._stop()

    async def _follow(self, context: Context) -> None:
        """Feed from one plane until it is left; a client that cannot be made is reported and tried again on request."""
        await self.complete()
        emit = self._gate.open()
        try:
            for file, read in ((context.key.removeprefix("path:"), context.api_key), (context.ca, context.ca_path)):
                if file and file != context.key:  # a file that a user named: it may be on a share
                    await read_in_time(read, file)
            uid_known = not (self.project or context.project) or len(self.project) == 24
            if uid_known:
                self._client = make_plane_client(context, self.project, self.settings.timeout)
            else:
                self._client = await connect(make_plane_client, context, self.project, self.settings.timeout)
        except EdgewrightError as error:
            state = "refused" if error.exit_code == 4 else "lost"
            payload = {"state": state, "message": f"{error.message} {error.hint}".strip(), "since": times.now()}
            emit("plane", SOURCE_STATE, payload)
            return
        self._source = PlaneSource(self._client, emit)
        path = self._cache_path()
        writer = cache.CacheWriter(self.store, path) if path is not None else None
        self._task = asyncio.create_task(self._source.run())
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(asyncio.wait({self._task}))
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise asyncio.CancelledError
        finally:
            if writer is not None:
                await writer.close()
            self._changed.set()

    async def _stop(self) -> None:
        self._gate.shut()
        task, client = self._task, self._client
        self._task = self._client = self._source = None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=2.0)
        if client is not None:
            await client.aclose()

    def _cache_path(self) -> Path | None:
        if self.context is None or self._caches is None:
            return None
        safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in f"{self.context.name}@{self.project or 'all'}")
        return self._caches / f"{safe[:120]}.fleet"

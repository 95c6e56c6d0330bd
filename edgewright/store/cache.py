"""The last known fleet on disk, one file a context, so that the next start shows it at once, marked with its age.

Rows only, no raw documents and no secrets. A file that is cut short, changed or of another version is left alone and
told of; it never stops a start.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from edgewright.core.errors import EdgewrightError, Failed
from edgewright.store import model as names
from edgewright.store.files import write_private
from edgewright.store.model import Model, Patch, SourceStatus
from edgewright.store.store import Store

log = logging.getLogger(__name__)

MAGIC: Final = b"EWCACHE2"
EVERY: Final = 5.0
"""Seconds between two writes at the least."""
_KEPT: Final = (
    names.HOSTS,
    names.TOKENS,
    names.PROJECTS,
    names.FEED,
    names.AUDITS,
    names.OPERATIONS,
    names.ACKNOWLEDGED,
)


class Loaded(NamedTuple):
    """What came from disk: a model, or none and the sentence that says why (`""` when there simply is no file)."""

    model: Model | None
    problem: str = ""


def load(path: Path) -> Loaded:
    """Read a cached model. Never raises for what the file holds."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Loaded(None)
    except OSError as error:
        return Loaded(None, f"The last known fleet cannot be read from {path}: {error.strerror}.")
    body = memoryview(data)[len(MAGIC) + 4 :]
    if data[: len(MAGIC)] != MAGIC or int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "big") != zlib.crc32(body):
        return Loaded(None, f"The last known fleet in {path} is not whole and was left out.")
    collecting = gc.isenabled()
    gc.disable()  # 30,000 rows at once: the collector would look at them many times over, for nothing
    try:
        model = msgspec.msgpack.decode(body, type=Model)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return Loaded(None, f"The last known fleet in {path} is of another version and was left out.")
    finally:
        if collecting:
            gc.enable()
    source = model.source
    since = source.contact if source.contact is not None else model.at
    status = SourceStatus("cache", "", since, None, 0, 0, source.contact, source.plane, source.version)
    return Loaded(msgspec.structs.replace(model, source=status))


def save(path: Path, model: Model) -> None:
    """Write a model, atomically and private. Raises `EdgewrightError` when the disk does not take it."""
    body = msgspec.msgpack.encode(msgspec.structs.replace(model, messages=()))
    data = MAGIC + zlib.crc32(body).to_bytes(4, "big") + body
    try:
        write_private(path, data)
    except OSError as error:
        raise Failed(
            f"The last known fleet cannot be written to {path}: {error.strerror or error}.",
            "Free space or mend its rights; everything else goes on.",
        ) from None


class CacheWriter:
    """Keeps the cache file of a store up to date: after changes, at most every 5 s, in a thread, and at `close`."""

    def __init__(self, store: Store, path: Path, every: float = EVERY) -> None:
        self._store = store
        self._path = path
        self._every = every
        self._dirty = False
        self._written = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._told = False
        self._subscription = store.subscribe(_KEPT, self._changed)

    async def close(self) -> None:
        """Write what is not written yet and stop."""
        self._subscription.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self._dirty:
            await self._write()

    def _changed(self, _patches: tuple[Patch, ...]) -> None:
        self._dirty = True
        if self._timer is None and (self._task is None or self._task.done()):
            self._plan()

    def _plan(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        wait = max(0.0, self._written + self._every - time.monotonic())
        self._timer = loop.call_later(wait, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._round())

    async def _round(self) -> None:
        await self._write()
        if self._dirty and not self._subscription.closed:
            self._plan()

    async def _write(self) -> None:
        self._dirty = False
        self._written = time.monotonic()
        try:
            await asyncio.to_thread(save, self._path, self._store.model)
            self._told = False
        except EdgewrightError as error:
            log.warning("%s", error.message)
            if not self._told:
                self._told = True
                self._store.message(error.message, "warn", source="cache")

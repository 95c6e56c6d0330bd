"""The last known fleet on disk, one file a context, so that the next start shows it at once, marked with its age.

A big fleet is stored in two parts: a head with what the first frame shows (`cache_head`), and all hosts in pieces,
which are read right after it. Rows only, no raw documents and no secrets. A file that is cut short, changed or of
another version is left alone and reported; it never stops a start.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from edgewright.core.errors import EdgewrightError, Failed
from edgewright.store.collections.hosts import HostRow
from edgewright.store.engine import model as names
from edgewright.store.engine.cache_head import head_of
from edgewright.store.engine.files import write_private
from edgewright.store.engine.model import Model, Patch, SourceStatus
from edgewright.store.engine.store import Store
from edgewright.store.every import COLLECTIONS

log = logging.getLogger(__name__)

MAGIC: Final = b"EWCACHE3"
_NUMBERS: Final = struct.Struct(">IQI")
"""Length of the head, length of the rest, checksum of the head and of both lengths."""
PIECE: Final = 1000
"""Hosts that are read at a time after the first frame: 2 ms or so."""
EVERY: Final = 5.0
"""Seconds between two writes at the least."""
_CACHED: Final = (*(each.name for each in COLLECTIONS if each.cached), names.ACKNOWLEDGED)
_LEFT_OUT: Final[dict[str, Any]] = {
    **{each.name: {} for each in COLLECTIONS if not each.cached},
    names.MESSAGES: (),
    names.SITE_HOSTS: {},
    names.SITE_CLUSTERS: {},
}


class Rest(NamedTuple):
    """The hosts that a head leaves out, on disk still: the entire fleet in pieces, each with its checksum."""

    path: Path
    data: memoryview

    def pieces(self) -> Iterator[dict[str, HostRow]]:
        """Yield the hosts of the fleet piece by piece, in their order. Raises `Failed` when one is not complete."""
        left = self.data
        while left:
            size, checksum = int.from_bytes(left[:4], "big"), int.from_bytes(left[4:8], "big")
            body, left = left[8 : 8 + size], left[8 + size :]
            try:
                if len(body) != size or zlib.crc32(body) != checksum:
                    raise ValueError
                rows = msgspec.msgpack.decode(body, type=list[HostRow])
            except (msgspec.MsgspecError, RecursionError, ValueError):
                raise Failed(f"The last known fleet in {self.path} is not complete and was left out.") from None
            yield {row.uid: row for row in rows}


class Loaded(NamedTuple):
    """What came from disk: a model, or none and the sentence with the reason (`""` when there is no file).

    With a `rest` the model is a head: its counts are those of the fleet, and most of its hosts are still to be read.
    """

    model: Model | None
    problem: str = ""
    rest: Rest | None = None


def load_head(path: Path) -> Loaded:
    """Read what the first frame needs of a cached model; `complete` reads the rest. Never raises for the contents."""
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:
        return Loaded(None)
    except OSError as error:
        return Loaded(None, f"The last known fleet cannot be read from {path}: {error.strerror}.")
    start = len(MAGIC) + _NUMBERS.size
    broken = Loaded(None, f"The last known fleet in {path} is not complete and was left out.")
    if bytes(data[: len(MAGIC)]) != MAGIC and bytes(data[: len(MAGIC) - 1]) == MAGIC[:-1]:
        return Loaded(None, f"The last known fleet in {path} is of another version and was left out.")
    if len(data) < start or bytes(data[: len(MAGIC)]) != MAGIC:
        return broken
    size, rest_size, checksum = _NUMBERS.unpack(data[len(MAGIC) : start])
    body, rest = data[start : start + size], data[start + size :]
    if (
        len(body) != size
        or len(rest) != rest_size
        or zlib.crc32(data[len(MAGIC) : start - 4], zlib.crc32(body)) != checksum
    ):
        return broken
    with _uncollected():
        try:
            model = msgspec.msgpack.decode(body, type=Model)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return Loaded(None, f"The last known fleet in {path} is of another version and was left out.")
    source = model.source
    since = source.contact if source.contact is not None else model.at
    status = SourceStatus("cache", "", since, None, 0, 0, source.contact, source.plane, source.version)
    return Loaded(msgspec.structs.replace(model, source=status), "", Rest(path, rest) if rest else None)


def load(path: Path) -> Loaded:
    """Read a cached model in one go. Never raises for the content of the file."""
    head = load_head(path)
    if head.model is None or head.rest is None:
        return head
    hosts: dict[str, HostRow] = {}
    with _uncollected():
        try:
            for piece in head.rest.pieces():
                hosts |= piece
        except Failed as error:
            return Loaded(None, error.message)
    return Loaded(msgspec.structs.replace(head.model, hosts=hosts))


async def complete(store: Store, head: Model, rest: Rest) -> None:
    """Read the rest of a fleet whose head a store shows, and give it to the store; keys have their turn in between.

    A damaged rest is reported, and the head goes too: half a fleet is not to be taken for all of it.
    """
    hosts: dict[str, HostRow] = {}
    try:
        for piece in rest.pieces():
            hosts |= piece
            await asyncio.sleep(0)
    except Failed as error:
        if store.restored is head:
            store.restore(Model())
            store.message(error.message, "warn", source="cache")
        return
    store.complete_hosts(head, hosts)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Disable the garbage collector: it would look at thousands of new rows many times over, for nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def save(path: Path, model: Model) -> None:
    """Write a model, atomically and private. Raises `EdgewrightError` when the disk does not take it."""
    stored = msgspec.structs.replace(model, **_LEFT_OUT)
    head = head_of(stored)
    body = msgspec.msgpack.encode(stored if head is None else head)
    rest = bytearray()
    rows = [] if head is None else list(model.hosts.values())
    for start in range(0, len(rows), PIECE):
        piece = msgspec.msgpack.encode(rows[start : start + PIECE])
        rest += len(piece).to_bytes(4, "big") + zlib.crc32(piece).to_bytes(4, "big") + piece
    numbers = _NUMBERS.pack(len(body), len(rest), 0)[:-4]
    checksum = zlib.crc32(numbers, zlib.crc32(body)).to_bytes(4, "big")
    try:
        write_private(path, b"".join((MAGIC, numbers, checksum, body, rest)))
    except OSError as error:
        raise Failed(
            f"The last known fleet cannot be written to {path}: {error.strerror or error}.",
            "Free space or correct its permissions; everything else continues.",
        ) from None


class CacheWriter:
    """Updates the cache file of a store: after changes, at most every 5 s, in a thread, and at `close`."""

    def __init__(self, store: Store, path: Path, every: float = EVERY) -> None:
        self._store = store
        self._path = path
        self._every = every
        self._dirty = False
        self._written = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure_reported = False
        self._subscription = store.subscribe(_CACHED, self._changed)

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
        self._written = time.monotonic()
        if not self._store.model.complete:
            return  # what is on disk knows more
        self._dirty = False
        try:
            await asyncio.to_thread(save, self._path, self._store.model)
            self._failure_reported = False
        except EdgewrightError as error:
            log.warning("%s", error.message)
            if not self._failure_reported:
                self._failure_reported = True
                self._store.message(error.message, "warn", source="cache")

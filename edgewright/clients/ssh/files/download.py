"""A file of a host, copied here: in pieces, continued after a cut link, and compared by its hash.

What is copied are the bytes that the file had when the copy began; a log may grow meanwhile. Pieces begin small and
with a small window, so that on a thin link no more than some seconds of data are on the way (questions whether the host
is there come through the same connection), and grow with the rate.
"""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edgewright.clients.ssh.bundle.frames import Frame
from edgewright.clients.ssh.files import shell
from edgewright.clients.ssh.files.host_files import HASH_RATE, SILENCE, HostFiles, read_items
from edgewright.clients.ssh.files.local import LocalPart
from edgewright.clients.ssh.files.places import file_path
from edgewright.clients.ssh.files.progress import Meter, Report
from edgewright.clients.ssh.files.refusals import refusal
from edgewright.core.errors import Conflict, EdgewrightError, Failed, Refused
from edgewright.core.slow_files import in_thread

MOST = 64 << 30
"""Bytes of the largest file that is copied."""
FIRST_PIECE, LEAST_WINDOW, MOST_WINDOW = 1 << 20, 32_768, 2 << 20
PIECE_SECONDS, WINDOW_SECONDS = 20.0, 3.0
PACKED = (".gz", ".tgz", ".zst", ".zip", ".xz", ".bz2", ".lz4", ".squashfs", ".jpg", ".png")
"""Ends of names whose content is packed already."""
MOST_CHANGES = 2
"""How often a file may change while it is read before the copy is given up."""
MOST_LOST = 5
"""How often in a row the link may be lost before more than before has arrived."""
UNPACK = 65_536

Reach = Callable[[], Awaitable[HostFiles]]
"""Returns the files of a connection that is open, a new one where the last is lost. Raises the last failure."""


class Downloaded(NamedTuple):
    """A copy that is complete. `grown`: bytes that the file had more at the end; `resumed`: bytes of earlier runs."""

    out: Path
    size: int
    kind: str
    digest: str
    grown: int
    resumed: int
    seconds: float


class _Changed(Exception):
    """The file is not the one that the copy began with."""


class Download:
    """One copy; `run` continues what an earlier run of the same target, path and place left."""

    def __init__(self, reach: Reach, target: str, path: str, out: Path, report: Report = lambda progress: None) -> None:
        self._at = file_path(path)
        if not self._at.name:
            raise Refused(f"{self._at.path} is a directory.", "Name a file in it.", "IsDirectory")
        self._reach = reach
        self._part = LocalPart(out, target, self._at.path)
        self._meter = Meter(report)
        self._grown = 0

    async def run(self) -> Downloaded:
        """Copy it. Raises `EdgewrightError`; what arrived stays for the next run, also when it is cancelled."""
        part, loop = self._part, asyncio.get_running_loop()
        began, changes = loop.time(), 0
        resumed = 0
        try:
            await in_thread(lambda check: part.open())
            resumed = part.size
            while True:
                try:
                    kind, digest = await self._all()
                    break
                except _Changed:
                    changes += 1
                    if changes > MOST_CHANGES:
                        raise Conflict(
                            f"{self._at.path} changes all the time while it is read.", "Try again later.", "FileChanged"
                        ) from None
                    part.restart()
                    resumed = 0
                    self._meter.restart()
            await asyncio.to_thread(part.finish)
            return Downloaded(part.out, part.size, kind, digest, self._grown, resumed, loop.time() - began)
        finally:
            part.close()

    async def _all(self) -> tuple[str, str]:
        """Copy all pieces; return kind and hash. Raises `_Changed`, `EdgewrightError`."""
        files = await self._reach()
        host = files.host
        result: tuple[str, str] | None = None
        patience, furthest = MOST_LOST, self._part.size
        while result is None:
            try:
                result = await self._piece(files)
            except EdgewrightError as error:
                self._part.cut_to_block()
                patience = MOST_LOST if self._part.size > furthest else patience - 1
                if error.code not in ("ConnectionLost", "Silence", "NotConnected", "Cut") or patience < 1:
                    raise
                furthest = max(furthest, self._part.size)
                self._meter.restart()
                files = await self._reach()
        kind, digest = result
        if kind == "none":
            raise Failed(
                f"{host} has no program that computes a hash (sha256sum, openssl, md5sum), so the copy is not checked.",
                f"It is in {self._part.part}.",
                "NoHash",
            )
        self._meter.at(self._part.size, "checking")
        if await in_thread(partial(self._part.digest, kind)) != digest:
            raise _Changed
        return kind, digest

    async def _piece(self, files: HostFiles) -> tuple[str, str] | None:
        """Copy the next bytes; return kind and hash, which come with the last ones."""
        part, marker = self._part, secrets.token_hex(16)
        state, rate = part.state, self._meter.rate
        most = int(max(FIRST_PIECE, rate * PIECE_SECONDS)) // shell.BLOCK * shell.BLOCK
        window = int(min(MOST_WINDOW, max(LEAST_WINDOW, rate * WINDOW_SECONDS)))
        script = shell.get(
            marker,
            self._at,
            offset=part.size,
            most=most,
            total=None if state is None else state.total,
            inode="" if state is None else state.inode,
            pack=not self._at.name.endswith(PACKED),
            root=files.root,
        )
        stream = await files.open(script, window)
        unpack: zlib._Decompress | None = None
        end, result = -1, None
        try:
            async for item in read_items(stream, marker, files.host, self._patience):
                if isinstance(item, bytes):
                    if end >= 0:
                        await asyncio.to_thread(self._take, item, unpack, end)
                        self._meter.at(part.size)
                elif item.verb == "data" and end < 0:
                    end, packed = await asyncio.to_thread(self._begin, item, files.host)
                    unpack = zlib.decompressobj(31) if packed else None
                elif item.verb == "fail":
                    if item.fields[:1] == ("changed",):
                        raise _Changed
                    raise refusal(item.fields, self._at.path, files.host)
                elif item.verb == "sent" and part.size < end:
                    raise _Changed  # it became shorter while it was read
                elif item.verb == "hash":
                    result = self._hash_of(item, files.host)
                elif item.verb == "done":
                    return result
            raise Failed(f"{files.host} ended the script before its end.", "Repeat it: it continues.", "Cut")
        finally:
            await stream.aclose()

    def _patience(self) -> float:
        """Return how long the host may be silent: while it computes the hash at the end, longer."""
        state = self._part.state
        complete = state is not None and self._part.size >= state.total
        return SILENCE + (state.total / HASH_RATE if complete and state is not None else 0.0)

    def _hash_of(self, frame: Frame, host: str) -> tuple[str, str]:
        if len(frame.fields) != 3 or not frame.fields[2].isdecimal():
            raise refusal((), self._at.path, host)
        assert self._part.state is not None
        self._grown = max(0, int(frame.fields[2]) - self._part.state.total)
        return frame.fields[0], frame.fields[1]

    def _begin(self, frame: Frame, host: str) -> tuple[int, bool]:
        """Take the line before the data; return where the piece ends, and whether it is packed."""
        part = self._part
        try:
            size, modified, end = int(frame.fields[0]), int(frame.fields[1]), int(frame.fields[3])
            inode, packed = frame.fields[2], frame.fields[4] == "gz"
            if size < 0 or not part.size <= end:
                raise ValueError
        except (ValueError, IndexError):
            raise refusal((), self._at.path, host) from None
        total = size if part.state is None else part.state.total
        if total > MOST:
            raise Refused(f"{self._at.path} has {total:,} bytes, more than {MOST:,}.", "", "TooLarge")
        part.begin(total, inode, modified)
        self._meter.total = total
        return min(end, total), packed

    def _take(self, data: bytes, unpack: zlib._Decompress | None, end: int) -> None:
        if unpack is None:
            self._store(data, end)
            return
        try:
            while data and not unpack.eof:
                plain = unpack.decompress(data, UNPACK)
                data = unpack.unconsumed_tail
                self._store(plain, end)
        except zlib.error:
            raise Failed("What arrived is damaged.", "Repeat it: it continues.", "Damaged") from None

    def _store(self, data: bytes, end: int) -> None:
        self._part.write(data[: max(0, end - self._part.size)])

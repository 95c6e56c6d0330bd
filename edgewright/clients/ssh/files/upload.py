"""A file of this machine, put in the place of one of a host: sent beside it, and renamed when its hash is right there.

Until the rename the old file is as it was, whatever happens to the link or the host's power; the partial file stays
beside it and the next run continues it. The host reports how much it has stored; no more than some seconds of data are
on the way, so that questions whether the host is there get through.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import stat
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from edgewright.clients.ssh.bundle.frames import Frame
from edgewright.clients.ssh.files import shell
from edgewright.clients.ssh.files.download import Reach
from edgewright.clients.ssh.files.host_files import HASH_RATE, SILENCE, HostFiles, Look, read_items
from edgewright.clients.ssh.files.local import SPARE, digest_of
from edgewright.clients.ssh.files.places import FilePath
from edgewright.clients.ssh.files.ports import ScriptChannel
from edgewright.clients.ssh.files.progress import Meter, Report
from edgewright.clients.ssh.files.refusals import refusal
from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, NotFound, Refused, Unreachable
from edgewright.core.slow_files import Check, in_thread, unchecked

MOST = 64 << 30
PIECE = 131_072
LEAST_AHEAD, MOST_AHEAD = 32_768, 8 << 20
AHEAD_SECONDS = 3.0
"""What may be on the way: so many seconds at the present rate, within these bytes."""
CLEANING = 8.0
"""Seconds for removing the partial file of an upload that was cancelled."""
MOST_LOST = 5
"""How often in a row the link may be lost before more than before has arrived."""
MOST_TRIES = 2
"""How often it is sent from its begin where the hash on the host is another one."""


class Source(NamedTuple):
    """A file of this machine as it was when it was planned."""

    path: Path
    size: int
    sha256: str
    md5: str
    mode: str


class Uploaded(NamedTuple):
    """What was stored; `resumed`: bytes of an earlier run."""

    size: int
    kind: str
    digest: str
    resumed: int
    seconds: float


def read_source(path: Path, check: Check = unchecked) -> Source:
    """Return a local file with its hashes; blocks, `check` is that of `in_thread`.

    Raises `NotFound`, `InvalidInput`, `Refused`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer blocks else
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise InvalidInput(f"{path} is not a regular file.", "Give a file.")
            if about.st_size > MOST:
                raise Refused(f"{path} has {about.st_size:,} bytes, more than {MOST:,}.", "", "TooLarge")
            md5 = hashlib.md5(usedforsecurity=False)
            sha256 = digest_of(file, "sha256", about.st_size, md5.update, check=check)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Give another one.") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", "Give another one.") from None
    return Source(path, about.st_size, sha256, md5.hexdigest(), f"{stat.S_IMODE(about.st_mode) & 0o777:04o}")


def part_name(at: FilePath, source: Source) -> str:
    """Return the name of the partial file on the host: another one for another target or content."""
    digest = hashlib.sha256(at.path.encode("utf-8", "surrogateescape") + b"\0" + source.sha256.encode())
    return f".edgewright-{digest.hexdigest()[:16]}.part"


def owner_and_mode(look: Look) -> tuple[str, str]:
    """Return owner and mode that the file has afterwards: as now; a new one is root's, or the user's."""
    if look.exists:
        return look.owner, look.mode
    return "", "0600" if look.at.place.secret else "0644"


def check(look: Look, source: Source, host: str) -> None:
    """Refuse what cannot work, before anything is sent. Raises `EdgewrightError`."""
    shown = look.at.path
    if not look.at.place.writable:
        raise Refused(f"Files below {look.at.place.path} are not replaced.", "Use the shell.", "ReadOnlyPlace")
    if not look.writable:
        raise Refused(f"The directory of {shown} is not writable on {host}.", "It needs sudo.", "NotWritable")
    if look.kind == "none":
        raise Failed(f"{host} has no program that computes a hash (sha256sum, openssl, md5sum).", "", "NoHash")
    wanted = source.size - min(look.part, source.size) + SPARE
    if look.free is not None and wanted > look.free:
        have = max(0, look.free - SPARE)
        raise Failed(
            f"{look.at.directory} on {host} has room for {have:,} bytes, {wanted - SPARE:,} are needed.",
            "Free space there.",
            "NoSpaceThere",
        )


class Upload:
    """One upload, as `look` and `source` were when it was planned."""

    def __init__(self, reach: Reach, look: Look, source: Source, report: Report = lambda progress: None) -> None:
        self._reach, self._look, self._source = reach, look, source
        self._at, self._part = look.at, part_name(look.at, source)
        self._meter = Meter(report)
        self._meter.total = source.size
        self._stored = self._resumed = 0
        self._more = asyncio.Event()
        self._finished: tuple[str, str] | None = None

    async def run(self) -> Uploaded:
        """Send it. Raises `EdgewrightError`; the old file is as it was then, unless the last answer was lost.

        What is on the host stays for the next run; where it is cancelled it is removed.
        """
        loop = asyncio.get_running_loop()
        began, tries, asked, patience, furthest = loop.time(), 0, False, MOST_LOST, 0
        files = await self._reach()
        try:
            while self._finished is None:
                try:
                    await self._send(files, fresh=tries > 0)
                except EdgewrightError as error:
                    if error.code == "HashDiffers" and tries < MOST_TRIES - 1:
                        tries += 1
                        continue
                    if error.code == "FileChanged" and asked and (done := await self._was_stored(files)):
                        self._finished = done
                        break
                    if error.code not in ("ConnectionLost", "Silence", "NotConnected"):
                        raise
                    patience = MOST_LOST if self._stored > furthest else patience - 1
                    if patience < 1:
                        raise
                    asked, furthest = True, max(furthest, self._stored)
                    self._meter.restart()
                    files = await self._reach()
        except asyncio.CancelledError:
            with contextlib.suppress(EdgewrightError, TimeoutError):
                await asyncio.wait_for(files.drop(self._at.path, self._part), CLEANING)
            raise
        kind, digest = self._finished
        return Uploaded(self._source.size, kind, digest, self._resumed, loop.time() - began)

    async def _was_stored(self, files: HostFiles) -> tuple[str, str] | None:
        """Return the hash where the rename was done and only its answer was lost."""
        look = await files.look(self._at.path, hashed=True)
        right = look.hash == {"sha256": self._source.sha256, "md5": self._source.md5}.get(look.kind)
        return (look.kind, look.hash) if look.exists and right else None

    async def _send(self, files: HostFiles, fresh: bool) -> None:
        """Send what the host has not stored yet, and wait for the rename."""
        source, marker = self._source, secrets.token_hex(16)
        owner, mode = owner_and_mode(self._look)
        stream = await files.open(
            shell.put(
                marker,
                self._at,
                self._part,
                size=source.size,
                sha256=source.sha256,
                md5=source.md5,
                old=self._look.state,
                owner=owner,
                mode=mode,
                log=f"replaced {ascii(self._at.path)[1:-1][:300]} sha256 {source.sha256} over SSH",
                root=files.root,
            )
        )
        sending: asyncio.Task[None] | None = None
        try:
            async for item in read_items(stream, marker, files.host, self._patience):
                if isinstance(item, bytes):
                    continue
                if item.verb == "have" and sending is None:
                    offset = await in_thread(partial(self._offset, item, fresh))
                    self._resumed, self._stored = offset, offset
                    sending = asyncio.create_task(self._feed(stream, offset), name="site-upload")
                elif item.verb == "at" and item.fields[0].isdecimal():
                    self._stored = max(self._stored, min(int(item.fields[0]), source.size))
                    done = self._stored == source.size
                    self._meter.at(self._stored, "checking" if done else "")
                    self._more.set()
                elif item.verb == "fail":
                    raise await in_thread(partial(self._failure, item, files.host))
                elif item.verb == "stored" and len(item.fields) == 2:
                    self._finished = item.fields[0], item.fields[1]
                    return
            if sending is not None and sending.done() and (problem := sending.exception()) is not None:
                raise problem
            raise Unreachable(f"{files.host} ended the upload.", "Repeat it: it continues.", "ConnectionLost")
        finally:
            if sending is not None:
                sending.cancel()
                with contextlib.suppress(EdgewrightError, asyncio.CancelledError):
                    await sending
            await stream.aclose()

    def _failure(self, frame: Frame, host: str, check: Check) -> EdgewrightError:
        if frame.fields[:1] != ("hash",):
            return refusal(frame.fields, self._at.path, host)
        with contextlib.suppress(EdgewrightError):
            if read_source(self._source.path, check).sha256 != self._source.sha256:
                return self._source_changed()
        return Failed(
            f"What {host} stored has another hash; {self._at.path} is as it was.", "Look at its disk.", "HashDiffers"
        )

    def _source_changed(self) -> Conflict:
        return Conflict(
            f"{self._source.path} changed while it was sent; {self._at.path} is as it was.",
            "Repeat it.",
            "SourceChanged",
        )

    def _unread(self, error: OSError) -> Failed:
        return Failed(
            f"{self._source.path} cannot be read any more: {error.strerror}.", f"{self._at.path} is as it was."
        )

    def _offset(self, frame: Frame, fresh: bool, check: Check) -> int:
        """Return where it continues: behind what the host has, where that is the begin of this file; blocks."""
        fields, source = frame.fields, self._source
        have = int(fields[0]) if fields and fields[0].isdecimal() and len(fields[0]) < 16 else 0
        if fresh or not 0 < have <= source.size or fields[1] not in ("sha256", "md5"):
            return 0
        try:
            with source.path.open("rb") as file:
                return have if digest_of(file, fields[1], have, check=check) == fields[2] else 0
        except OSError as error:
            raise self._unread(error) from None

    async def _feed(self, stream: ScriptChannel, offset: int) -> None:
        """Send the file from `offset` on, no faster than the host stores it, then end: the host waits for that.

        Raises `Conflict` and `Failed` where it is not what it was; the host sees that the end is missing.
        """
        try:
            file = await asyncio.to_thread(self._source.path.open, "rb")
            try:
                await self._copy(stream, file, offset)
            finally:
                file.close()
        except (Conflict, OSError) as error:
            await stream.end()
            raise self._unread(error) if isinstance(error, OSError) else error from None
        await stream.end()

    async def _copy(self, stream: ScriptChannel, file: BinaryIO, offset: int) -> None:
        file.seek(offset)
        sent = offset
        await stream.write(b"%d\n" % offset)
        while sent < self._source.size:
            ahead = min(MOST_AHEAD, max(LEAST_AHEAD, self._meter.rate * AHEAD_SECONDS))
            if sent - self._stored >= ahead:
                self._more.clear()
                await self._more.wait()
                continue
            data = await asyncio.to_thread(file.read, int(min(PIECE, ahead, self._source.size - sent)))
            if not data:
                raise self._source_changed()  # it became shorter
            await stream.write(data)
            sent += len(data)

    def _patience(self) -> float:
        """Return how long the host may be silent: while it compares hashes, longer."""
        return SILENCE + self._source.size / HASH_RATE

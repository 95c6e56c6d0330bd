"""Directories and files of a host, read by one script each."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from edgewright.clients.ssh.bundle.frames import Frame, FrameReader
from edgewright.clients.ssh.bundle.user_data import without_secrets
from edgewright.clients.ssh.files import listing, shell
from edgewright.clients.ssh.files.places import FilePath, file_path
from edgewright.clients.ssh.files.ports import CanTransfer, ScriptChannel
from edgewright.clients.ssh.files.refusals import refusal
from edgewright.core.errors import EdgewrightError, Failed, Refused, TimedOut
from edgewright.core.redaction.stream import Redactor

STEP = 60.0
LIST_LIMIT, LOOK_LIMIT = 400_000, 8192
MOST_VIEW = 65_536
SILENCE = 45.0
"""Seconds without a byte after which a transfer is taken as stopped."""
HASH_RATE = 2_000_000
"""Bytes in a second that a slow host hashes, for how long its answer is waited for."""


class Look(NamedTuple):
    """A file of a host before it is read or replaced; `exists` is false for one that would be new.

    `state` is `INODE.SIZE.MTIME`, `none` for a new one; `kind` the hash that the host computes (`sha256`, `md5`,
    `none`); `part` the bytes of an earlier upload that was cut. `owner` is `UID:GID`, `mode` octal digits.
    """

    at: FilePath
    exists: bool
    size: int
    modified: int
    mode: str
    owner: str
    owner_name: str
    links: int
    state: str
    writable: bool
    free: int | None
    root: bool
    kind: str
    hash: str
    part: int


class View(NamedTuple):
    """A part of a file, without secrets. `begin`: where it begins; `left_out`: secrets that were taken out."""

    text: str
    size: int
    begin: int
    left_out: int
    binary: bool


class HostFiles:
    """The files of one connection. Scripts run by `sudo -n` where that is possible, else as the user."""

    def __init__(self, connection: CanTransfer, host: str, root: str = "") -> None:
        self.connection, self.host, self.root = connection, host, root
        self._sudo: bool | None = None

    async def folder(self, path: str) -> listing.Listing:
        """Return a directory in one round trip. Raises `EdgewrightError`."""
        at, marker = file_path(path), secrets.token_hex(16)
        output = await self._run(shell.list_folder(marker, at, self.root), LIST_LIMIT)
        try:
            result = listing.parse(output, marker, at.path)
        except ValueError:
            raise self.no_answer(path) from None
        if isinstance(result, list):
            raise refusal(result, path, self.host)
        return result

    async def look(self, path: str, *, hashed: bool = False, new: bool = False, part: str = "") -> Look:
        """Return what a file is, with its hash where that is wanted. Raises `EdgewrightError`."""
        at, marker = file_path(path), secrets.token_hex(16)
        script = shell.look(marker, at, hashed=hashed, new=new, part=part, root=self.root)
        output = await self._run(script, LOOK_LIMIT, STEP * 10 if hashed else STEP)
        frames = {frame.verb: frame.fields for frame in self._frames(output, marker, path)}
        try:
            return _look(at, frames)
        except (ValueError, KeyError, IndexError):
            raise self.no_answer(path) from None

    async def view(self, path: str, *, end: bool = False, most: int = MOST_VIEW) -> View:
        """Return the first bytes of a file as text without secrets, the last ones where `end` is set.

        What is outside a line that is read in full is left out: half a secret does not look like one.
        """
        at, marker = file_path(path), secrets.token_hex(16)
        output = await self._run(shell.view(marker, at, most, end=end, root=self.root), most + 4096)
        data, begin, size, done = bytearray(), 0, -1, False
        for item in self._items(output, marker, path):
            if isinstance(item, bytes):
                data += item if size >= 0 else b""
            elif item.verb == "data" and len(item.fields) == 2 and all(word.isdecimal() for word in item.fields):
                size, begin = int(item.fields[0]), int(item.fields[1])
            elif item.verb == "done":
                done = True
        if size < 0 or not done:
            raise self.no_answer(path)
        return _without_secrets(bytes(data), at, size, begin)

    async def drop(self, path: str, part: str) -> None:
        """Remove the partial file of an upload. Raises `EdgewrightError`."""
        marker = secrets.token_hex(16)
        script = shell.drop(marker, file_path(path), part, self.root)
        for _ in self._frames(await self._run(script, LOOK_LIMIT), marker, path):
            pass

    async def open(self, script: bytes, window: int = 0) -> ScriptChannel:
        """Start a script, as root where that is possible. Raises `EdgewrightError`."""
        return await self.connection.open_script(script, sudo=await self.is_root(), window=window)

    async def is_root(self) -> bool:
        """Return whether scripts run by sudo; asked for once. Raises `EdgewrightError`."""
        if self._sudo is None:
            try:
                await self.connection.run_script(b":\n", timeout=STEP, limit=LOOK_LIMIT, sudo=True)
                self._sudo = True
            except Refused as error:
                if error.code not in ("SudoRefused", "NoSudo"):
                    raise
                self._sudo = False
        return self._sudo

    async def _run(self, script: bytes, limit: int, patience: float = STEP) -> bytes:
        """Run a script by sudo; where that is not possible, as the user, from then on."""
        if self._sudo is not False:
            try:
                result = await self.connection.run_script(script, timeout=patience, limit=limit, sudo=True)
                self._sudo = True
                return result.output
            except Refused as error:
                if error.code not in ("SudoRefused", "NoSudo"):
                    raise
                self._sudo = False
        return (await self.connection.run_script(script, timeout=patience, limit=limit)).output

    def no_answer(self, path: str) -> EdgewrightError:
        """Return the error for an answer that is none."""
        return refusal((), path, self.host)

    def _items(self, output: bytes, marker: str, path: str) -> list[Frame | bytes]:
        try:
            items = list(FrameReader(marker).feed(output))
        except ValueError:
            raise self.no_answer(path) from None
        for item in items:
            if isinstance(item, Frame) and item.verb == "fail":
                raise refusal(item.fields, path, self.host)
        return items

    def _frames(self, output: bytes, marker: str, path: str) -> list[Frame]:
        return [item for item in self._items(output, marker, path) if isinstance(item, Frame)]


async def read_items(
    stream: ScriptChannel, marker: str, host: str, patience: Callable[[], float]
) -> AsyncIterator[Frame | bytes]:
    """Yield what a script prints, until its end. Raises `TimedOut` without a byte in `patience()` s, `Failed`."""
    reader = FrameReader(marker)
    while True:
        seconds = patience()
        try:
            data = await asyncio.wait_for(stream.read(), seconds)
        except TimeoutError:
            raise TimedOut(f"{host} has sent nothing for {seconds:.0f} s.", "Check the link.", "Silence") from None
        if not data:
            return
        try:
            for item in reader.feed(data):
                yield item
        except ValueError:
            raise Failed(f"What {host} sends is not a file.", "Something on it writes into the answer.") from None


def _look(at: FilePath, frames: dict[str, tuple[str, ...]]) -> Look:
    uid, writable, free, kind = frames["dir"][:4]
    if kind not in ("sha256", "md5", "none") or "done" not in frames:
        raise ValueError
    part = int(frames["part"][0]) if "part" in frames else 0
    digest = frames["hash"][1] if "hash" in frames else ""
    if digest and not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", digest):
        raise ValueError
    room = int(free) * 1024 if free.isdecimal() else None
    common = (writable == "1", room, uid == "0", kind, digest, part)
    if "file" not in frames:
        return Look(at, False, 0, 0, "", "", "", 0, "none", *common)
    mode, user, group, size, modified, inode, links, *owner = frames["file"]
    return Look(
        at, True, int(size), int(modified), f"{int(mode, 16) & 0o7777:04o}", f"{int(user)}:{int(group)}",
        " ".join(owner), int(links), f"{int(inode)}.{int(size)}.{int(modified)}", *common,
    )  # fmt: skip


def _without_secrets(data: bytes, at: FilePath, size: int, begin: int) -> View:
    if b"\0" in data[:4096]:
        return View("", size, begin, 0, True)
    cut = begin + len(data) < size
    if begin:
        data = data[data.find(b"\n") + 1 :]
    if at.place.secret and not begin and at.name.endswith((".yaml", ".yml", "userdata", "user-data")):
        text, counts = without_secrets(data, cut)
    else:
        redactor = Redactor()
        text = redactor.feed(data) + redactor.finish(cut=cut)
        counts = redactor.counts
    return View(text.decode("utf-8", "replace"), size, begin, sum(counts.values()), False)

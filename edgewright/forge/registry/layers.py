"""Reading layers as they stream past: decompressed, walked as tar, files taken out by name; memory stays flat."""

from __future__ import annotations

import subprocess
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from edgewright.core.errors import Failed, InvalidInput
from edgewright.forge.programs import find
from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import Blob

MAX_FILE = 8 * 1024 * 1024
"""Bytes of a file that is taken out into memory (dpkg's status of a large system has 3 MB)."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Source(Protocol):
    """Where layers are read from."""

    @property
    def layers(self) -> Sequence[Blob]:
        """The layers from the lowest to the highest."""

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a blob, verified at their end."""


class Reader:
    """A stream over pieces of bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffered = b""

    def read(self, count: int = -1) -> bytes:
        """Return up to `count` bytes; fewer only at the end."""
        parts, have = [], 0
        while count < 0 or have < count:
            piece = self._buffered or next(self._pieces, b"")
            self._buffered = b""
            if not piece:
                break
            if count >= 0 and have + len(piece) > count:
                cut = count - have
                piece, self._buffered = piece[:cut], piece[cut:]
            parts.append(piece)
            have += len(piece)
        return b"".join(parts)

    def drain(self) -> None:
        """Read what is left, so that the digest of the source is verified."""
        self._buffered = b""
        for _ in self._pieces:
            pass


def plain(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes behind gzip, zstd or nothing, recognised by how they begin."""
    first = next(pieces, b"")
    while 0 < len(first) < 4:
        more = next(pieces, b"")
        if not more:
            break
        first += more
    if first.startswith(GZIP):
        return _gunzip(first, pieces)
    if first.startswith(ZSTD):
        return _unzstd(first, pieces)
    return _with(first, pieces)


def _with(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _gunzip(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    engine = zlib.decompressobj(31)
    try:
        for piece in _with(first, pieces):
            data = piece
            while data:
                out = engine.decompress(data, 1 << 20)
                data = engine.unconsumed_tail
                if engine.eof:
                    data = engine.unused_data.lstrip(b"\0")
                    if data:  # several members one after another
                        engine = zlib.decompressobj(31)
                if out:
                    yield out
        if not engine.eof and (rest := engine.flush()):
            yield rest
    except zlib.error as error:
        raise InvalidInput(f"A layer cannot be decompressed: {error}.", "It is damaged.") from None
    if not engine.eof:
        raise InvalidInput("A layer ends too early.", "It is cut off: copy it again.")


def _unzstd(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    process = subprocess.Popen([find("zstd"), "-q", "-d", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    failure: list[BaseException] = []

    def feed() -> None:
        assert process.stdin is not None
        try:
            for piece in _with(first, pieces):
                process.stdin.write(piece)
        except BrokenPipeError:
            pass
        except BaseException as error:
            failure.append(error)
        finally:
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    assert process.stdout is not None
    ended = False
    try:
        while data := process.stdout.read(1 << 18):
            yield data
        ended = True
    finally:
        if not ended:  # the rest is not needed
            process.kill()
        process.stdout.close()
        feeder.join()
        code = process.wait()
    if failure:
        raise failure[0]
    if code:
        raise InvalidInput("A layer cannot be decompressed (zstd).", "It is damaged.")


@contextmanager
def opened(pieces: Iterator[bytes]) -> Iterator[Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]]:
    """Walk a tar, compressed or not. Raises `InvalidInput` when it is none."""
    raw = Reader(_ended(plain(pieces)))
    try:
        with tarfile.open(fileobj=raw, mode="r|", bufsize=1 << 18) as tar:  # type: ignore[call-overload]
            yield _members(tar)
        raw.drain()
    except tarfile.TarError as error:
        raise InvalidInput(f"A layer is not a tar archive: {error}.", "It is damaged, or something else.") from None


def _ended(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Add the end that some writers leave out (umoci: neither padding nor the two empty blocks)."""
    yield from pieces
    yield bytes(512 + 1024)


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    while (info := tar.next()) is not None:
        yield info, tar
        tar.members.clear()  # type: ignore[attr-defined]  # it would store one object per file


def name_of(info: tarfile.TarInfo) -> str:
    """Return the path of a member without what is before it."""
    return info.name.removeprefix("./").lstrip("/")


class Scan(NamedTuple):
    """What was found in an image: files that were read, and the paths (files, links, devices) that were looked for."""

    files: dict[str, bytes]
    names: frozenset[str]


def files(source: Source, wanted: Callable[[str], bool], job: Job) -> dict[str, bytes]:
    """Return the files of the entire image that are wanted, as its upper layers leave them. Raises `InvalidInput`."""
    return scan(source, wanted, lambda name: False, job).files


def scan(source: Source, wanted: Callable[[str], bool], noted: Callable[[str], bool], job: Job) -> Scan:
    """Return the wanted files of the entire image, and which of the noted paths are in it. Raises `InvalidInput`."""
    matches: dict[str, bytes] = {}
    names: set[str] = set()
    for number, blob in enumerate(source.layers, 1):
        job.step(f"reading layer {number} of {len(source.layers)} of the base")
        with opened(counted(source.read(blob), blob.size, job)) as members:
            fresh: dict[str, bytes] = {}
            present: set[str] = set()
            for info, tar in members:
                name = name_of(info)
                _white_out(matches, name)
                _white_out(names, name)
                if not info.isdir() and noted(name) and not hidden_by(name):
                    present.add(name)
                if info.isreg() and wanted(name) and info.size <= MAX_FILE:
                    stream = tar.extractfile(info)
                    fresh[name] = stream.read() if stream is not None else b""
                elif not info.isdir() and name in matches:
                    del matches[name]
            matches.update(fresh)
            names |= present
    return Scan(matches, frozenset(names))


def hidden_by(name: str) -> str:
    """Return the path that a white-out hides (with a slash at its end: only what is below it); "" for no white-out."""
    folder, _, last = name.rpartition("/")
    if last == ".wh..wh..opq":
        return folder + "/"
    return f"{folder}/{last[4:]}".lstrip("/") if last.startswith(".wh.") else ""


def _white_out(matches: dict[str, bytes] | set[str], name: str) -> None:
    """Take away what a layer hides of the layers below it."""
    removed = hidden_by(name)
    if not removed:
        return
    for path in [p for p in matches if p == removed or p.startswith(removed.rstrip("/") + "/")]:
        if isinstance(matches, dict):
            del matches[path]
        else:
            matches.discard(path)


def take_out(pieces: Iterator[bytes], place: Callable[[str], Path | None], job: Job, total: int = 0) -> dict[str, Path]:
    """Write the files of a tar that `place` gives a path for; return them by name in the tar."""
    done: dict[str, Path] = {}
    with opened(counted(pieces, total, job)) as members:
        for info, tar in members:
            target = place(name_of(info)) if info.isreg() else None
            stream = tar.extractfile(info) if target is not None else None
            if target is not None and stream is not None:
                copy(stream, target, job)
                done[name_of(info)] = target
    return done


def copy(stream: IO[bytes], target: Path, job: Job) -> None:
    """Write a stream into a file, piece by piece."""
    with target.open("wb") as out:
        while data := stream.read(1 << 18):
            job.check()
            out.write(data)


def counted(pieces: Iterator[bytes], total: int, job: Job) -> Iterator[bytes]:
    """Yield pieces of `total` bytes and report how many there were."""
    done = 0
    for piece in pieces:
        done += len(piece)
        job.at(done, total)
        yield piece


def magic(path: Path) -> bytes:
    """Return the first bytes of a file. Raises `Failed` when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(512)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Check its name and rights.") from None

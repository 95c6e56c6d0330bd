"""Blobs to a registry: mounted where it has them, in one piece when small, in resumable pieces when not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from edgewright.core.errors import Cancelled, EdgewrightError, Failed, NotFound, TimedOut, Unreachable
from edgewright.oci import media
from edgewright.oci.registry import TRIES, Registry
from edgewright.oci.reply import CHUNK

PIECE = 32 * 1024 * 1024
"""Bytes of one request of a large blob: what is lost at most when the connection breaks off."""


_BYTES = {"Content-Type": "application/octet-stream"}


class Sent(NamedTuple):
    """How a blob got to the registry: `there`, `mounted` or `sent`, and how many bytes were sent."""

    how: str
    size: int


def mount(target: Registry, digest: str, source: str, what: str) -> bool:
    """Let the registry take a blob from another repository of its own. Returns whether it did."""
    query = urlencode({"mount": digest, "from": source})
    answer = target.send("POST", target.url(f"blobs/uploads/?{query}"), what, body=b"")
    if answer.status == 201:
        return True
    location = answer.header("Location")
    if location:
        target.delete_quietly(target.absolute(location))
    return False


def upload(target: Registry, digest: str, path: Path, what: str, piece: int = PIECE) -> Sent:
    """Bring the file of a blob to the registry unless it is there. Raises `EdgewrightError`; then nothing is tagged."""
    size = path.stat().st_size
    there = _repeated(target, digest, what, lambda: _upload(target, digest, path, size, what, piece))
    return Sent("there", 0) if there else Sent("sent", size)


def small(target: Registry, data: bytes, what: str) -> str:
    """Store a small blob in one request and return its digest. Raises `EdgewrightError`."""
    digest = media.digest(data)

    def put() -> None:
        answer = target.send("POST", target.url("blobs/uploads/"), what, body=b"")
        url = _with_digest(_location(answer.header("Location"), target), digest)
        try:
            target.send("PUT", url, what, body=data, headers=_BYTES, tries=1)
        except (Unreachable, NotFound) as error:
            raise _Again(error) from None

    _repeated(target, digest, what, put)
    return digest


def _repeated(target: Registry, digest: str, what: str, put: Callable[[], None]) -> bool:
    """Run an upload until the blob is there; returns whether it was there before."""
    for attempt in range(1, TRIES + 1):
        if target.has_blob(digest, what):
            return attempt == 1
        try:
            put()
            return False
        except _Again as again:
            if attempt == TRIES:
                raise again.error from None
            target.pause(attempt)
    raise AssertionError("unreachable")


class _Again(Exception):
    """The upload must start again: the registry forgot it."""

    def __init__(self, error: EdgewrightError) -> None:
        super().__init__(error.message)
        self.error = error


def _upload(target: Registry, digest: str, path: Path, size: int, what: str, piece: int) -> None:
    answer = target.send("POST", target.url("blobs/uploads/"), what, body=b"")
    location = _location(answer.header("Location"), target)
    done, failures = 0, 0
    try:
        while size > piece and done < size:
            length = min(piece, size - done)
            start = done
            headers = {
                **_BYTES,
                "Content-Length": str(length),
                "Content-Range": f"{start}-{start + length - 1}",
            }
            try:
                answer = target.send(
                    "PATCH",
                    location,
                    what,
                    body=partial(_read, target, path, start, length, size),
                    headers=headers,
                    tries=1,
                )
            except Cancelled:
                raise
            except EdgewrightError as error:
                failures += 1
                if failures >= TRIES or not isinstance(error, (Unreachable, TimedOut)):
                    raise
                target.pause(failures)
                location, arrived = _where(target, location, what, error)
                failures = 0 if arrived > done else failures
                done = arrived
                continue
            done = start + length
            location = target.absolute(answer.header("Location") or location)
        rest = size - done
        target.send(
            "PUT",
            _with_digest(location, digest),
            what,
            body=partial(_read, target, path, done, rest, size),
            headers={**_BYTES, "Content-Length": str(rest)},
            tries=1 if rest else TRIES,
        )
    except (Cancelled, KeyboardInterrupt):
        target.delete_quietly(location)
        raise
    except Unreachable as error:
        if size <= piece:
            raise _Again(error) from None
        raise
    except NotFound as error:  # the registry forgot the upload
        raise _Again(error) from None


def _where(target: Registry, location: str, what: str, error: EdgewrightError) -> tuple[str, int]:
    """Ask how much of an upload has arrived after the connection broke off."""
    answer = target.send("GET", location, what)
    received = answer.header("Range")
    if not received and answer.status != 204:
        raise error
    return target.absolute(answer.header("Location") or location), range_end(received)


def range_end(header: str) -> int:
    """Return how many bytes of an upload have arrived, from its Range header (`0-1023`)."""
    match = re.fullmatch(r"(?:bytes=)?0-(\d{1,18})", header.strip())
    return int(match.group(1)) + 1 if match and int(match.group(1)) else 0


def _read(target: Registry, path: Path, start: int, length: int, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            left = length
            while left:
                data = stream.read(min(CHUNK, left))
                if not data:
                    raise Failed(f"{path} became shorter while it was sent.", "Leave it alone, and run it again.")
                left -= len(data)
                yield data
                target.job.at(start + length - left, size)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Run it again.") from None


def _with_digest(location: str, digest: str) -> str:
    return location + ("&" if "?" in location else "?") + f"digest={digest}"


def _location(header: str, target: Registry) -> str:
    if not header:
        raise Failed(f"The registry {target.host} began an upload and gave no place for it.", "Its log has the reason.")
    return target.absolute(header)

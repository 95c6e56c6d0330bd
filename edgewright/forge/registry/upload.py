"""Blobs to a registry: mounted where it has them, in one piece when small, in resumable pieces when not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import EdgewrightError, Failed, NotFound, Unreachable
from edgewright.forge.progress import Cancelled
from edgewright.forge.registry.registry import CHUNK, TRIES, Registry, range_end

PIECE = 32 * 1024 * 1024
"""Bytes of one request of a large blob: what is lost at most when the connection breaks off."""


class Sent(NamedTuple):
    """How a blob came to the registry: `there`, `mounted` or `sent`, and how many bytes went over the line."""

    how: str
    size: int


def mount(target: Registry, digest: str, source: str, what: str) -> bool:
    """Let the registry take a blob over from another repository of its own. Returns whether it did."""
    answer = target.send("POST", target.url("blobs/uploads/"), what, params={"mount": digest, "from": source})
    if answer.status_code == 201:
        return True
    location = answer.headers.get("location")
    if location:
        _drop(target, target.absolute(location))
    return False


def upload(target: Registry, digest: str, path: Path, what: str, piece: int = PIECE) -> Sent:
    """Bring the file of a blob to the registry unless it is there. Raises `EdgewrightError`; then nothing is tagged."""
    size = path.stat().st_size
    for attempt in range(1, TRIES + 1):
        if target.has_blob(digest, what):
            return Sent("there" if attempt == 1 else "sent", 0 if attempt == 1 else size)
        try:
            _upload(target, digest, path, size, what, piece)
            return Sent("sent", size)
        except _Again as again:
            if attempt == TRIES:
                raise again.error from None
            target.pause(attempt)
    raise AssertionError("unreachable")


class _Again(Exception):
    """The whole upload must begin anew: the registry forgot it."""

    def __init__(self, error: EdgewrightError) -> None:
        super().__init__(error.message)
        self.error = error


def _upload(target: Registry, digest: str, path: Path, size: int, what: str, piece: int) -> None:
    answer = target.send("POST", target.url("blobs/uploads/"), what, headers={"Content-Length": "0"})
    location = target.absolute(_location(answer.headers.get("location"), target))
    done, failures = 0, 0
    try:
        while size > piece and done < size:
            length = min(piece, size - done)
            start = done
            headers = {
                "Content-Type": "application/octet-stream",
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
                if failures >= TRIES or not (isinstance(error, Unreachable) or error.code == "TooManyRequests"):
                    raise
                target.pause(failures)
                location, arrived = _where(target, location, what, error)
                failures = 0 if arrived > done else failures
                done = arrived
                continue
            done = start + length
            location = target.absolute(answer.headers.get("location") or location)
        rest = size - done
        target.send(
            "PUT",
            location + ("&" if "?" in location else "?") + f"digest={digest}",
            what,
            body=partial(_read, target, path, done, rest, size),
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(rest)},
            tries=1 if rest else TRIES,
        )
    except Cancelled:
        _drop(target, location)
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
    told = answer.headers.get("range", "")
    if not told and answer.status_code != 204:
        raise error
    return target.absolute(answer.headers.get("location") or location), range_end(told)


def _read(target: Registry, path: Path, start: int, length: int, size: int) -> Iterator[bytes]:
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


def _location(header: str | None, target: Registry) -> str:
    if not header:
        raise Failed(f"The registry {target.host} began an upload and did not say where.", "Its log tells more.")
    return header


def _drop(target: Registry, location: str) -> None:
    """Tell the registry that an upload will not go on; it may not care."""
    target.delete_quietly(location)

"""Blobs from a registry as streams: verified, continued by Range where the connection broke off."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from edgewright.core.errors import Failed, InvalidInput
from edgewright.oci import errors
from edgewright.oci.pace import TooSlow
from edgewright.oci.registry import TRIES, Registry
from edgewright.oci.reply import TooLong
from edgewright.oci.session import FAILURES, Stream

PROGRESS = 64 * 1024
"""Bytes that a connection must bring before it breaks, else it counts as a failed try."""


def blob(registry: Registry, digest: str, size: int, what: str) -> Iterator[bytes]:
    """Yield a blob of `size` bytes piece by piece, verified at its end.

    Raises `Failed` when it is another thing; then what was yielded must not be used.
    """
    seen = hashlib.sha256()
    for piece in rest(registry, digest, size, what, 0):
        seen.update(piece)
        yield piece
    if "sha256:" + seen.hexdigest() != digest:
        raise errors.mismatch(what, digest)


def rest(registry: Registry, digest: str, size: int, what: str, done: int, patient: bool = True) -> Iterator[bytes]:
    """Yield a blob from byte `done` on, for a caller who has its beginning and verifies all of it at the end.

    A registry that falls silent is asked again, unless not `patient`: then the caller has another source. Raises
    `EdgewrightError`.
    """
    tries = 0
    while True:
        before = done
        headers: dict[str, str] = {"Range": f"bytes={done}-"} if done else {}
        try:
            with registry.open(registry.url(f"blobs/{digest}"), what, headers) as stream:
                skip = _start(stream, done, what)
                for piece in stream.pieces(skip + size - done):
                    registry.job.check()
                    if skip:
                        piece, skip = piece[skip:], max(0, skip - len(piece))
                    if piece:
                        done += len(piece)
                        yield piece
            if done < size:
                raise EOFError("it ended early")
            break
        except TooLong:
            raise _wrong_size(what, "longer") from None
        except InvalidInput:
            if not done:
                raise
            raise _wrong_size(what, "shorter") from None  # 416: there is nothing behind what has arrived
        except (*FAILURES, EOFError) as error:
            if done == size:
                break  # it is complete, only its end was lost
            moved = done - before >= PROGRESS and not isinstance(error, TooSlow)
            tries = 1 if moved else tries + 1
            silent = isinstance(error, TooSlow) and not patient
            if silent or tries >= TRIES or not (isinstance(error, EOFError) or errors.repeatable(error)):
                raise errors.lost(error, registry.host, what) from None
            registry.pause(tries)


def _wrong_size(what: str, how: str) -> Failed:
    message = f"{what[:1].upper()}{what[1:]} is {how} than its manifest states."
    return Failed(message, "Do not trust this registry.", "DigestMismatch")


def _start(stream: Stream, done: int, what: str) -> int:
    """Return how many bytes to skip: a registry that knows no ranges sends the blob from its first byte."""
    if stream.status == 200 or not done:
        return done
    range_start = re.match(r"bytes (\d{1,18})-", stream.headers.get("Content-Range") or "")
    if range_start is not None and int(range_start.group(1)) != done:
        raise Failed(f"{what[:1].upper()}{what[1:]} was continued at another place than asked for.", "Try again.")
    return 0

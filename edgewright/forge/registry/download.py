"""Files from URLs: streamed to disk, continued where the connection broke off, hashed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Refused, TimedOut, Unreachable
from edgewright.forge.progress import Job
from edgewright.oci import access, address
from edgewright.oci.session import FAILURES, Session

TRIES = 4


def is_url(text: str) -> bool:
    """Whether a word is a URL that can be fetched."""
    return text.startswith(("https://", "http://"))


def download(url: str, target: Path, job: Job, ca: Path | None = None) -> str:
    """Fetch a URL into a file and return its sha256.

    Raises `NotFound`, `Refused`, `Unreachable`, `TimedOut`, `InvalidInput` for a URL that is none.
    """
    try:
        host = address.parse(url).netloc
    except address.BadAddress:
        raise InvalidInput(f"{url} is not a valid URL.", "Write it as https://HOST/PATH.") from None
    seen, done = hashlib.sha256(), 0
    session = Session(lambda name: access.tls_context(host, ca), job.check)
    try:
        with target.open("wb") as out:
            for start, total, piece in _pieces(session, url, host, job):
                if start != done:  # the server knows no ranges and began again
                    seen, done = hashlib.sha256(), 0
                    out.seek(0)
                    out.truncate()
                out.write(piece)
                seen.update(piece)
                done += len(piece)
                job.at(done, total)
    finally:
        session.close()
    return seen.hexdigest()


def _pieces(session: Session, url: str, host: str, job: Job) -> Iterator[tuple[int, int, bytes]]:
    """Yield offset, total (as far as it is known) and bytes of each piece."""
    done = 0
    for attempt in range(1, TRIES + 1):
        headers = {"Range": f"bytes={done}-"} if done else {}
        try:
            with session.stream("GET", url, headers) as stream:
                if stream.status == 416:
                    return
                if stream.status >= 400:
                    raise _refusal(stream.status, url, host)
                done = 0 if stream.status == 200 else done
                total = done + (stream.length or 0)
                for piece in stream.pieces():
                    yield done, total, piece
                    done += len(piece)
            return
        except FAILURES as error:
            if attempt == TRIES:
                reason = f"{host} cannot be reached for {url}: {error.__cause__ or error}."
                raise Unreachable(reason, "Check the network.") from None
            job.check()


def _refusal(status: int, url: str, host: str) -> EdgewrightError:
    if status == 404:
        return NotFound(f"There is no {url}.", "Check version, architecture and spelling.")
    if status in (401, 403):
        return Refused(f"{host} does not give out {url} ({status}).", "Fetch it yourself and give the file.")
    if status == 429:
        return TimedOut(f"{host} limits requests ({url}).", "Wait a while.")
    return Unreachable(f"{host} answered {status} for {url}.", "Try again later.")

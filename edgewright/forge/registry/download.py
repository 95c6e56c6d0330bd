"""Files from URLs: streamed to disk, continued where the connection broke off, hashed on the way."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from edgewright.core.errors import EdgewrightError, NotFound, Refused, TimedOut, Unreachable
from edgewright.forge.progress import Job
from edgewright.forge.registry import trust
from edgewright.forge.registry.reference import is_loopback

TRIES = 4


def is_url(text: str) -> bool:
    """Whether a word is a URL that can be fetched."""
    return text.startswith(("https://", "http://"))


def download(url: str, target: Path, job: Job, ca: Path | None = None) -> str:
    """Fetch a URL into a file and return its sha256. Raises `NotFound`, `Refused`, `Unreachable`, `TimedOut`."""
    import httpx

    host = urlsplit(url).netloc
    seen, done = hashlib.sha256(), 0
    timeout = httpx.Timeout(60.0, connect=15.0)
    with (
        httpx.Client(
            verify=trust.context(host, ca),
            timeout=timeout,
            follow_redirects=True,
            trust_env=not is_loopback(host),
            headers={"Accept-Encoding": "identity", "User-Agent": "edgewright"},
        ) as http,
        target.open("wb") as out,
    ):
        for attempt in range(1, TRIES + 1):
            headers = {"Range": f"bytes={done}-"} if done else {}
            try:
                with http.stream("GET", url, headers=headers) as answer:
                    if answer.status_code == 416:
                        break
                    if answer.status_code >= 400:
                        raise _refusal(answer.status_code, url, host)
                    if done and answer.status_code == 200:
                        seen, done = hashlib.sha256(), 0
                        out.seek(0)
                        out.truncate()
                    total = done + int(answer.headers.get("content-length") or 0)
                    for piece in answer.iter_raw(1 << 18):
                        out.write(piece)
                        seen.update(piece)
                        done += len(piece)
                        job.at(done, total)
                break
            except httpx.TransportError as error:
                if attempt == TRIES:
                    raise Unreachable(f"{host} cannot be reached for {url}: {error}.", "Check the way there.") from None
                job.check()
    return seen.hexdigest()


def _refusal(status: int, url: str, host: str) -> EdgewrightError:
    if status == 404:
        return NotFound(f"There is no {url}.", "Check version, architecture and spelling.")
    if status in (401, 403):
        return Refused(f"{host} does not give out {url} ({status}).", "Fetch it by hand and give the file.")
    if status == 429:
        return TimedOut(f"{host} is asked too much ({url}).", "Wait a while.")
    return Unreachable(f"{host} answered {status} for {url}.", "Try again later.")

"""A registry over HTTP: manifests, blobs read as streams, each failure as a sentence.

The OCI distribution API (v2). Waits out 429, tries again what broke off and may be repeated; never holds a blob in
memory. Uploads are in `upload.py`.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgewright.core.errors import EdgewrightError, Failed, NotFound
from edgewright.core.text import whole_number
from edgewright.forge.progress import Job
from edgewright.forge.registry import answers, credentials, media, trust
from edgewright.forge.registry.auth import Tokens
from edgewright.forge.registry.reference import DOCKER_HUB, is_loopback

if TYPE_CHECKING:
    import httpx

TRIES = 4
"""How often a request is sent in all when the registry is busy or the connection breaks."""
MAX_MANIFEST = 4 * 1024 * 1024
"""Bytes of a manifest that are read; registries refuse larger ones."""
CHUNK = 256 * 1024
Body = bytes | Callable[[], Iterator[bytes]] | None


class Manifest(NamedTuple):
    """A manifest as it came: its bytes, its media type and its digest."""

    data: bytes
    media_type: str
    digest: str


class Registry:
    """One repository of one registry.

    `others` are scopes asked for beside its own, so that blobs can be mounted. `http` replaces the network in tests.
    """

    def __init__(
        self,
        host: str,
        repository: str,
        job: Job,
        *,
        write: bool = False,
        ca: Path | None = None,
        others: Sequence[str] = (),
        http: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        self.host, self.repository, self.job = host, repository, job
        self._address = "registry-1.docker.io" if host == DOCKER_HUB else host
        self.scopes = (f"repository:{repository}:{'pull,push' if write else 'pull'}", *others)
        self.plain = trust.plain(host, repository)
        self._sleep = sleep
        unverified = trust.insecure(host, repository)
        self._http = httpx.Client(
            transport=http,
            verify=True if http is not None else trust.context(host, ca, unverified=unverified),
            timeout=httpx.Timeout(60.0, connect=15.0),
            follow_redirects=True,
            trust_env=not is_loopback(host),
            headers={"User-Agent": "edgewright", "Accept-Encoding": "identity"},
        )
        self.login = credentials.find(host, repository)
        self._tokens = Tokens(self._http, host, self.login, plain=self.plain)
        self._base = ""

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def url(self, path: str) -> str:
        """Return the address of something in the repository; finds out first whether TLS is spoken."""
        return f"{self._root()}/v2/{self.repository}/{path}"

    def absolute(self, location: str) -> str:
        """Return a Location header as an absolute address."""
        return location if "://" in location else f"{self._root()}{location}"

    def _root(self) -> str:
        import httpx

        if not self._base:
            self._base = f"https://{self._address}"
            try:
                self._http.get(f"{self._base}/v2/")
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                if not (self.plain and answers.speaks_no_tls(error)):
                    self._base = ""
                    raise answers.lost(error, self.host, "connecting", connecting=True) from None
                self._base = f"http://{self._address}"
        return self._base

    def manifest(self, wanted: str, what: str) -> Manifest:
        """Return the manifest of a tag or digest, its digest verified. Raises `NotFound` and others."""
        answer = self.send("GET", self.url(f"manifests/{wanted}"), what, headers={"Accept": ", ".join(media.MANIFESTS)})
        digest = "sha256:" + hashlib.sha256(answer.content).hexdigest()
        if wanted.startswith("sha256:") and digest != wanted:
            raise Failed(f"The registry {self.host} gave another thing than {wanted} ({what}).", "Do not trust it.")
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Manifest(answer.content, media.of_manifest(answer.content, media_type), digest)

    def digest(self, tag: str, what: str) -> str | None:
        """Return the digest that a tag has, or None when there is no such tag (or repository)."""
        try:
            return self.manifest(tag, what).digest
        except NotFound:
            return None

    def put_manifest(self, wanted: str, data: bytes, media_type: str, what: str) -> httpx.Response:
        """Store a manifest under a tag or its digest."""
        return self.send("PUT", self.url(f"manifests/{wanted}"), what, body=data, headers={"Content-Type": media_type})

    def small_blob(self, digest: str, what: str, limit: int = MAX_MANIFEST) -> bytes:
        """Return a small blob whole (a configuration), verified."""
        data = b"".join(self.blob(digest, limit, what))
        return data

    def blob(self, digest: str, size: int, what: str) -> Iterator[bytes]:
        """Yield a blob piece by piece; continues where it broke off. Raises `Failed` when it is another thing."""
        import httpx

        seen, done, tries = hashlib.sha256(), 0, 0
        while True:
            headers = {"Range": f"bytes={done}-"} if done else {}
            try:
                with self._stream("GET", self.url(f"blobs/{digest}"), what, headers) as answer:
                    skip = done if answer.status_code == 200 else 0  # a registry that knows no ranges begins anew
                    for piece in answer.iter_raw(CHUNK):
                        self.job.check()
                        if skip:
                            piece, skip = piece[skip:], max(0, skip - len(piece))
                        if piece:
                            seen.update(piece)
                            done, tries = done + len(piece), 0
                            if done > size:
                                raise Failed(f"{what} is longer than it says.", "Do not trust this registry.")
                            yield piece
                break
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                tries += 1
                if tries >= TRIES:
                    raise answers.lost(error, self.host, what) from None
                self.pause(tries)
        if "sha256:" + seen.hexdigest() != digest:
            raise Failed(
                f"{what} is not what its digest {digest} says.", "Do not trust this registry.", "DigestMismatch"
            )

    def has_blob(self, digest: str, what: str) -> bool:
        """Whether the repository has a blob."""
        try:
            self.send("HEAD", self.url(f"blobs/{digest}"), what)
        except NotFound:
            return False
        return True

    def send(
        self,
        method: str,
        url: str,
        what: str,
        *,
        body: Body = None,
        headers: dict[str, str] | None = None,
        tries: int = TRIES,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request and return its successful answer, read whole (small ones only).

        A body that is a function is called anew for each try. Raises `EdgewrightError`.
        """
        import httpx

        for attempt in range(1, tries + 1):
            try:
                answer = self._once(method, url, body, headers or {}, params)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                if attempt == tries:
                    raise answers.lost(error, self.host, what) from None
                self.pause(attempt)
                continue
            if answer.status_code < 400:
                return answer
            if attempt == tries or not (answer.status_code == 429 or answer.status_code in (500, 502, 503, 504)):
                raise self._error(answer, what)
            self.pause(attempt, answer.headers.get("retry-after", ""))
        raise AssertionError("unreachable")

    def delete_quietly(self, url: str) -> None:
        """Ask for something to be forgotten (an upload that will not go on); whether that works does not matter."""
        import httpx

        try:
            self._http.delete(url, headers=self._with_login({}, url), timeout=3.0)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            pass

    def pause(self, attempt: int, wish: str = "") -> None:
        """Wait before the next try: as the registry wishes (120 s at most), else 1, 2, 4 s. Raises `Cancelled`."""
        seconds = whole_number(wish)
        left = min(float(seconds), 120.0) if seconds is not None else float(2 ** (attempt - 1))
        while left > 0:
            self.job.check()
            self._sleep(min(left, 0.5))
            left -= 0.5

    def _once(
        self, method: str, url: str, body: Body, headers: dict[str, str], params: dict[str, str] | None
    ) -> httpx.Response:
        answer = None
        for _ in range(2):
            content = body() if callable(body) else body
            answer = self._http.request(
                method, url, content=content, headers=self._with_login(headers, url), params=params
            )
            if answer.status_code != 401 or not self._let_in(answer):
                return answer
        assert answer is not None
        return answer

    @contextmanager
    def _stream(self, method: str, url: str, what: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        for attempt in range(1, TRIES + 2):
            with self._http.stream(method, url, headers=self._with_login(headers, url)) as answer:
                if answer.status_code < 400:
                    yield answer
                    return
                answer.read()
                if answer.status_code == 401 and attempt <= 2 and self._let_in(answer):
                    continue
                if attempt > TRIES or answer.status_code not in (429, 500, 502, 503, 504):
                    raise self._error(answer, what)
            self.pause(attempt, answer.headers.get("retry-after", ""))

    def _with_login(self, headers: dict[str, str], url: str) -> dict[str, str]:
        """Add the Authorization, for the registry itself alone (an upload may be sent to another host)."""
        held = self._tokens.header(self.scopes)
        ours = held is not None and url.startswith(self._base + "/")
        return {**headers, "Authorization": held} if ours and held else headers

    def _let_in(self, answer: httpx.Response) -> bool:
        header = answer.headers.get("www-authenticate", "")
        return self._tokens.answer(header, self.scopes) is not None

    def _error(self, answer: httpx.Response, what: str) -> EdgewrightError:
        return answers.from_answer(answer.status_code, answer.content[:65536], what, self.host, self.login)


def mount_scope(repository: str) -> str:
    """Return the scope that mounting from a repository needs."""
    return f"repository:{repository}:pull"


def range_end(header: str) -> int:
    """Return how many bytes of an upload have arrived, from its Range header (`0-1023`)."""
    found = re.fullmatch(r"(?:bytes=)?0-(\d+)", header.strip())
    return int(found.group(1)) + 1 if found and int(found.group(1)) else 0

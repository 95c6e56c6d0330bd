"""One repository of a registry: manifests, small blobs, and requests that are tried again. OCI distribution API v2.

Waits out 429 and errors of the server, repeats what broke off. Large blobs are read by `pull` and written by `push`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed, NotFound
from edgewright.core.text import integer
from edgewright.oci import access as accesses
from edgewright.oci import address, auth, errors, media
from edgewright.oci.access import Access
from edgewright.oci.link import Body
from edgewright.oci.pace import Limits
from edgewright.oci.redirects import BadRedirect
from edgewright.oci.reference import DOCKER_HUB, is_loopback
from edgewright.oci.session import FAILURES, SMALL, Answer, Session, Stream
from edgewright.oci.work import Work

TRIES = 4
"""How often a request is sent in all when the registry is busy or the connection breaks."""
MAX_MANIFEST = 4 * 1024 * 1024
"""Bytes of a manifest that are read; registries refuse larger ones."""
MAX_WAIT = 120.0
"""Seconds of one wait that a registry may ask for with Retry-After."""
BUSY = (429, 500, 502, 503, 504)


class Manifest(NamedTuple):
    """A manifest as received: its bytes, its media type and its digest."""

    data: bytes
    media_type: str
    digest: str


class Registry:
    """One repository of one registry.

    `access` None: what the files of this machine give (`access.of_machine` with `ca`). `others` are scopes asked for
    beside its own, so that blobs can be mounted. `sleep` takes seconds.
    """

    def __init__(
        self,
        host: str,
        repository: str,
        job: Work,
        *,
        write: bool = False,
        ca: Path | None = None,
        access: Access | None = None,
        others: Sequence[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        limits: Limits = Limits(),  # noqa: B008  # immutable
    ) -> None:
        self.host, self.repository, self.job = host, repository, job
        self.access = accesses.of_machine(host, repository, ca) if access is None else access
        self.login = self.access.login
        self.scopes = (f"repository:{repository}:{'pull,push' if write else 'pull'}", *others)
        self._address = "registry-1.docker.io" if host == DOCKER_HUB else host
        self._sleep = sleep
        self._session = Session(
            lambda name: self.access.context(host, name),
            job.check,
            limits,
            self.access.environment,
            self.access.guard,
        )
        self._tokens = auth.Tokens(self._session, host, self.login, self._plain_realm)
        self._base = ""

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def url(self, path: str) -> str:
        """Return the address of something in the repository; finds out first whether TLS is spoken."""
        return f"{self._root()}/v2/{self.repository}/{path}"

    def absolute(self, location: str) -> str:
        """Return a Location header as an absolute address. Raises `Failed`, `Refused` for one without TLS."""
        base = address.parse(self._root() + "/")
        try:
            target = address.join(base, location)
        except address.BadAddress as error:
            raise errors.lost(error, self.host, "an upload") from None
        if target.scheme == "http" and base.scheme == "https":
            raise errors.lost(BadRedirect(f"to {target}, which has no TLS"), self.host, "an upload")
        return target.url

    def _root(self) -> str:
        if not self._base:
            base = f"https://{self._address}"
            try:
                with self._session.stream("GET", f"{base}/v2/") as stream:
                    stream.excerpt(SMALL)
            except FAILURES as error:
                if not (self.access.plain(self.host) and errors.speaks_no_tls(error)):
                    raise errors.lost(error, self.host, "connecting") from None
                base = f"http://{self._address}"
            self._base = base
        return self._base

    def manifest(self, wanted: str, what: str) -> Manifest:
        """Return the manifest of a tag or digest, its digest verified. Raises `NotFound` and others."""
        accept = {"Accept": ", ".join(media.MANIFESTS)}
        answer = self.send("GET", self.url(f"manifests/{wanted}"), what, headers=accept, most=MAX_MANIFEST)
        digest = media.digest(answer.body)
        received = answer.header("Docker-Content-Digest")
        expected = wanted if wanted.startswith("sha256:") else received if received.startswith("sha256:") else digest
        if digest != expected:
            raise Failed(
                f"The registry {self.host} gave another thing than {expected[:80]} ({what}).",
                "Do not trust it.",
                "DigestMismatch",
            )
        media_type = answer.header("Content-Type").partition(";")[0].strip()
        return Manifest(answer.body, media.of_manifest(answer.body, media_type), digest)

    def digest(self, tag: str, what: str) -> str | None:
        """Return the digest that a tag has, or None when there is no such tag (or repository)."""
        try:
            return self.manifest(tag, what).digest
        except NotFound:
            return None

    def put_manifest(self, wanted: str, data: bytes, media_type: str, what: str) -> Answer:
        """Store a manifest under a tag or its digest."""
        return self.send("PUT", self.url(f"manifests/{wanted}"), what, body=data, headers={"Content-Type": media_type})

    def small_blob(self, digest: str, what: str, limit: int = MAX_MANIFEST) -> bytes:
        """Return a small blob (a configuration), verified. Raises `Failed` above `limit` bytes."""
        data = self.send("GET", self.url(f"blobs/{digest}"), what, most=limit).body
        if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
            raise errors.mismatch(what, digest)
        return data

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
        most: int = SMALL,
    ) -> Answer:
        """Send one request and return its successful response, read into memory (`most` bytes).

        A body that is a function is called again for each try. Raises `EdgewrightError`.
        """
        for attempt in range(1, tries + 1):
            try:
                with self._authorized(method, url, headers or {}, body) as stream:
                    answer = stream.answer(most)
            except FAILURES as error:
                if attempt == tries or not errors.repeatable(error):
                    raise errors.lost(error, self.host, what) from None
                self.pause(attempt)
                continue
            if answer.status < 400:
                return answer
            if attempt == tries or answer.status not in BUSY:
                raise self._error(answer, what)
            self.pause(attempt, answer.header("Retry-After"))
        raise AssertionError("unreachable")

    @contextmanager
    def open(self, url: str, what: str, headers: dict[str, str]) -> Iterator[Stream]:
        """Give a successful response whose body is read in pieces. Raises `EdgewrightError` and `FAILURES`."""
        for attempt in range(1, TRIES + 1):
            with self._authorized("GET", url, headers, None) as stream:
                if stream.status < 400:
                    yield stream
                    return
                answer = stream.answer(SMALL)
            if attempt == TRIES or answer.status not in BUSY:
                raise self._error(answer, what)
            self.pause(attempt, answer.header("Retry-After"))

    def delete_quietly(self, url: str) -> None:
        """Ask for something to be deleted (an upload that ends here); whether that works does not matter."""
        session = Session(
            lambda name: self.access.context(self.host, name), limits=Limits(3.0, 3.0), guard=self.access.guard
        )
        try:
            session.request("DELETE", url, self._with_login({}, url), follow=False)
        except FAILURES:
            pass
        finally:
            session.close()

    def pause(self, attempt: int, retry_after: str = "") -> None:
        """Wait before the next try: as the registry asks (`MAX_WAIT` at most), else 1, 2, 4 s. Raises `Cancelled`."""
        left = float(2 ** (attempt - 1))
        seconds, date = integer(retry_after.strip()), times.http_date(retry_after or None)
        if seconds is not None:
            left = float(min(seconds, MAX_WAIT))
        elif date is not None:
            left = min(max(0.0, date - times.now()), MAX_WAIT)
        while left > 0:
            self.job.check()
            self._sleep(min(left, 0.5))
            left -= 0.5

    @contextmanager
    def _authorized(self, method: str, url: str, headers: dict[str, str], body: Body) -> Iterator[Stream]:
        """Send a request with what was accepted before; once more with a new login when that is asked for."""
        for _ in range(2):
            used = self._tokens.header(self.scopes)
            with self._session.stream(method, url, self._with_login(headers, url), body) as stream:
                ours = stream.url.origin == address.parse(self._base + "/").origin
                if stream.status != 401 or not ours:
                    yield stream
                    return
                refusal = stream.headers.get("WWW-Authenticate") or ""
                stream.excerpt(SMALL)
            if not self._tokens.respond(refusal, self.scopes, used):
                break
        raise errors.from_response(401, b"", url, self.host, self.login)

    def _with_login(self, headers: dict[str, str], url: str) -> dict[str, str]:
        """Add the Authorization, for the registry itself alone (an upload may be sent to another host)."""
        value = self._tokens.header(self.scopes)
        return {**headers, "Authorization": value} if value and url.startswith(self._base + "/") else headers

    def _plain_realm(self, netloc: str) -> bool:
        """Whether a token service without TLS may get the login: only beside a registry that may have none itself."""
        same = accesses.host_of(netloc) == accesses.host_of(self.host)
        return self.access.plain(self.host) and (is_loopback(netloc) or (self.access.insecure and same))

    def _error(self, answer: Answer, what: str) -> EdgewrightError:
        return errors.from_response(answer.status, answer.body[:SMALL], what, self.host, self.login)

"""One connection pool to one plane: budget, credential, retries, JSON, and every failure as an `EdgewrightError`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from edgewright.clients.http import errors, peer, tls
from edgewright.clients.http.addresses import EACH, REPEATABLE, UNAVAILABLE, Address, Addresses, by_system, proxied
from edgewright.clients.http.budget import Budget
from edgewright.clients.http.credential import Credential
from edgewright.core.certificate_clock import NOTHING, Evidence
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, TimedOut
from edgewright.core.text import integer
from edgewright.wire import protocol

if TYPE_CHECKING:
    import httpx

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of one answer that are read; a page of 1,000 hosts is about 3 MB."""
TRIES_WHEN_BUSY: Final = 4
"""How often a request that got 429 is sent in all; each wait is the budget's."""


class Reply(msgspec.Struct, frozen=True):
    """A successful answer: status, parsed JSON (`None` for an empty body, bytes for a file), headers in lower case."""

    status: int
    data: Any
    headers: dict[str, str]


class Transport:
    """What all nouns of `PlaneClient` share.

    `url` may have several addresses of the plane, separated by commas: one is in use until it fails, then the next one.
    `timeout` is in seconds and applies to connecting and to each wait for bytes. `http` replaces the network in tests.
    """

    def __init__(
        self,
        url: str,
        credential: Credential | None = None,
        ca: Path | None = None,
        project_uid: str | None = None,
        budget: Budget | None = None,
        timeout: float = 10.0,
        *,
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx

        urls = tuple(dict.fromkeys(_checked(each) for each in url.split(",")))
        direct = http is None and (all(_loopback(each) for each in urls) or not proxied())
        self.addresses = Addresses(urls, by_system if direct else None)
        self.ca = ca
        self.credential = credential or Credential()
        self.project_uid = project_uid
        self.budget = budget or Budget()
        self.timeout = timeout
        self._httpx = httpx
        verify = tls.context(ca) if any(each.startswith("https") for each in urls) and http is None else True
        self._http = httpx.AsyncClient(
            verify=verify,
            transport=http,
            timeout=httpx.Timeout(timeout),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30.0),
            follow_redirects=False,
            trust_env=not all(_loopback(each) for each in urls),
            headers={"Accept": "application/json", "User-Agent": "edgewright"},
        )

    @property
    def url(self) -> str:
        """Return the URL in use."""
        return self.addresses.current.url

    @property
    def peer(self) -> str:
        """Return host and port of the address in use, for sentences; of a name with several hubs the IP address too."""
        return self.addresses.current.shown

    async def page_limit(self) -> int:
        """Return how many entries of a list may be asked for at a time. Raises `EdgewrightError`."""
        return protocol.PAGE_LIMIT

    async def aclose(self) -> None:
        """Close the connections. Calls that are under way end with an error."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: Any = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        tenant: bool = False,
        patience: float = 0.0,
    ) -> Reply:
        """Send one request within the budget and return its successful answer.

        `what` names the thing for sentences. A body of bytes is sent as it is, any other as JSON. `tenant` leaves the
        project header out. `patience` is how many seconds the plane may take for what it has to do itself (to fetch
        from a registry), where that is longer than the client's time-out. A 429 is waited for and sent again (the plane
        did not take it). Raises `EdgewrightError`.
        """
        sent = self._headers(tenant, headers)
        content = None
        if body is not None:
            raw = isinstance(body, bytes)
            content = body if raw else msgspec.json.encode(body)
            sent["Content-Type"] = "application/octet-stream" if raw else "application/json"
        for attempt in range(1, TRIES_WHEN_BUSY + 1):
            await self.budget.acquire(path)
            status, data, answered = await self._send(method, path, what, content, params, sent, patience)
            if status == 429 and attempt < TRIES_WHEN_BUSY:
                await self.budget.refused(path, _retry_after(answered))
                continue
            break
        if 200 <= status < 300 and answered.get("content-type", "").startswith("application/octet-stream"):
            return Reply(status, data, answered)  # a file
        if 200 <= status < 300:
            return Reply(status, self._parsed(data, what), answered)
        raise errors.from_answer(status, _tolerant(data), what, self.peer, self.credential.kind)

    async def failure(self, error: Exception, what: str, method: str = "GET", patience: float = 0.0) -> EdgewrightError:
        """Return the error to show for a failure of httpx, after a second look where a clock may be the cause."""
        evidence = await peer.clock_evidence(self.url) if tls.concerns_clock(error) else NOTHING
        return self.explain(error, what, evidence, method, patience)

    def explain(
        self, error: Exception, what: str, evidence: Evidence = NOTHING, method: str = "GET", patience: float = 0.0
    ) -> EdgewrightError:
        """Turn a failure of httpx into the error to show."""
        httpx = self._httpx
        if isinstance(error, httpx.ConnectTimeout):
            return errors.no_connection(error, self.peer, self.url)
        if isinstance(error, httpx.TimeoutException):
            return TimedOut(
                f"The plane at {self.peer} did not answer within {max(self.timeout, patience):g} s for {what}.",
                errors.HINT_SLOW if method in REPEATABLE else errors.HINT_UNKNOWN,
            )
        result = tls.explain(error, self.peer, self.ca, evidence=evidence)
        if result is not None:
            return result
        if isinstance(error, httpx.ConnectError | httpx.ProxyError | OSError):
            return errors.no_connection(error, self.peer, self.url)
        return errors.lost(self.peer, changes=method not in REPEATABLE)

    def stream(
        self, path: str, params: Mapping[str, str | int], accept: str, silence: float
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open an answer that is read as it arrives; `silence` is the longest wait for bytes in seconds.

        When the address in use does not take the connection, or cannot answer, the next stream is opened at another.
        """
        address = self.addresses.current
        headers = {**self._headers(False, None), **address.headers(), "Accept": accept}
        return self._http.stream(
            "GET",
            address.target + path,
            params=params,
            headers=headers,
            timeout=self._limits(read=silence),
            extensions=address.extensions(),
        )

    def _limits(self, read: float | None = None) -> httpx.Timeout:
        """Return the seconds to wait; one of several addresses has `EACH` to accept a connection."""
        connect = self.timeout if len(self.addresses) == 1 else min(self.timeout, EACH)
        return self._httpx.Timeout(self.timeout, connect=connect, read=read or self.timeout)

    def _headers(self, tenant: bool, more: Mapping[str, str] | None) -> dict[str, str]:
        sent = self.credential.headers()
        if self.project_uid and not tenant:
            sent[protocol.H_PROJECT] = self.project_uid
        sent.update(more or {})
        return sent

    async def _send(
        self,
        method: str,
        path: str,
        what: str,
        content: bytes | None,
        params: Mapping[str, str | int] | None,
        headers: dict[str, str],
        patience: float,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send a request to the address in use, and to the others while that is safe; returns the first answer."""
        await self.addresses.look_up()
        left = list(self.addresses.order())
        while True:
            address = left.pop(0)
            try:
                answer = await self._exchange(method, address, path, what, content, params, headers, patience)
            except (self._httpx.HTTPError, self._httpx.InvalidURL, OSError) as error:
                not_sent = isinstance(error, self._httpx.ConnectError | self._httpx.ConnectTimeout)
                if left and (not_sent or (method in REPEATABLE and isinstance(error, self._httpx.TransportError))):
                    self.addresses.failed(address)
                    continue
                shown = await self.failure(error, what, method, patience)
                self.addresses.failed(address)
                raise shown from error
            except RuntimeError as error:  # httpx: the client was closed meanwhile
                if self._http.is_closed:
                    raise errors.lost(self.peer) from error
                raise
            if answer[0] != UNAVAILABLE:
                self.addresses.works(address)
                return answer
            self.addresses.failed(address)
            if not left or method not in REPEATABLE:
                return answer

    async def _exchange(
        self,
        method: str,
        address: Address,
        path: str,
        what: str,
        content: bytes | None,
        params: Mapping[str, str | int] | None,
        headers: dict[str, str],
        patience: float,
    ) -> tuple[int, bytes, dict[str, str]]:
        async with self._http.stream(
            method,
            address.target + path,
            content=content,
            params=params,
            headers={**headers, **address.headers()},
            timeout=self._limits(read=max(self.timeout, patience)),
            extensions=address.extensions(),
        ) as answer:
            data = bytearray()
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > MAX_ANSWER:
                    raise Failed(f"The plane at {self.peer} sent more than 64 MB for {what}.", "Ask for less.")
            return answer.status_code, bytes(data), {name.lower(): text for name, text in answer.headers.items()}

    def _parsed(self, data: bytes, what: str) -> Any:
        if not data.strip():
            return None
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise errors.not_json(what, self.peer) from None


def _tolerant(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = integer(headers.get("retry-after", ""))
    return None if seconds is None else min(float(seconds), 120.0)


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _checked(url: str) -> str:
    """Return the URL without path. Raises `InvalidInput` for one that cannot be a plane's, or would reveal the key."""
    try:
        parts = urlsplit(url.strip())
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_ok = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok or "@" in parts.netloc:
        raise InvalidInput(f"{url!r} is not a URL of a plane.", "Write it as https://HOST or https://HOST:PORT.")
    clean_url = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme == "http" and not _loopback(clean_url):
        raise InvalidInput(
            f"{clean_url} has no TLS, so that the API key would travel in the open.",
            "Use https; plain http is taken for this machine itself only.",
        )
    return clean_url

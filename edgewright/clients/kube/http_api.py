"""The API of a cluster over HTTPS, at a local port that leads to it."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncGenerator

import httpx

from edgewright.clients.kube import refusals
from edgewright.core.errors import EdgewrightError, Failed, TimedOut, Unreachable
from edgewright.core.text import clean

WITHIN = 20.0
"""Seconds for one answer, and for a connection: the relay may wait for a host before."""
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer: a page of 500 large pods has a tenth of that."""
MAX_LINE = 8 * 1024 * 1024
"""Bytes of one line of a watch: etcd stores objects of 1.5 MB, JSON is larger."""
STEP = 1024 * 1024
"""Bytes that are decompressed at a time: 64 kB from the network may become 64 MB, and the screen is not to wait."""
REACH = "See: edgewright kube reach"
_SERVER_NAME = "kubernetes"
"""In the certificate of every API server that kubeadm made."""


class HttpApi:
    """Asks an API at `https://127.0.0.1:PORT` that shows the certificate of the cluster."""

    def __init__(
        self,
        name: str,
        port: int,
        context: ssl.SSLContext,
        server_name: str = _SERVER_NAME,
        *,
        bearer: str = "",
        hint: str = REACH,
    ) -> None:
        """`hint` is the next step where it cannot be reached; `bearer` is sent where there is no certificate."""
        self._name, self._hint = name, hint
        self._extensions = {"sni_hostname": server_name}
        timeout = httpx.Timeout(WITHIN, connect=WITHIN, pool=WITHIN)
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=4, keepalive_expiry=30)
        self._client = httpx.AsyncClient(
            verify=context,
            base_url=f"https://127.0.0.1:{port}",
            timeout=timeout,
            limits=limits,
            trust_env=False,
            headers={"Authorization": f"Bearer {bearer}"} if bearer else None,
        )

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Return the body of the answer. Raises `EdgewrightError`."""
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", **({"Content-Type": kind} if body else {})}
        try:
            request = self._client.build_request(
                method, path, content=body or None, headers=headers, extensions=dict(self._extensions)
            )
            response = await self._client.send(request, stream=True)
            try:
                data = await self._body(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explained(error) from None
        if response.status_code >= 400:
            raise refusals.of_answer(response.status_code, data)
        return data

    async def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer that lasts. Raises `EdgewrightError`."""
        timeout = httpx.Timeout(WITHIN, read=silent)
        extensions = {**self._extensions, "timeout": timeout.as_dict()}
        headers = {"Accept-Encoding": "identity"}
        try:
            async with self._client.stream(
                "GET", path, headers=headers, timeout=timeout, extensions=extensions
            ) as response:
                if response.status_code >= 400:
                    raise refusals.of_answer(response.status_code, await self._body(response))
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise self._encoded()
                rest = bytearray()
                async for piece in response.aiter_raw():
                    rest += piece
                    if b"\n" in piece:
                        *complete, rest = rest.split(b"\n")
                        for each in complete:
                            yield bytes(each)
                    if len(rest) > MAX_LINE:
                        raise Failed(f"A line of the API of {self._name} is too long.", "Use kubectl.")
                if rest:
                    yield bytes(rest)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explained(error) from None

    async def aclose(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        data = bytearray()
        async for piece in self._content(response):
            data += piece
            if len(data) > MAX_ANSWER:
                raise Failed(f"An answer of the API of {self._name} is too large.", "Use kubectl: edgewright kube get")
        return bytes(data)

    async def _content(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield what an answer contains; of gzip no more than `STEP` bytes at a time."""
        encoding = response.headers.get("content-encoding", "identity")
        if encoding == "identity":
            async for piece in response.aiter_raw():
                yield piece
            return
        if encoding != "gzip":
            raise self._encoded()
        engine = zlib.decompressobj(31)
        try:
            async for piece in response.aiter_raw():
                rest = piece
                while rest:
                    yield engine.decompress(rest, STEP)
                    rest = engine.unconsumed_tail
                    await asyncio.sleep(0)
            yield engine.flush()
        except zlib.error:
            raise self._encoded() from None

    def _encoded(self) -> Failed:
        return Failed(
            f"An answer of the API of {self._name} is compressed in a way that cannot be read.", "Use kubectl."
        )

    def _explained(self, error: httpx.HTTPError | httpx.InvalidURL) -> EdgewrightError:
        if isinstance(error, httpx.TimeoutException):
            return TimedOut(f"The API of {self._name} does not answer.", "It is asked again.")
        reason = clean(str(error) or type(error).__name__, 200)
        return Unreachable(f"The API of {self._name} cannot be reached: {reason}.", self._hint)

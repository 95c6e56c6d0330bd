"""A connection for a few questions of a verb that ends then: the standard library alone, no pool and no retries.

What goes wrong is an `OSError`; who asks takes the ordinary client then, which retries and explains.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of one answer, as it comes and as it is when decompressed."""


class Answer(NamedTuple):
    """Status, headers in lower case, and the content, decompressed."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Connection(http.client.HTTPConnection):
    """HTTP over TCP, or over TLS to a peer whose certificate has another name than its address."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, name: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._context, self._name = context, name

    def connect(self) -> None:
        """Connect. Raises `OSError`."""
        raw = socket.create_connection((self.host, self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # headers and body leave in two pieces
        self.sock = raw
        if self._context is None:
            return
        try:
            wrapped = self._context.wrap_socket(raw, server_hostname=self._name, do_handshake_on_connect=False)
            self.sock = wrapped  # from here on `cut` ends it
            wrapped.do_handshake()
        except BaseException:
            self.sock.close()
            raise

    def cut(self) -> None:
        """End all reading and writing at once, from another thread."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class Link:
    """A connection to one server, made with the first question. Blocking; use it as a context manager."""

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        *,
        name: str = "",
        timeout: float = 10.0,
        within: float = 60.0,
    ) -> None:
        """`name` is what the certificate must be for (default: `host`).

        `timeout` is seconds for each wait, `within` for all of it: a peer that sends a byte now and then ends too.
        """
        self._connection = _Connection(host, port, context, name or host, timeout)
        self._late = False
        self._timer = threading.Timer(within, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._connection.close()

    def _end(self) -> None:
        self._late = True
        self._connection.cut()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send a request and return its answer, whatever its status. Raises `OSError`."""
        if self._late:
            raise TimeoutError("there is no time for another question")
        try:
            self._connection.request(method, path, body, {"Accept-Encoding": "gzip", **headers})
            response = self._connection.getresponse()
            data = response.read(MAX_ANSWER + 1)
        except http.client.HTTPException as error:
            raise ConnectionError(f"no answer in HTTP: {type(error).__name__}") from error
        if self._late:
            raise TimeoutError("the answer was not complete in time")
        named = {key.lower(): value for key, value in response.getheaders()}
        if named.get("content-encoding", "identity") == "gzip":
            data = _decompressed(data)
        if len(data) > MAX_ANSWER:
            raise ConnectionError("the answer is too large")
        return Answer(response.status, named, data)


def _decompressed(data: bytes) -> bytes:
    with contextlib.suppress(zlib.error):
        engine = zlib.decompressobj(31)
        result = engine.decompress(data, MAX_ANSWER + 1)
        if engine.eof or len(result) > MAX_ANSWER:
            return result
    raise ConnectionError("the answer is not compressed as it should be")

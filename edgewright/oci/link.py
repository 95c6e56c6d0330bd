"""One connection to a registry, directly or through a proxy, with TLS or (where that is allowed) without."""

from __future__ import annotations

import functools
import http.client
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Union

from edgewright.core.proxy import Proxy
from edgewright.oci.address import Address
from edgewright.oci.guard import Guard, check_literal, connection
from edgewright.oci.pace import Limits, Pace
from edgewright.oci.reply import SLICE, Reply

PIECE = 64 * 1024
"""Bytes of one write."""
Origin = tuple[str, str, int]
Body = Union[bytes, Callable[[], Iterator[bytes]], None]
"""Bytes, or a function that gives them in pieces each time the request is sent (`Content-Length` is then needed)."""
CLOSED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""How a connection shows that the other end has closed it."""


class NoConnection(OSError):
    """A connection could not be made; its cause is the failure, `proxy` the proxy on the way."""

    def __init__(self, proxy: Proxy | None) -> None:
        super().__init__("no connection")
        self.proxy = proxy


class Link(http.client.HTTPConnection):
    """A connection whose reads and writes are bounded. Not for several threads."""

    def __init__(
        self,
        origin: Origin,
        context: ssl.SSLContext | None,
        proxy: Proxy | None,
        limits: Limits,
        check: Callable[[], None],
        guard: Guard | None = None,
    ) -> None:
        self.origin, self.proxy = origin, proxy
        self._context, self._limits, self._check, self._guard = context, limits, check, guard
        scheme, host, port = origin
        super().__init__(proxy.host if proxy else host, proxy.port if proxy else port, timeout=limits.connect)
        self.default_port = 443 if scheme == "https" else 80
        self.response_class = functools.partial(Reply, limits=limits, check=check)  # type: ignore[assignment]
        if proxy is not None and scheme == "https":
            self.set_tunnel(host, port, dict(proxy.headers))
        if guard is not None and proxy is None:
            self._create_connection: Any = functools.partial(connection, guard)  # where http.client opens its socket
        self.idle_since = 0.0

    def connect(self) -> None:
        """Open it. Raises `NoConnection`."""
        try:
            if self._guard is not None and self.proxy is not None:
                check_literal(self._guard, self.origin[1])
            super().connect()
            if self._context is not None:
                self.sock = self._context.wrap_socket(self.sock, server_hostname=self.origin[1])
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self.sock.settimeout(SLICE)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoConnection(self.proxy) from error

    def send(self, data: Any) -> None:
        """Send bytes. Raises `TooSlow`, `OSError`, and what `check` raises."""
        if self.sock is None:
            self.connect()
        rest, pace = memoryview(data), Pace(self._limits)
        while rest:
            began = time.monotonic()
            try:
                count = self.sock.send(rest[:PIECE])
            except TimeoutError:
                pace.waited(time.monotonic() - began)
                self._check()
                continue
            pace.moved(count)
            rest = rest[count:]

    def exchange(self, method: str, place: Address, headers: Mapping[str, str], body: Body) -> Reply:
        """Send a request and return its reply, its head read. Raises `NoConnection`, `OSError` and others."""
        plain_proxy = self.proxy is not None and place.scheme == "http"
        self.putrequest(method, place.url if plain_proxy else place.target, skip_accept_encoding=True)
        all_headers = {"User-Agent": "edgewright", "Accept-Encoding": "identity", **headers}
        if plain_proxy and self.proxy is not None:
            all_headers.update(self.proxy.headers)
        if isinstance(body, bytes):
            all_headers.setdefault("Content-Length", str(len(body)))
        for name, value in all_headers.items():
            self.putheader(name, value)
        self.endheaders()
        broken: OSError | None = None
        try:
            for piece in (body,) if isinstance(body, bytes) else body() if body is not None else ():
                self.send(piece)
        except (BrokenPipeError, ConnectionResetError) as error:
            broken = error  # a server that refuses a body may close before it has read it: its reply gives the reason
        try:
            reply = self.getresponse()
        except CLOSED:
            if broken is not None:
                raise broken from None
            raise
        assert isinstance(reply, Reply)
        if broken is not None:
            reply.will_close = True
        return reply

    @property
    def stale(self) -> bool:
        """Whether the other end closed it (or sent something unasked) while it was idle."""
        if self.sock is None:
            return True
        try:
            poll = select.poll()  # `select` fails for descriptors above 1023
            poll.register(self.sock, select.POLLIN)
            return bool(poll.poll(0))
        except (OSError, ValueError):
            return True

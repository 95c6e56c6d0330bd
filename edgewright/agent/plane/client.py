"""One persistent HTTPS connection to the plane: JSON in, JSON out, each failure as one sentence.

Every call of the protocol may be sent twice without harm (`docs/protocol.md`), so a connection that the other end
closed while it idled is opened again and the call repeated once.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from contextlib import closing, nullcontext
from typing import Any, Callable, ContextManager, Dict, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from edgewright.agent.plane import tls
from edgewright.agent.plane.addresses import Addresses
from edgewright.agent.plane.floor import Floor
from edgewright.agent.plane.http_response import Answer
from edgewright.agent.plane.traffic import Traffic
from edgewright.agent.plane.upload import wait_sent
from edgewright.core import certificate_clock, times
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, TimedOut, Unreachable
from edgewright.core.proxy import Proxy
from edgewright.core.times import http_date
from edgewright.wire import protocol

TIMEOUT = 20.0
"""Seconds that connecting, and each wait for the other end, may take (P4)."""
LOOK = 5.0
"""Seconds for a second look at a certificate that was refused for its dates."""
MAX_REPLY = 4 * 1024 * 1024
"""Bytes of an answer that are read at most."""


_CLOSED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""How a connection shows that the other end has closed it."""


class Endpoint(NamedTuple):
    """Where the plane is."""

    host: str
    port: int
    base: str

    @property
    def name(self) -> str:
        """Return `host:port` as sentences name it."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{shown}:{self.port}"


def parse_endpoint(url: str) -> Endpoint:
    """Return the parts of `https://host[:port][/base]` (a bare `host[:port]` is https). Raises `InvalidInput`."""
    text = url.strip()
    if "://" not in text:
        text = "https://" + text
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        host, port, parts = "", 0, urlsplit("https://")
    if parts.scheme != "https":
        raise InvalidInput(
            f"The endpoint {url} does not begin with https://.", "The agent talks to a plane by TLS only."
        )
    if not host or any(character.isspace() for character in text):
        raise InvalidInput(f"The endpoint {url!r} names no host.", "Write it as https://plane.example:8443.")
    return Endpoint(host, port, parts.path.rstrip("/"))


class Reply(NamedTuple):
    """An answer of the plane, whatever its status."""

    status: int
    headers: Dict[str, str]
    body: bytes

    def json(self) -> Dict[str, Any]:
        """Return the body as an object; an empty one when it is not a JSON object."""
        value = self._value()
        return value if isinstance(value, dict) else {}

    @property
    def is_json(self) -> bool:
        """Return whether the body is a JSON object or list, as every answer of a plane is that has one."""
        return isinstance(self._value(), (dict, list))

    def _value(self) -> Any:
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None


class _Secure(http.client.HTTPSConnection):
    """A connection over TLS to one of the addresses of its name."""

    response_class = Answer

    def __init__(self, host: str, port: int, timeout: float, context: ssl.SSLContext, addresses: Addresses) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._addresses, self._tls, self._seconds = addresses, context, timeout

    def connect(self) -> None:
        """Connect and verify the certificate. Raises `OSError`."""
        link = self._addresses.connect(self.host, self.port, self._seconds)
        try:
            self.sock = self._tls.wrap_socket(link, server_hostname=self.host)
        except BaseException:
            link.close()
            raise


class Client:
    """Talks to one endpoint. Not for several threads.

    `now` is the host's clock (epoch seconds); `guard` wraps each exchange, so that a signal can break it off.
    With `floor`, `context` does not look at dates and each new connection is checked before it is used (P137).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        context: ssl.SSLContext,
        ca_file: str = "",
        proxy: Optional[Proxy] = None,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = times.now,
        guard: Callable[[], ContextManager[None]] = nullcontext,
        traffic: Optional[Traffic] = None,
        addresses: Optional[Addresses] = None,
        floor: Optional[Floor] = None,
    ) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self._context = context
        self._ca_file = ca_file
        self._proxy = proxy
        self._now = now
        self._guard = guard
        self._traffic = traffic
        self._addresses = addresses or Addresses()
        self._floor = floor
        self._open: Optional[http.client.HTTPSConnection] = None

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._open is not None:
            if self._traffic is not None and self._open.sock is not None:
                self._traffic.ended(self._open.sock)
            self._open.close()
            self._open = None

    def avoid(self) -> None:
        """Connect to another address of the plane's name next time, where it has several."""
        self._addresses.avoid(self.endpoint.host)

    def call(self, method: str, path: str, body: Any = None, headers: Optional[Mapping[str, str]] = None) -> Reply:
        """Send one request and return the answer. Raises an `EdgewrightError` when there is none."""
        sent = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body, separators=(",", ":")).encode()
            sent["Content-Type"] = "application/json"

        def send(connection: http.client.HTTPSConnection) -> http.client.HTTPResponse:
            connection.request(method, self.endpoint.base + path, data, sent)
            wait_sent(connection.sock, len(data or b""), self.timeout)
            return connection.getresponse()

        return self._exchange(send)

    def lean(self, path: str, data: bytes, authorization: str) -> Reply:
        """Send a POST with as few bytes as HTTP allows, in one segment. Raises as `call` does."""

        def send(connection: http.client.HTTPSConnection) -> http.client.HTTPResponse:
            connection.sock.sendall(self._lean_request("POST", path, data, authorization))
            answer = Answer(connection.sock, method="POST")
            answer.begin()
            return answer

        return self._exchange(send)

    def release(self) -> None:
        """Leave the open connection to whoever has its socket."""
        self._open = None

    def send_lean(self, method: str, path: str, data: bytes, authorization: str, more: str = "") -> ssl.SSLSocket:
        """Send such a request over a new connection and return its socket, for an answer that comes much later.

        `more` are further header lines, each with its end.
        """
        self.close()
        try:
            with self._guard():
                link = self._connection().sock
                link.sendall(self._lean_request(method, path, data, authorization, more))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self._explain(error) from None
        except BaseException:
            self.close()
            raise
        assert isinstance(link, ssl.SSLSocket)
        return link

    def _lean_request(self, method: str, path: str, data: bytes, authorization: str, more: str = "") -> bytes:
        host = self.endpoint.name if self.endpoint.port != 443 else self.endpoint.name[: -len(":443")]
        length = f"Content-Length: {len(data)}\r\n" if data else ""
        return (
            f"{method} {self.endpoint.base}{path} HTTP/1.1\r\nHost: {host}\r\n"
            f"{protocol.H_AUTHORIZATION}: {authorization}\r\n{length}{more}\r\n"
        ).encode("latin-1") + data

    def _exchange(self, send: Callable[[http.client.HTTPSConnection], http.client.HTTPResponse]) -> Reply:
        """Send a request and read its answer, once more over a new connection when an idle one had been closed."""
        fresh = self._open is None
        while True:
            try:
                with self._guard():
                    return self._read(send(self._connection()))
            except _CLOSED as error:
                self.close()
                if fresh:
                    raise self._explain(error) from None
                fresh = True
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                raise self._explain(error) from None
            except BaseException:
                self.close()  # stopped in the middle of an answer: the connection is of no use any more
                raise

    def _read(self, answer: http.client.HTTPResponse) -> Reply:
        parts, size = [], 0
        while True:
            part = answer.read1(65536)
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > MAX_REPLY:
                raise ValueError("the answer is too long")
        missing = answer.length
        answer.close()  # an answer without a body does not end by itself, and the next call would find it open
        if missing:
            raise http.client.IncompleteRead(b"", missing)
        reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, b"".join(parts))
        if answer.will_close:
            self.close()
        elif self._traffic is not None and self._open is not None:
            self._traffic.note(self._open.sock)
        return reply

    def _connection(self) -> http.client.HTTPSConnection:
        if self._open is not None:
            return self._open
        connection = self._connect(self._context, self.timeout)
        try:
            while self._floor and not self._floor.admit(connection, self.endpoint.host, self.endpoint.base):
                connection.close()
                connection = self._connect(self._context, self.timeout)
        except BaseException:
            connection.close()
            raise
        connection.auto_open = 0  # http.client would connect again without the check
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._open = connection
        return connection

    def _connect(self, context: ssl.SSLContext, timeout: float) -> http.client.HTTPSConnection:
        host, port = self.endpoint.host, self.endpoint.port
        connection: http.client.HTTPSConnection
        if self._proxy is not None:
            connection = http.client.HTTPSConnection(
                self._proxy.host, self._proxy.port, timeout=timeout, context=context
            )
            connection.set_tunnel(host, port, dict(self._proxy.headers))
            connection.response_class = Answer
        else:
            connection = _Secure(host, port, timeout, context, self._addresses)
        connection.connect()
        return connection

    def _evidence(self) -> certificate_clock.Evidence:
        """Return the dates of the certificate that was refused and the clock of who showed it; sends no secret.

        The connection is not verified, so what it gives is evidence for a sentence and is used for nothing else.
        """
        begins = ends = clock = None
        try:
            with self._guard(), closing(self._connect(tls.unverified(), min(self.timeout, LOOK))) as connection:
                begins, ends = certificate_clock.validity(connection.sock.getpeercert(True) or b"")
                connection.request("GET", self.endpoint.base + protocol.HEALTH_PING)
                clock = http_date(connection.getresponse().headers.get("Date"))
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the certificate's dates alone are evidence too
        return certificate_clock.Evidence(begins, ends, clock)

    def _explain(self, error: BaseException) -> EdgewrightError:
        name = self.endpoint.name
        through = f" through the proxy {self._proxy.name}" if self._proxy is not None else ""
        if isinstance(error, ssl.SSLError) and not isinstance(error, socket.timeout):
            return tls.explain(error, self.endpoint.host, self._ca_file, self._now(), self._evidence)
        if self._proxy is not None and isinstance(error, (socket.gaierror, ConnectionRefusedError)):
            unknown = isinstance(error, socket.gaierror)
            problem = "its name cannot be resolved" if unknown else "the connection was refused"
            return Unreachable(
                f"The proxy {self._proxy.name} cannot be reached: {problem}.",
                "Check stylus.site.network.httpsProxy (or HTTPS_PROXY), and that the proxy is running.",
                code="DnsFailed" if unknown else "ProxyUnreachable",
            )
        if isinstance(error, socket.gaierror):
            return Unreachable(
                f"The name {self.endpoint.host} cannot be resolved.",
                "Check the name and this host's DNS servers.",
                code="DnsFailed",
            )
        if isinstance(error, ConnectionRefusedError):
            return Unreachable(
                f"Nothing listens at {name}: the connection was refused.",
                "Check the port, and that the plane runs.",
                code="ConnectionRefused",
            )
        if isinstance(error, (socket.timeout, TimeoutError)):
            return TimedOut(
                f"{name} did not answer within {self.timeout:.0f} s{through}.",
                "Check the link and what filters traffic on the way.",
            )
        if isinstance(error, ValueError):
            return Failed(f"The answer of {name} cannot be used: {error}.", "Check that the endpoint is a plane.")
        if isinstance(error, http.client.HTTPException):
            return Unreachable(
                f"What answers at {name}{through} broke off or does not speak HTTP ({type(error).__name__}).",
                "Check that the endpoint is the plane.",
                code="BrokenAnswer",
            )
        if isinstance(error, OSError) and str(error).startswith("Tunnel connection failed"):
            reported = str(error).partition(": ")[2]
            return Unreachable(
                f"The proxy {self._proxy.name if self._proxy else ''} refused to connect to {name}: {reported}.",
                "Check stylus.site.network.httpsProxy and what the proxy allows.",
                code="ProxyRefused",
            )
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
        return Unreachable(
            f"No way to {name}{through}: {reason}.", "Check this host's network and its default route.", code="NoRoute"
        )

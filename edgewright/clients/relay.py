"""The client's end of a stream of the relay (rule P30): a WebSocket to the plane over which TLS or SSH runs end to end.

One address of the plane is tried after the other, as for every request. What the plane reports while a stream waits for
its host is handed on, so that a user sees when it will open.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

import msgspec

from edgewright.clients.http import errors, tls
from edgewright.clients.http.addresses import EACH, Address, proxied
from edgewright.core.errors import EdgewrightError, Failed, TimedOut, Unreachable
from edgewright.core.text import clean
from edgewright.wire import protocol, websocket
from edgewright.wire.protocol import relay
from edgewright.wire.websocket import BINARY, CLOSE, PING, PONG, TEXT

if TYPE_CHECKING:
    from edgewright.clients.http.transport import Transport

CHUNK = 32_768
_MAX_ANSWER = 65_536
ANSWER_WITHIN = 15.0
"""Seconds for the answer of one address, and for the host beyond the time that the plane names."""


class Waiting(NamedTuple):
    """What the plane reports of a stream that waits: which host, how it is asked, and when at the latest."""

    host: str
    by: str
    at: str
    seconds: float

    @property
    def sentence(self) -> str:
        """Return it for a user."""
        if self.by == "wake":
            return f"Waiting for {self.host}: it is asked now."
        return f"Waiting for {self.host}: it is asked with its next heartbeat, within {self.seconds:.0f} s ({self.at})."


Report = Callable[[Waiting], None]


class Stream:
    """An open stream: `read` until it is empty, `write`, `close`. One reader and one writer at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = websocket.Reader(masked=False)
        self._pieces: list[websocket.Piece] = []
        self.host = ""
        self._over = False

    async def opened(self, report: Report) -> None:
        """Wait until the host has brought its end. Raises `EdgewrightError` with the plane's reason."""
        patience = ANSWER_WITHIN
        while True:
            piece = await self._next(patience)
            if piece is None:
                raise Unreachable("The plane ended the stream before it was open.", "Try again.", relay.E_ENDED)
            if piece.kind != TEXT:
                continue
            body = _json(piece.data)
            state = body.get("state")
            if state == "open":
                self.host = clean(body.get("host") or "", 128)
                return
            if state == "failed":
                code, message = clean(body.get("code") or "", 64), clean(body.get("message") or "", 500)
                raise Failed(message or "The stream did not open.", "See: edgewright kube reach", code)
            if state == "waiting":
                seconds = float(body["seconds"]) if isinstance(body.get("seconds"), int | float) else 0.0
                name = clean(body.get("hostName") or body.get("host") or "", 128)
                shown = Waiting(name, clean(body.get("by") or "", 16), clean(body.get("expectedAt") or "", 40), seconds)
                patience = seconds + max(relay.WAKE_WITHIN, relay.BEAT_WITHIN) + ANSWER_WITHIN
                report(shown)

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        while True:
            piece = await self._next(None)
            if piece is None:
                return b""
            if piece.kind == BINARY:
                return piece.data

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the plane does not take them. Raises `OSError`."""
        self._writer.write(websocket.frame(BINARY, data, True))
        await self._writer.drain()

    async def finish(self) -> None:
        """Report that nothing more is sent. Raises `OSError`."""
        self._writer.write(websocket.frame(CLOSE, (1000).to_bytes(2, "big"), True))
        await self._writer.drain()

    def close(self) -> None:
        """End the stream."""
        self._over = True
        self._writer.close()

    async def _next(self, seconds: float | None) -> websocket.Piece | None:
        while not self._pieces:
            if self._over:
                return None
            try:
                async with asyncio.timeout(seconds if seconds is not None else relay.SILENT):
                    data = await self._reader.read(CHUNK)
            except TimeoutError:
                if seconds is not None:
                    raise TimedOut("The plane did not open the stream in time.", "Try again.", relay.E_LATE) from None
                return None  # the plane checks a silent stream more often than this
            except OSError:
                return None
            if not data:
                return None
            try:
                for piece in self._frames.feed(data):
                    if piece.kind == PING:
                        self._writer.write(websocket.frame(PONG, piece.data, True))
                    elif piece.kind == CLOSE:
                        self._over = True
                    elif piece.kind != PONG:
                        self._pieces.append(piece)
            except websocket.Broken:
                self._over = True
        return self._pieces.pop(0)


class Relays:
    """Opens streams over the addresses and with the credential of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def open_stream(
        self, cluster_uid: str, port: int = relay.API, host: str = "", report: Report = lambda _: None
    ) -> Stream:
        """Open a stream to a port of a cluster's host; `report` is called while it waits. Raises `EdgewrightError`."""
        return await open_stream(self._transport, cluster_uid, port, host, report)


async def open_stream(
    transport: Transport, cluster_uid: str, port: int = relay.API, host: str = "", report: Report = lambda _: None
) -> Stream:
    """Open a stream to a port of a cluster's host. Raises `EdgewrightError`.

    `report` is called while the stream waits for its host.
    """
    await transport.addresses.look_up()
    query = {"port": str(port), **({"host": host} if host else {})}
    target = f"{protocol.path(relay.STREAM, uid=cluster_uid)}?{urlencode(query)}"
    left = list(transport.addresses.order())
    while True:
        address = left.pop(0)
        try:
            stream = await _connect(transport, address, target)
        except (OSError, TimeoutError, ssl.SSLError) as error:
            transport.addresses.failed(address)
            if left:
                continue
            raise _explain(transport, address, error) from error
        if stream is None:  # a hub without its database
            transport.addresses.failed(address)
            if left:
                continue
            raise Unreachable(f"The plane at {address.shown} cannot open a stream now.", "Try again in a moment.")
        try:
            await stream.opened(report)
        except BaseException:
            stream.close()
            raise
        transport.addresses.works(address)
        return stream


async def _connect(transport: Transport, address: Address, target: str) -> Stream | None:
    """Return the WebSocket at one address; `None` where another address may do. Raises `EdgewrightError`, `OSError`."""
    parts = urlsplit(address.url)
    secure = parts.scheme == "https"
    name, port = parts.hostname or "", parts.port or (443 if secure else 80)
    context = await asyncio.to_thread(tls.context, transport.ca) if secure else None
    key = websocket.new_key()
    headers = {
        "Host": parts.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": websocket.VERSION, **transport.credential.headers(),
    }  # fmt: skip
    if transport.project_uid:
        headers[protocol.H_PROJECT] = transport.project_uid
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    async with asyncio.timeout(EACH if len(transport.addresses) > 1 else transport.timeout):
        reader, writer = await _dial(address.ip or name, name, port, context, direct=bool(address.ip))
    try:
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        async with asyncio.timeout(max(ANSWER_WITHIN, transport.timeout)):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = _status(head)
            if status == 101 and websocket.accept(key) in head:
                return Stream(reader, writer)
            body = b"" if status == 101 else await reader.readexactly(_length(head))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        writer.close()
        raise ConnectionError("it ended the connection") from None
    except BaseException:
        writer.close()
        raise
    writer.close()
    if status in (0, 101, 503):
        return None
    raise errors.from_answer(status, _json(body), "stream", address.shown, transport.credential.kind)


async def _dial(
    host: str, name: str, port: int, context: ssl.SSLContext | None, *, direct: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, through the proxy of the environment where there is one. Raises `OSError`."""
    proxy = "" if direct or not proxied() or urllib.request.proxy_bypass(name) else _proxy()
    named = name if context is not None else None
    if not proxy:
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=named, limit=CHUNK * 2)
    parts = urlsplit(proxy)
    reader, writer = await asyncio.open_connection(parts.hostname or "", parts.port or 3128, limit=CHUNK * 2)
    try:
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {b64encode(user.encode()).decode()}")
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if _status(head) != 200:
            raise ConnectionError(f"the proxy {parts.hostname} refused the connection ({_status(head)})")
        if context is not None:
            await writer.start_tls(context, server_hostname=named)
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _proxy() -> str:
    proxies = urllib.request.getproxies()
    return proxies.get("https") or proxies.get("all") or ""


def _explain(transport: Transport, address: Address, error: BaseException) -> EdgewrightError:
    result = tls.explain(error, address.shown, transport.ca)
    if result is not None:
        return result
    if isinstance(error, TimeoutError):
        return TimedOut(f"The plane at {address.shown} did not answer.", "Check the link, then try again.")
    return errors.no_connection(error, address.shown, address.url)


def _status(head: str) -> int:
    with contextlib.suppress(ValueError, IndexError):
        return int(head.split(" ", 2)[1])
    return 0


def _length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length" and value.strip().isdigit():
            return min(int(value), _MAX_ANSWER)
    return 0


def _json(data: bytes) -> dict[str, Any]:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = msgspec.json.decode(data)
        return value if isinstance(value, dict) else {}
    return {}

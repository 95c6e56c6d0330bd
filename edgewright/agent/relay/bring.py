"""Opening one stream: the local port first, then the WebSocket to the plane. Runs in a thread of its own."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Callable, NamedTuple, Optional, Tuple
from urllib.parse import urlencode

from edgewright.agent.plane.client import Client
from edgewright.agent.relay.pump import Ready
from edgewright.core.errors import EdgewrightError, Failed, Unreachable
from edgewright.core.text import clean
from edgewright.wire import protocol, websocket
from edgewright.wire.protocol import relay

LOCAL = "127.0.0.1"
"""Where streams lead to; never another machine."""
LOCAL_WITHIN = 5.0
OPEN_WITHIN = 15.0
"""Seconds for each address of the plane."""
TRIES = 3
"""Addresses of the plane that are tried: a hub that has not the client's end passes the stream on."""
_MAX_HEAD = 16_384


class Way(NamedTuple):
    """How the plane is reached now: a fresh client, the host's uid and credential."""

    client: Client
    uid: str
    credential: str


def refusal(port: int) -> str:
    """Return why a port is refused; empty for one of the fixed list. A plane cannot widen that list."""
    if port in relay.PORTS:
        return ""
    allowed = ", ".join(map(str, relay.PORTS))
    return f"port {port} is refused on this host: only {allowed} are relayed"


def connect_local(port: int, address: str = LOCAL) -> Tuple[Optional[socket.socket], str]:
    """Return a connection to a local port, or why there is none."""
    reason = refusal(port)
    if reason:
        return None, reason
    try:
        link = socket.create_connection((address, port), LOCAL_WITHIN)
    except OSError as error:
        what = (getattr(error, "strerror", None) or str(error) or "no answer").lower()
        return None, f"nothing answers at {address}:{port} on the host: {what}"
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link, ""


def bring(
    asked: relay.Asked,
    way: Callable[[], Way],
    local: Callable[[int], Tuple[Optional[socket.socket], str]] = connect_local,
) -> Ready:
    """Open both ends of a stream. Raises `EdgewrightError`; the plane gets the reason where it can be reached."""
    here, reason = local(asked.port)
    if here is None:
        current = way()
        report(current, asked, reason)
        raise Failed(f"The stream {asked.id} is not opened: {reason}.")
    try:
        for left in reversed(range(TRIES)):
            current = way()
            try:
                return Ready(asked.id, asked.port, open_plane(current, asked), here)
            except Unreachable:
                current.client.avoid()
                if not left:
                    raise
        raise AssertionError("unreachable")
    except BaseException:
        here.close()
        raise


def open_plane(way: Way, asked: relay.Asked) -> ssl.SSLSocket:
    """Return the WebSocket of a stream. Raises `Unreachable` where another address may do, else `Failed`."""
    key = websocket.new_key()
    query = urlencode({"stream": asked.id, "port": asked.port})
    path = f"{protocol.path(relay.OWN, uid=way.uid)}?{query}"
    more = (
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: {websocket.VERSION}\r\n"
    )
    link = way.client.send_lean("GET", path, b"", way.credential, more)
    try:
        status, head = _head(link)
    except OSError as error:
        way.client.close()
        raise Unreachable(f"The plane did not answer for the stream {asked.id}: {clean(error, 100)}.") from None
    if status == 101 and f"sec-websocket-accept: {websocket.accept(key)}".lower() in head.lower():
        way.client.release()
        return link
    way.client.close()
    text = f"The plane did not take the stream {asked.id}: status {status or 'none'}."
    raise Unreachable(text) if status in (0, 101) or status >= 500 else Failed(text)


def report(way: Way, asked: relay.Asked, reason: str) -> None:
    """Report to the plane why a stream is not brought, so that its client need not wait; a failure changes nothing."""
    body = {"stream": asked.id, "port": asked.port, "reason": reason[:500]}
    headers = {protocol.H_AUTHORIZATION: way.credential}
    try:
        way.client.call("POST", protocol.path(relay.OWN, uid=way.uid), body, headers)
    except EdgewrightError:
        return
    finally:
        way.client.close()


def _head(link: ssl.SSLSocket) -> Tuple[int, str]:
    """Return status and head of the answer, byte by byte: what follows it belongs to the stream.

    Raises `OSError`, also when the head is not complete in time, however it drips.
    """
    head, until = b"", time.monotonic() + OPEN_WITHIN
    while not head.endswith(b"\r\n\r\n"):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("its answer is not complete in time")
        link.settimeout(left)
        part = link.recv(1)
        if not part or len(head) > _MAX_HEAD:
            break
        head += part
    first = head.split(b"\r\n", 1)[0].split(b" ")
    known = len(first) > 1 and first[0].startswith(b"HTTP/1.") and first[1].isdigit()
    return (int(first[1]) if known else 0), head.decode("latin-1")

"""A WebSocket to a hub from a plain test, without a client of ours around it."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from edgewright.wire import websocket
from tests.hub_fixture import RunningHub


def upgrade(hub: RunningHub, path: str, header: str) -> tuple[int, ssl.SSLSocket]:
    """Ask for a WebSocket with one more header line; returns the status and the open connection."""
    parts = urlsplit(hub.url)
    context = ssl.create_default_context(cafile=str(hub.ca))
    link = socket.create_connection((parts.hostname or "", parts.port or 443), 10)
    secure = context.wrap_socket(link, server_hostname=parts.hostname)
    lines = (
        f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {websocket.new_key()}", "Sec-WebSocket-Version: 13", header, "", "",
    )  # fmt: skip
    secure.sendall("\r\n".join(lines).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = secure.recv(1)
        assert part, head
        head += part
    return int(head.split(b" ")[1]), secure

"""Back-pressure of a connection, and the responses that are sent without a request."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from edgewright.hub.http import bounds


class Flow(FlowControl):
    """Reads again only when the protocol has parsed what was read before."""

    def __init__(self, transport: asyncio.Transport, wake: Any) -> None:
        super().__init__(transport)
        self._wake = wake

    def resume_reading(self) -> None:
        """Parse what waits; the socket is read again after that."""
        if self.read_paused:
            self._wake()

    def forget(self) -> None:
        """Drop the reference to the protocol of a connection that has ended."""
        self._wake = _nothing

    def read_on(self) -> None:
        """Read the socket again."""
        super().resume_reading()


def _nothing() -> None:
    pass


def too_large() -> str:
    """Return the message for a head over the limits."""
    return f"The head of a request has at most {bounds.MAX_LINES} header lines and {bounds.MAX_HEAD} bytes."


def error_response(status: int, message: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return a complete response that ends the connection; `headers` are the server's own."""
    body = msgspec.json.encode({"code": status, "message": message})
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join(
        (
            STATUS_LINE[status],
            *lines,
            b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body),
            b"retry-after: 10\r\n" if status == 503 else b"",
            b"\r\n",
            body,
        )
    )

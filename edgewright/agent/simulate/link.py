"""A few HTTPS connections that many made-up hosts share: a small HTTP/1.1 client on asyncio streams."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, Dict, List, Mapping, Optional, Tuple

from edgewright import __version__
from edgewright.agent.plane.client import TIMEOUT, Endpoint, Reply
from edgewright.core.errors import Unreachable
from edgewright.wire import protocol

CONNECTIONS = 8
"""Connections at most: a plane sees a busy fleet, not a crowd of handshakes."""
MAX_REPLY = 4 * 1024 * 1024

Streams = Tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Link:
    """Sends requests over a pool of persistent connections."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext, size: int = CONNECTIONS) -> None:
        self._endpoint = endpoint
        self._context = context
        self._idle: List[Streams] = []
        self._places = asyncio.Semaphore(size)

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop()[1].close()

    async def call(
        self, method: str, path: str, body: Any = None, headers: Optional[Mapping[str, str]] = None
    ) -> Reply:
        """Send one request and return its answer. Raises `Unreachable`."""
        return await self._send(self._request(method, path, body, dict(headers or {})))

    async def lean(self, path: str, line: bytes, authorization: str) -> Reply:
        """Send a POST with as few bytes as HTTP allows, as the agent does (P75). Raises `Unreachable`."""
        endpoint = self._endpoint
        head = f"POST {endpoint.base}{path} HTTP/1.1\r\nHost: {endpoint.name}\r\n"
        head += f"{protocol.H_AUTHORIZATION}: {authorization}\r\nContent-Length: {len(line)}\r\n\r\n"
        return await self._send(head.encode("latin-1") + line)

    async def _send(self, request: bytes) -> Reply:
        async with self._places:
            fresh = not self._idle
            while True:
                try:
                    return await asyncio.wait_for(self._once(request), TIMEOUT)
                except (OSError, EOFError, asyncio.TimeoutError, ValueError) as error:  # noqa: UP041 - two things in 3.9
                    if fresh:
                        name = self._endpoint.name
                        raise Unreachable(f"{name} does not answer ({type(error).__name__}).") from None
                    fresh = not self._idle  # one that the plane closed meanwhile: take the next, a new one at last

    async def _once(self, request: bytes) -> Reply:
        streams = self._idle.pop() if self._idle else await self._connect()
        try:
            streams[1].write(request)
            await streams[1].drain()
            reply, retain = await _read_reply(streams[0])
        except BaseException:
            streams[1].close()
            raise
        if retain:
            self._idle.append(streams)
        else:
            streams[1].close()
        return reply

    async def _connect(self) -> Streams:
        host, port = self._endpoint.host, self._endpoint.port
        return await asyncio.open_connection(host, port, ssl=self._context, server_hostname=host)

    def _request(self, method: str, path: str, body: Any, headers: Dict[str, str]) -> bytes:
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        lines = [f"{method} {self._endpoint.base}{path} HTTP/1.1", f"Host: {self._endpoint.name}"]
        lines += [f"{protocol.H_AGENT}: {__version__}", "Accept: application/json"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data


async def _read_reply(reader: asyncio.StreamReader) -> Tuple[Reply, bool]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        raise ValueError("no HTTP")
    headers: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    status = int(parts[1])
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    elif status in (204, 304):
        body = b""
    else:
        length = int(headers.get("content-length", "0"))
        if length > MAX_REPLY:
            raise ValueError("the answer is too long")
        body = await reader.readexactly(length)
    return Reply(status, headers, body), headers.get("connection", "").lower() != "close"


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: List[bytes] = []
    total = 0
    while True:
        size = int((await reader.readline()).split(b";")[0].strip() or b"x", 16)
        total += size
        if total > MAX_REPLY:
            raise ValueError("the answer is too long")
        part = await reader.readexactly(size)
        await reader.readline()
        if size == 0:
            return b"".join(parts)
        parts.append(part)

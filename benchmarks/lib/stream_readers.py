"""Consoles for the benchmarks: connections that read a hub's change stream and drop it, in a process of its own.

Standard input is one line of JSON: host, port, ca, key, readers, encoding (`gzip`, which consoles ask for, or
`identity`). It writes `ready` when every stream has begun, reads until standard input ends, and writes the bytes that
each reader got as JSON.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from typing import Any, cast

import uvloop


class Reader(asyncio.Protocol):
    """One stream."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.begun = asyncio.Event()
        self.size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count what arrives."""
        if not self.size:
            assert data.startswith(b"HTTP/1.1 200"), data[:200]
        self.size += len(data)
        self.begun.set()


async def main() -> None:
    """Do what standard input asks for."""
    loop = asyncio.get_running_loop()
    work: dict[str, Any] = json.loads(sys.stdin.readline())
    context = ssl.create_default_context(cafile=work["ca"])
    request = (
        f"GET /edgewright/v1/changes?beats=0 HTTP/1.1\r\nHost: plane\r\nApiKey: {work['key']}\r\n"
        f"Accept: text/event-stream\r\nAccept-Encoding: {work['encoding']}\r\n\r\n"
    ).encode()
    readers = []
    for _ in range(work["readers"]):
        _, reader = await loop.create_connection(lambda: Reader(request), work["host"], work["port"], ssl=context)
        readers.append(reader)
    await asyncio.gather(*(reader.begun.wait() for reader in readers))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([reader.size for reader in readers]), flush=True)


if __name__ == "__main__":
    uvloop.run(main())

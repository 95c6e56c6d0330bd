"""Raw TLS connections for tests that send what no client of ours would send. Only to hubs on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hub_fixture import RunningHub

PING = b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n\r\n"


def secure(hub: RunningHub, seconds: float = 10) -> ssl.SSLSocket:
    """Open a TLS connection to the hub."""
    port = int(hub.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=str(hub.ca))
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), seconds), server_hostname="localhost")


def send_until_closed(link: ssl.SSLSocket, chunk: bytes, most: int) -> int:
    """Send a chunk again and again until the hub closes or `most` bytes are sent; returns the bytes sent."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most:
            link.sendall(chunk)
            sent += len(chunk)
    return sent


def read_all(link: ssl.SSLSocket) -> bytes:
    """Return what comes until the hub closes or the time of the socket is over."""
    parts = []
    with contextlib.suppress(OSError):
        while part := link.recv(65536):
            parts.append(part)
    return b"".join(parts)


async def exchange(hub: RunningHub, requests: bytes, seconds: float = 60) -> bytes:
    """Send while reading, and return all that comes until the hub closes; raises what ends it otherwise.

    In one thread: a TLS connection that one thread writes while another reads fails at times.
    """
    port = int(hub.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=str(hub.ca))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        async with asyncio.timeout(seconds):
            writer.write(requests)
            answer, _ = await asyncio.gather(reader.read(), writer.drain())
    finally:
        writer.close()
    return answer


def read_one(link: ssl.SSLSocket) -> bytes:
    """Return one response by its length; the hub closes some time later."""
    answer = b""
    with contextlib.suppress(OSError):
        while b"\r\n\r\n" not in answer and (part := link.recv(65536)):
            answer += part
        length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(answer.partition(b"\r\n\r\n")[2]) < length and (part := link.recv(65536)):
            answer += part
    return answer


def memory(hub: RunningHub) -> int:
    """Return the resident memory of the hub in kB."""
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@contextlib.contextmanager
def watched(hub: RunningHub) -> Iterator[list[float]]:
    """Ask for a ping every 50 ms meanwhile; the list gets the seconds of each answer."""
    waits: list[float] = []
    over = threading.Event()

    def ask() -> None:
        client = hub.anonymous()
        while True:  # once at least: an attack may be over within milliseconds
            began = time.monotonic()
            assert client.get("/v1/health/ping").status_code == 200
            waits.append(time.monotonic() - began)
            if over.wait(0.05):
                return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def together(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in as many threads at once."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

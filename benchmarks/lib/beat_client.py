"""Agents for the benchmarks: heartbeats of many hosts over TLS connections that stay open, in a process of its own.

Standard input is one line of JSON: host, port, ca, hosts (uid, credential), connections, boot, rate (heartbeats a
second of all hosts, 0: each as soon as the last one of its connection was acknowledged), seconds, message (whether each
reports another message, which is a change for readers). It connects, writes `ready`, waits for a second line, sends,
and writes what was acknowledged as JSON: count, other (status -> count), seconds.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections import Counter
from time import perf_counter
from typing import Any, cast

import uvloop

_AT_ONCE = 32
"""Connections that are made at the same time."""


class Connection(asyncio.Protocol):
    """One connection: a request at a time; the answers of a heartbeat have no body."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[int] | None = None
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, now that TLS is up."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take an answer; one that refuses has a body, a JSON object in one piece."""
        self._text += data
        if self._text.endswith(b"\r\n\r\n") or b"\r\n\r\n{" in self._text:
            status, self._text = int(self._text[9:12]), b""
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the heartbeat fail that waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(str(exc)))

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; the future gets the status of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer


def request(uid: str, credential: str, boot: str, seq: int, message: str) -> bytes:
    """Return a full heartbeat as the agent sends it."""
    body = (
        f'{{"state":"healthy","message":"{message}","agentVersion":"0.1.0","edgewright":{{"seq":{seq},"bootId":"{boot}",'
        f'"observedGeneration":1,"load1":0.31,"cpuPercent":4.2,"memoryUsedMB":812,"uptimeSeconds":{seq}}}}}'
    )
    return (
        f"PATCH /v1/edgehosts/{uid}/health HTTP/1.1\r\nHost: plane\r\nAuthorization: {credential}\r\n"
        f"Content-Type: application/json\r\nEdgewright-Agent: 0.1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def beat(
    link: Connection, hosts: list[list[str]], work: dict[str, Any], counts: Counter[int], place: float
) -> None:
    """Send the heartbeats of some hosts over one connection, host after host.

    `place` is where it begins within the time of one round of all connections, 0 to 1: a fleet does not beat in step.
    """
    loop = asyncio.get_running_loop()
    step = work["connections"] / work["rate"] if work["rate"] else 0.0
    await asyncio.sleep(place * step)
    began, number = loop.time(), 0
    while loop.time() - began < work["seconds"]:
        uid, credential = hosts[number % len(hosts)]
        seq = number // len(hosts) + 1
        message = f"beat {seq}" if work["message"] else ""
        counts[await link.send(request(uid, credential, work["boot"], seq, message))] += 1
        number += 1
        wait = began + number * step - loop.time()
        if step and wait > 0:
            await asyncio.sleep(wait)


async def main() -> None:
    """Do what standard input asks for."""
    loop = asyncio.get_running_loop()
    work: dict[str, Any] = json.loads(sys.stdin.readline())
    context = ssl.create_default_context(cafile=work["ca"])
    links: list[Connection] = []
    while len(links) < work["connections"]:
        some = [
            loop.create_connection(Connection, work["host"], work["port"], ssl=context)
            for _ in range(min(_AT_ONCE, work["connections"] - len(links)))
        ]
        links += [link for _, link in await asyncio.gather(*some)]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    counts: Counter[int] = Counter()
    began = perf_counter()
    await asyncio.gather(
        *(
            beat(link, work["hosts"][index :: len(links)], work, counts, index / len(links))
            for index, link in enumerate(links)
        )
    )
    seconds = perf_counter() - began
    other = {str(status): count for status, count in counts.items() if status != 204}
    print(json.dumps({"count": counts[204], "other": other, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())

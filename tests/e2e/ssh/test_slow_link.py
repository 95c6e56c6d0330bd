"""A link with 300 ms there and back: how many round trips a connection and a script take; also with 64 kbit/s."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.core]

ROUND_TRIP = 0.3
MOST_TO_CONNECT = 7.5
"""Round trips until a script can start: banner, key exchange (2), service, methods, key, and some time to compute."""
MOST_TO_RUN = 4.5
"""Session, command, script and output, its end."""


class SlowLink:
    """A relay on the event loop: each piece arrives after half a round trip, at `rate` bytes a second (0: any)."""

    def __init__(self, port: int, rate: float = 0.0) -> None:
        self._target, self._rate = port, rate
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    async def __aenter__(self) -> SlowLink:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._tasks += [asyncio.create_task(self._copy(reader, back)), asyncio.create_task(self._copy(there, writer))]

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                at, data = await pieces.get()
                await asyncio.sleep(max(0.0, at - time.monotonic()))
                if not data:
                    writer.close()
                    return
                writer.write(data)

        self._tasks.append(asyncio.create_task(deliver()))
        free = 0.0
        while True:
            data = await reader.read(1500)
            free = max(free, time.monotonic()) + (len(data) / self._rate if self._rate else 0.0)
            pieces.put_nowait((free + ROUND_TRIP / 2, data))
            if not data:
                return


async def test_round_trips(key_files: dict[str, Path], tmp_path: Path) -> None:
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        async with SlowLink(server.port) as link:
            laptop = Laptop(tmp_path)
            laptop.block("edge1", link.port, key_files["user"], "StrictHostKeyChecking accept-new")
            connection = await laptop.open("edge1")
            began = time.monotonic()
            assert (await connection.run_script(b"echo x", timeout=20, limit=100)).output == b"x\n"
            ran = time.monotonic() - began
            await connection.aclose()
    connected = connection.facts.seconds
    print(f"\nconnected after {connected / ROUND_TRIP:.1f} round trips, a script took {ran / ROUND_TRIP:.1f}")
    assert connected < MOST_TO_CONNECT * ROUND_TRIP and ran < MOST_TO_RUN * ROUND_TRIP


async def test_a_thin_link(key_files: dict[str, Path], tmp_path: Path) -> None:
    """64 kbit/s and 300 ms: within 10 s also through a jump host."""
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        async with SlowLink(server.port, rate=8000.0) as link:
            laptop = Laptop(tmp_path)
            laptop.block("gate", link.port, key_files["user"], "StrictHostKeyChecking accept-new")
            lines = ("StrictHostKeyChecking accept-new", "ProxyJump gate")
            laptop.block("edge1", server.port, key_files["user"], *lines)
            connection = await laptop.open("edge1")
            result = await connection.run_script(b"head -c 8000 /dev/zero", timeout=20, limit=10_000)
            await connection.aclose()
    print(f"\nconnected through a jump host in {connection.facts.seconds:.1f} s, 8,000 bytes in {result.seconds:.1f} s")
    assert len(result.output) == 8000 and connection.facts.seconds < 10

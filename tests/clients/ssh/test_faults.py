"""Hosts that do not answer, answer something else, or stop in the middle: one sentence each, in time, nothing left."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.connection import SshConnection
from edgewright.core.errors import EdgewrightError, ExitCode, TimedOut, Unreachable
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import Sshd, free_port
from tests.clients.ssh.stand_in import Rules, StandIn

BANNER = b"SSH-2.0-OpenSSH_9.2p1\r\n"


@pytest.fixture
def laptop(key_files: dict[str, Path], tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


class Peer:
    """A listener whose connections are handled by a function, until it is closed."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._handle = handle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            try:
                self._handle(connection)
            except OSError:
                pass
        self.ended.set()


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def banner_only(connection: socket.socket) -> None:
    connection.sendall(BANNER)
    silent(connection)


def half_an_offer(connection: socket.socket) -> None:
    connection.sendall(BANNER + (2004).to_bytes(4, "big") + b"\x08\x14" + b"x" * 100)
    silent(connection)


def endless_banner(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 65_536)


def endless_lines(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"welcome\r\n" * 1000)


def web_server(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def too_many(connection: socket.socket) -> None:
    connection.sendall(b"Exceeded MaxStartups\r\n")


def closes(connection: socket.socket) -> None:
    connection.recv(10)


def huge_packet(connection: socket.socket) -> None:
    connection.sendall(BANNER + (2**31 + 4).to_bytes(4, "big") + b"\x08\x14" + b"x" * 100)
    silent(connection)


def rubbish(connection: socket.socket) -> None:
    connection.sendall(BANNER + b"\xff" * 5000)
    silent(connection)


@pytest.mark.parametrize(
    ("handle", "kind", "text"),
    [
        (silent, TimedOut, "did not answer within 0.6 s: no SSH key exchange"),
        (banner_only, TimedOut, "did not answer within 0.6 s: no SSH key exchange"),
        (half_an_offer, TimedOut, "did not answer within 0.6 s: no SSH key exchange"),
        (endless_banner, Unreachable, "is not an SSH server"),
        (endless_lines, Unreachable, "is not an SSH server"),
        (web_server, Unreachable, "is not an SSH server; it sends: HTTP/1.1 400 Bad Request"),
        (closes, Unreachable, "ended the connection at once"),
        (too_many, Unreachable, "ended the connection at once: Exceeded MaxStartups"),
        (huge_packet, Unreachable, "ended the connection"),
        (rubbish, Unreachable, "ended the connection"),
    ],
)
async def test_what_answers_is_no_host(
    handle: Callable[[socket.socket], None], kind: type[EdgewrightError], text: str, laptop: Laptop
) -> None:
    peer = Peer(handle)
    laptop.block("edge1", peer.port, "none")
    began = time.monotonic()
    with pytest.raises(kind, match=text):
        await laptop.open("edge1", timeout=0.6)
    assert time.monotonic() - began < 1.5
    await asyncio.to_thread(peer.ended.wait, 3)
    assert peer.ended.is_set()


async def test_nothing_listens(laptop: Laptop) -> None:
    laptop.block("edge1", free_port(), "none")
    with pytest.raises(Unreachable, match=r"Nothing listens at 127.0.0.1:") as caught:
        await laptop.open("edge1")
    assert caught.value.exit_code == ExitCode.UNREACHABLE and caught.value.code == "ConnectionRefused"


async def test_a_dead_address(laptop: Laptop) -> None:
    """A listener whose queue is full answers no further connection, as an address without a machine."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    fill = [socket.socket() for _ in range(4)]
    for each in fill:
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", port))
    laptop.block("edge1", port, "none")
    before = threading.active_count()
    with pytest.raises(TimedOut, match=r"within 0.5 s: no answer to the connection") as caught:
        await laptop.open("edge1", timeout=0.5)
    assert caught.value.exit_code == ExitCode.TIMED_OUT
    for _ in range(40):
        if threading.active_count() <= before:
            break
        await asyncio.sleep(0.05)
    assert threading.active_count() <= before
    for each in [*fill, listener]:
        each.close()


@pytest.mark.parametrize("name", ["edge1.invalid", "edge1..invalid", "e" * 64 + ".invalid"])
async def test_a_name_that_is_not_known(name: str, laptop: Laptop) -> None:
    laptop.block("edge1", 22, "none", host=name)
    with pytest.raises(Unreachable, match=rf"The name {re.escape(name)} is not known here."):
        await laptop.open("edge1")


@pytest.mark.parametrize("bind", ["192.0.2.1", "::1", "edge1..invalid"])
async def test_an_address_to_dial_from_that_is_not_here(bind: str, laptop: Laptop) -> None:
    laptop.block("edge1", 22, "none", f"BindAddress {bind}")
    with pytest.raises(Unreachable, match=rf"127.0.0.1:22 cannot be dialled from BindAddress {bind}: "):
        await laptop.open("edge1")


async def test_an_attempt_that_is_cancelled_ends(laptop: Laptop) -> None:
    peer = Peer(silent)
    laptop.block("edge1", peer.port, "none")
    before = threading.active_count()
    task = asyncio.create_task(laptop.open("edge1"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(peer.ended.wait, 3)
    for _ in range(40):
        if threading.active_count() <= before:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{threading.enumerate()}")


async def test_a_question_that_is_cancelled_ends(laptop: Laptop, key_files: dict[str, Path]) -> None:
    with StandIn(key_files["host-ed25519"], lambda: Rules("password", "x", (), ())) as server:
        laptop.block("edge1", server.port, "none", "StrictHostKeyChecking accept-new")
        task = asyncio.create_task(laptop.open("edge1", Answers(secrets=("x",), thinks=60.0)))
        await asyncio.sleep(0.7)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for _ in range(40):
        if not any(thread.name == "ssh-open" for thread in threading.enumerate()):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the attempt still waits")


class Wire:
    """A relay between a laptop and a server that can be cut, as a cable: nothing passes, no end is informed."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cut = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        inner, _ = self._listener.accept()
        outer = socket.create_connection(("127.0.0.1", self._target))
        for source, sink in ((inner, outer), (outer, inner)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if self.cut.is_set():
                    continue
                sink.sendall(data)
        except OSError:
            pass


@pytest.fixture
def server(key_files: dict[str, Path], tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path / "sshd", [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        yield server


async def test_a_link_that_is_cut_during_a_script(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    wire = Wire(server.port)
    laptop.block("edge1", wire.port, key_files["user"], "StrictHostKeyChecking accept-new", "ServerAliveInterval 1",
                 "ServerAliveCountMax 1")  # fmt: skip
    connection = await laptop.open("edge1")
    task = asyncio.create_task(connection.run_script(b"echo begun; sleep 60", timeout=30, limit=1000))
    await asyncio.sleep(0.3)
    wire.cut.set()
    began = time.monotonic()
    with pytest.raises(Unreachable, match="has not answered for 1 s"):
        await task
    assert time.monotonic() - began < 3.5
    await connection.aclose()


@pytest.mark.parametrize(
    "use",
    [
        lambda connection: connection.run_script(b"true", timeout=5, limit=10),
        lambda connection: connection.open_script(b"true"),
        lambda connection: connection.open_stream("127.0.0.1", 22),
        lambda connection: connection.open_terminal("vt100", 80, 24),
    ],
    ids=["script", "open script", "stream", "terminal"],
)
async def test_a_channel_that_ends_before_its_connection_is_a_lost_connection(
    use: Callable[[SshConnection], Coroutine[Any, Any, object]],
    laptop: Laptop,
    server: Sshd,
    key_files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Channels see the end some moments before the thread of the connection has ended."""
    laptop.block("edge1", server.port, key_files["user"], "StrictHostKeyChecking accept-new")
    connection = await laptop.open("edge1")
    connection._transport.end()
    still = iter([True, True])
    monkeypatch.setattr(connection._transport, "is_active", lambda: next(still, False))
    with pytest.raises(Unreachable, match=r"The connection to edge1 \(127.0.0.1\) broke."):
        await use(connection)
    await connection.aclose()


async def test_a_link_that_is_cut_during_the_authentication(laptop: Laptop, key_files: dict[str, Path]) -> None:
    with StandIn(key_files["host-ed25519"], lambda: Rules("password", "x", (), ())) as server:
        wire = Wire(server.port)
        laptop.block("edge1", wire.port, "none", "StrictHostKeyChecking accept-new")

        class Cuts(Answers):
            async def secret(self, prompt: str, *, shown: bool) -> str | None:
                wire.cut.set()
                return "x"

        with pytest.raises(TimedOut, match="no end of the authentication"):
            await laptop.open("edge1", Cuts(), timeout=0.8)


async def test_a_jump_host_that_may_not_forward(laptop: Laptop, key_files: dict[str, Path], tmp_path: Path) -> None:
    with Sshd(tmp_path / "gate", [key_files["host-ed25519"]], ["AllowTcpForwarding no"]) as gate:
        gate.allow(key_files["user"].with_name("user.pub"))
        laptop.block("gate", gate.port, key_files["user"], "StrictHostKeyChecking accept-new")
        laptop.block("edge1", 22, key_files["user"], "ProxyJump gate")
        with pytest.raises(Unreachable) as caught:
            await laptop.open("edge1")
        assert "is not reached through gate (127.0.0.1), which does not allow it." in caught.value.message


async def test_a_host_behind_a_jump_host_does_not_answer(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    laptop.block("gate", server.port, key_files["user"], "StrictHostKeyChecking accept-new")
    laptop.block("edge1", free_port(), key_files["user"], "ProxyJump gate")
    with pytest.raises(Unreachable, match=r"is not reached through gate \(127.0.0.1\), which cannot reach it"):
        await laptop.open("edge1")
    peer = Peer(silent)
    laptop.block("edge2", peer.port, key_files["user"], "ProxyJump gate")
    with pytest.raises(TimedOut, match=r"edge2 \(127.0.0.1\) did not answer within 0.8 s: no SSH key exchange"):
        await laptop.open("edge2", timeout=0.8)
    await asyncio.to_thread(peer.ended.wait, 3)
    assert peer.ended.is_set()

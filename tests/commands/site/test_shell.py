"""A shell on a real sshd in a real terminal: keys, size, Ctrl-C, Ctrl-D, a connection that breaks, the journal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.connection import SshConnection
from edgewright.commands.site.shell import attach
from edgewright.core.errors import Refused, Unreachable
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd

__all__ = ["key_files"]


class Terminal:
    """A terminal of this machine: `slave` is what the console has, the test is at the other end."""

    def __init__(self, columns: int, rows: int) -> None:
        self.master, self.slave = pty.openpty()
        self.text = b""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def take(self) -> None:
        self.text += os.read(self.master, 65536)

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(20):
            while text.encode() not in self.text:
                await asyncio.sleep(0.01)


@pytest.fixture
def server(key_files: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Sshd]:
    (tmp_path / "sshd").mkdir()
    with Sshd(tmp_path / "sshd", [key_files["host-ed25519"]], getattr(request, "param", ())) as made:
        made.allow(key_files["user"].with_name("user.pub"))
        yield made


async def connected(server: Sshd, keys: dict[str, Path], folder: Path) -> SshConnection:
    laptop = Laptop(folder)
    laptop.block("edge1", server.port, keys["user"], "HostKeyAlias edge1")
    laptop.knows(server, keys["host-ed25519"], "edge1")
    return await laptop.open("edge1")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal(91, 31)
    yield made
    os.close(made.master)
    os.close(made.slave)


async def test_keys_sizes_interrupts_and_the_end(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path, terminal: Terminal
) -> None:
    connection = await connected(server, key_files, tmp_path)
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(terminal.slave)
    loop.add_reader(terminal.master, terminal.take)
    try:
        remote = await connection.open_terminal("xterm-256color", 91, 31)
        shell = asyncio.create_task(attach(remote, terminal.slave, terminal.slave))
        terminal.type("exec sh\n")
        terminal.type("stty size; echo kind-$TERM\n")
        await terminal.shows("31 91")
        await terminal.shows("kind-xterm-256color")
        terminal.resize(120, 40)
        await asyncio.sleep(0.6)
        terminal.type("stty size\n")
        await terminal.shows("40 120")
        terminal.type("sleep 100\n")
        await asyncio.sleep(0.3)
        terminal.type("\x03")
        terminal.type("echo $((6*7))-back\n")
        await terminal.shows("42-back")
        terminal.type("\x04")
        await asyncio.wait_for(shell, 10)
        assert termios.tcgetattr(terminal.slave) == before
        assert connection.alive
    finally:
        loop.remove_reader(terminal.master)
        await connection.aclose()


async def test_a_connection_that_breaks_gives_the_terminal_back(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path, terminal: Terminal
) -> None:
    connection = await connected(server, key_files, tmp_path)
    before = termios.tcgetattr(terminal.slave)
    remote = await connection.open_terminal("vt100", 80, 24)
    shell = asyncio.create_task(attach(remote, terminal.slave, terminal.slave))
    await asyncio.sleep(0.5)
    await connection.aclose()
    done = await asyncio.wait_for(asyncio.gather(shell, return_exceptions=True), 10)
    assert done[0] is None or isinstance(done[0], Unreachable)
    assert termios.tcgetattr(terminal.slave) == before
    with pytest.raises(Unreachable):
        await connection.open_terminal("vt100", 80, 24)


@pytest.mark.parametrize("server", [("MaxSessions 0",)], indirect=True)
async def test_a_host_without_sessions_refuses_with_a_sentence(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    connection = await connected(server, key_files, tmp_path)
    try:
        with pytest.raises(Refused, match="opens no terminal on this connection"):
            await connection.open_terminal("vt100", 80, 24)
    finally:
        await connection.aclose()

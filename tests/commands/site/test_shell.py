"""A shell on a real sshd in a real terminal: keys, size, Ctrl-C, Ctrl-D, a connection that breaks, its recording."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.connection import SshConnection
from edgewright.commands.site.shells.lent import lend
from edgewright.commands.site.shells.recorder import Recorder, recordings
from edgewright.commands.site.shells.session import HostShell
from edgewright.core.errors import Refused, Unreachable
from edgewright.core.recording.asciicast import read_header
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


async def opened(connection: SshConnection, size: tuple[int, int], kind: str = "xterm-256color") -> HostShell:
    """Return a shell that is recorded."""
    remote = await connection.open_terminal(kind, *size)
    return HostShell(remote, Recorder("edge1", "Shell on edge1", kind, *size), "edge1", size)


async def test_keys_sizes_interrupts_and_the_end(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path, terminal: Terminal, quiet_home: Path
) -> None:
    connection = await connected(server, key_files, tmp_path)
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(terminal.slave)
    loop.add_reader(terminal.master, terminal.take)
    try:
        shell = await opened(connection, (91, 31))
        running = asyncio.create_task(shell.run())
        lending = asyncio.create_task(lend(shell, terminal.slave, terminal.slave, back=b"\x1d", before=b"what was"))
        await terminal.shows("what was")
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
        terminal.type("echo kept\x1dtyped after the key")
        assert await asyncio.wait_for(lending, 10) is True
        assert termios.tcgetattr(terminal.slave) == before and not shell.over
        lending = asyncio.create_task(lend(shell, terminal.slave, terminal.slave, back=b"\x1d"))
        terminal.type("\n")
        await terminal.shows("\nkept")
        terminal.type("export TOKEN=cAnary7Qx; printf %.3s $TOKEN; sleep 0.3; echo ${TOKEN#???}; stty -echo; read x\n")
        await terminal.shows("cAnary7Qx\r\n")
        terminal.type("typed-unseen\n\x04")
        assert await asyncio.wait_for(lending, 10) is False
        await asyncio.wait_for(running, 10)
        assert termios.tcgetattr(terminal.slave) == before
        assert connection.alive
    finally:
        loop.remove_reader(terminal.master)
        await connection.aclose()
    shell.recorder.close()
    (file,) = recordings()
    text = file.read_text()
    assert "42-back" in text and '"r","120x40"' in text and "Only known secrets are masked" in text
    assert "cAnary" not in text and "ary7Qx" not in text and "typed-unseen" not in text and "TOKEN=*********" in text


async def test_a_connection_that_breaks_gives_the_terminal_back(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path, terminal: Terminal, quiet_home: Path
) -> None:
    connection = await connected(server, key_files, tmp_path)
    before = termios.tcgetattr(terminal.slave)
    shell = await opened(connection, (80, 24), "vt100")
    running = asyncio.create_task(shell.run())
    lending = asyncio.create_task(lend(shell, terminal.slave, terminal.slave))
    await asyncio.sleep(0.5)
    await connection.aclose()
    done = await asyncio.wait_for(asyncio.gather(running, lending, return_exceptions=True), 10)
    shell.recorder.close()
    assert (done[0] is None or isinstance(done[0], Unreachable)) and done[1] is False
    assert termios.tcgetattr(terminal.slave) == before
    with pytest.raises(Unreachable):
        await connection.open_terminal("vt100", 80, 24)


async def test_a_terminal_that_hangs_up_ends_the_shell_and_its_processes(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path, quiet_home: Path
) -> None:
    connection = await connected(server, key_files, tmp_path)
    made = Terminal(80, 24)
    loop = asyncio.get_running_loop()
    loop.add_reader(made.master, made.take)
    shell = await opened(connection, (80, 24))
    running = asyncio.create_task(shell.run())
    lending = asyncio.create_task(lend(shell, made.slave, made.slave))
    made.type("exec sh\n")
    made.type("echo pid-$$-; sleep 1000\n")
    await made.shows("-\r\n")
    async with asyncio.timeout(10):
        while not (found := re.findall(rb"pid-(\d+)-", made.text)):
            await asyncio.sleep(0.01)
    pid = int(found[0])
    loop.remove_reader(made.master)
    os.close(made.master)
    assert await asyncio.wait_for(lending, 10) is False
    await asyncio.wait_for(running, 10)
    shell.recorder.close()
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.05)
    (file,) = recordings()
    assert f"pid-{pid}-" in file.read_text() and read_header(file.read_bytes().split(b"\n")[0]).columns == 80
    os.close(made.slave)
    await connection.aclose()


async def test_an_interrupt_is_soon_felt_by_a_host_that_writes_without_end(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path, quiet_home: Path
) -> None:
    connection = await connected(server, key_files, tmp_path)
    shell = await opened(connection, (80, 24))
    shell.recorder.close()

    async def slowly(data: bytes) -> None:
        await asyncio.sleep(len(data) / 200_000)  # a view of 200 kB in a second

    shell.show = slowly
    running = asyncio.create_task(shell.run())
    shell.send(b"exec sh\nyes\n")
    await asyncio.sleep(2)
    before = shell.received
    shell.send(b"\x03exit\n")
    await asyncio.wait_for(running, 10)
    assert shell.received - before < 1_000_000
    await connection.aclose()


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

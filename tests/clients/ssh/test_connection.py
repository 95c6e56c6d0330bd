"""What runs on an open connection to a real sshd: scripts, streams, many at once, limits, keep-alive, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.connection import SshConnection, sudo_refusal
from edgewright.clients.ssh.ports import CanRunScript, ScriptResult
from edgewright.core.errors import Refused, TimedOut, Unreachable
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd

RELAY = Path(__file__).with_name("relay.py")


@pytest.fixture(scope="module")
def server(key_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("sshd")
    with Sshd(folder, [key_files["host-ed25519"]], ["MaxSessions 12"]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        yield server


@pytest.fixture
def laptop(server: Sshd, key_files: dict[str, Path], tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path)
    laptop.block("edge1", server.port, key_files["user"])
    laptop.block("proxied", server.port, key_files["user"], f"ProxyCommand {sys.executable} {RELAY} %h %p")
    laptop.knows(server, key_files["host-ed25519"])
    return laptop


@pytest.fixture
async def connection(laptop: Laptop) -> AsyncIterator[SshConnection]:
    connection = await laptop.open("edge1")
    yield connection
    await connection.aclose()


async def run(connection: CanRunScript, script: str, timeout: float = 10, limit: int = 100_000) -> ScriptResult:
    return await connection.run_script(script.encode(), timeout=timeout, limit=limit)


async def test_a_script_has_status_output_and_errors(connection: SshConnection) -> None:
    result = await run(connection, "echo out; echo err >&2; exit 7")
    assert result[:4] == (7, b"out\n", b"err\n", False) and 0 < result.seconds < 5
    assert (await run(connection, "kill -9 $$")).status == -1
    assert (await run(connection, "")).status == 0


async def test_nothing_of_a_script_is_in_a_command_line(connection: SshConnection) -> None:
    result = await run(connection, "tr '\\0' ' ' </proc/$$/cmdline; # secret-canary-1")
    assert result.output.strip() == b"sh -s"


async def test_a_long_script_that_writes_while_it_is_sent(connection: SshConnection) -> None:
    """4 MB in both directions: neither side may wait for the other (windows are 2 MB)."""
    line = "echo " + "x" * 1000 + "\n"
    result = await run(connection, line * 4000, timeout=60, limit=5_000_000)
    assert result.status == 0 and len(result.output) == 4000 * 1001


async def test_output_without_end_is_cut(connection: SshConnection) -> None:
    result = await run(connection, "yes", limit=5000)
    assert result.cut and len(result.output) == 5000 and result.status == -1
    result = await run(connection, "yes >&2", limit=5000)
    assert result.cut and len(result.errors) == 5000 and not result.output
    exact = await run(connection, "printf %5000s x", limit=5000)
    assert not exact.cut and exact.status == 0


async def test_a_script_that_takes_too_long_is_ended(connection: SshConnection, tmp_path: Path) -> None:
    marker = tmp_path / "later"
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"longer than 0.3 s"):
        await run(connection, f"echo $$ >{tmp_path}/pid; sleep 2; touch {marker}; yes", timeout=0.3)
    assert time.monotonic() - began < 2
    assert (await run(connection, "echo still")).output == b"still\n"


async def test_many_scripts_on_one_connection(connection: SshConnection) -> None:
    results = await asyncio.gather(*(run(connection, f"sleep 0.2; echo {n}") for n in range(10)))
    assert [result.output for result in results] == [b"%d\n" % n for n in range(10)]


async def test_more_sessions_than_the_host_allows(connection: SshConnection) -> None:
    many = [run(connection, "sleep 1") for _ in range(20)]
    results = await asyncio.gather(*many, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    assert errors and all(isinstance(e, Refused) and e.code == "NoSession" for e in errors)
    assert (await run(connection, "echo still")).output == b"still\n"


async def test_a_script_of_a_cancelled_task_ends(connection: SshConnection, tmp_path: Path) -> None:
    task = asyncio.create_task(run(connection, f"echo $$ >{tmp_path}/pid; while :; do echo x; sleep 0.05; done"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        await asyncio.sleep(0.05)
    pytest.fail("the script still runs")


async def test_the_loop_is_never_blocked(laptop: Laptop) -> None:
    longest, last = 0.0, time.monotonic()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    ticking = asyncio.create_task(tick())
    connection = await laptop.open("edge1")
    await run(connection, "yes | head -c 2000000", limit=3_000_000)
    await connection.aclose()
    ticking.cancel()
    assert longest < 0.25


async def test_round_trip_and_facts(connection: SshConnection, server: Sshd) -> None:
    await connection.round_trip()
    assert 0 < await connection.round_trip() < 1
    facts = connection.facts
    assert facts.address == f"127.0.0.1:{server.port}" and facts.server.startswith("SSH-2.0-OpenSSH")
    assert connection.alive and facts.seconds < 10


async def test_a_stream_to_a_neighbour(connection: SshConnection) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    stream = await connection.open_stream("127.0.0.1", port)
    data = os.urandom(300_000)
    await stream.write(data)
    await stream.end()
    received = b""
    while piece := await stream.read():
        received += piece
    assert received == data
    await stream.aclose()
    listener.close()
    with pytest.raises(Unreachable, match="is not reached from edge1"):
        await connection.open_stream("127.0.0.1", port)


async def test_through_a_proxy_command(laptop: Laptop) -> None:
    connection = await laptop.open("proxied")
    assert (await run(connection, "echo proxied")).output == b"proxied\n"
    direct = await laptop.open("edge1")
    assert direct.facts[2:4] == connection.facts[2:4] and direct.place != connection.place, "another way, another host"
    await direct.aclose()
    await connection.aclose()
    laptop.text = laptop.text.replace(f"{sys.executable} {RELAY} %h %p", "echo no way to %h >&2; exit 3")
    with pytest.raises(Unreachable, match=r"The ProxyCommand of proxied \(127.0.0.1\) ended: no way to 127.0.0.1"):
        await laptop.open("proxied")


async def test_what_a_proxy_command_started_ends_with_the_connection(laptop: Laptop, tmp_path: Path) -> None:
    relay = f"{sys.executable} {RELAY} %h %p"
    laptop.text = laptop.text.replace(relay, f"sh -c 'echo $$ > {tmp_path}/pid; {relay}; sleep 60; true'")
    connection = await laptop.open("proxied")
    group = int((tmp_path / "pid").read_text())
    os.killpg(group, 0)
    await connection.aclose()
    with pytest.raises(ProcessLookupError):
        for _ in range(40):
            os.killpg(group, 0)
            await asyncio.sleep(0.05)


async def test_a_connection_that_the_host_ends(laptop: Laptop, server: Sshd) -> None:
    connection = await laptop.open("edge1")
    task = asyncio.create_task(run(connection, "echo $PPID; sleep 30"))
    await asyncio.sleep(0.3)
    pid = re.findall(r"User child is on pid (\d+)|Starting session.*", server.log)
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children") if server.process else None
    assert children is not None and pid
    for child in children.read_text().split():
        os.kill(int(child), 9)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"The connection to edge1 \(127.0.0.1\) broke."):
        await task
    assert time.monotonic() - began < 2 and not connection.alive
    with pytest.raises(Unreachable):
        await connection.round_trip()
    await connection.aclose()


async def test_a_host_that_falls_silent_is_noticed(laptop: Laptop, server: Sshd) -> None:
    laptop.text = laptop.text.replace("HostName", "ServerAliveInterval 1\n  ServerAliveCountMax 1\n  HostName", 1)
    reasons: list[str] = []
    connection = await laptop.open("edge1")
    connection.lost = reasons.append
    assert server.process is not None
    tree = [int(p) for p in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()]
    for pid in list(tree):
        tree += [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for pid in tree:
        os.kill(pid, 19)
    try:
        for _ in range(80):
            if reasons:
                break
            await asyncio.sleep(0.05)
        assert reasons == ["edge1 (127.0.0.1) has not answered for 1 s."] and not connection.alive
    finally:
        for pid in tree:
            with contextlib.suppress(ProcessLookupError):  # sshd may have ended what lost its connection
                os.kill(pid, 18)
        await connection.aclose()


async def test_nothing_is_left_after_many_connections(laptop: Laptop) -> None:
    async def once(name: str) -> None:
        connection = await laptop.open(name)
        await run(connection, "echo x")
        await connection.aclose()

    await once("edge1")
    await once("proxied")
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(4):
        await asyncio.gather(*(once(name) for name in ["edge1"] * 4 + ["proxied"]))
    for _ in range(100):
        if threading.active_count() <= threads and len(os.listdir("/proc/self/fd")) <= files:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{threading.enumerate()} {len(os.listdir('/proc/self/fd'))} files, {files} before")


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (ScriptResult(1, b"", b"sudo: a password is required\n", False, 0.1), "SudoRefused"),
        (ScriptResult(127, b"", b"bash: line 1: exec: sudo: not found\n", False, 0.1), "NoSudo"),
        (ScriptResult(127, b"", b"sh: sudo: not found\n", False, 0.1), "NoSudo"),
        (ScriptResult(1, b"x", b"sudo: in the script\n", False, 0.1), ""),
        (ScriptResult(1, b"", b"grep: nothing\n", False, 0.1), ""),
        (ScriptResult(0, b"", b"", False, 0.1), ""),
    ],
)
def test_sudo_that_is_not_possible(result: ScriptResult, code: str) -> None:
    error = sudo_refusal(result, "ops", "edge1")
    assert (error.code if error else "") == code

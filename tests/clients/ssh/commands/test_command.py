"""Commands over a real sshd: status, both outputs, bounds, escapes, time limits, the user's end, a cut connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from edgewright.clients.ssh.commands.bounded import ArrivingLines, BoundedOutput, lines_of
from edgewright.clients.ssh.commands.command import Arrived, as_root
from edgewright.clients.ssh.connection import SshConnection
from edgewright.core.errors import Refused
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import USER, Sshd
from tests.clients.ssh.stand_in import Rules, StandIn

LIMITS = {"limit": 10.0, "size": 4096}


@pytest.fixture(scope="module")
def server(key_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd"), [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        yield server


async def reached(server: Sshd, key_files: dict[str, Path], folder: Path) -> SshConnection:
    laptop = Laptop(folder)
    laptop.block("box", server.port, key_files["user"])
    laptop.knows(server, key_files["host-ed25519"])
    return await laptop.open("box")


@pytest.fixture
def box(server: Sshd, key_files: dict[str, Path], tmp_path: Path) -> object:
    return lambda: reached(server, key_files, tmp_path)


async def test_status_and_both_outputs_and_an_empty_stdin(box: object) -> None:
    connection = await box()  # type: ignore[operator]
    done = await connection.run_command("echo out; echo err >&2; cat; exit 7", **LIMITS)
    assert (done.ending, done.status, done.has_ended) == ("exit", 7, True)
    assert done.output.lines == ("out",) and done.errors.lines == ("err",)
    quoted = await connection.run_command("printf '%s|' \"$HOME\" 'a b'; echo \"it's\"", **LIMITS)
    assert quoted.output.lines == (f"{connection_home(quoted.output.lines[0])}|a b|it's",)
    await connection.aclose()


async def test_what_it_prints_arrives_while_it_runs(box: object, tmp_path: Path) -> None:
    """The command waits for a file that is made when its first lines are here."""
    connection, mark, seen = await box(), tmp_path / "seen", list[Arrived]()  # type: ignore[operator]

    def arrived(what: Arrived) -> None:
        seen.append(what)
        if "\u00e9 two" in what.output.lines:
            mark.touch()

    text = "printf 'one\\n\\n\\033[31m\\303'; sleep 0.1; printf '\\251 two\\nhalf'; echo bad >&2; "
    text += f"while [ ! -e {mark} ]; do sleep 0.02; done; printf ' a line\\n\\nend'"
    done = await connection.run_command(text, limit=10, size=4096, arrived=arrived)
    await connection.aclose()
    assert done.status == 0 and done.output.lines[-3:] == ("half a line", "", "end")
    assert [line for each in seen for line in each.new] == ["one", "", "\u00e9 two", "half a line", "", "end"]
    assert [line for each in seen for line in each.new_errors] == ["bad"]


def test_lines_that_arrive_are_bounded_and_harmless() -> None:
    lines = ArrivingLines(100)
    lines.add(b"first\n" + b"x" * 40 + b"\n\x1b]0;title\x07a\x00b\n" + b"y" * 200)
    assert lines.take() == ("first", "x" * 40, "a\ufffdb")
    taken = lines.take(ended=True)
    assert (
        len(taken) == 2
        and taken[0].startswith("yyy")
        and taken[1] == f"[{200 - len(taken[0])} more bytes are not shown]"
    )
    endless = ArrivingLines(1 << 20)
    endless.add(b"z" * 20_000)
    assert [len(line) for line in endless.take()] == [4000]
    many = ArrivingLines(1 << 20)
    many.add(b"y\n" * 10_000)
    assert len(many.take()) == 10_000


def connection_home(line: str) -> str:
    return line.partition("|")[0]


async def test_much_output_is_bounded_and_does_not_end_the_command(box: object) -> None:
    connection = await box()  # type: ignore[operator]
    done = await connection.run_command("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last", **LIMITS)
    assert done.status == 0 and done.output.lines[0] == "first" and done.output.lines[-1] == "last"
    assert done.output.left_out == 3_000_012 - 4096
    assert any("bytes are left out here" in line for line in done.output.lines)
    await connection.aclose()


async def test_a_late_command_keeps_its_output_and_is_said_to_run_on_where_it_may(box: object, tmp_path: Path) -> None:
    connection = await box()  # type: ignore[operator]
    mark = tmp_path / "alive"
    began = time.monotonic()
    done = await connection.run_command(f"echo begun; sleep 3; touch {mark}", limit=0.5, size=4096)
    assert done.ending == "late" and done.output.lines == ("begun",)
    assert time.monotonic() - began < 3
    assert done.has_ended or USER == "root", "OpenSSH passes no signal on in sessions of root"
    await asyncio.sleep(3.2 - (time.monotonic() - began))
    assert mark.exists() != done.has_ended
    await connection.aclose()


async def test_what_ignores_the_signal_is_left_and_said_so(box: object) -> None:
    connection = await box()  # type: ignore[operator]
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.5, stop.set)
    done = await connection.run_command("trap '' TERM; sleep 6", limit=30, size=4096, stop=stop)
    assert done.ending == "ended" and not done.has_ended and done.status is None
    await connection.aclose()


async def test_a_connection_that_breaks_leaves_what_was_read(box: object) -> None:
    connection = await box()  # type: ignore[operator]
    # The process of sshd for this connection ends: all its descriptors close.
    done = await connection.run_command("echo begun; sleep 0.3; kill -9 $PPID; sleep 5", **LIMITS)
    assert done.ending == "lost" and not done.has_ended and done.output.lines == ("begun",)
    await connection.aclose()


def test_what_is_kept_is_its_begin_and_its_end() -> None:
    kept = BoundedOutput(16)
    for piece in (b"ab", b"cdefgh", b"i" * 50, b"xyz"):
        kept.add(piece)
    assert kept.left_out == 61 - 16
    assert kept.output().lines == ("abcd", "[45 bytes are left out here]", "i" * 9 + "xyz")
    whole = BoundedOutput(16)
    whole.add(b"one\ntwo\n")
    assert whole.output() == (("one", "two"), 0)


def test_lines_steer_no_terminal() -> None:
    assert lines_of(b"\x1b[31mred\x1b[0m\x1b]0;title\x07 x\n10%\r55%\r100%\r\nbell\x07\xff\n\n") == (
        "red x",
        "100%",
        "bell��",
    )


def test_root_gets_the_text_as_one_word() -> None:
    assert as_root("echo 'a'; id") == "exec sudo -n sh -c 'echo '\"'\"'a'\"'\"'; id'"


class Silent(Rules):
    """Opens sessions, and answers no request for a command."""

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        time.sleep(8)
        return False


async def test_a_host_that_never_answers_does_not_outlast_the_time_limit_or_the_users_end(
    key_files: dict[str, Path], tmp_path: Path
) -> None:
    with StandIn(key_files["host-ed25519"], lambda: Silent("publickey", "", (), ())) as host:
        laptop = Laptop(tmp_path)
        laptop.block("box", host.port, key_files["user"])
        laptop.knows(host, key_files["host-ed25519"])
        connection = await laptop.open("box")
        began = time.monotonic()
        done = await connection.run_command("uptime", limit=0.3, size=4096)
        assert (done.ending, done.status, done.has_ended) == ("late", None, False)
        assert time.monotonic() - began < 6
        await connection.aclose()


class Refusing(Rules):
    """Executes nothing."""

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return False


async def test_a_host_that_executes_nothing_is_not_said_to_have_run_it(
    key_files: dict[str, Path], tmp_path: Path
) -> None:
    with StandIn(key_files["host-ed25519"], lambda: Refusing("publickey", "", (), ())) as host:
        laptop = Laptop(tmp_path)
        laptop.block("box", host.port, key_files["user"])
        laptop.knows(host, key_files["host-ed25519"])
        connection = await laptop.open("box")
        with pytest.raises(Refused, match="opens no further session"):
            await connection.run_command("uptime", limit=5, size=4096)
        await connection.aclose()

"""A site over a real sshd: it is read, the connection is cut, and it comes back by itself; targets that are offered."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pexpect
import pytest

from edgewright.clients.ssh.refusals import lost
from edgewright.commands.site import opened as module
from edgewright.commands.site.opened import Site
from edgewright.commands.site.recent import MOST, recent, remember
from edgewright.config import locations
from edgewright.core.errors import EdgewrightError, TimedOut, Unreachable
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import USER, Sshd, free_port
from tests.support import ROOT

__all__ = ["key_files"]


@pytest.fixture
def server(key_files: dict[str, Path], tmp_path: Path) -> Iterator[Sshd]:
    (tmp_path / "sshd").mkdir()
    with Sshd(tmp_path / "sshd", [key_files["host-ed25519"]]) as made:
        made.allow(key_files["user"].with_name("user.pub"))
        yield made


@asynccontextmanager
async def site(server: Sshd, keys: dict[str, Path], folder: Path) -> AsyncIterator[Site]:
    laptop = Laptop(folder)
    laptop.block("edge1", server.port, keys["user"], "HostKeyAlias edge1")
    laptop.knows(server, keys["host-ed25519"], "edge1")
    made = Site("edge1", lambda asker: laptop.open("edge1", Answers(), timeout=5.0), pauses=(0.1,))
    try:
        yield made
    finally:
        await made.aclose()


async def until(truth: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not truth():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def following(made: Site) -> AsyncIterator[None]:
    task = asyncio.create_task(made.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Measured:
    """A connection that counts its measured round trips."""

    alive, count, silence = True, 0, 20.0
    facts = SimpleNamespace(
        host="", user="", address="", via=(), method="", known_by="", server="", warnings=(), plane_uid="",
        key=SimpleNamespace(fingerprint=""),
    )  # fmt: skip

    async def round_trip(self, patience: float) -> float:
        self.count += 1
        return 0.1

    async def aclose(self) -> None:
        return


async def test_the_link_of_a_site_that_no_screen_shows_is_measured_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)
    connection, clock, shown = Measured(), [1000.0], [True]

    async def reach(asker: object) -> Any:
        return connection

    made = Site("edge1", reach, now=lambda: clock[0])
    await made.connect(Answers())
    task = asyncio.create_task(made.watch(lambda: shown[0]))

    async def pass_by(seconds: int) -> int:
        before = connection.count
        for _ in range(seconds):
            clock[0] += 1
            for _ in range(6):
                await asyncio.sleep(0)
        return connection.count - before

    assert await pass_by(60) == 12
    shown[0] = False
    assert await pass_by(120) in (1, 2)
    shown[0] = True
    assert await pass_by(2) == 1, "who looks at it again sees it measured at once"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.aclose()


async def test_it_is_read_and_the_link_is_measured(server: Sshd, key_files: dict[str, Path], tmp_path: Path) -> None:
    async with site(server, key_files, tmp_path) as made, following(made):
        assert made.state == "new"
        await made.connect(Answers())
        assert made.is_open and made.reached is not None and made.reached.user == USER
        await until(lambda: made.rtt is not None)
        await made.read()
        assert made.report is not None and made.read_problem == ""
        assert made.report["target"] == "edge1" and made.report["probes"]["read"] > 20
        assert made.name.startswith("edge1")


async def test_a_connection_that_breaks_comes_back_and_what_was_read_stays(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    back: list[bool] = []
    async with site(server, key_files, tmp_path) as made, following(made):
        made.returned = lambda: back.append(True)
        await made.connect(Answers())
        await made.read()
        before = made.report
        server.stop()
        _end_sessions(made)
        await until(lambda: made.state == "lost" and "Nothing listens" in made.problem)
        assert made.report is before and made.read_at is not None and not back
        server.start()
        await until(lambda: made.is_open)
        assert back == [True] and made.report is before


async def test_a_cut_while_probes_run_is_lost_and_not_a_failure_of_the_probes(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    async with site(server, key_files, tmp_path) as made:
        await made.connect(Answers())
        run = asyncio.create_task(made.read())
        await until(lambda: made.reading_since is not None)
        await asyncio.sleep(0.3)
        _end_sessions(made)
        await run
        assert made.state == "lost" and made.report is None and made.reading_since is None
        assert "broke" in made.read_problem


async def test_a_host_that_was_given_another_key_is_not_connected_again(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    async with site(server, key_files, tmp_path) as made, following(made):
        await made.connect(Answers())
        server.stop()
        _end_sessions(made)
        await until(lambda: made.state == "lost")
        server.host_keys = [key_files["other"]]
        server.start()
        await until(lambda: made.state == "shut")
        assert "has changed" in made.problem


async def test_one_that_is_not_reached_is_shut_with_the_reason(tmp_path: Path) -> None:
    async def nothing(asker: object) -> Any:
        raise Unreachable("Nothing listens at 127.0.0.1:1.", "Check the port.")

    made = Site("edge1", nothing)
    with pytest.raises(EdgewrightError):
        await made.connect(Answers())
    assert made.state == "shut" and made.problem == "Nothing listens at 127.0.0.1:1. Check the port."
    with pytest.raises(Unreachable):
        await made.use()


async def test_a_silent_host_is_lost_after_the_time_of_its_connection_also_while_probes_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)
    patience: list[float] = []
    closing = asyncio.Event()

    class Silent(Measured):
        silence = 6.0

        async def round_trip(self, patience_: float) -> float:
            patience.append(patience_)
            raise TimedOut(f"edge1 has not answered for {patience_:g} s.", "Check the link.")

        async def aclose(self) -> None:
            await closing.wait()

    async def reach(asker: object) -> Any:
        return Silent()

    clock = [1000.0]
    made = Site("edge1", reach, now=lambda: clock[0])
    await made.connect(Answers())
    made.reading_since = 999.0  # probes began, and nothing arrives
    async with following(made):
        for _ in range(6):
            await asyncio.sleep(0)
        assert not patience, "their output may still be on its way"
        clock[0] += module.MEASURE
        await until(lambda: made.state == "lost")
        assert patience == [6.0] and made.problem == "edge1 has not answered for 6 s. Check the link."
        with pytest.raises(Unreachable) as caught:
            await made.use()
        await made.broke(caught.value)  # what finds no connection while the old one still closes is no new reason
        assert made.problem == "edge1 has not answered for 6 s. Check the link."
        closing.set()


async def test_a_lost_connection_is_no_reason_to_look_on_the_host_for_what_was_done() -> None:
    async def reach(asker: object) -> Any:
        return Measured()

    made = Site("edge1", reach)
    await made.connect(Answers())
    await made.broke(lost("edge1 (10.4.1.7)"))  # as the log does, which only reads; verbs report the outcome themselves
    assert made.state == "lost" and made.problem == "The connection to edge1 (10.4.1.7) broke."


def _end_sessions(made: Site) -> None:
    """Close the TCP connection below the transport, as a cut link does in the end."""
    connection: Any = made._connection
    connection._hops[0].transport.sock.close()


def test_targets_are_offered_newest_first_and_bounded(quiet_home: Path) -> None:
    assert recent() == []
    for number in range(MOST + 5):
        remember(f"kairos@edge-{number}")
    remember("kairos@edge-10")
    assert recent()[:2] == ["kairos@edge-10", f"kairos@edge-{MOST + 4}"] and len(recent()) == MOST
    path = locations.folder("state") / "sites.json"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text('["ok", 7, "a;b", "\\u001b[2J"]')
    assert recent() == ["ok"]
    path.write_text("[" * 5000)
    assert recent() == []


@pytest.fixture
def home(quiet_home: Path, server: Sshd, key_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = quiet_home / ".ssh"
    folder.mkdir(mode=0o700)
    host = f"  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {key_files['user']}\n"
    shut = f"Host shut\n  HostName 127.0.0.1\n  Port {free_port()}\n"
    (folder / "config").write_text(f"Host edge1\n{host}{shut}")
    (folder / "config").chmod(0o600)
    return quiet_home


def opened(*words: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    return pexpect.spawn(
        sys.executable, ["-m", "edgewright", "site", "open", *words], env=environment, dimensions=(24, 80), timeout=60
    )


def test_the_question_comes_in_the_plain_terminal_and_then_the_console(home: Path) -> None:
    child = opened("edge1")
    child.expect("Accept it and add it to .*known_hosts")
    assert b"\x1b[?1049h" not in child.before  # the full screen is not open yet
    child.sendline("y")
    child.expect(r"1049h")
    child.expect("probes in 1 round trip")
    child.send("\x11")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "edge1" in (locations.folder("state") / "sites.json").read_text()
    child = opened()
    child.expect("1  edge1")
    child.expect("Open which one")
    child.sendline("7")
    child.expect("7 is not one of 1 to 1.")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7


@pytest.mark.parametrize(
    ("target", "answer", "sentence", "code"),
    [
        ("shut", "", "Nothing listens at 127.0.0.1:", 5),
        ("edge1", "n", "is not known and was not accepted", 4),
        ("a;b", "", "a;b is not a valid host name or address.", 7),
        ("", "", "`site open` needs a target.", 2),
    ],
)
def test_a_site_that_does_not_open_is_one_sentence_and_an_exit_code(
    home: Path, target: str, answer: str, sentence: str, code: int
) -> None:
    child = opened(*([target] if target else []))
    if answer:
        child.expect("Accept it")
        child.sendline(answer)
    child.expect(pexpect.EOF)
    text = child.before.decode()
    child.close()
    assert sentence in " ".join(text.split()) and child.exitstatus == code and "1049h" not in text
    assert "Traceback" not in text


async def test_a_host_that_moved_is_tried_at_its_new_address_and_at_those_before() -> None:
    site = Site("kairos@10.4.1.7", lambda asker: None)  # type: ignore[arg-type, return-value]
    assert site.place == ""
    site.moves("10.4.1.8")
    assert site.place == "10.4.1.8"
    site.moves("")
    assert site.place == "10.4.1.8", "a change that leaves the address is no reason to look elsewhere"
    site.not_there()
    assert site.place == ""
    site.not_there()
    site.moves("10.4.1.9")
    tried = []
    for _ in range(3):
        tried.append(site.place)
        site.not_there()
    assert tried == ["10.4.1.9", "10.4.1.8", ""]

"""Installations on many hosts: how many at a time, when it stops, what each host's result is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgewright.clients.ssh.hostkeys.keys import HostKey
from edgewright.clients.ssh.install.preflight import parse
from edgewright.commands.host.install import _marks
from edgewright.commands.host.install_attempt import Attempt, Done, Work
from edgewright.commands.host.install_hosts import InstallRun, outcome
from edgewright.commands.host.install_input import to_the_end
from edgewright.commands.kernel.lookup import FoundHost
from edgewright.core.errors import EdgewrightError, Failed, Refused

HOSTS = ("a", "b", "c", "d")


def works(*names: str) -> list[Work]:
    return [Work("install", name, name, cast("Any", None)) for name in names]


class Hosts:
    """Stands in for the hosts: each waits for its `go`; what `fails` names fails then; an end is undone first."""

    def __init__(self, *fails: str) -> None:
        self.fails = fails
        self.go = {name: asyncio.Event() for name in HOSTS}
        self.running: list[str] = []
        self.most = 0
        self.undone: list[str] = []

    async def carry(self, work: Work, report: Callable[[str], None]) -> Done:
        self.running.append(work.target)
        self.most = max(self.most, len(self.running))
        try:
            for left in (9, 8, 7):
                report(f"waiting for the registration, {left} s left")
            await self.go[work.target].wait()
            await asyncio.sleep(0.01)
            if work.target in self.fails:
                raise Failed("The disk is full.", "Undone: it is as it was.")
            return Done("installed", f"{work.target} is installed.", f"uid-{work.target}", "healthy")
        except asyncio.CancelledError as ended:
            self.undone.append(await to_the_end(self.undo(work.target)))
            ended.add_note("Undone: it is as it was.")
            raise
        finally:
            self.running.remove(work.target)

    async def undo(self, target: str) -> str:
        await asyncio.sleep(0.01)
        return target


async def begun(hosts: Hosts, *names: str) -> None:
    async with asyncio.timeout(5):
        while not set(names) <= set(hosts.running):
            await asyncio.sleep(0)


async def test_some_at_a_time_and_a_failure_of_one_is_its_own() -> None:
    hosts, said = Hosts("b"), list[str]()
    for event in hosts.go.values():
        event.set()
    run = InstallRun(HOSTS, [("d", Refused("d: sudo asks for a password."))], 2, 0)
    await run.run(works("a", "b", "c"), hosts.carry, said.append)
    assert hosts.most == 2
    made = outcome(run)
    assert made.done == ("a", "c")
    assert [(target, error.message) for target, error in made.failed] == [
        ("b", "b: The disk is full."), ("d", "d: sudo asks for a password."),
    ]  # fmt: skip
    assert made.message == "4 hosts: 2 installed, 2 failed."
    documents = {item.document["target"]: item.document for item in made.result.items}
    assert (documents["a"]["result"], documents["a"]["uid"], documents["a"]["health"]) == (
        "installed", "uid-a", "healthy",
    )  # fmt: skip
    assert documents["b"]["error"]["hint"] == "Undone: it is as it was." and documents["d"]["seconds"] is None
    assert made.facts["hosts"]["b"]["result"] == "failed" and made.facts["hosts"]["c"]["result"] == "done"
    assert sum("waiting" in line for line in said) == 3, "how far it is, once for each host"
    assert any(line.startswith("a: installed as uid-a after") and line.endswith("of 4)") for line in said)


async def test_no_further_host_begins_after_so_many_failures() -> None:
    hosts = Hosts("a")
    hosts.go["a"].set()
    run = InstallRun(HOSTS[:3], (), 1, 1)
    await run.run(works("a", "b", "c"), hosts.carry, lambda line: None)
    made = outcome(run)
    assert [error.code for _, error in made.failed] == ["Failed", "NotBegun", "NotBegun"] and not made.done
    assert made.message == "3 hosts: 1 failed, 2 not begun (1 host failed)."
    assert hosts.running == hosts.undone == []


async def test_the_user_stops_it_and_then_ends_what_runs() -> None:
    hosts = Hosts()
    run = InstallRun(HOSTS[:3], (), 2, 0)
    running = asyncio.create_task(run.run(works("a", "b", "c"), hosts.carry, lambda line: None))
    await begun(hosts, "a", "b")
    run.no_more("you stopped it")
    hosts.go["a"].set()
    await asyncio.sleep(0.02)
    assert not running.done() and hosts.running == ["b"], "c does not begin, b goes on"
    run.end_all()
    await running
    made = outcome(run)
    assert made.done == ("a",) and hosts.undone == ["b"]
    assert {target: (error.code, error.hint) for target, error in made.failed} == {
        "b": ("Interrupted", "Undone: it is as it was."), "c": ("NotBegun", ""),
    }  # fmt: skip


async def test_a_run_that_is_cancelled_ends_when_its_hosts_are_undone() -> None:
    hosts = Hosts()
    running = asyncio.create_task(InstallRun(HOSTS[:2], (), 2, 0).run(works("a", "b"), hosts.carry, lambda line: None))
    await begun(hosts, "a", "b")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(hosts.undone) == ["a", "b"] and hosts.running == []


async def test_what_is_taken_back_is_taken_back_whoever_cancels() -> None:
    ended = []

    async def back() -> str:
        await asyncio.sleep(0.02)
        ended.append(True)
        return "undone"

    task = asyncio.create_task(to_the_end(back()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    assert await task == "undone" and ended


class Cut(Attempt):
    """An installation that waits for ever, and so does its undo."""

    async def _forward(self, patience: float) -> FoundHost:
        await asyncio.Event().wait()
        raise AssertionError

    async def _undo_there(self) -> None:
        await asyncio.Event().wait()


async def test_an_undo_that_the_end_of_the_program_cuts_says_so() -> None:
    """The second Ctrl-C of `asyncio.run` cancels every task."""
    said: list[str] = []
    host = Work("install", "edge1", "edge1 (10.0.0.7)", *cast("Any", [None, object(), object()]))
    running = asyncio.create_task(Cut(cast("Any", None), host, None, said.append).run(60))
    await asyncio.sleep(0)
    running.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not running.done() and not said
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert " ".join(said) == (
        "It could not be undone (the program was ended before): run the command again to continue, "
        "or undo it: edgewright host install edge1 --undo"
    )


def test_errors_keep_their_kind() -> None:
    run = InstallRun(("a",), [("a", Refused("a: no."))], 1, 0)
    ((_, error),) = outcome(run).failed
    assert isinstance(error, EdgewrightError) and error.exit_code == 4


def named_host(way: str, key: bytes, boot: str, system: str = "1") -> Work:
    """Return what the preflight of a name found: the way to it, its key, and what it is."""
    boot = f"0000000{boot}-0000-0000-0000-000000000000" if boot else ""
    machine = 32 * system
    facts = SimpleNamespace(address=f"{way}:22", key=HostKey("ssh-ed25519", key))
    connection = cast("Any", SimpleNamespace(place=("", way), facts=facts))
    printed = f"machine={boot}\nmachine={machine}\nend=1\n".encode()
    return Work("install", way, way, connection, parse(printed, 0.0, 1.0))


def test_two_names_of_one_host_are_known_by_their_way_or_by_key_boot_and_system() -> None:
    def same(first: Work, second: Work) -> bool:
        return bool(set(_marks(first)) & set(_marks(second)))

    host = named_host("10.0.0.1", b"a", "1")
    assert same(host, named_host("10.0.0.1", b"b", "2")), "one address: one host, whatever it shows"
    assert same(host, named_host("10.9.0.1", b"a", "1")), "two addresses of one host"
    assert not same(host, named_host("10.0.0.2", b"a", "2")), "a copy of its image, with its keys"
    assert not same(host, named_host("10.0.0.2", b"b", "1")), "containers of one machine"
    assert not same(host, named_host("10.0.0.2", b"a", "1", "2"))
    assert not same(named_host("x", b"a", "", ""), named_host("y", b"a", "", "")), "nothing is known of them"
    assert not same(named_host("x", b"a", "1", "u"), named_host("y", b"a", "1", "u")), "no id: `uninitialized`"

"""What arrives from a host, in real shells: contents, reasons, canaries, and what is left after the link was cut."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.clients.ssh.bundle.collect import Collector
from edgewright.clients.ssh.bundle.entries import MB, Entry, command, file
from edgewright.clients.ssh.bundle.partial import EntryRecord, Partial, State
from edgewright.core.errors import Conflict, Failed, Refused, TimedOut, Unreachable
from tests.clients.ssh.bundle.contents import plant
from tests.clients.ssh.bundle.local_shell import BUSYBOX, SH, LocalScript, LocalShell
from tests.core.redaction.canaries import CANARIES, RSA

BASH = ("bash", "-s")
SHELLS = (SH, BASH, BUSYBOX)


def new(folder: Path) -> Partial:
    return Partial.create(folder, State(target="edge-1", began=time.time(), ago=3600))


async def collected(
    host: LocalShell,
    partial: Partial,
    entries: Sequence[Entry],
    *,
    rate: int = 0,
    total: int = 64 * MB,
    silence: float = 10.0,
) -> dict[str, EntryRecord]:
    try:
        await Collector(host, partial, entries=entries, rate=rate, total=total, silence=silence).run()
    finally:
        await host.aclose()
    return {record.name: record for record in partial.state.entries}


def contents(partial: Partial) -> dict[str, bytes]:
    records = [record for entry in partial.state.entries for record in entry.files]
    texts = {record.name: partial.path(record).read_bytes() for record in records}
    for record in records:
        text = texts[record.name]
        assert (record.bytes, record.sha256) == (len(text), hashlib.sha256(text).hexdigest())
    return texts


def leaks(folder: Path) -> list[str]:
    """Return the canaries that are anywhere in a folder."""
    data = b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return [canary.kind for canary in CANARIES for part in canary.hidden if len(part) > 8 and part in data]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
async def test_contents_and_reasons(shell: tuple[str, ...], place: Path, tmp_path: Path, busybox_path: str) -> None:
    entries = plant(place)
    partial = new(tmp_path / "partial")
    host = LocalShell(shell, path=busybox_path if shell == BUSYBOX else "")
    records = await collected(host, partial, entries)
    assert {name: record.reason for name, record in records.items() if record.reason} == {
        "a/silent.txt": "ended after 1 s without output",
        "a/nothing.txt": "empty",
        "b/absent.log": "not on this host",
        "b/link.log": "not read: it may contain secrets",
        "b/away.log": "not read: it is a link to elsewhere",
        "b/never": "not read: it may contain secrets",
        "b/folder": "not read: it is not a file",
    }
    assert all(record.complete for record in records.values()) and len(records) == len(entries)
    texts = contents(partial)
    assert texts["a/command.txt"].startswith(b"out\nerr\n") and records["a/command.txt"].files[0].status == "3"
    assert records["a/short.txt"].files[0].cut and len(texts["a/short.txt"]) <= 10_240
    assert texts["a/hangs.txt"] == b"begun\n" and records["a/hangs.txt"].files[0].status == "hung"
    assert texts["b/plain.log"].count(b"of a log") == 3000 and not records["b/plain.log"].files[0].cut
    assert records["b/long.log"].files[0].cut and texts["b/long.log"].startswith(b"2026-11-29T16:00:01+0000 edge-1")
    assert b"edgeHostToken: '********'" in texts["c/userdata.yaml"] and b"name: edge-1" in texts["c/userdata.yaml"]
    assert (
        sorted(name for name in texts if name.startswith("d/")) == ["d/1.log", "d/2.log", "d/3.log"]
        or len([name for name in texts if name.startswith("d/")]) == 3
    )
    assert "2 more files" in records["d"].note
    assert leaks(tmp_path / "partial") == []
    assert sum(records["b/plain.log"].files[0].left_out.values()) > 50
    assert len(host.streams) == 1
    for path in (tmp_path / "partial").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "partial").stat().st_mode & 0o777 == 0o700


async def test_what_needs_root_without_sudo(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("needs root, to become a user without rights")
    entries = (
        command("a/root.txt", "one for root", "id -u", root="needed"),
        command("a/user.txt", "one for all", "id -un"),
        file("b/shadowed", "/root/secret/file", "in a folder of root"),
        file("b/sudoers", "/etc/sudoers.d/README", "a file of root"),
        file("b/hostname", "/etc/hostname", "a file for all"),
    )
    partial = new(tmp_path / "partial")
    records = await collected(LocalShell(root=False), partial, entries)
    assert records["a/root.txt"].reason == "not read: needs sudo"
    assert records["b/hostname"].reason == "" and contents(partial)["a/user.txt"] == b"nobody\n"
    if Path("/etc/sudoers.d/README").exists():
        assert records["b/sudoers"].reason == "not read: needs sudo"
    assert partial.state.root is False and partial.state.way == "sudo asks for a password."


@pytest.mark.parametrize("shell", (SH, BUSYBOX), ids=lambda shell: shell[0])
async def test_a_cut_bundle_continues_and_is_the_same(
    shell: tuple[str, ...], place: Path, tmp_path: Path, busybox_path: str
) -> None:
    entries = tuple(entry for entry in plant(place, 1000) if entry.name not in ("a/hangs.txt", "a/silent.txt"))
    path = busybox_path if shell == BUSYBOX else ""
    whole = new(tmp_path / "whole")
    await collected(LocalShell(shell, path=path), whole, entries)
    size = whole.state.received
    for cuts in ([size // 7 * n] for n in range(1, 7)):
        partial = new(tmp_path / f"cut-{cuts[0]}")
        with pytest.raises(Unreachable):
            await collected(LocalShell(shell, path=path, cuts=cuts), partial, entries)
        again = Partial.open(partial.folder)
        settled = sum(record.complete for record in again.state.entries)
        host = LocalShell(shell, path=path)
        await collected(host, again, entries)
        assert contents(again) == contents(whole)
        assert again.state.interruptions == 1
        assert f"command_ 0 {entries[0].seconds}".encode() in host.scripts[0] or settled > 0
        assert leaks(partial.folder) == []


async def test_a_file_continues_within_itself(place: Path, tmp_path: Path) -> None:
    data = b"".join(
        b"%032x a line that gzip cannot make much shorter\n" % (n * 0x9E3779B97F4A7C15) for n in range(40_000)
    )
    (place / "big.log").write_bytes(data)
    entries = (file("big.log", f"{place}/big.log", "a large log", 8 * MB),)
    partial = new(tmp_path / "partial")
    with pytest.raises(Unreachable):
        await collected(LocalShell(cuts=[300_000]), partial, entries)
    again = Partial.open(partial.folder)
    assert again.state.current is not None and again.state.current.at > 500_000
    host = LocalShell()
    with (place / "big.log").open("ab") as log:
        log.write(b"a line that came later\n")
    await collected(host, again, entries)
    assert contents(again)["big.log"] == data + b"a line that came later\n"
    assert not again.state.entries[0].read_again
    assert again.state.received < 300_000 + host.streams[0].read_bytes + 1 and host.streams[0].read_bytes < 700_000


async def test_a_file_that_changed_is_read_again(place: Path, tmp_path: Path) -> None:
    data = b"".join(b"%032x line\n" % (n * 0x9E3779B97F4A7C15) for n in range(40_000))
    (place / "big.log").write_bytes(data)
    entries = (file("big.log", f"{place}/big.log", "a large log", 8 * MB),)
    partial = new(tmp_path / "partial")
    with pytest.raises(Unreachable):
        await collected(LocalShell(cuts=[300_000]), partial, entries)
    (place / "big.log").write_bytes(data[::-1])
    again = Partial.open(partial.folder)
    await collected(LocalShell(), again, entries)
    assert contents(again)["big.log"] == data[::-1]
    assert again.state.entries[0].read_again


async def test_the_rate_is_a_limit_and_the_host_waits(place: Path, tmp_path: Path) -> None:
    (place / "big.log").write_bytes(b"".join(b"%032x\n" % (n * 0x9E3779B97F4A7C15) for n in range(12_000)))
    entries = (file("big.log", f"{place}/big.log", "a log"),)
    partial = new(tmp_path / "partial")
    began = time.monotonic()
    await collected(LocalShell(), partial, entries, rate=100_000)
    seconds = time.monotonic() - began
    assert partial.state.received > 100_000
    assert partial.state.received / seconds < 110_000


async def test_the_total_is_a_limit(place: Path, tmp_path: Path) -> None:
    entries = plant(place)[6:8]
    partial = new(tmp_path / "partial")
    records = await collected(LocalShell(), partial, entries, total=100_000)
    assert records["b/plain.log"].files[0].cut
    assert records["b/long.log"].reason.startswith("left out: the bundle has 100000 bytes")


async def test_nothing_runs_on_when_the_reader_is_gone(tmp_path: Path) -> None:
    entries = (command("hangs.txt", "hangs", "sleep 3217", 300),)
    partial = new(tmp_path / "partial")
    host = LocalShell()
    task = asyncio.create_task(Collector(host, partial, entries=entries).run())
    for _ in range(100):
        await asyncio.sleep(0.1)
        if running("sleep 3217"):
            break
    assert running("sleep 3217")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        if not running("sleep 3217"):
            break
        await asyncio.sleep(0.1)
    assert not running("sleep 3217")
    await asyncio.wait_for(host.streams[0].process.wait(), 10)


def running(args: str) -> bool:
    return args in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()


async def test_an_entry_that_gives_nothing_is_given_up_and_the_next_is_read(place: Path, tmp_path: Path) -> None:
    hang = file("a.log", f"{place}/a.log", "hangs")._replace(kind="command", source="kill -STOP $$; echo no", seconds=1)
    entries = (command("before.txt", "before", "echo before"), hang, command("after.txt", "after", "echo after"))
    partial = new(tmp_path / "partial")
    host = LocalShell()
    try:
        await Collector(host, partial, entries=entries, silence=2.0).run()
    finally:
        await host.aclose()
    records = {record.name: record for record in partial.state.entries}
    assert records["a.log"].reason == "given up: no answer for 3 s"
    assert contents(partial) == {"before.txt": b"before\n", "after.txt": b"after\n"}
    assert len(host.streams) == 2


async def test_a_file_that_gives_no_more_is_given_up_too(place: Path, tmp_path: Path) -> None:
    (place / "a.log").write_text("line\n" * 100)
    (tmp_path / "bin").mkdir()
    hangs = tmp_path / "bin" / "tail"
    hangs.write_text("#!/bin/sh\nkill -STOP $$\n")
    hangs.chmod(0o755)
    entries = (file("a.log", f"{place}/a.log", "hangs"), command("after.txt", "after", "echo after"))
    partial = new(tmp_path / "partial")
    host = LocalShell(path=str(tmp_path / "bin"))
    try:
        await Collector(host, partial, entries=entries, silence=2.0).run()
    finally:
        await host.aclose()
        for stream in host.streams:
            await asyncio.wait_for(stream.process.wait(), 10)
    assert partial.state.entries[0].reason == "given up: no answer for 2 s"
    assert contents(partial) == {"after.txt": b"after\n"}


async def test_another_host_is_refused(tmp_path: Path) -> None:
    partial = new(tmp_path / "partial")
    partial.state.machine = "0" * 32
    with pytest.raises(Refused, match="of another host"):
        await collected(LocalShell(), partial, (command("a.txt", "a", "echo a"),))


@pytest.mark.parametrize(
    "answer",
    [
        "printf '\\n%s begin 0 0 raw - 0\\n' $M",
        "printf '\\n%s host 1 1 1 1 - h\\n\\n%s begin 7 0 raw - 0\\n' $M $M",
        "printf '\\n%s host 1 1 1 1 - h\\n\\n%s end 0 0\\n' $M $M",
        "printf '\\n%s host 1 1 1 1 - h\\n\\n%s begin 0 0 raw - 9\\n' $M $M",
        "printf '\\n%s host 1 x 1 1 - h\\n' $M",
        "printf '\\n%s host '; head -c 2000 /dev/zero | tr '\\0' x",
        "printf '\\n%s host 1 1 1 1 - h\\n\\n%s done\\n' $M $M",
        "echo nothing",
        "cat /dev/zero",
        "printf '\\n%s host 1 1 1 1 - h\\n\\n%s begin 0 0 raw - 0\\n' $M $M; cat /dev/zero",
        (
            "printf '\\n%s host 1 1 1 1 - h\\n\\n%s begin 0 0 gz - 0\\n' $M $M; "
            "(head -c 8000000 /dev/zero; cat /dev/urandom) | gzip -c1"
        ),
        "printf '\\n%s host 1 1 1 1 - h\\n\\n%s host 1 1 1 1 - h\\n' $M $M",
    ],
)
async def test_a_host_that_answers_anything_gets_no_bundle(answer: str, tmp_path: Path) -> None:
    class Answers(LocalShell):
        async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalScript:
            marker = script.split(b"M=", 1)[1][:32]
            return await super().open_script(b"M=" + marker + b"\n" + answer.encode() + b"\nexit 0\n")

    partial = new(tmp_path / "partial")
    with pytest.raises((Failed, TimedOut)):
        await collected(Answers(), partial, (command("a.txt", "a", "echo a"),), silence=2.0)
    assert not any(record.complete for record in partial.state.entries)


async def test_nothing_of_the_host_leads_out_of_the_folder(place: Path, tmp_path: Path) -> None:
    class Names(LocalShell):
        async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalScript:
            marker = script.split(b"M=", 1)[1][:32]
            text = b"printf '\\n%s host 1 1 1 1 - h\\n\\n%s begin 0 0 raw ../../x 0\\nx' " + marker + b" " + marker
            return await super().open_script(text + b"\nexit 0\n")

    entry = plant(place)[-1]
    with pytest.raises(Failed, match="is not a bundle"):
        await collected(Names(), new(tmp_path / "partial"), (entry,))


async def test_a_host_settles_an_entry_once(tmp_path: Path) -> None:
    class Repeats(LocalShell):
        async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalScript:
            marker = script.split(b"M=", 1)[1][:32]
            text = b"printf '\\n%s host 1 1 1 1 - h\\n' $M; while :; do printf '\\n%s miss 0 absent\\n' $M; done"
            return await super().open_script(b"M=" + marker + b"\n" + text + b"\n")

    entries = (command("a.txt", "a", "echo a"), command("b.txt", "b", "echo b"))
    with pytest.raises(Failed, match="settled"):
        await collected(Repeats(), new(tmp_path / "partial"), entries)


@pytest.mark.parametrize("room", range(20_000, 200_000, 20_000))
async def test_a_full_disk_is_an_error_and_the_rest_has_no_secret(room: int, place: Path, tmp_path: Path) -> None:
    lines = "".join(f"{n} a line between two keys of a log\n" for n in range(40))
    (place / "keys.log").write_text(f"{RSA}{lines}" * 150)  # most pieces begin or end within a key
    entries = (file("keys.log", f"{place}/keys.log", "keys"),)
    whole = new(tmp_path / "whole")
    await collected(LocalShell(), whole, entries)
    partial = new(tmp_path / "partial")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(Failed, match="cannot be written"):
            await collected(LocalShell(), partial, entries)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    again = Partial.open(partial.folder)
    await collected(LocalShell(), again, entries)
    assert contents(again) == contents(whole)
    assert not [line for line in RSA.splitlines()[1:-1] if line.encode() in contents(again)["keys.log"]]


async def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    partial = new(tmp_path / "partial")
    with partial.claimed():
        with pytest.raises(Conflict, match="Another run"), Partial.open(partial.folder).claimed():
            pass
        partial.state.received = 7
        partial.save()
    again = Partial(partial.folder, State(target="old", began=0, ago=60))
    with again.claimed():
        assert again.state.received == 7


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
async def test_a_host_whose_shells_ignore_the_signal_to_end(
    shell: tuple[str, ...], tmp_path: Path, busybox_path: str
) -> None:
    ignoring = (
        sys.executable,
        "-c",
        "import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])",
    )
    hangs, waits = f"sleep 321{SHELLS.index(shell)}", 21 + SHELLS.index(shell)
    entries = (command("a.txt", "a", "echo a", waits), command("b.txt", "hangs", f"echo b; {hangs}", 3))
    partial = new(tmp_path / "partial")
    host = LocalShell((*ignoring, *shell), path=busybox_path if shell == BUSYBOX else "")
    began = time.monotonic()
    records = await collected(host, partial, entries)
    assert time.monotonic() - began < 15
    assert records["a.txt"].files[0].status == "0" and records["b.txt"].files[0].status == "hung"
    assert contents(partial) == {"a.txt": b"a\n", "b.txt": b"b\n"}
    assert not running(hangs) and not running(f"sleep {waits}")

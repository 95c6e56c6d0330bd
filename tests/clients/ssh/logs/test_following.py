"""Logs read and followed by the real script in real shells: order, cursor, gaps, what is left out, its end."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.clients.ssh.logs.host_log import HostLog
from edgewright.clients.ssh.logs.request import Request
from edgewright.clients.ssh.logs.rows import Keys, journal_entry, tidy
from edgewright.clients.ssh.logs.script import script
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound, Unreachable
from edgewright.core.logs.entry import Entry
from tests.clients.ssh.logs.local import LocalHost, LocalStream, row
from tests.core.redaction.canaries import CANARIES, HARMLESS

SHELLS = [("sh",), *([("busybox", "ash")] if shutil.which("busybox") else [])]


class Reader:
    """What arrives of one host."""

    def __init__(self, host: LocalHost, request: Request | None = None) -> None:
        self.host = host
        self.entries: list[Entry] = []
        self.log = HostLog("edge-1", request or Request(), self.entries.extend)
        self.task: asyncio.Task[None] | None = None

    @property
    def texts(self) -> list[str]:
        return [entry.text for entry in self.entries]

    def start(self) -> None:
        self.task = asyncio.create_task(self.log.run(self.host))

    async def until(self, done: Callable[[], bool], seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.texts[-5:]
            if self.task is not None and self.task.done():
                self.task.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def cut(self) -> None:
        """Break the connection."""
        assert self.task is not None
        self.host.cut.set()
        with pytest.raises(Unreachable):
            await asyncio.wait_for(self.task, 10)
        self.host.cut.clear()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[-1])
async def test_lines_before_now_and_those_that_come_arrive_once_and_the_script_ends_with_its_reader(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    host = LocalHost(tmp_path, shell=shell)
    now = time.time()
    host.write(*(row(number, f"old {number}", now - 10 + number / 100) for number in range(700)))
    reader = Reader(host, Request(("kubelet", "kernel")))
    reader.start()
    await reader.until(lambda: reader.log.caught_up and len(reader.entries) >= 500)
    assert reader.texts == [f"old {number}" for number in range(200, 700)]
    host.write(row(700, "new", now), row(701, "newer", now))
    await reader.until(lambda: reader.texts[-1:] == ["newer"])
    assert reader.texts[-3:] == ["old 699", "new", "newer"] and len(reader.entries) == 502
    assert "_SYSTEMD_UNIT=kubelet.service + _PID=1 UNIT=kubelet.service + _TRANSPORT=kernel" in host.asked
    assert not reader.log.skew.matters and reader.log.source == ""
    process = host.streams[-1].process
    await reader.stop()
    await asyncio.wait_for(process.wait(), 5)


OLD_DD = """#!/bin/sh
case "$*" in *nonblock*) exit 1 ;; esac
exec /bin/dd "$@"
"""


@pytest.mark.parametrize("old", [False, True], ids=["takes what is there", "one read at a time"])
async def test_very_many_lines_arrive_whole_and_in_order_and_the_last_does_not_wait_for_others(
    tmp_path: Path, old: bool
) -> None:
    host, now = LocalHost(tmp_path), time.time()
    if old:  # of a host whose dd cannot read without waiting
        host.program("dd", OLD_DD)
    reader = Reader(host)
    reader.start()
    await reader.until(lambda: reader.log.caught_up)
    for begin, at in ((0, now), (6000, now - 30)):  # with those that are late, a block waits for several reads
        await asyncio.to_thread(
            host.write, *(row(number, f"{number} " + "x" * 300, at) for number in range(begin, begin + 6000))
        )
        await reader.until(lambda begin=begin: len(reader.entries) == begin + 6000, 60)  # type: ignore[misc]
    assert [int(text.split()[0]) for text in reader.texts] == list(range(12_000))
    await reader.stop()


async def test_lines_wait_while_something_else_comes_first(tmp_path: Path) -> None:
    host = LocalHost(tmp_path)
    reader = Reader(host)
    busy = [False]
    reader.log._busy = lambda: busy[0]
    reader.start()
    await reader.until(lambda: reader.log.caught_up)
    busy[0] = True
    host.write(row(1, "one", time.time()))
    await reader.until(lambda: reader.texts == ["one"])  # the piece that was on its way
    host.write(row(2, "two", time.time()))
    await asyncio.sleep(0.4)
    assert reader.texts == ["one"]
    busy[0] = False
    await reader.until(lambda: reader.texts == ["one", "two"])
    await reader.stop()


async def test_after_a_broken_connection_it_continues_where_it_ended(tmp_path: Path) -> None:
    host = LocalHost(tmp_path)
    now = time.time()
    host.write(*(row(number, f"line {number}", now) for number in range(10)))
    reader = Reader(host)
    reader.start()
    await reader.until(lambda: len(reader.entries) == 10)
    await reader.cut()
    host.write(*(row(number, f"line {number}", now) for number in range(10, 13)))
    reader.start()
    await reader.until(lambda: len(reader.entries) == 13)
    assert reader.texts == [f"line {number}" for number in range(13)]
    await reader.stop()


async def test_a_journal_that_was_rotated_away_meanwhile_is_said_as_a_gap(tmp_path: Path) -> None:
    host = LocalHost(tmp_path)
    now = time.time()
    host.write(row(1, "before", now))
    reader = Reader(host)
    reader.start()
    await reader.until(lambda: len(reader.entries) == 1)
    await reader.cut()
    host.journal.write_text(row(9, "after", now + 1) + "\n")
    reader.start()
    await reader.until(lambda: len(reader.entries) == 3)
    assert reader.texts[0] == "before" and reader.texts[2] == "after"
    assert reader.entries[1].gap and "lines may be missing" in reader.texts[1]
    await reader.stop()


async def test_a_log_that_is_not_followed_ends(tmp_path: Path) -> None:
    host = LocalHost(tmp_path)
    host.write(*(row(number, "x" * 50, time.time()) for number in range(100)))
    reader = Reader(host, Request(follow=False, lines=5, ago=3600))
    await asyncio.wait_for(reader.log.run(host), 10)
    assert len(reader.entries) == 5 and "--since @" in host.asked


async def test_the_lines_before_now_are_bounded_in_bytes_and_the_newest_count(tmp_path: Path) -> None:
    host = LocalHost(tmp_path)
    host.write(*(row(number, f"{number} " + "x" * 500, time.time()) for number in range(400)))
    reader = Reader(host, Request(follow=False, backlog=20_000))
    await asyncio.wait_for(reader.log.run(host), 10)
    assert 20 < len(reader.entries) < 40 and reader.texts[-1].startswith("399 ")


async def test_what_is_slower_than_the_log_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.clients.ssh.logs.script.PATIENCE", 1)
    host = LocalHost(tmp_path)
    reader = Reader(host)
    blocked = asyncio.Event()
    blocked.set()
    take = reader.entries.extend
    reader.log._take = take
    reader.start()
    await reader.until(lambda: reader.log.caught_up)
    # A link that carries about 50 KB a second while 12,000 lines are written, whose times are long ago at first.
    stream = host.streams[-1]
    read = stream.read

    async def slowly() -> bytes:
        data = await read()
        await asyncio.sleep(len(data) / 50_000)
        return data

    stream.read = slowly  # type: ignore[method-assign]
    total, now = 12_000, time.time()
    chunk = [
        row(number, f"{number} {hash(str(number))} {hash(str(-number))} " * 3, now - 60 + 60 * number / total)
        for number in range(total)
    ]
    await asyncio.to_thread(host.write, *chunk)
    await asyncio.sleep(0.1)
    await asyncio.to_thread(host.write, row(total, "last", time.time()))
    await reader.until(lambda: "last" in reader.texts[-3:], 60)
    gaps = [entry for entry in reader.entries if entry.gap]
    assert gaps and "the link is slower than the log" in gaps[0].text
    arrived = len(reader.entries) - len(gaps)
    assert arrived + reader.log.left_out == total + 1
    numbers = [int(text.split()[0]) for text in reader.texts if text[0].isdigit()]
    assert numbers == sorted(numbers)
    await reader.stop()


async def test_the_clock_of_a_host_is_taken_out_of_the_times_of_its_lines(tmp_path: Path) -> None:
    host = LocalHost(tmp_path)
    host.program(
        "date", '#!/bin/sh\ncase $1 in +%s*) echo $(($(/bin/date +%s) + 3600)) ;; *) exec /bin/date "$@" ;; esac\n'
    )
    now = time.time()
    host.write(row(1, "ahead", now + 3600))
    reader = Reader(host)
    reader.start()
    await reader.until(lambda: len(reader.entries) == 1)
    assert reader.log.skew.matters and abs(reader.log.skew.seconds - 3600) <= 2
    assert abs(reader.entries[0].at - now) <= 2 and abs(reader.entries[0].host_at - now - 3600) < 0.01
    await reader.stop()


async def test_a_host_without_a_journal_is_read_from_its_file_of_syslog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "messages"
    monkeypatch.setattr("edgewright.clients.ssh.logs.script.FILES", str(file))
    host = LocalHost(tmp_path, journal=False)
    stamp = time.strftime("%b %e %H:%M:%S", time.gmtime())
    host.program("date", '#!/bin/sh\nexec /bin/date -u "$@"\n')
    file.write_text(f"{stamp} tiny daemon.warn crond[77]: old\n{stamp} tiny kernel: boot\n")
    reader = Reader(host)
    reader.start()
    await reader.until(lambda: len(reader.entries) == 2)
    assert [(entry.unit, entry.text, entry.priority) for entry in reader.entries] == [
        ("crond", "old", 4), ("kernel", "boot", 6),
    ]  # fmt: skip
    assert abs(reader.entries[0].at - time.time()) < 30 and reader.log.source == str(file)
    file.rename(tmp_path / "messages.0")  # rotated while it is followed
    file.write_text(f"{stamp} tiny cron: rotated\n")
    await reader.until(lambda: reader.texts[-1] == "rotated")
    await reader.cut()
    with file.open("a") as out:
        out.write(f"{stamp} tiny cron: meanwhile\n")
    reader.start()
    await reader.until(lambda: reader.texts[-1] == "meanwhile")
    assert reader.texts == ["old", "boot", "rotated", "meanwhile"]
    await reader.cut()
    file.write_text(f"{stamp} tiny cron: other\n")
    reader.start()
    await reader.until(lambda: reader.texts[-1] == "other")
    assert "lines may be missing" in reader.texts[-2]
    await reader.stop()


class NoSudo(LocalHost):
    """A host whose sudo is not there for this user."""

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalStream:
        self.shell = ("sh", "-c", "head -c 1 >/dev/null") if sudo else ("sh",)
        return await super().open_script(script, sudo=sudo, window=window)


async def test_hosts_without_any_log_and_streams_that_are_none_are_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.clients.ssh.logs.script.FILES", str(tmp_path / "none"))
    with pytest.raises(NotFound, match="no journal, and no file"):
        await HostLog("edge-1", Request(), lambda entries: None).run(LocalHost(tmp_path, journal=False))
    with pytest.raises(NotFound, match="no log that this user may read") as caught:
        await HostLog("edge-1", Request(), lambda entries: None).run(NoSudo(tmp_path, journal=False))
    assert "systemd-journal" in caught.value.hint
    broken = LocalHost(tmp_path)
    broken.program("journalctl", '#!/bin/sh\ncase "$*" in *-f*) exit 1 ;; esac\necho x\n')
    with pytest.raises(Failed, match="ended on the host"):
        await HostLog("edge-1", Request(), lambda entries: None).run(broken)


async def test_escapes_secrets_keys_and_bytes_in_messages(tmp_path: Path) -> None:
    host, now = LocalHost(tmp_path), time.time()
    host.write(
        row(1, "a\x1b[31mb\x1b]0;title\x07c\rd", now),
        row(2, "-----BEGIN RSA PRIVATE KEY-----", now),
        row(3, "MIIcanary", now),
        row(4, "-----END RSA PRIVATE KEY-----", now),
        row(5, "", now, MESSAGE=[104, 105, 255]),
        row(6, "", now, MESSAGE=None),
        row(7, "from two", now, PRIORITY=["3", "4"], UNIT="k3s.service", _SYSTEMD_UNIT="init.scope"),
        "not json",
    )
    reader = Reader(host, Request(follow=False))
    await asyncio.wait_for(reader.log.run(host), 10)
    key = "[left out: a private key]"
    assert reader.texts == ["abc d", key, key, key, "hi\ufffd", "", "from two"]
    assert reader.entries[-1].unit == "k3s.service"


STUMPS = ("key, without its begin", "key, journal, without its begin", "container, key")
"""Of these the last line of a key is shown: what is before it was written before the log is read."""


def shown_of(text: str) -> str:
    """Return what is shown of a text whose lines are messages of one unit."""
    keys = Keys()
    lines = [keys.without("shop", tidy(line)) for line in text.splitlines()]
    return "\n".join(str(Entry(0.0, 0.0, "edge-1", "shop", line).shown) for line in lines)


def test_no_secret_of_the_catalogue_is_shown_when_its_lines_arrive_one_by_one() -> None:
    for canary in CANARIES:
        shown = shown_of(canary.text.decode()).encode()
        left = [part for part in canary.hidden if part in shown]
        assert len(left) <= (canary.kind in STUMPS), f"{canary.kind}: {left}"
    keys = Keys()
    assert [keys.without("shop", line) for line in HARMLESS.splitlines()] == HARMLESS.splitlines()
    for line in ("password:", "  cAnary7Qx", "user: ana", "  indented: too"):
        keys.without("other", line)
    assert keys.without("shop", "  indented") == "  indented" and keys.without("other", "end") == "end"


def test_secrets_are_left_out_also_behind_more_units_than_are_remembered() -> None:
    keys = Keys()
    for number in range(2000):
        for line in ("password: |", "  cAnary7Qx") if number % 2 else ("-----BEGIN PRIVATE KEY-----", "cAnary7Qx"):
            assert "cAnary" not in keys.without(f"session-{number}.scope", line), number
        keys.without("cron.service", "started")
    keys.without("cron.service", "password: |")
    assert "cAnary" not in keys.without("cron.service", "  cAnary7Qx")


@pytest.mark.parametrize("fields", [{"lines": -1}, {"lines": 10**9}, {"ago": -5}, {"backlog": 0}])
def test_numbers_out_of_range_reach_no_script(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="too"):
        script(Request(**fields), "0" * 32)  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", ["a'b", "a;b", "`x`", "-x"])
def test_names_that_are_none_reach_no_script(unit: str) -> None:
    with pytest.raises(EdgewrightError) as caught:
        script(Request((unit,)), "0" * 32)
    assert isinstance(caught.value, InvalidInput)


@pytest.mark.parametrize(("marker", "cursor"), [("x", ""), ("0" * 32, "a'b"), ("0" * 32, "a b")])
def test_only_markers_and_cursors_reach_a_script(marker: str, cursor: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        script(Request(), marker, cursor)


@pytest.mark.parametrize(
    "fields",
    [
        b'"__REALTIME_TIMESTAMP":"' + b"1" * 400 + b'"',
        b'"__REALTIME_TIMESTAMP":"' + b"9" * 20 + b'"',
        b'"__REALTIME_TIMESTAMP":"-5"',
        b'"__REALTIME_TIMESTAMP":"1700000000000000","X":' + b"[" * 5000 + b"]" * 5000,
        b'"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":' + b"[" * 5000 + b"]" * 5000,
    ],
    ids=["endless", "far", "before", "deep", "deep-message"],
)
def test_lines_that_are_none_are_refused_as_such(fields: bytes) -> None:
    with pytest.raises(ValueError, match=r"no line of a journal|no moment"):
        journal_entry(b'{"__CURSOR":"c",' + fields + b"}", "edge-1", Keys())


def test_a_message_in_lists_of_lists_is_read_no_deeper_than_a_journal_has_it() -> None:
    head = b'{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":'
    assert journal_entry(head + b'["a",[98,99]]}', "edge-1", Keys())[0].text == "a bc"
    assert journal_entry(head + b"[" * 450 + b'"a"' + b"]" * 450 + b"}", "edge-1", Keys())[0].text == ""

"""Rule P34: what a console knows of a heartbeat is at most two seconds older than what the hub knows."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from edgewright.clients.http.stream import ServerEvent, change_of
from edgewright.core import times
from edgewright.core.roles import EVERYTHING, Scope
from edgewright.hub.readmodel.beats import Beats
from edgewright.hub.readmodel.changes import Changes
from edgewright.sources.follow import Follower, Inbox
from edgewright.store.collections.beats import Beat, beats_of, document_after, row_after
from edgewright.store.collections.hosts import HostRow, host_row
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store

START = 1_700_000_000.0
LAG = 2.0


class _Selector(selectors.SelectSelector):
    """Waits no real time: the clock of the loop goes on instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.now += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock is controlled by what it waits for."""

    def __init__(self) -> None:
        self.clock = _Selector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Loop]:
    """A loop with a controlled clock, which `times.now` follows."""
    made = _Loop()
    monkeypatch.setattr(times, "now", lambda: START + made.clock.now)
    yield made
    made.close()


class _Host:
    """As much of a hub's host as beats need."""

    def __init__(self, uid: str) -> None:
        self.record, self.live = self, self
        self.uid, self.project_uid = uid, "p" if uid < "h5" else "q"
        self.at: float | None = None
        self.count = 0
        self.vitals: dict[str, Any] = {}
        self.progress: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        status = {"healthState": "healthy", "silenceLimit": 600.0, "deadline": times.rfc3339(START + 600)}
        status |= {"lastHeartbeat": times.rfc3339(self.at), "heartbeats": self.count}
        device = {"memory": {"sizeInMB": 1000}}
        return {"metadata": {"uid": self.uid}, "spec": {"device": device}, "status": {"edgewright": status}}


class _Plane:
    """The stream of a hub and a console's store at its end, joined without a network."""

    def __init__(self, count: int) -> None:
        self.hosts = {f"h{number}": _Host(f"h{number}") for number in range(count)}
        self.beats = Beats(self)  # type: ignore[arg-type]
        self.changes = Changes(1000, lambda kind, uid: self.hosts[uid].document(), beats=self.beats)
        self.store = Store(clock=times.now)
        self.bytes = 0
        self.events = 0

    def heard(self, uid: str) -> None:
        host = self.hosts[uid]
        host.at, host.count = times.now(), host.count + 1
        host.vitals = {"cpuPercent": host.count % 100, "memoryUsedMB": 500 + host.count, "load1": 0.5}
        self.changes.note_beat(uid)

    def emit(self, kind: str, payload: dict[str, Any]) -> None:
        self.store.emit("plane", kind, payload)

    def state(self, *_: Any, **__: Any) -> None: ...

    def note(self, *_: Any, **__: Any) -> None: ...

    async def follow(self, project: str = "") -> None:
        """Read the stream as the console does."""
        inbox, follower = Inbox(), Follower(None, self)  # type: ignore[arg-type]
        async for piece in self.changes.stream(None, Scope.of(project) if project else EVERYTHING, beats_since=0.0):
            self.bytes += len(piece)
            for block in piece.decode().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                change = change_of(ServerEvent(lines.get("id", ""), lines.get("event", ""), lines.get("data", "{}")))
                if change is not None:
                    self.events += 1
                    inbox.put(change)
            follower._pass_on_beats(inbox.take_beats())


def test_p34_a_console_knows_a_heartbeat_after_two_seconds_at_the_latest(loop: _Loop) -> None:
    plane = _Plane(40)
    worst = 0.0

    async def scenario() -> None:
        nonlocal worst
        plane.emit(kinds.HOSTS_SEEN, {"docs": [host.document() for host in plane.hosts.values()]})
        reader = asyncio.create_task(plane.follow())
        await asyncio.sleep(0.1)
        for tick in range(600):  # a minute, ten looks a second; each host sends every 10 s
            for number in range(tick % 100, 40 * 3, 100):
                if number % 3 == 0:
                    plane.heard(f"h{number // 3}")
            await asyncio.sleep(0.1)
            for uid, host in plane.hosts.items():
                row = plane.store.model.hosts[uid]
                if host.at is not None and row.heartbeats != host.count:
                    worst = max(worst, times.now() - host.at)
        reader.cancel()

    loop.run_until_complete(scenario())
    assert 0.0 < worst <= LAG, worst
    row, document = plane.store.model.hosts["h0"], plane.store.document("hosts", "h0")
    assert document is not None and document["spec"]["edgewright"]["cpuPercent"] == 6, "the raw document follows"
    assert row.cpu_percent == row.heartbeats == 6 and row.memory_percent == 50.6
    assert row.deadline == pytest.approx((row.last_seen or 0.0) + 600)
    assert plane.events <= 61, "one event a second, whatever the number of hosts"


def test_p34_a_reader_of_a_project_gets_the_heartbeats_of_its_hosts(loop: _Loop) -> None:
    plane = _Plane(10)

    async def scenario() -> None:
        plane.emit(kinds.HOSTS_SEEN, {"docs": [host.document() for host in plane.hosts.values()]})
        reader = asyncio.create_task(plane.follow("q"))
        await asyncio.sleep(0.1)
        for uid in plane.hosts:
            plane.heard(uid)
        await asyncio.sleep(3)
        reader.cancel()

    loop.run_until_complete(scenario())
    assert {uid for uid, row in plane.store.model.hosts.items() if row.heartbeats} == {"h5", "h6", "h7", "h8", "h9"}


def test_p34_a_slow_reader_gets_the_newest_heartbeat_of_each_host_once(loop: _Loop) -> None:
    plane = _Plane(1200)
    pieces: list[bytes] = []

    async def scenario() -> None:
        stream = plane.changes.stream(None, EVERYTHING, beats_since=0.0)
        await anext(stream)
        for _ in range(20):
            for uid in plane.hosts:
                plane.heard(uid)
            await asyncio.sleep(1.1)
        while sum(piece.count(b'["h') for piece in pieces) < 1200:
            pieces.append(await anext(stream))
        await stream.aclose()  # type: ignore[attr-defined]

    loop.run_until_complete(scenario())
    entries = [item for piece in pieces for item in msgspec.json.decode(piece.split(b"data: ")[1])["doc"]["hosts"]]
    assert len(entries) == len({item[0] for item in entries}) == 1200 and {item[2] for item in entries} == {20}


def test_p34_after_a_break_the_heartbeats_since_then_come(loop: _Loop) -> None:
    plane = _Plane(3)

    async def scenario() -> bytes:
        plane.heard("h0")
        await asyncio.sleep(10)
        plane.heard("h1")
        stream = plane.changes.stream(plane.changes.seq, EVERYTHING, beats_since=times.now() - 5)
        await anext(stream)
        piece = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return piece

    piece = loop.run_until_complete(scenario())
    assert b'"h1"' in piece and b'"h0"' not in piece


def test_p34_without_a_reader_that_needs_them_no_change_of_liveness_is_made(loop: _Loop) -> None:
    plane = _Plane(1)

    async def scenario() -> None:
        seq = plane.changes.seq
        plane.changes.publish_alive("h0", "p")
        assert plane.changes.seq == seq
        old = plane.changes.stream(None, EVERYTHING)
        await anext(old)
        new = plane.changes.stream(None, EVERYTHING, beats_since=0.0)
        await anext(new)
        plane.changes.publish("host", "put", "h0", "p")
        plane.changes.publish_alive("h0", "p")
        assert b"event: host" in await anext(old)
        assert b"event: host" in await anext(new), "a change before a heartbeat is not left out because of it"

    loop.run_until_complete(scenario())


@pytest.mark.parametrize(
    "odd", [None, [], ["h"], ["h", "x", 1, {}], [1, 2.0, 3, {}], ["h", 2.0, 3, None], ["h", -1.0, 3, {}]]
)
def test_odd_beats_harm_nothing(odd: Any) -> None:
    assert list(beats_of({"beats": [odd]})) == [] and list(beats_of({"beats": odd})) == []


def test_p34_an_older_heartbeat_changes_nothing_and_a_document_follows_too() -> None:
    row = HostRow("h", last_seen=START, heartbeats=7)
    assert row_after(row, Beat("h", START - 5, 6, {}), START) is row
    host = _Host("h")
    host.at = START
    after = document_after(host.document(), Beat("h", START + 60, 8, {"load1": 2.0}))
    again = host_row(after, START + 60)
    assert again is not None and again.last_seen == START + 60 and again.heartbeats == 8
    assert again.deadline == START + 660 and after["spec"]["edgewright"]["load1"] == 2.0
    assert after["spec"]["device"] == host.document()["spec"]["device"]


def test_p69_progress_moves_with_the_heartbeats_and_goes_with_the_first_that_has_none() -> None:
    progress = {"step": "trial-1", "percent": 40}
    document = {"spec": {"edgewright": {}}, "status": {"edgewright": {"progress": {**progress, "percent": 10}}}}
    after = document_after(document, Beat("h", START, 8, {"load1": 2.0, "progress": progress}))
    assert after["status"]["edgewright"]["progress"] == progress
    assert after["spec"]["edgewright"] == {"load1": 2.0}, "it is no vital sign"
    ended = document_after(after, Beat("h", START + 60, 9, {"load1": 2.0}))
    assert "progress" not in ended["status"]["edgewright"] and "progress" in after["status"]["edgewright"]

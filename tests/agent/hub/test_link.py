"""The link between a real agent and a real hub: work within 3 s, what a heartbeat costs, metered links (P75 to P78)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from edgewright.agent.kernel.systemd_notify import Stopped
from edgewright.agent.plane.traffic import HEADERS_4, Traffic, own_interval
from edgewright.agent.plane.wake import WakeConnection
from edgewright.agent.simulate.host import Fleet, run_simulated
from edgewright.core import times
from edgewright.core.errors import Unreachable
from edgewright.core.hosts.link import link_text
from edgewright.core.hosts.link_spec import LinkSpec
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position
from tests.agent.hub.test_with_hub import HostRig, fresh
from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--heartbeat", "60", "--silence-limit", "600") as running:
        yield running


class Running:
    """An agent that runs in a thread until the test ends."""

    def __init__(self, rig: HostRig) -> None:
        self.rig = rig
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                self.rig.agent._rest(self.rig.agent.step())
        except Stopped:
            pass

    def stop(self) -> None:
        self._end.set()
        self.rig.agent.life.stopping = True


def until(true: Any, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def ask(hub: RunningHub, name: str) -> str:
    body = {"kind": "collect-logs", "params": {"lines": 1}}
    made = hub.client().post(f"/edgewright/v1/hosts/{name}/operations", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["uid"])


def state(hub: RunningHub, name: str, uid: str) -> str:
    items = hub.client().get(f"/edgewright/v1/hosts/{name}/operations").json()["items"]
    return next(str(item["state"]) for item in items if item["id"] == uid)


def waits(rig: HostRig) -> bool:
    wake = rig.agent.connection._wake
    return wake is not None and wake.socket is not None


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.agent.kernel.logs.read_journal", lambda *_arguments: ["a line"])


def test_p77_work_reaches_a_host_that_beats_every_minute_within_3_s(
    hub: RunningHub, tmp_path: Path, journal: None
) -> None:
    rig = HostRig(hub, tmp_path, "link-1", fresh(hub))
    running = Running(rig)
    try:
        until(lambda: waits(rig))
        for _ in range(2):
            began = time.monotonic()
            uid = ask(hub, "link-1")
            until(lambda uid=uid: state(hub, "link-1", uid) == "succeeded")
            assert time.monotonic() - began < 3
            until(lambda: waits(rig))
        assert rig.document()["spec"]["edgewright"]["wake"] == "on"
    finally:
        running.stop()


def test_p78_a_metered_host_has_a_limit_of_its_own_and_shows_what_it_costs(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "link-2", fresh(hub), metered=True)
    wait = rig.agent.step()
    assert 850 <= wait <= 950
    assert rig.agent.connection.wait_for_work(rig.agent.desired.position) == (None, None)
    rig.agent.step()
    document = rig.document()
    link = document["spec"]["edgewright"]
    assert (link["metered"], link["wake"], link["wakeReason"], link["interval"]) == (
        True, "off", "the link is metered", 900
    )  # fmt: skip
    assert 2_000 < link["bytesMonth"] < 60_000
    assert link_text(link).startswith("work starts with the next heartbeat, every 15 min (the link is metered); 0.0 MB")
    status = document["status"]["edgewright"]
    assert (status["silenceLimit"], status["interval"]) == (2700, 900)
    ask(hub, "link-2")
    (operation,) = hub.client().get("/edgewright/v1/hosts/link-2/operations").json()["items"]
    created, deadline = times.parse(operation["created"]), times.parse(operation["deadline"])
    assert created is not None and deadline is not None
    patience = deadline - created
    assert patience == 2700, "it was 900 s: over before the host learned of it"


def test_p78_a_budget_that_is_used_up_makes_heartbeats_rare(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "link-3", fresh(hub), budget=1)
    assert rig.agent.step() < 70
    rig.agent.connection.traffic._bytes = 1_000_001
    assert rig.agent.step() > 850
    assert own_interval(LinkSpec(), 10**12) == 0


def test_p78_the_user_data_can_set_both(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "link-6", fresh(hub), site={"edgewright": "{metered: true, budgetMB: 50}"})
    assert rig.agent.step() > 850
    rig.agent.step()
    link = rig.document()["spec"]["edgewright"]
    assert (link["metered"], link["budgetMB"]) == (True, 50)


@pytest.mark.parametrize(
    ("own", "interval", "limit"),
    [
        ("{heartbeat: 2m}", 120, 600),
        ("{heartbeat: 5m}", 300, 900),
        ("{heartbeat: 5m, silenceLimit: 1h}", 300, 3600),
        ("{heartbeat: 10s, silenceLimit: 1m}", 10, 60),
        ("{silenceLimit: 90s}", 60, 180),
        ("{metered: true, heartbeat: 5m, silenceLimit: 20m}", 300, 1200),
    ],
)
def test_p78_interval_and_silence_limit_of_a_site(
    hub: RunningHub, tmp_path: Path, own: str, interval: float, limit: float
) -> None:
    name = f"link-own-{interval}-{limit}"
    rig = HostRig(hub, tmp_path, name, fresh(hub), site={"edgewright": own})
    assert interval * 0.9 <= rig.agent.step() <= interval * 1.1
    status = rig.document()["status"]["edgewright"]
    assert (status["interval"], status["silenceLimit"]) == (interval, limit)


def test_p76_an_operation_shortens_the_interval_of_a_site_unless_bytes_cost_money(
    hub: RunningHub, tmp_path: Path
) -> None:
    for number, own in enumerate(("{heartbeat: 5m}", "{heartbeat: 5m, metered: true}")):
        folder = tmp_path / str(number)
        folder.mkdir()
        rig = HostRig(hub, folder, f"link-urgent-{number}", fresh(hub), site={"edgewright": own})
        rig.agent.step()
        connection = rig.agent.connection
        assert connection.interval(protocol.URGENT_INTERVAL) == (protocol.URGENT_INTERVAL, 300)[number]
        assert connection.interval(60) == connection.interval(None) == 300


def test_p78_an_agent_that_is_stopped_stores_the_bytes_that_it_has_counted(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were lost unless 15 minutes had passed, so restarts stretched the budget."""
    rig = HostRig(hub, tmp_path, "link-7", fresh(hub))
    folder, connection = rig.agent.folder, rig.agent.connection

    def rest(seconds: float) -> None:
        rig.agent.connection.traffic._bytes = 777_777
        raise Stopped

    monkeypatch.setattr(rig.agent, "_rest", rest)
    rig.agent.connection.drop()
    folder.close()
    assert rig.agent.run() == 0 and connection is not rig.agent.connection
    assert Traffic(folder).month_bytes >= 777_777


def test_the_month_is_stored_and_begins_again(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "link-4", fresh(hub))
    rig.agent.step()
    connection = rig.agent.connection
    count = connection.traffic.month_bytes
    connection.end()
    assert Traffic(rig.agent.folder).month_bytes >= count > 0
    assert Traffic(rig.agent.folder, now=lambda: time.time() + 40 * 86_400).month_bytes == 0


def test_p75_a_heartbeat_of_a_quiet_host_costs_at_most_400_bytes(hub: RunningHub, tmp_path: Path) -> None:
    """As the kernel counts them: data, TLS records, and 52 bytes of IP and TCP for each segment.

    A plane that takes more than 40 ms to store it acknowledges the request in a segment of its own.
    """
    rig = HostRig(hub, tmp_path, "link-5", fresh(hub))
    for _ in range(3):
        rig.agent.step()
        time.sleep(0.1)  # the acknowledgement of the answer is a segment, too
    traffic = rig.agent.connection.traffic
    plane = rig.agent.connection.plane
    assert plane is not None
    costs = []
    for _ in range(9):
        before = traffic.month_bytes
        rig.agent.step()
        time.sleep(0.1)
        traffic.note(plane.client._open.sock)  # type: ignore[union-attr]
        costs.append(traffic.month_bytes - before)
    print(f"{median(costs):.0f} bytes a heartbeat: {costs}")
    assert median(costs) <= 400 + HEADERS_4


class Cutter:
    """A client whose connections end as a proxy ends them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send_lean(self, method: str, path: str, data: bytes, authorization: str) -> Any:
        self.asked.append(path)
        return self

    def setsockopt(self, *_: int) -> None:
        pass

    def setblocking(self, flag: bool) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_p77_a_proxy_that_cuts_idle_connections_is_asked_for_less_and_then_left_alone() -> None:
    clock, client = [0.0], Cutter()
    wake = WakeConnection(client, "h", now=lambda: clock[0])  # type: ignore[arg-type]
    known = Position("a" * 16, 1)
    for _ in range(2):  # once may be a hub that was killed
        wake.ask(known, "c")
        clock[0] += 100
        assert wake.look() is False and wake.state.state == "on"
        clock[0] += 2
    wake.ask(known, "c")
    asked = [path.rpartition("=")[2] for path in client.asked]
    assert asked == [str(protocol.WAKE_SECONDS), str(protocol.WAKE_SECONDS), "80"]
    for _ in range(3):
        clock[0] += 5
        wake.look()
        clock[0] += 5
        wake.ask(known, "c")
    assert wake.state == ("rests", "something on the way cuts idle connections after 5 s")
    count = len(client.asked)
    wake.ask(known, "c")
    assert len(client.asked) == count
    clock[0] += 3601
    wake.ask(known, "c")
    assert len(client.asked) == count + 1


class Outage(Cutter):
    """A client whose plane does not answer, or answers what `answers` has next."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__()
        self.answers = list(answers)
        self.avoided = 0

    def send_lean(self, method: str, path: str, data: bytes, authorization: str) -> Any:
        super().send_lean(method, path, data, authorization)
        if not self.answers:
            raise Unreachable("Nothing listens at plane:8443.")
        return self

    def recv(self, size: int) -> bytes:
        return self.answers.pop(0)

    def avoid(self) -> None:
        self.avoided += 1


@pytest.mark.parametrize("answers", [(), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n",) * 20], ids=["not there", "503"])
def test_p77_an_outage_of_the_plane_is_over_a_minute_after_it_ended(answers: tuple[bytes, ...]) -> None:
    """It was an hour: three tries that failed looked like a proxy that cuts connections."""
    clock, client = [0.0], Outage(*answers)
    wake = WakeConnection(client, "h", now=lambda: clock[0])  # type: ignore[arg-type]
    known = Position("a" * 16, 1)
    tries = []
    while clock[0] < 600:
        count = len(client.asked)
        wake.ask(known, "c")
        wake.look()
        tries += [clock[0]] if len(client.asked) > count else []
        clock[0] += 1
    assert tries[:4] == [0, 2, 6, 14] and max(after - before for before, after in pairwise(tries)) <= 60
    assert wake.state.state == "rests" and wake.state.reason
    assert client.avoided == (len(tries) if answers else 0), "a name with several hubs: the next one"
    client.answers, clock[0] = [b"HTTP/1.1 204 No Content\r\nEdgewright-Generation: 2\r\n\r\n"], clock[0] + 60
    wake.ask(known, "c")
    clock[0] += 4
    assert wake.state == ("on", ""), "a request waits at the plane"
    assert wake.look() is True and wake.state == ("on", "")


def test_p77_a_hub_that_stops_is_no_second_machine() -> None:
    clock, client = [0.0], Outage(*(b"HTTP/1.1 204 No Content\r\n\r\n",) * 9)
    wake = WakeConnection(client, "h", now=lambda: clock[0])  # type: ignore[arg-type]
    for _ in range(4):  # a rolling restart ends the request at each hub
        wake.ask(Position("a" * 16, 1), "c")
        clock[0] += 40
        assert wake.look() is False and wake.state == ("on", "")
    for _ in range(3):
        wake.ask(Position("a" * 16, 1), "c")
        clock[0] += 10
        wake.look()
        clock[0] += 5
    assert wake.state.state == "rests" and "second machine" in wake.state.reason


async def test_p75_p77_simulated_hosts_are_reached_at_once_within_a_bound(hub: RunningHub) -> None:
    fleets: list[Fleet] = []
    run = run_simulated(2, hub.url, fresh(hub), str(hub.ca), faults=False, seed=5, started=fleets.append, connections=1)
    task = asyncio.ensure_future(run)
    try:
        while not fleets or not all(host._facts_sent for host in fleets[0].hosts) or not connected(fleets[0]):
            await asyncio.sleep(0.02)
            assert not task.done() or task.result()
        first, second = (host.made.uid for host in fleets[0].hosts)
        began = time.monotonic()
        uid = await asyncio.to_thread(ask, hub, first)
        while await asyncio.to_thread(state, hub, first, uid) != "succeeded":
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 3
        for _ in range(3):  # the first one names the generation that the result has raised
            await fleets[0].hosts[0]._beat()
        assert fleets[0].short_heartbeats >= 1
        await fleets[0].hosts[1]._beat()
        links = [hub.client().get(f"/v1/edgehosts/{name}").json()["spec"]["edgewright"] for name in (first, second)]
        assert [(link["wake"], link["simulated"]) for link in links] == [("on", True), ("off", True)]
        assert links[1]["wakeReason"] == "this simulated fleet has 1 idle connection"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not connected(fleets[0])


def connected(fleet: Fleet) -> bool:
    connection = fleet.hosts[0].work._connection
    return connection is not None and connection.socket is not None

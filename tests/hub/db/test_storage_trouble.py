"""Rule P43: the plane that cannot store is named as the culprit, no host is, and what happened is delivered later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from edgewright.core import times
from edgewright.core.roles import EVERYTHING
from edgewright.hub.controllers import storage_watch
from edgewright.hub.controllers.storage_watch import ALERT
from edgewright.hub.db import schema
from edgewright.hub.http import intake
from edgewright.hub.http.problems import Problem, StorageProblem
from edgewright.hub.process import app
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.readmodel import alert_board
from edgewright.hub.resources.hosts import clones, health
from edgewright.hub.resources.hosts.duplicates import Duplicates
from edgewright.hub.resources.hosts.heartbeat import Heartbeats
from tests.hub.db.test_storage import set_read_only
from tests.hub_fleet import open_hub, seed, sweep_once

FLEET = 6


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_watch, "PROBE_EVERY", 0.0)
    monkeypatch.setattr(storage_watch, "SETTLED", 0.05)


@pytest.fixture
async def fleet(tmp_path: Path, quick: None) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    seed(tmp_path / "d", FLEET)
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    for live in (entry.live for entry in hub.state.hosts.values()):
        live.state = live.health = "healthy"
    await hub.write(lambda tx: tx.run(schema.heartbeats.update().values(health="healthy")))
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as client:
        yield hub, client
    await hub.stop()


async def beat(client: httpx.AsyncClient, uid: str, seq: int) -> int:
    body = {"state": "healthy", "edgewright": {"seq": seq, "bootId": "b1"}}
    headers = {"Authorization": "ewh_" + uid}
    return (await client.patch(f"/v1/edgehosts/{uid}/health", json=body, headers=headers)).status_code


async def repair(hub: Hub) -> None:
    """Make the database writable again, by the one connection that a probe under way would have taken."""
    probing = hub.storage._probing
    while hub.writer.working or (probing is not None and not probing.done()):
        await asyncio.sleep(0.01)
    set_read_only(hub, "OFF")


async def until(ready: Callable[[], bool], hub: Hub) -> None:
    for _ in range(200):
        hub.storage.look()
        if ready():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


async def reasons(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    items = (await client.get("/v1/events/components")).json()["items"]
    items.sort(key=lambda item: str(item["metadata"]["creationTimestamp"]))
    return [(item["reason"], item["involvedObject"]["uid"]) for item in items]


async def test_p43_hosts_are_judged_by_heartbeats_that_could_not_be_stored(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = fleet
    began, limit = times.now(), hub.options.silence_limit
    uids = sorted(hub.state.hosts)
    dead = uids.pop()
    set_read_only(hub, "ON")
    now = began
    monkeypatch.setattr(times, "now", lambda: now)
    monkeypatch.setattr(hub, "look_at_clock", lambda: None)
    for step in range(1, 22):
        now = began + step * limit / 6
        for uid in uids:
            assert await beat(admin, uid, 200 + step) == 503  # not durable, so not acknowledged
        await sweep_once(hub) if step % 3 == 0 else None
    await health.judge_hosts(hub)
    verdicts = {uid: hub.renderer.verdict(entry, now).health.value for uid, entry in hub.state.hosts.items()}
    assert verdicts == {**dict.fromkeys(uids, "healthy"), dead: "unhealthy"}
    assert {uid for uid, entry in hub.state.hosts.items() if entry.live.health == "unhealthy"} == {dead}

    status = (await admin.get("/edgewright/v1/status")).json()
    assert status["storage"].startswith("failing since ") and "database read-only" in status["storage"]
    assert status["hosts"]["unhealthy"] == 1 and status["storageWaiting"] >= 2
    alert = next(one for one in (await admin.get("/edgewright/v1/alerts")).json()["items"] if one["uid"] == ALERT)
    assert (alert["kind"], alert["subject"], alert["code"]) == ("plane", "management plane", "StorageReadOnly")
    project = next(iter(hub.state.projects))
    scoped = (await admin.get("/edgewright/v1/alerts", headers={"ProjectUid": project})).json()["items"]
    assert ALERT in {one["uid"] for one in scoped}  # it concerns the readers of every project
    assert alert["hint"] and times.parse(alert["since"]) == pytest.approx(began + limit / 6, abs=1)

    await repair(hub)
    await until(lambda: hub.storage.since is None and not hub.storage.waiting, hub)
    assert await beat(admin, uids[0], 500) == 204
    for _ in range(500):
        if (await reasons(admin))[-1:] == [("StorageRecovered", hub.state.tenant_uid)]:
            break
        await asyncio.sleep(0.02)
    assert await reasons(admin) == [
        ("StorageFailing", hub.state.tenant_uid), ("HostUnhealthy", dead), ("StorageRecovered", hub.state.tenant_uid),
    ]  # fmt: skip
    assert (await admin.get("/edgewright/v1/status")).json()["storage"] == "ok"
    assert not [one for one in (await admin.get("/edgewright/v1/alerts")).json()["items"] if one["kind"] == "plane"]


async def test_p43_a_transition_of_that_time_has_its_own_time(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = fleet
    monkeypatch.setattr(hub, "look_at_clock", lambda: None)
    began = times.now()
    set_read_only(hub, "ON")
    assert await beat(admin, "edge-00001", 999) == 503
    monkeypatch.setattr(times, "now", lambda: began + 2 * hub.options.silence_limit)
    await health.judge_hosts(hub)
    monkeypatch.setattr(times, "now", lambda: began + 9 * hub.options.silence_limit)
    await repair(hub)
    await until(lambda: hub.storage.since is None and not hub.storage.waiting, hub)
    items = (await admin.get("/v1/events/components")).json()["items"]
    silent = [item for item in items if item["reason"] == "HostUnhealthy"]
    assert len(silent) == FLEET
    for item in silent:
        moment = times.parse(item["metadata"]["creationTimestamp"])
        assert moment == pytest.approx(began + 2 * hub.options.silence_limit, abs=1)


async def test_p43_whatever_the_hub_notices_meanwhile_is_delivered(fleet: tuple[Hub, httpx.AsyncClient]) -> None:
    """Also what it reports once only: two machines with one identity, too many events, a host that is ahead."""
    hub, admin = fleet
    cloned, noisy, ahead, *alike = sorted(hub.state.hosts)
    set_read_only(hub, "ON")
    assert await beat(admin, cloned, 1_000) == 503
    for seq in range(10, 10 + 2 * clones.RISES):
        assert await beat(admin, cloned, seq) == 503
    with pytest.raises(Problem):
        hub.intake.admit(noisy, intake.BURST + 1)
    entry = hub.state.hosts[ahead]
    before = entry.record.generation
    assert not hub.lineage.believes(None, before + 7, entry, times.now())
    for uid in alike[:2]:
        other = hub.state.hosts[uid]
        other.facts = msgspec.structs.replace(other.facts, hardware=("machine:same",), simulated=False)
    hub.part(Duplicates)._seen = -1
    await hub.part(Duplicates).look()

    await repair(hub)
    await until(lambda: hub.storage.since is None and not hub.storage.waiting, hub)
    await until(lambda: not (hub.alerts.due.is_set() or hub.alerts.storing), hub)
    await hub.write(lambda tx: None)
    delivered = set(await reasons(admin))
    assert {("DuplicateIdentity", cloned), ("DuplicateHardware", alike[0])} <= delivered
    assert {("EventsRefused", noisy), ("LineageChanged", ahead)} <= delivered
    assert hub.state.hosts[ahead].record.generation == before + 8


async def test_p43_what_waits_is_bounded_and_counted(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = fleet
    monkeypatch.setattr(storage_watch, "MOST_EVENTS", 10)
    set_read_only(hub, "ON")
    await beat(admin, "edge-00001", 999)
    order: list[int] = []
    for number in range(25):
        hub.storage.deliver(lambda tx, number=number: order.append(number))  # type: ignore[misc]
    assert hub.storage.waiting == 10 and hub.storage.lost == 16  # and the event that it fails
    await repair(hub)
    await until(lambda: hub.storage.since is None and not hub.storage.waiting, hub)
    assert order == list(range(15, 25))
    await hub.write(lambda tx: None)
    items = (await admin.get("/v1/events/components")).json()["items"]
    assert any("10 events of that time were delivered late, 16 were lost." in item["message"] for item in items)


async def test_p43_a_write_that_does_not_finish_is_a_failure_and_holds_nothing_up(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = fleet
    monkeypatch.setattr(hub, "look_at_clock", lambda: None)
    monkeypatch.setattr(health, "WRITE_WITHIN", 0.05)
    began = times.now()

    begun, over = threading.Event(), threading.Event()

    def hang(tx: Any) -> None:
        begun.set()
        over.wait(60)

    stalled = asyncio.ensure_future(hub.write(hang))
    async with asyncio.timeout(20):
        while not begun.is_set():
            await asyncio.sleep(0.01)
    for _ in range(storage_watch.STALLED + 1):
        hub.storage.look()
    assert hub.storage.code == "StorageStalled"
    monkeypatch.setattr(times, "now", lambda: began + 2 * hub.options.silence_limit)
    beating = asyncio.ensure_future(beat(admin, "edge-00001", 999))
    async with asyncio.timeout(20):
        while hub.state.hosts["edge-00001"].live.seq != 999:
            await asyncio.sleep(0.01)
    await asyncio.wait_for(health.judge_hosts(hub), 20)
    assert hub.state.hosts["edge-00001"].live.health == "healthy"
    assert hub.state.hosts["edge-00002"].live.health == "unhealthy"
    assert not stalled.done()
    over.set()
    await stalled
    assert await beating == 204
    await until(lambda: hub.storage.since is None and not hub.storage.waiting, hub)


async def test_p43_a_heartbeat_that_hangs_with_the_storage_is_no_silence(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host waits for its answer and then for its next try, longer than a short silence limit."""
    hub, admin = fleet
    monkeypatch.setattr(hub, "look_at_clock", lambda: None)
    began, limit, refused = times.now(), hub.options.silence_limit, hub.part(Heartbeats).refused
    hub.renderer.started = began - 10 * limit
    for uid in sorted(hub.state.hosts):
        assert await beat(admin, uid, 5_000) == 204
    monkeypatch.setattr(storage_watch, "STALLED", 0)
    hub.storage.look()
    for later, health_then in ((limit + refused - 5, "healthy"), (limit + refused + 5, "unhealthy")):
        monkeypatch.setattr(times, "now", lambda later=later: began + later)
        await health.judge_hosts(hub)
        assert {entry.live.health for entry in hub.state.hosts.values()} == {health_then}


async def test_a_read_that_does_not_finish_is_given_up(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = fleet
    monkeypatch.setattr(app, "READ_WITHIN", 0.1)
    connect, frozen = hub.readers.connect, threading.Event()

    def hang() -> Any:
        frozen.wait(20)
        return connect()

    monkeypatch.setattr(hub.readers, "connect", hang)
    try:
        answers = await asyncio.gather(*(admin.get("/v1/events/components") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {503}
        assert answers[0].json()["code"] == "StorageStalled" and "retry-after" in answers[0].headers
    finally:
        frozen.set()
    monkeypatch.setattr(app, "READ_WITHIN", 30.0)
    assert (await admin.get("/v1/events/components")).status_code == 200


async def test_p43_a_full_disk_is_over_only_when_there_is_room(
    fleet: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = fleet
    free = 100_000
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("U", (), {"free": free})())
    hub.storage.failed(StorageProblem(507, "StorageFull", "The hub's disk is full."))
    for _ in range(20):
        hub.storage.look()
        await asyncio.sleep(0.02)
    assert hub.storage.since is not None  # a small write succeeds, the next large one would not
    free = 100_000_000
    await until(lambda: hub.storage.since is None, hub)


async def test_p43_made_up_names_push_no_alert_of_the_plane_out(fleet: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, _ = fleet
    hub.storage.failed(StorageProblem(503, "StorageFailed", "The hub's database does not answer."))
    for number in range(2 * alert_board.MOST):
        made_up = alert_board.Alert(
            uid=f"rejected/{number}", kind="rejected", subject="x", text="", message="", hint="", code="",
            project_uid="", host_uids=(), since=0.0, last=float(number), quiet=None,
        )  # fmt: skip
        hub.alerts.report(made_up)
    assert hub.alerts.get(ALERT) is not None and len(hub.alerts.documents(EVERYTHING)) == alert_board.MOST


@pytest.mark.parametrize(
    "code",
    [
        "StorageFull",
        "StorageReadOnly",
        "StorageDamaged",
        "StorageGone",
        "StorageFailed",
        "StorageStalled",
    ],
)
async def test_p43_each_trouble_has_its_cause_and_next_step(fleet: tuple[Hub, httpx.AsyncClient], code: str) -> None:
    hub, _ = fleet
    hub.storage.failed(StorageProblem(503, code, "It fails."))
    told = hub.storage.as_dict()
    assert " because " in told["storage"] and told["storageNext"].endswith((".", ")."))
    assert hub.storage.state.startswith("failing since 20")


async def test_ready_is_proved_by_a_write_and_not_by_one_for_each_question(
    fleet: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = fleet
    assert (await admin.get("/v1/health/ready")).status_code == 200
    batches = hub.writer.batches
    for _ in range(20):
        assert (await admin.get("/v1/health/ready")).status_code == 200
    assert hub.writer.batches - batches <= 2  # strangers may ask it
    set_read_only(hub, "ON")
    assert await beat(admin, "edge-00001", 999) == 503
    answer = await admin.get("/v1/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "StorageReadOnly")


async def test_p43_a_host_that_was_asked_to_wait_is_not_silent_while_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path / "d", 1)
    hub = open_hub(tmp_path / "d", sweep=1e9, silence_limit=20.0, heartbeat=2.0)
    await hub.start()
    began = times.now()
    monkeypatch.setattr(hub, "look_at_clock", lambda: None)
    set_read_only(hub, "ON")
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        assert await beat(client, "edge-00000", 999) == 503  # its agent may wait for a minute now
    entry = hub.state.hosts["edge-00000"]
    for seconds, expected in ((75.0, "healthy"), (102.0, "unhealthy")):
        monkeypatch.setattr(times, "now", lambda seconds=seconds: began + seconds)
        await health.judge_hosts(hub)
        assert entry.live.health == expected, seconds
    await hub.stop()

"""What a hub did not store, or does not know that it stored, is found again (rules P61, P67, P68)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from edgewright.core import times
from edgewright.hub.controllers.membership import SWEEPS, Membership
from edgewright.hub.db import lock as database_lock
from edgewright.hub.db import schema
from edgewright.hub.db.changelog import follower as log_follower
from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.changelog.entry import PUT, Entry
from edgewright.hub.db.records import Live
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.app import Hub
from edgewright.hub.process.clock import boottime
from edgewright.hub.resources.hosts import reported
from edgewright.hub.resources.hosts.liveness import Liveness
from edgewright.hub.resources.hosts.reported import Reported
from edgewright.wire import protocol
from tests.hub.db.test_row_safety import Pair, _load, _token, pair, registration

__all__ = ["pair"]
pytestmark = pytest.mark.e2e


class Host:
    """A host that both hubs know; `holder` is the index of the hub with the task, `other` that of the other one."""

    def __init__(self, pair: Pair, uid: str, credential: str) -> None:
        self.pair, self.uid = pair, uid
        self.holder = 0 if pair.hubs[0].membership.has(SWEEPS) else 1
        self.other = 1 - self.holder
        self._own = {"Authorization": credential, "ApiKey": ""}
        self._seq = 0

    async def beat(self, hub: int, state: str) -> None:
        """Send the next heartbeat to a hub."""
        self._seq += 1
        body = {"state": state, "message": state, "edgewright": {"seq": self._seq, "bootId": "b"}}
        path = f"/v1/edgehosts/{self.uid}/health"
        answer = await self.pair.clients[hub].patch(path, json=body, headers=self._own)
        assert answer.status_code == 204, answer.text
        await self.pair.hubs[hub].write(lambda tx: None)  # what it means for the health is stored before

    def stored(self) -> tuple[str, list[str]]:
        """Return the health of the row, and the reasons of the host's events of health in order."""
        health = self.pair.rows(select(schema.heartbeats.c.health).where(schema.heartbeats.c.uid == self.uid))[0][0]
        rows = self.pair.rows(select(schema.events.c.reason).order_by(schema.events.c.id))
        return health, [row.reason for row in rows if row.reason in ("HostUnhealthy", "HostRecovered")]

    async def look(self) -> int:
        """Let both hubs read the heartbeats of the other one and compare; returns how many changes were stored."""
        stored = 0
        for hub in self.pair.hubs:
            await Liveness(hub).look()
        for hub in self.pair.hubs:
            stored += await hub.part(Reported).look()
        return stored


@pytest.fixture(autouse=True)
def the_tests_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """From before the hubs start: one that waits for its next look would look in the middle of a test."""
    monkeypatch.setattr(reported, "LATER", 0.0)
    monkeypatch.setattr(reported, "EVERY", 1e9)


@pytest.fixture
async def host(pair: Pair) -> Host:
    _, token = await _token(pair, "t")
    made = await pair.clients[0].post(protocol.HOST_REGISTER, json=registration("h", token))
    await _load(pair, "h")
    host = Host(pair, "h", made.json()["status"]["serviceAuthToken"])
    await host.beat(0, "healthy")
    await host.look()
    return host


def ended_before(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hub store no change of health, as one that ends right after the heartbeat."""
    monkeypatch.setattr(hub.storage, "deliver", lambda job, events=1: None)


async def test_p67_a_change_that_its_hub_did_not_store_is_one_event(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        ended_before(host.pair.hubs[host.other], patch)
        await host.beat(host.other, "unhealthy")
    assert host.stored() == ("healthy", [])
    assert await host.look() == 1
    assert host.stored() == ("unhealthy", ["HostUnhealthy"])
    assert await host.look() == 0
    await host.beat(host.holder, "healthy")
    assert await host.look() == 0
    assert host.stored() == ("healthy", ["HostUnhealthy", "HostRecovered"])


async def test_p67_a_heartbeat_that_arrives_while_a_missed_change_is_stored_decides(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is 50 ms later, so its time alone does not refuse the older judgement."""
    with monkeypatch.context() as patch:
        ended_before(host.pair.hubs[host.other], patch)
        await host.beat(host.other, "unhealthy")
        await host.beat(host.other, "unhealthy")
    table, fence = schema.heartbeats, host.pair.hubs[host.holder].membership.fence

    def next_beat(tx: Tx, task: str) -> None:
        fence(tx, task)
        tx.connection.execute(table.update().values(seq=table.c.seq + 1, at=table.c.at + 0.05))

    with monkeypatch.context() as patch:
        patch.setattr(host.pair.hubs[host.holder].membership, "fence", next_beat)
        await host.look()
    assert host.stored() == ("healthy", []), "the one heartbeat that is not known here may have another state"


@pytest.mark.parametrize("healthy_at_holder", [True, False])
async def test_p67_two_opposite_heartbeats_at_two_hubs_are_two_events(host: Host, *, healthy_at_holder: bool) -> None:
    """The second hub does not know yet that the host was unhealthy: to it nothing has changed."""
    first, second = (host.other, host.holder) if healthy_at_holder else (host.holder, host.other)
    await host.beat(first, "unhealthy")
    assert host.stored() == ("unhealthy", ["HostUnhealthy"])
    await host.beat(second, "healthy")
    await host.look()
    await host.look()
    assert host.stored() == ("healthy", ["HostUnhealthy", "HostRecovered"])


async def test_p67_a_hub_that_knows_no_heartbeat_of_a_host_reports_its_return(host: Host) -> None:
    await host.beat(host.other, "unhealthy")
    host.pair.hubs[host.holder].state.hosts["h"].live = Live()
    await host.beat(host.holder, "healthy")
    assert host.stored() == ("healthy", ["HostUnhealthy", "HostRecovered"])


async def test_p67_the_hub_that_gets_the_task_looks_at_every_host(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The former one found the silence and ended before it stored it; the other one judged it too, without the task."""
    holder, other = host.pair.hubs[host.holder], host.pair.hubs[host.other]
    await host.look()
    with holder.engine.begin() as connection:
        connection.execute(schema.heartbeats.update().values(at=times.now() - 700))
    for hub in host.pair.hubs:
        hub.state.hosts["h"].live.at = times.now() - 700
        hub.renderer.started = times.now() - 800
        hub.state.hosts["h"].live.health = "unhealthy"
    assert await other.part(Reported).look() == 0 and host.stored() == ("healthy", [])
    await asyncio.to_thread(holder.membership.leave, holder.engine)
    await other.membership.beat(other)
    assert other.membership.has(SWEEPS)
    assert await other.part(Reported).look() == 1
    assert host.stored() == ("unhealthy", ["HostUnhealthy"])


async def test_p61_a_change_whose_commit_its_writer_does_not_know_is_taken(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke before the answer to COMMIT, and for so long that the writer gave up: 503, and stored."""
    monkeypatch.setattr(log_follower, "OWN_WITHIN", 0.2)
    monkeypatch.setattr(log_follower, "POLL", 0.2)
    hub = pair.hubs[0]
    with hub.readers.begin() as connection:
        connection.execute(
            text("INSERT INTO settings (key, value) VALUES ('k', 'v')"),
        )
        entry = Entry("setting", PUT, "k")
        changelog.append(connection, [entry], hub.membership.id, times.now())
    async with asyncio.timeout(5):
        while hub.memory.seq < entry.seq:
            await asyncio.sleep(0.02)
    answer = await asyncio.wait_for(pair.clients[0].post(protocol.HOSTS, json={"metadata": {"uid": "next"}}), 5)
    assert answer.status_code == 201, answer.text


async def test_p65_what_is_stored_is_answered_while_the_next_write_waits_for_a_lock(pair: Pair) -> None:
    """Of a batch that was rolled back each write runs alone, and its answer does not wait for the others."""
    hub, ran = pair.hubs[0], []

    def waits(tx: Any) -> None:
        ran.append(time.monotonic())
        if len(ran) == 1:
            tx.connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        tx.run(schema.settings.update().where(schema.settings.c.key == "lineage").values(value="x"))

    with hub.readers.connect() as other, other.begin() as lock:
        other.execute(select(schema.settings).with_for_update())
        hub.writer.submit(lambda tx: time.sleep(0.2))  # meanwhile the next two gather in one batch
        fast = asyncio.ensure_future(hub.write(lambda tx: "stored"))
        slow = asyncio.ensure_future(hub.write(waits))
        async with asyncio.timeout(4):
            assert await fast == "stored"
        assert len(ran) >= 1 and not slow.done()
        lock.rollback()
    await slow


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_lock, "_RUNNING", "SET idle_in_transaction_session_timeout = '1s'")


@pytest.mark.usefixtures("impatient")
async def test_p65_a_hub_that_stands_still_in_a_transaction_blocks_the_others_for_a_moment(pair: Pair) -> None:
    """Its machine may be gone: the server ends its session, and what it had begun is not stored."""
    rename = schema.settings.update().where(schema.settings.c.key == "lineage")

    def stands(tx: Tx) -> None:
        tx.run(rename.values(value="mine"))
        time.sleep(3)

    blocked = asyncio.ensure_future(pair.hubs[0].write(stands))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await pair.hubs[1].write(lambda tx: tx.run(rename.values(value="theirs")))
    took = time.monotonic() - began
    with pytest.raises(StorageProblem):
        await blocked
    assert took < 2.5
    assert pair.rows(select(schema.settings.c.value).where(schema.settings.c.key == "lineage"))[0][0] == "theirs"


def stands_still(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a hub follow nothing until the returned function is called."""
    log = hub.follower._log
    assert log is not None
    catch_up, gate = log._catch_up, threading.Event()
    monkeypatch.setattr(log, "_catch_up", lambda: catch_up() if gate.is_set() else None)
    return gate.set


async def test_p68_a_login_with_a_key_of_another_hub_is_accepted_at_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is in the body of a login, and the session in the path of a refresh."""
    me = (await pair.clients[0].get("/v1/users/me")).json()["spec"]["emailId"]
    continues = stands_still(pair.hubs[1], monkeypatch)
    made = await pair.clients[0].post(protocol.API_KEYS, json={"metadata": {"name": "k"}})
    login = {"emailId": me, "password": made.json()["apiKey"]}
    first = await pair.clients[0].post(protocol.AUTHENTICATE, json=login)
    refresh = protocol.path(protocol.REFRESH, token=first.json()["Authorization"])
    waiting = [
        asyncio.create_task(pair.clients[1].post(protocol.AUTHENTICATE, json=login)),
        asyncio.create_task(pair.clients[1].get(refresh)),
    ]
    await asyncio.sleep(0.3)
    continues()
    answers = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    wrong = await pair.clients[1].post(protocol.AUTHENTICATE, json={**login, "password": "no"})
    assert wrong.status_code == 401


async def test_p68_a_hub_that_does_not_follow_refreshes_no_session(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key may be revoked meanwhile, and the new session would last for a quarter of an hour."""
    me = (await pair.clients[0].get("/v1/users/me")).json()["spec"]["emailId"]
    login = {"emailId": me, "password": pair.clients[0].headers["ApiKey"]}
    session = (await pair.clients[1].post(protocol.AUTHENTICATE, json=login)).json()["Authorization"]
    refresh = protocol.path(protocol.REFRESH, token=session)
    assert (await pair.clients[1].get(refresh)).status_code == 200
    stands_still(pair.hubs[1], monkeypatch)
    monkeypatch.setattr("edgewright.hub.process.following.MOST_BEHIND", 0.0)
    answer = await pair.clients[1].get(refresh)
    assert (answer.status_code, answer.json()["code"]) == (503, protocol.E_BEHIND)


async def test_p68_a_hub_that_is_alone_now_has_what_the_other_stored_before_it_ended(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have revoked a credential. A hub that followed since then answers however old its look at the log is."""
    hub, client = pair.hubs[1], pair.clients[1]

    async def no_beat(writes: object) -> None:
        """Nothing learns who is there."""

    monkeypatch.setattr(hub.membership, "beat", no_beat)
    await asyncio.sleep(0.1)
    stands_still(hub, monkeypatch)
    monkeypatch.setattr("edgewright.hub.process.following.MOST_BEHIND", 0.0)
    hub.membership.alone, hub.membership.alone_since = True, boottime()
    answer = await client.get("/v1/users/info")
    assert (answer.status_code, answer.json()["code"]) == (503, protocol.E_BEHIND)
    hub.membership.alone_since = boottime() - 60.0
    assert (await client.get("/v1/users/info")).status_code == 200


@pytest.mark.parametrize(("was_down", "at_once"), [(True, True), (False, False)])
async def test_p68_a_hub_before_whose_start_none_was_up_has_everything_from_its_load_on(
    pair: Pair, was_down: bool, at_once: bool
) -> None:
    """Its first look may find it alone: it need not follow once more. A later one ends the other one's time."""

    class Writes:
        """Finds nobody else, once it has waited for its turn; `read_at` is when."""

        read_at = 0.0

        async def write(self, _job: Any) -> Any:
            await asyncio.sleep(0.01)
            self.read_at = boottime()
            return {}, (), True, times.now()

    writes: Any = Writes()
    one = Membership(pair.hubs[0].engine)
    one.was_down = was_down
    await one.beat(writes)
    assert one.alone and (one.alone_since == 0.0) == at_once
    one.alone = False
    await one.beat(writes)
    assert one.alone_since >= writes.read_at, "another one was there, and may have stored something, until then"


async def test_p68_an_activation_code_of_another_hub_is_accepted_at_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    continues = stands_still(pair.hubs[1], monkeypatch)
    body = {"spec": {"emailId": "new@example.org"}}
    uid = (await pair.clients[0].post(protocol.USERS, json=body)).json()["uid"]
    link = (await pair.clients[0].get(f"/v1/users/{uid}")).json()["status"]["activationLink"]
    assert uid not in pair.hubs[1].state.users

    async def activate(code: str) -> httpx.Response:
        return await pair.clients[1].post(protocol.ACTIVATIONS, json={"code": code}, headers={"ApiKey": ""})

    assert (await activate("wrong")).status_code == 401
    waiting = asyncio.create_task(activate(link.partition("#")[2]))
    await asyncio.sleep(0.3)
    continues()
    answer = await asyncio.wait_for(waiting, 10)
    assert answer.status_code == 201, answer.text
    assert (await activate(link.partition("#")[2])).status_code == 401, "a code is accepted once"


async def test_p68_a_credential_that_memory_does_not_get_in_time_is_not_wrong(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, client = pair.hubs[1], pair.clients[1]
    stands_still(hub, monkeypatch)
    made = await pair.clients[0].post(protocol.API_KEYS, json={"metadata": {"name": "k"}})
    monkeypatch.setattr("edgewright.hub.process.following.MOST_BEHIND", 0.2)
    monkeypatch.setattr(hub.follower, "check", lambda: None)  # its newest look found nothing new
    answer = await client.get("/v1/users/info", headers={"ApiKey": made.json()["apiKey"]})
    assert (answer.status_code, answer.json()["code"]) == (503, protocol.E_BEHIND)
    assert (await client.get("/v1/users/info", headers={"ApiKey": "wrong"})).status_code == 401


@pytest.mark.parametrize("seq", [2, 1])
async def test_p68_a_heartbeat_that_waits_is_not_acknowledged_when_its_host_was_deleted_meanwhile(
    pair: Pair, host: Host, monkeypatch: pytest.MonkeyPatch, seq: int
) -> None:
    """A hub that was behind when the heartbeat came may follow again before it is stored. Number 1 is a late one."""
    hub, client, path = pair.hubs[1], pair.clients[1], f"/v1/edgehosts/{host.uid}/health"
    await host.beat(1, "healthy")
    continues = stands_still(hub, monkeypatch)
    arrived, stored, write = asyncio.Event(), asyncio.Event(), hub.writer.beat

    async def later(durable: asyncio.Future[None]) -> None:
        arrived.set()
        await durable
        await stored.wait()

    monkeypatch.setattr(hub.writer, "beat", lambda beat: asyncio.ensure_future(later(write(beat))))
    body = {"state": "healthy", "edgewright": {"seq": seq, "bootId": "b"}}
    waiting = asyncio.create_task(client.patch(path, json=body, headers=host._own))
    await asyncio.wait_for(arrived.wait(), 10)
    assert (await pair.clients[0].delete(f"/v1/edgehosts/{host.uid}")).status_code == 204
    assert host.uid in hub.state.hosts
    continues()
    while host.uid in hub.state.hosts:
        await asyncio.sleep(0.02)
    stored.set()
    answer = await asyncio.wait_for(waiting, 10)
    assert (answer.status_code, answer.json()["code"]) == (503, protocol.E_BEHIND)
    assert (await client.patch(path, json=body, headers=host._own)).status_code == 401

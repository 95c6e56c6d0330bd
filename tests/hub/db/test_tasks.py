"""Of several hubs on one database one does each task, and each change of health is one event (rules P66, P67)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from edgewright.core import times
from edgewright.hub.controllers import membership, runtime
from edgewright.hub.controllers.membership import SWEEPS, Membership
from edgewright.hub.controllers.runtime import Controller, Runtime, Work, add
from edgewright.hub.db import schema
from edgewright.hub.db.shared import lease
from edgewright.hub.db.shared.lease import LeaseLost
from edgewright.hub.db.transaction import Tx
from edgewright.hub.resources.hosts.health import judge_hosts
from edgewright.hub.resources.hosts.liveness import Liveness
from edgewright.hub.resources.operations.expiry import expire_operations
from tests.hub.db.test_row_safety import Pair, _load, _token, pair, registration

__all__ = ["pair"]
pytestmark = pytest.mark.e2e


async def expire(pair: Pair, **columns: Any) -> None:
    """Let every lease end, as if its holder had been silent."""
    await pair.hubs[0].write(lambda tx: tx.run(schema.leases.update().values(until=1.0, **columns)))


async def test_a_task_has_one_holder_until_its_lease_is_over(pair: Pair) -> None:
    """P66: by the database's clock; the epoch rises with each new holder."""
    one, two = pair.hubs
    for hub in pair.hubs:
        await hub.write(lambda tx: lease.prepare(tx, ["t", "u"]))
    mine = (await one.write(lambda tx: lease.take(tx, ["t"], "a", 10)))["t"]
    assert mine.epoch == 1
    assert list(await two.write(lambda tx: lease.take(tx, ["t", "u"], "b", 10))) == ["u"]
    assert await one.write(lambda tx: lease.take(tx, ["t", "u"], "a", 10)) == {"t": mine}
    await one.write(lambda tx: lease.fence(tx, mine))
    await expire(pair)
    taken = (await two.write(lambda tx: lease.take(tx, ["t"], "b", 10)))["t"]
    assert taken.epoch == 2
    with pytest.raises(LeaseLost):
        await one.write(lambda tx: lease.fence(tx, mine))
    await two.write(lambda tx: lease.release(tx, taken))
    assert (await one.write(lambda tx: lease.take(tx, ["t"], "a", 10)))["t"].epoch == 3


async def test_a_task_that_was_lost_writes_nothing(pair: Pair) -> None:
    """A hub that was paused believes that it has the task: its transaction asks the database."""
    one, two = pair.hubs
    holder = one if one.membership.has(SWEEPS) else two
    other = two if holder is one else one
    assert holder.membership.has(SWEEPS) and not other.membership.has(SWEEPS)
    await expire(pair)
    await other.membership.beat(other)
    assert other.membership.has(SWEEPS)
    with pytest.raises(LeaseLost):
        await holder.write(lambda tx: holder.membership.fence(tx, SWEEPS))
    await holder.membership.beat(holder)
    assert not holder.membership.has(SWEEPS)


async def test_a_hub_that_stops_gives_its_tasks_back(pair: Pair) -> None:
    one, two = pair.hubs
    holder = one if one.membership.has(SWEEPS) else two
    other = two if holder is one else one
    await asyncio.to_thread(holder.membership.leave, holder.engine)
    await other.membership.beat(other)
    assert other.membership.has(SWEEPS) and other.membership.others == ()


async def _silent(pair: Pair, uid: str) -> dict[str, str]:
    """Register a host that both hubs know and that has been silent for long; returns its headers."""
    _, token = await _token(pair, f"t-{uid}")
    made = await pair.clients[0].post("/v1/edgehosts/register", json=registration(uid, token))
    await _load(pair, uid)
    own = {"Authorization": made.json()["status"]["serviceAuthToken"], "ApiKey": ""}
    assert (await _beat(pair, 0, uid, own, 1)) == 204
    await Liveness(pair.hubs[1]).look()
    await pair.hubs[0].write(lambda tx: None)  # the event of the first heartbeat is stored before
    while len({hub.memory.seq for hub in pair.hubs}) > 1:
        await asyncio.sleep(0.02)  # what is still to be followed would bring the present time back
    return own


async def _beat(pair: Pair, hub: int, uid: str, own: dict[str, str], seq: int) -> int:
    body = {"state": "healthy", "message": "", "edgewright": {"seq": seq, "bootId": "b"}}
    return (await pair.clients[hub].patch(f"/v1/edgehosts/{uid}/health", json=body, headers=own)).status_code


def _back(pair: Pair, uid: str, seconds: float, *, row: bool = True) -> None:
    """Let the last heartbeat be that long ago, for both hubs and, with `row`, in the database."""
    at = times.now() - seconds
    for hub in pair.hubs:
        hub.state.hosts[uid].live.at = at
        hub.renderer.started = at - 1
    if row:
        with pair.hubs[0].engine.begin() as connection:
            connection.execute(schema.heartbeats.update().where(schema.heartbeats.c.uid == uid).values(at=at))


def _events(pair: Pair, reason: str) -> int:
    return len(pair.rows(select(schema.events.c.id).where(schema.events.c.reason == reason)))


async def test_silence_is_one_event_and_the_return_too(pair: Pair) -> None:
    """P67: both hubs judge, and each change is stored once."""
    own = await _silent(pair, "s")
    _back(pair, "s", 700)
    await asyncio.gather(*(judge_hosts(hub) for hub in pair.hubs))
    await asyncio.gather(*(judge_hosts(hub) for hub in pair.hubs))
    assert [hub.state.hosts["s"].live.health for hub in pair.hubs] == ["unhealthy", "unhealthy"]
    assert _events(pair, "HostUnhealthy") == 1
    assert set(await asyncio.gather(_beat(pair, 0, "s", own, 2), _beat(pair, 1, "s", own, 3))) == {204}
    for hub in pair.hubs:
        await Liveness(hub).look()
        await hub.write(lambda tx: None)
    assert [hub.state.hosts["s"].live.health for hub in pair.hubs] == ["healthy", "healthy"]
    assert _events(pair, "HostRecovered") == 1


async def test_a_hub_that_does_not_know_the_newest_heartbeat_reports_no_silence(pair: Pair) -> None:
    await _silent(pair, "k")
    _back(pair, "k", 700, row=False)  # the row has a heartbeat of a moment ago
    for hub in pair.hubs:
        await judge_hosts(hub)
        await hub.write(lambda tx: None)
    assert _events(pair, "HostUnhealthy") == 0


async def test_a_late_heartbeat_at_a_hub_that_knows_no_newer_one_is_no_event(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P17 and P67: there it is the first one, and its time is later than that of the stored one."""

    async def nothing(_: Liveness) -> int:
        return 0

    monkeypatch.setattr(Liveness, "look", nothing)
    _, token = await _token(pair, "t-late")
    made = await pair.clients[0].post("/v1/edgehosts/register", json=registration("late", token))
    await _load(pair, "late")
    own = {"Authorization": made.json()["status"]["serviceAuthToken"], "ApiKey": ""}
    entry = pair.hubs[1].state.hosts["late"]
    unaware = copy.copy(entry.live)
    for hub, seq, state in ((0, 5, "unhealthy"), (1, 1, "healthy"), (0, 6, "unhealthy")):
        body = {"state": state, "message": "", "edgewright": {"seq": seq, "bootId": "b"}}
        answer = await pair.clients[hub].patch("/v1/edgehosts/late/health", json=body, headers=own)
        assert answer.status_code == 204
        for each in pair.hubs:
            await each.write(lambda tx: None)
        while len({each.memory.seq for each in pair.hubs}) > 1:
            await asyncio.sleep(0.02)
        if seq == 5:
            entry.live = unaware  # as while it follows the change log some moments later
    assert (_events(pair, "HostUnhealthy"), _events(pair, "HostRecovered"), _events(pair, "HostHealthy")) == (1, 0, 0)


async def test_a_hub_knows_the_others_before_its_first_sign_of_life(pair: Pair) -> None:
    """Else one whose writes fail from its start on would follow no heartbeat of the others."""
    for hub in pair.hubs:
        await hub.membership.beat(hub)
    third = Membership(pair.hubs[0].engine, "third")
    await asyncio.to_thread(third.join, pair.hubs[0].engine)
    assert len(third.others) == 2


async def test_a_hub_learns_of_heartbeats_that_another_one_took(pair: Pair) -> None:
    own = await _silent(pair, "l")
    assert await _beat(pair, 0, "l", own, 7) == 204
    assert pair.hubs[1].state.hosts["l"].live.seq == 1
    seq = pair.hubs[1].changes.seq
    assert await Liveness(pair.hubs[1]).look() == 1
    assert (pair.hubs[1].state.hosts["l"].live.seq, pair.hubs[1].state.hosts["l"].live.count) == (7, 2)
    assert pair.hubs[1].changes.seq >= seq and await Liveness(pair.hubs[1]).look() == 0


async def test_an_operation_expires_once(pair: Pair) -> None:
    own = await _silent(pair, "x")
    assert own
    path, body = "/edgewright/v1/hosts/x/operations", {"kind": "collect-logs", "params": {}}
    assert (await pair.clients[0].post(path, json=body)).status_code == 201
    table = schema.operations
    await pair.hubs[0].write(lambda tx: tx.run(table.update().values(deadline=times.now() - 1)))
    outcomes = await asyncio.gather(*(expire_operations(hub) for hub in pair.hubs), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LeaseLost", "NoneType"]
    assert [row.generation for row in pair.rows(select(schema.hosts.c.generation))] == [3]


async def test_p18_the_plane_is_up_since_its_first_hub(pair: Pair) -> None:
    """A rolling restart moves nothing; a time without any hub does."""
    engine = pair.hubs[0].engine
    began = pair.hubs[0].membership.up_since
    assert pair.hubs[0].membership.was_down and not pair.hubs[1].membership.was_down
    assert pair.hubs[1].membership.up_since == began
    third = Membership(engine)
    await asyncio.to_thread(third.join, engine)
    assert third.up_since == began and not third.was_down
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE hub_processes SET seen = seen - {membership.AWAY + 20}"))
    fourth = Membership(engine)
    await asyncio.to_thread(fourth.join, engine)
    assert fourth.was_down and fourth.up_since > began


def runtimes(pair: Pair, run: Callable[[Work], Any], **options: Any) -> list[Runtime]:
    return [Runtime(hub, [Controller("k", run, **options)], hub.membership.id) for hub in pair.hubs]


async def test_a_job_is_done_once_and_then_gone(pair: Pair) -> None:
    """P66: of two hubs that look at the same moment one takes it."""
    done: list[str] = []

    async def run(work: Work) -> None:
        done.append(work.payload)
        await asyncio.sleep(0.2)
        await work.write(lambda tx: tx.run(schema.settings.insert().values(key=work.name, value="1")))

    both = runtimes(pair, run)
    assert await pair.hubs[0].write(lambda tx: add(tx, "k", "j1", "p"))
    assert not await pair.hubs[1].write(lambda tx: add(tx, "k", "j1", "other"))
    assert sorted(await asyncio.gather(*(each.look() for each in both))) == [0, 1]
    assert sum(await asyncio.gather(*(each.look() for each in both))) == 0
    for each in both:
        await each.settle()
    assert done == ["p"]
    assert not pair.rows(select(schema.controller_jobs).where(schema.controller_jobs.c.kind == "k"))


async def test_a_job_that_fails_is_tried_again_later(pair: Pair) -> None:
    async def run(work: Work) -> None:
        raise RuntimeError("no route")

    both = runtimes(pair, run)
    await pair.hubs[0].write(lambda tx: add(tx, "k", "j2"))
    waits = []
    for attempt in (1, 2, 3):
        assert await both[attempt % 2].look() == 1
        await both[attempt % 2].settle()
        row = pair.rows(select(schema.controller_jobs).where(schema.controller_jobs.c.name == "j2"))[0]
        assert (row.attempts, row.error, row.holder) == (attempt, "RuntimeError: no route", "")
        waits.append(row.due - times.now())
        assert await both[0].look() == 0
        await pair.hubs[0].write(lambda tx: tx.run(schema.controller_jobs.update().values(due=0.0)))
    assert waits[0] < waits[1] < waits[2] <= runtime.CAP


async def test_a_run_makes_its_quota_of_changes_and_the_next_one_the_rest(pair: Pair) -> None:
    left = list(range(7))

    async def run(work: Work) -> None:
        while left:
            await work.write(lambda tx: None)
            left.pop()

    both = runtimes(pair, run, quota=3)
    await pair.hubs[0].write(lambda tx: add(tx, "k", "j3"))
    rounds = 0
    while await both[rounds % 2].look():
        await both[rounds % 2].settle()
        rounds += 1
    assert rounds == 3 and not left


async def test_a_job_of_a_hub_that_was_paused_passes_to_another(pair: Pair) -> None:
    """The paused one continues and is refused by the fence."""
    resumed = asyncio.Event()
    outcomes: list[str] = []

    async def run(work: Work) -> None:
        if not outcomes:
            outcomes.append("began")
            await resumed.wait()
        try:
            await work.write(lambda tx: tx.run(schema.settings.insert().values(key=work.name, value="1")))
            outcomes.append("wrote")
        except LeaseLost:
            outcomes.append("refused")
            raise

    both = runtimes(pair, run)
    await pair.hubs[0].write(lambda tx: add(tx, "k", "j4"))
    assert await both[0].look() == 1
    await asyncio.sleep(0)
    assert await both[1].look() == 0
    await pair.hubs[1].write(lambda tx: tx.run(schema.controller_jobs.update().values(until=1.0)))
    assert await both[1].look() == 1
    await both[1].settle()
    resumed.set()
    await both[0].settle()
    assert outcomes == ["began", "wrote", "refused"]


async def test_a_periodic_controller_has_one_job_for_all_hubs(pair: Pair) -> None:
    ran: list[str] = []

    async def run(work: Work) -> None:
        ran.append(work.name)

    both = runtimes(pair, run, every=lambda hub: 60.0)
    for each in both:
        await each.start()
    await pair.hubs[0].write(lambda tx: tx.run(schema.controller_jobs.update().values(due=0.0)))
    for each in both:
        await each.look()
        await each.settle()
    assert ran == ["k"]
    row = pair.rows(select(schema.controller_jobs).where(schema.controller_jobs.c.name == "k"))[0]
    assert 50 < row.due - times.now() < 70
    job: Callable[[Tx], Any] = lambda tx: tx.all(select(schema.controller_jobs.c.name))  # noqa: E731
    assert "prune" in {row.name for row in await pair.hubs[0].write(job)}


async def test_silence_is_stored_where_two_hubs_took_heartbeats_at_one_moment(pair: Pair) -> None:
    """The row has the later time of both, which the hub of the last heartbeat does not know."""
    await _silent(pair, "m")
    holder = pair.hubs[0] if pair.hubs[0].membership.has(SWEEPS) else pair.hubs[1]
    _back(pair, "m", 700)
    holder.state.hosts["m"].live.at = (holder.state.hosts["m"].live.at or 0.0) - 0.4
    await judge_hosts(holder)
    await holder.write(lambda tx: None)
    assert _events(pair, "HostUnhealthy") == 1

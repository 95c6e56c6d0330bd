"""P47: what one host sends never displaces what is retained of another, and is bounded in rate, number and bytes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.http import intake
from edgewright.hub.http.rates import Rates
from edgewright.hub.process import retention
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.process.housekeeping import run_housekeeping
from edgewright.hub.resources.hosts import share
from edgewright.hub.resources.hosts.share import fair_share
from edgewright.wire import protocol
from tests.hub.http.test_bounds import database
from tests.hub.http.test_hardening import bare, beat, new_host
from tests.hub_fixture import running_hub
from tests.hub_fleet import open_hub

Inside = tuple[Hub, httpx.AsyncClient]
BULK = "/v1/events/components/bulk"
NUMBERS = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
async def small(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Inside]:
    """A hub that retains little and limits no rate, and an admin's client."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.create())
    hub = open_hub(tmp_path / "d", sweep=1e9, max_events=1000, max_host_events=300, event_rate=1e6, db=url)
    await hub.start()
    hub.intake._events = Rates(6e7, 1e6)
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as client:
        yield hub, client
    await hub.stop()


def batch(count: int, at: float | None = None, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "metadata": {"uid": f"{next(NUMBERS):024x}", "creationTimestamp": times.rfc3339(at or times.now())},
            "reason": "Noise",
            "severity": "Info",
            "message": "x",
            **more,
        }
        for _ in range(count)
    ]


async def send(hub: Hub, own: dict[str, str], events: list[dict[str, Any]]) -> httpx.Response:
    async with bare(hub) as client:
        return await client.post(BULK, json=events, headers=own)


async def counted(hub: Hub) -> dict[str, int]:
    """Return how many events each thing has."""
    table = schema.events
    statement = select(table.c.object_uid, func.count()).group_by(table.c.object_uid)
    found = await hub.read(lambda connection: connection.execute(statement).all())
    return {str(uid): int(count) for uid, count in found}


async def rows(hub: Hub, table: Any) -> int:
    found = await hub.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar())
    return int(found or 0)


async def test_p47_a_flood_by_one_credential_leaves_the_events_of_others_in_place(small: Inside) -> None:
    hub, admin = small
    quiet, noisy = await new_host(hub, admin, "quiet"), await new_host(hub, admin, "noisy")
    kept = batch(20, reason="Kept")
    assert (await send(hub, quiet, kept)).status_code == 201
    before = (await counted(hub))["quiet"]
    worst = 0
    for _ in range(25):
        assert (await send(hub, noisy, batch(100))).status_code == 201
        worst = max(worst, (await counted(hub))["noisy"])
    assert worst == hub.options.max_host_events  # between two prunings as well
    await retention.prune(hub)
    assert (await counted(hub))["quiet"] == before
    page = (await admin.get("/v1/events/components/edgehost/quiet?limit=50")).json()["items"]
    assert {event["metadata"]["uid"] for event in kept} <= {event["metadata"]["uid"] for event in page}


async def test_p47_the_noisiest_lose_their_oldest_first_when_all_are_too_many(small: Inside) -> None:
    hub, admin = small
    hub.intake._stored = -(10**9)  # the hub's own pruning would join in
    hosts = {name: await new_host(hub, admin, name) for name in ("a", "b", "c", "d", "e", "quiet")}
    now = times.now()
    for name, own in hosts.items():
        for number in range(1 if name == "quiet" else 3):
            await send(hub, own, batch(20 if name == "quiet" else 99, now - 1000 + number, reason=f"Age{number}"))
    before = await counted(hub)
    assert sum(before.values()) > 1000
    await retention.prune_shares(hub)
    after = await counted(hub)
    assert sum(after.values()) <= 1000 and sum(after.values()) > 950
    assert after["quiet"] == before["quiet"]
    assert len({after[name] for name in "abcde"}) == 1
    reasons = [
        event["reason"] for event in (await admin.get("/v1/events/components/edgehost/a?limit=50")).json()["items"]
    ]
    assert set(reasons) <= {"HostRegistered", "HostDeleted", "Age2"}
    assert await retention.prune_shares(hub) == 0


async def test_p47_many_events_are_pruned_without_waiting_for_the_hour(small: Inside) -> None:
    hub, admin = small
    hosts = [await new_host(hub, admin, f"h{number}") for number in range(8)]
    keeper = asyncio.create_task(run_housekeeping(hub))
    for own in hosts:
        for _ in range(3):
            await send(hub, own, batch(95))
    async with asyncio.timeout(10):
        while sum((await counted(hub)).values()) > 1000 + max(500, hub.options.max_events // 20):
            await asyncio.sleep(0.05)
    keeper.cancel()


async def test_p47_a_rate_for_each_host_with_the_time_to_wait(inside: Inside) -> None:
    hub, admin = inside
    noisy, other = await new_host(hub, admin, "noisy"), await new_host(hub, admin, "other")
    now = 1000.0
    hub.intake._events = Rates(hub.options.event_rate, intake.BURST, lambda: now)
    for _ in range(intake.BURST // 100):
        assert (await send(hub, noisy, batch(100))).status_code == 201
    for _ in range(3):
        refused = await send(hub, noisy, batch(30))
        assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests")
        assert refused.headers["Retry-After"] == "30" and "60 events a minute" in refused.json()["message"]
    async with bare(hub) as client:
        alone = await client.post("/v1/events/components", json=batch(1)[0], headers=noisy)
        body = {"id": "a" * 24, "field": "f", "base": {"generation": 1}, "value": 1}
        intent = await client.post("/edgewright/v1/hosts/noisy/intents", json=body, headers=noisy)
        pulse = await client.patch("/v1/edgehosts/noisy/health", json=beat(1), headers=noisy)
    assert (alone.status_code, intent.status_code, pulse.status_code) == (429, 429, 204)
    assert (await send(hub, other, batch(100))).status_code == 201
    now += 30
    assert (await send(hub, noisy, batch(30))).status_code == 201
    assert (await send(hub, noisy, batch(1))).status_code == 429
    filters = {"filters": "reason=EventsRefused"}
    reported = (await admin.get("/v1/events/components", params=filters)).json()["items"]
    assert [event["relatedObject"]["uid"] for event in reported] == ["noisy"]  # once, not for each refusal
    assert (await admin.post(BULK, json=batch(100))).status_code == 201  # users have no such rate


async def test_p47_requests_of_a_host_have_a_rate_and_heartbeats_have_none(inside: Inside) -> None:
    hub, admin = inside
    own, other = await new_host(hub, admin, "busy"), await new_host(hub, admin, "other")
    hub.intake._requests = Rates(intake.REQUESTS_PER_MINUTE, 20, lambda: 1000.0)
    async with bare(hub) as client:
        path = "/v1/edgehosts/busy"
        statuses = [(await client.put(path, json={}, headers=own)).status_code for _ in range(22)]
        refused = await client.patch(path + "/tunnelStatus", json={}, headers=own)
        assert statuses == [204] * 20 + [429] * 2
        assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests")
        assert refused.headers["Retry-After"] == "1" and "300 requests a minute" in refused.json()["message"]
        for seq in range(1, 40):
            assert (await client.patch(path + "/health", json=beat(seq), headers=own)).status_code == 204
        for spelled in ({"STATE": "healthy"}, {"state": "healthy", "edgewright": {"seq": "x"}}):  # the ordinary route
            assert (await client.patch(path + "/health", json=spelled, headers=own)).status_code in (204, 422)
        assert (await client.get(path, headers=own)).status_code == 200
        assert (await client.get(path + "/config", headers=own)).status_code == 200
        assert (await client.put("/v1/edgehosts/other", json={}, headers=other)).status_code == 204


async def test_p47_a_host_that_flaps_makes_no_flood_of_events(inside: Inside) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "flapping")
    async with bare(hub) as client:
        for number in range(1, 241):
            body = {**beat(number), "state": ("healthy", "unhealthy")[number % 2]}
            assert (await client.patch("/v1/edgehosts/flapping/health", json=body, headers=own)).status_code == 204
    await hub.write(lambda tx: None)
    assert 20 <= (await counted(hub))["flapping"] <= intake._STATE_BURST + 10
    assert hub.state.hosts["flapping"].live.health == "healthy"  # the state itself is always followed


async def test_p47_intents_of_a_host_are_bounded_and_the_newest_are_retained(
    small: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = small
    monkeypatch.setattr(share, "MAX_INTENTS", 10)
    monkeypatch.setattr(share, "MAX_INTENT_BYTES", 100_000)
    own, other = await new_host(hub, admin, "h"), await new_host(hub, admin, "o")

    async def offer(uid: str, headers: dict[str, str], number: int, size: int) -> None:
        body = {"id": f"{number:024x}", "field": "f", "base": {"generation": 1}, "value": "x" * size}
        async with bare(hub) as client:
            answer = await client.post(f"/edgewright/v1/hosts/{uid}/intents", json=body, headers=headers)
        assert answer.status_code == 201, answer.text

    async def stored(uid: str) -> list[int]:
        items = (await admin.get(f"/edgewright/v1/hosts/{uid}/intents")).json()["items"]
        return [int(item["id"], 16) for item in items]

    await offer("o", other, 1, 10)
    for number in range(1, 13):
        await offer("h", own, number, 10)
    assert await stored("h") == list(range(3, 13))
    await offer("h", own, 13, 60_000)
    await offer("h", own, 14, 50_000)
    assert await stored("h") == [14]
    assert await stored("o") == [1]
    page = (await admin.get("/v1/events/components", params={"filters": "reason=IntentsDropped"})).json()["items"]
    assert page and all(event["relatedObject"]["uid"] == "h" for event in page)


async def test_p47_operations_of_a_host_are_bounded(small: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, admin = small
    monkeypatch.setattr(share, "MAX_PENDING", 3)
    monkeypatch.setattr(share, "MAX_ENDED", 5)
    own = await new_host(hub, admin, "h")
    path = "/edgewright/v1/hosts/h/operations"

    async def ask() -> httpx.Response:
        return await admin.post(path, json={"kind": "collect-logs"})

    made = [(await ask()).json()["uid"] for _ in range(3)]
    refused = await ask()
    assert (refused.status_code, refused.json()["code"]) == (409, "TooManyOperations")
    async with bare(hub) as client:
        for _ in range(9):
            operation = made.pop(0)
            piece = {"operationId": operation, "offset": 0, "lines": ["x"], "last": True}
            assert (await client.post("/edgewright/v1/hosts/h/logs", json=piece, headers=own)).status_code == 204
            ended = await client.post(f"{path}/{operation}/result", json={"state": "succeeded"}, headers=own)
            assert ended.status_code == 204
            made.append((await ask()).json()["uid"])
    states = [item["state"] for item in (await admin.get(path)).json()["items"]]
    assert states.count("pending") == 3 and states.count("succeeded") == 5
    assert await rows(hub, schema.logs) == 5


async def test_p47_logs_of_a_host_are_bounded(small: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, admin = small
    monkeypatch.setattr(share, "MAX_LOG_BYTES", 10_000)
    monkeypatch.setattr(share, "MAX_HOST_LOG_BYTES", 20_000)
    own = await new_host(hub, admin, "h")
    made = [
        (await admin.post("/edgewright/v1/hosts/h/operations", json={"kind": "collect-logs"})).json()["uid"]
        for _ in range(4)
    ]

    async def piece(operation: str, offset: int, size: int, lines: int = 1) -> int:
        body = {"operationId": operation, "offset": offset, "lines": ["x" * size] * lines, "last": False}
        async with bare(hub) as client:
            answer = await client.post("/edgewright/v1/hosts/h/logs", json=body, headers=own)
        return answer.status_code

    assert [await piece(made[0], offset, 3000) for offset in range(6)] == [204, 204, 204, 413, 413, 413]
    assert await piece(made[1], 400, 1, 101) == 422  # more lines than an operation can ask for
    for operation in made[1:]:
        for offset in range(3):
            assert await piece(operation, offset, 3000) == 204
    table = schema.logs
    found = await hub.read(lambda connection: connection.execute(select(table.c.operation_id, table.c.lines)).all())
    assert sum(len(lines) for _, lines in found) <= 20_000
    assert made[3] in {operation for operation, _ in found} and made[0] not in {operation for operation, _ in found}


async def test_a_log_of_the_largest_allowed_size_fits(inside: Inside) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    path = "/edgewright/v1/hosts/h/operations"
    operation = (await admin.post(path, json={"kind": "collect-logs", "params": {"lines": 500}})).json()["uid"]
    async with bare(hub) as client:
        for offset in range(0, 500, 100):
            lines = ['"' * protocol.MAX_LOG_LINE] * 100  # each quote takes two bytes of JSON
            body = {"operationId": operation, "offset": offset, "lines": lines, "last": offset == 400}
            answer = await client.post("/edgewright/v1/hosts/h/logs", json=body, headers=own)
            assert answer.status_code == 204, answer.text
    lines = (await admin.get(f"/edgewright/v1/hosts/h/logs?operationId={operation}")).json()["lines"]
    assert len(lines) == 500


@settings(deadline=None, max_examples=300)
@given(counts=st.lists(st.integers(0, 60), max_size=12), most=st.integers(1, 300))
def test_a_fair_share_fits_and_wastes_nothing(counts: list[int], most: int) -> None:
    limit = fair_share(counts, most)
    assert sum(min(count, limit) for count in counts) <= most
    if sum(counts) > most:
        assert sum(min(count, limit + 1) for count in counts) > most
    else:
        assert limit >= max(counts, default=0)


def test_a_bucket_fills_with_time_and_not_above_its_burst() -> None:
    now = 0.0
    rates = Rates(60, 5, lambda: now)
    assert [rates.take("a") for _ in range(6)] == [0.0] * 5 + [1.0]
    assert rates.take("b", 5) == 0.0
    now = 2.0
    assert rates.take("a", 2) == 0.0 and rates.take("a") == 1.0
    now = 1e6
    assert rates.take("a", 6) > 0 and rates.take("a", 5) == 0.0  # never more than the burst


def test_p47_the_flood_of_the_report_over_the_wire() -> None:
    """Bulk events of almost 1 MB by one host: 99 of them were taken in 12 s, and the database grew by 120 MB."""
    with running_hub() as hub:
        token = hub.token()[1]
        quiet, noisy = hub.host("quiet", token), hub.host("noisy", token)
        assert quiet.post(BULK, json=batch(10, reason="Kept")).status_code == 201
        before, sent = database(hub), 0
        statuses: list[int] = []
        for _ in range(40):
            events = batch(100, message="x" * 4000, extra="y" * 5000)
            sent += 100 * 9200
            statuses.append(noisy.post(BULK, json=events).status_code)
        print(f"{sent} bytes sent, {statuses.count(201)} of 40 taken, database +{database(hub) - before}")
        assert statuses[:6] == [201] * 6 and set(statuses[6:]) == {429}
        page = hub.client().get("/v1/events/components/edgehost/quiet").json()["items"]
        assert [event["reason"] for event in page].count("Kept") == 10
        assert database(hub) - before < sent / 2  # what was taken is there twice, in the database and in its log
        assert not [line for line in hub.log() if line["level"] == "ERROR"]

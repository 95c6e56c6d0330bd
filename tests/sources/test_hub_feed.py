"""The feed against a real hub: fill, live changes, deletions, the hub killed and back; and replay as a feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.core.backoff import Backoff
from edgewright.core.errors import NotFound, Refused
from edgewright.sources.base import Gate
from edgewright.sources.plane import PlaneSource
from edgewright.sources.replay import ReplaySource
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.filters import FILTERS
from edgewright.store.collections.handling import HANDLING
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.roles import ROLES
from edgewright.store.collections.ssh_keys import SSH_KEYS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.collections.users import USERS
from edgewright.store.engine.model import Model
from edgewright.store.engine.record import Recorder
from edgewright.store.engine.store import Store
from edgewright.store.every import COLLECTIONS
from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    """One hub for the module."""
    with running_hub() as started:
        yield started


def client_of(hub: RunningHub, key: str | None = None) -> PlaneClient:
    return PlaneClient(hub.url, Credential(api_key=key or hub.admin_key), ca=hub.ca)


async def until(store: Store, true: Callable[[Model], bool], within: float = 20.0) -> None:
    """Wait until the model is so."""
    hit = asyncio.Event()
    with_it = store.subscribe([*(each.name for each in COLLECTIONS), "source"], lambda _: hit.set())
    try:
        async with asyncio.timeout(within):
            while not true(store.model):
                await hit.wait()
                hit.clear()
    finally:
        with_it.close()


@asynccontextmanager
async def feeding(hub: RunningHub, key: str | None = None) -> AsyncIterator[tuple[Store, PlaneSource, PlaneClient]]:
    store = Store()
    async with client_of(hub, key) as client:
        source = PlaneSource(client, store.emit, backoff=Backoff(base=0.2, cap=0.5))
        task = asyncio.create_task(source.run())
        try:
            yield store, source, client
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_the_feed_reports_what_the_credential_may_do(hub: RunningHub) -> None:
    async with feeding(hub) as (store, _, _client):
        await until(store, lambda model: model.source.role == "admin")
    viewer = hub.viewer().headers["ApiKey"]
    async with feeding(hub, viewer) as (store, _, _client):
        await until(store, lambda model: model.source.role == "viewer")
        assert store.model.source.caller.startswith("API key viewer-")


async def test_the_client_speaks_to_a_real_hub(hub: RunningHub) -> None:
    async with client_of(hub) as client:
        features = await client.features()
        assert features.hub and features.page_limit == 1000 and features.stream
        assert (await client.session.who())["userUid"]
        project = (await client.projects.all())[0]["metadata"]["uid"]
        uid = await client.tokens.create("by-client", project, 2_000_000_000.0, "for the test")
        token = await client.tokens.get(uid)
        assert token["metadata"]["name"] == "by-client" and token["spec"]["token"]
        await client.tokens.set_active(uid, False)
        assert (await client.tokens.get(uid))["status"]["isActive"] is False
        await client.tokens.delete(uid)
        with pytest.raises(NotFound):
            await client.tokens.get(uid)
        assert await client.hosts.create("pre-1", {"site": "kiel"}, "amd64") == "pre-1"
        await client.hosts.set_labels("pre-1", "pre-1", {"site": "berlin", "till": "spectro__tag"})
        assert (await client.hosts.get("pre-1"))["metadata"]["labels"]["site"] == "berlin"
        assert "pre-1" in [doc["metadata"]["uid"] async for doc in client.hosts.each()]
        assert (await client.audits.page()).items
        await client.hosts.delete("pre-1")
        with pytest.raises(NotFound):
            await client.hosts.get("pre-1")


async def test_a_wrong_key_is_refused_by_a_real_hub(hub: RunningHub) -> None:
    async with client_of(hub, "ewk_wrong") as client:
        with pytest.raises(Refused):
            await client.projects.all()
    async with feeding(hub, "ewk_wrong") as (store, _, _):
        await until(store, lambda model: model.source.state == "refused")
        assert store.model.source.next_try is not None


async def test_changes_of_a_hub_are_seen_as_they_happen(hub: RunningHub) -> None:
    _, token = hub.token("live")
    await asyncio.to_thread(hub.register, "edge-before", token)
    async with feeding(hub) as (store, _, client):
        await until(store, lambda model: model.source.state == "live" and "edge-before" in model.hosts)
        assert store.model.source.plane == "hub" and store.model.rows(PROJECTS)
        await asyncio.to_thread(hub.register, "edge-after", token, "b" * 32)
        await until(store, lambda model: "edge-after" in model.hosts)
        assert store.model.hosts["edge-after"].site == "berlin"
        await client.hosts.set_labels("edge-after", "edge-after", {"site": "kiel"})
        await until(store, lambda model: model.hosts["edge-after"].site == "kiel")
        await client.hosts.delete("edge-after")
        await until(store, lambda model: "edge-after" not in model.hosts)
        uid = await client.tokens.create("seen", (await client.projects.all())[0]["metadata"]["uid"])
        await until(store, lambda model: uid in model.rows(TOKENS))


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 42 + "E ana"


async def test_users_roles_keys_and_filters_are_read_and_followed(hub: RunningHub) -> None:
    async with client_of(hub) as client:
        before = await client.ssh_keys.create("before", KEY)
    async with feeding(hub) as (store, _, client):
        await until(store, lambda model: model.source.state == "live")
        model = store.model
        assert {row.name for row in model.rows(ROLES).values()} == {"admin", "operator", "viewer"}
        assert before in model.rows(SSH_KEYS) and model.rows(FILTERS) == {} and model.rows(USERS)
        uid = await client.users.create("ana@example.com", "Ana")
        await until(store, lambda model: uid in model.rows(USERS))
        row = store.model.rows(USERS)[uid]
        assert (row.name, row.full_name, row.state) == ("ana@example.com", "Ana", "invited")
        await client.users.delete(uid)
        await until(store, lambda model: uid not in model.rows(USERS))
        await client.ssh_keys.delete(before)
        await until(store, lambda model: before not in model.rows(SSH_KEYS))


async def test_a_viewer_is_not_bothered_with_lists_of_admins(hub: RunningHub) -> None:
    async with feeding(hub, hub.viewer().headers["ApiKey"]) as (store, _, _client):
        await until(store, lambda model: model.source.state == "live" and bool(model.rows(ROLES)))
        assert [row.text for row in store.model.messages if row.level == "warn"] == []


async def test_a_killed_hub_is_lost_then_back_and_what_happened_meanwhile_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_hub() as hub:
        _, token = hub.token()
        hub.register("edge-1", token)
        async with feeding(hub) as (store, source, client):
            await until(store, lambda model: model.source.state == "live")
            read, search = [], client.hosts.search

            async def counted(*arguments: Any) -> Any:
                read.append("hosts")
                return await search(*arguments)

            monkeypatch.setattr(client.hosts, "search", counted)
            await asyncio.to_thread(hub.kill)
            await until(store, lambda model: model.source.state == "lost")
            assert list(store.model.hosts) == ["edge-1"] and store.model.source.next_try is not None
            await asyncio.to_thread(hub.start_again)
            await asyncio.to_thread(hub.register, "edge-2", token, "c" * 32)
            source.retry_now()
            await until(store, lambda model: model.source.state == "live" and "edge-2" in model.hosts)
            assert read == [], "P33: the stream continues over the restart, and no host is read again"


async def test_a_hub_that_keeps_palettes_limits_is_polled_without_a_429() -> None:
    with running_hub("--simulate-palette-limits") as hub:
        _, token = hub.token()
        hub.register("edge-1", token)
        async with feeding(hub) as (store, _, client):
            await until(store, lambda model: "edge-1" in model.hosts and model.source.state in ("polling", "live"))
            assert client.budget.refusals == 0


def test_an_older_generation_gets_nothing_through() -> None:
    store = Store()
    gate = Gate(store.emit)
    old = gate.open()
    old("plane", "message", {"text": "old"})
    new = gate.open()
    assert old("plane", "message", {"text": "late"}) is None
    new("plane", "message", {"text": "new"})
    gate.shut()
    new("plane", "message", {"text": "shut"})
    store.flush()
    assert [line.text for line in store.model.messages] == ["old", "new"]


def recording(path: Path) -> Path:
    clock = [1000.0]
    store = Store(clock=lambda: clock[0])
    recorder = Recorder(store, path)
    for number in range(10):
        clock[0] += 10
        store.emit("plane", "hosts.seen", {"docs": [{"metadata": {"uid": f"edge-{number}"}}]})
    recorder.close()
    return path


async def test_a_recording_plays_is_held_stepped_and_sought(tmp_path: Path) -> None:
    store = Store()
    source = ReplaySource(recording(tmp_path / "fleet.rec"), store.restore, speed=200.0, paused=True)
    task = asyncio.create_task(source.run())
    source.step()
    assert list(store.model.hosts) == ["edge-0"] and store.model.source.state == "replay"
    source.seek(1050.0)
    assert len(store.model.hosts) == 5 and source.moment == 1050.0
    source.step(-2)
    assert len(store.model.hosts) == 3
    source.pause(False)
    async with asyncio.timeout(10):
        while len(store.model.hosts) < 10 or not source.paused:
            await asyncio.sleep(0.02)
    assert source.paused
    task.cancel()
    with pytest.raises(ValueError, match="above 0"):
        source.set_speed(0)


async def test_what_hosts_are_asked_to_do_is_read_and_followed(hub: RunningHub) -> None:
    _, token = hub.token("ops")
    agent = await asyncio.to_thread(hub.host, "edge-op", token)
    asked = "/edgewright/v1/hosts/edge-op/operations"
    first = (await asyncio.to_thread(lambda: hub.client().post(asked, json={"kind": "reset"}))).json()["uid"]
    async with feeding(hub) as (store, _, client):
        await until(store, lambda model: model.source.state == "live" and first in model.rows(OPERATIONS))
        second = await client.operations.create("edge-op", "collect-logs", {"lines": 5})
        await until(store, lambda model: second in model.rows(OPERATIONS))
        assert store.model.rows(OPERATIONS)[second].state == "pending"
        result = {"state": "succeeded", "message": "sent"}
        await asyncio.to_thread(lambda: agent.post(f"{asked}/{second}/result", json=result))
        await until(store, lambda model: model.rows(OPERATIONS)[second].state == "succeeded")
        assert any(line.text.startswith("edge-op: log done") for line in store.model.messages)
        await client.hosts.delete("edge-op")
        await until(store, lambda model: not model.rows(OPERATIONS))


async def test_a_hub_gives_its_feed_in_big_pages() -> None:
    with running_hub() as hub:
        _, token = hub.token()
        agent = await asyncio.to_thread(hub.host, "edge-many", token)
        told = [{"metadata": {"uid": f"{number:024x}"}, "reason": "Many", "severity": "Info"} for number in range(90)]
        await asyncio.to_thread(lambda: agent.post("/v1/events/components/bulk", json=told))
        async with feeding(hub) as (store, _, _):
            await until(store, lambda model: model.source.state == "live")
            store.flush()
            assert len(store.model.rows(FEED)) >= 90


async def test_p39_alerts_are_read_and_followed(hub: RunningHub) -> None:
    wrong = "ewt_" + "x" * 43
    assert hub.register("knocks-before", wrong).status_code == 401
    async with feeding(hub) as (store, _source, _client):
        await until(store, lambda model: "rejected/knocks-before" in model.rows(ALERTS))
        assert hub.register("knocks-later", wrong).status_code == 401
        await until(store, lambda model: "rejected/knocks-later" in model.rows(ALERTS))
        hub.host("knocks-later", hub.token("lets-in")[1])
        await until(store, lambda model: "rejected/knocks-later" not in model.rows(ALERTS))


async def test_p57_who_handles_a_problem_is_read_and_followed(hub: RunningHub) -> None:
    async with client_of(hub) as other:
        await other.problems.set("host/before/1", assignee="ana")
        async with feeding(hub) as (store, _, _):
            await until(store, lambda model: "host/before/1" in model.rows(HANDLING))
            await other.problems.set("host/later", note="on it", silenced_until=store.now() + 600)
            await until(store, lambda model: "host/later" in model.rows(HANDLING))
            assert store.model.rows(HANDLING)["host/later"].silenced(store.now())
            await other.problems.set("host/later", note="", silenced_until=None)
            await until(store, lambda model: "host/later" not in model.rows(HANDLING))

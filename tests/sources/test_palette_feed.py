"""The feed against a simulated Palette, in virtual time: budget, freshness, deletions, loss, refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks import virtual_time
from benchmarks.palette_budget import fill
from benchmarks.simulated_palette import SimulatedPalette
from edgewright.clients.http.budget import Budget
from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.core.backoff import Backoff
from edgewright.sources.plane import PlaneSource
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store


class Rig:
    """A simulated Palette, its feed and a store, all on one virtual clock."""

    def __init__(self, hosts: int) -> None:
        self.clock = asyncio.get_running_loop().time
        self.plane = SimulatedPalette(hosts, self.clock)
        self.store = Store(clock=self.clock)
        client = PlaneClient(
            "https://palette.simulated", Credential(api_key="k"), budget=Budget(clock=self.clock), http=self.plane
        )
        self.source = PlaneSource(client, self.store.emit, clock=self.clock, backoff=Backoff(rng=lambda: 1.0))

    async def until(self, true: Callable[[Model], bool], within: float = 600.0) -> float:
        """Wait until the model is so; return the virtual seconds that it took."""
        began = self.clock()
        while not true(self.store.model):
            assert self.clock() - began < within, self.store.model.source
            await asyncio.sleep(0.05)
        return self.clock() - began


@asynccontextmanager
async def rig(hosts: int) -> AsyncIterator[Rig]:
    made = Rig(hosts)
    feed = asyncio.create_task(made.source.run())
    try:
        yield made
    finally:
        feed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await feed


def in_virtual_time(main: Callable[[], Awaitable[Any]]) -> Any:
    async def body() -> Any:
        return await main()

    return virtual_time.run(body())


def polling(model: Model) -> bool:
    return model.source.state == "polling"


def test_the_whole_fleet_is_there_within_the_budget_and_without_a_429() -> None:
    found = virtual_time.run(fill(10_000))
    assert found["hosts"] == 10_000 and found["refused"] == 0
    assert found["first_hosts_after"] < 1.0
    assert found["seconds"] - found["floor"] < 2.5


def test_progress_is_told_and_secrets_are_not() -> None:
    async def main() -> None:
        async with rig(3000) as made:
            seen: list[tuple[int, int]] = []
            made.store.subscribe(
                ["source"], lambda _: seen.append((made.store.model.source.done, made.store.model.source.total))
            )
            events: list[Any] = []
            made.store.tap(events.append)
            await made.until(polling)
            done = [one for one, total in seen if total == 3000]
            assert done == sorted(done) and len(done) > 2
            await made.until(lambda model: bool(model.rows(TOKENS)) and bool(model.rows(PROJECTS)))
            assert "hush" not in repr(events)

    in_virtual_time(main)


def test_a_change_is_seen_at_the_next_look_even_while_the_fill_goes_on() -> None:
    async def main() -> None:
        async with rig(10_000) as made:
            await made.until(lambda model: "edge-09999" in model.hosts)
            made.plane.touch("edge-09999", "unhealthy")
            took = await made.until(lambda model: model.hosts["edge-09999"].health == "unhealthy")
            assert took < 17 and made.store.model.source.state == "loading"
            await made.until(polling)
            made.plane.touch("edge-00007", "unhealthy")
            assert await made.until(lambda model: model.hosts["edge-00007"].health == "unhealthy") < 6.5
            assert made.plane.refused == 0

    in_virtual_time(main)


def test_a_deleted_host_goes_and_its_neighbours_stay() -> None:
    async def main() -> None:
        async with rig(500) as made:
            await made.until(polling)
            made.plane.remove("edge-00250")
            await made.until(lambda model: "edge-00250" not in model.hosts)
            assert len(made.store.model.hosts) == 499 and made.plane.refused == 0

    in_virtual_time(main)


def test_a_host_of_the_cache_that_is_no_longer_there_goes_after_the_fill() -> None:
    async def main() -> None:
        made = Rig(100)
        made.store.emit("cache", "hosts.seen", {"docs": [{"metadata": {"uid": "long-gone"}}]})
        made.store.flush()
        feed = asyncio.create_task(made.source.run())
        await made.until(lambda model: len(model.hosts) == 100 and "long-gone" not in model.hosts)
        feed.cancel()

    in_virtual_time(main)


def test_a_lost_plane_keeps_the_fleet_tells_the_next_try_and_comes_back() -> None:
    async def main() -> None:
        async with rig(200) as made:
            await made.until(polling)
            made.plane.down = True
            await made.until(lambda model: model.source.state == "lost")
            status = made.store.model.source
            assert status.next_try is not None and status.next_try > made.clock() - 1
            assert status.message and len(made.store.model.hosts) == 200
            await asyncio.sleep(300)
            assert made.store.model.source.state == "lost"
            bad = [line for line in made.store.model.messages if line.level == "bad"]
            assert len(bad) == 1
            made.plane.down = False
            made.source.retry_now()
            assert await made.until(polling) < 15
            made.store.flush()
            assert any("back after" in line.text for line in made.store.model.messages)

    in_virtual_time(main)


def test_a_refused_key_is_told_and_tried_slowly() -> None:
    async def main() -> None:
        async with rig(50) as made:
            made.plane.credential = "another"
            await made.until(lambda model: model.source.state == "refused")
            before = sum(made.plane.requests.values())
            await asyncio.sleep(290)
            assert sum(made.plane.requests.values()) - before < 60
            assert "does not accept" in made.store.model.source.message
            made.plane.credential = "k"
            await made.until(polling, within=70)

    in_virtual_time(main)


def test_an_empty_fleet_is_a_fleet() -> None:
    async def main() -> None:
        async with rig(0) as made:
            await made.until(polling)
            assert made.store.model.hosts == {}

    in_virtual_time(main)

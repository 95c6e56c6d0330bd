"""Rule P41: a clock of the hub that most of its hosts contradict is the hub's trouble, not theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edgewright.core import times
from edgewright.hub.controllers import fleet_clock
from edgewright.hub.controllers.fleet_clock import outvoted
from edgewright.hub.process import retention
from edgewright.hub.process.app import Hub, make_app
from tests.hub_fleet import add_events, open_hub, seed


@pytest.mark.parametrize(
    ("offsets", "off_by"),
    [
        ([], None),
        ([-300.0, -301.0], None),  # two are no majority of anything
        ([0.0, 1.0, -2.0], None),
        ([-300.0, -301.0, -299.0], 300.0),
        ([-300.0, -301.0, 4000.0], 300.0),
        ([-300.0, -301.0, 4000.0, 0.0], None),  # half of them
        ([900.0] * 20 + [0.0] * 10, -900.0),
        ([-100.0, 100.0, 300.0], None),  # they disagree with each other
    ],
)
def test_p41_two_thirds_of_the_hosts_outvote_the_hub(offsets: list[float], off_by: float | None) -> None:
    found = outvoted(offsets)
    assert (None if found is None else found[0]) == (None if off_by is None else pytest.approx(off_by, abs=2))


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    seed(tmp_path / "d", 4)
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield hub, client
    await hub.stop()


async def beat(client: httpx.AsyncClient, uid: str, seq: int, clock: float | None) -> httpx.Headers:
    own = {"seq": seq, "bootId": "b1", **({} if clock is None else {"clock": clock})}
    headers = {"Authorization": "ewh_" + uid}
    body = {"state": "healthy", "edgewright": own}
    answer = await client.patch(f"/v1/edgehosts/{uid}/health", json=body, headers=headers)
    assert answer.status_code == 204
    return answer.headers


async def test_p41_a_hub_that_its_hosts_contradict_names_itself_and_deletes_nothing(
    fleet: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, client = fleet
    add_events(hub, 5, times.now() - 31 * times.DAY)
    for number in range(3):
        await beat(client, f"edge-{number:05d}", 200, times.now() - 7200)
    await beat(client, "edge-00003", 200, None)  # an agent v0.1.0
    fleet_clock.count(hub)
    alert = hub.alerts.get(fleet_clock.ALERT)
    assert alert is not None and alert.text == "clock 2 h ahead of its hosts'" and "3 of 3 hosts" in alert.message
    assert hub.clock.as_dict()["clockDoubted"] == "The clock of this machine is 2 h ahead of that of most hosts."
    assert (await beat(client, "edge-00000", 201, times.now() - 7200))["edgewright-clock"] == "doubted"
    assert (await retention.prune(hub))["events"] == 0
    for number in range(3):
        await beat(client, f"edge-{number:05d}", 300, times.now() + 3)
    fleet_clock.count(hub)
    assert hub.alerts.get(fleet_clock.ALERT) is None
    assert "edgewright-clock" not in await beat(client, "edge-00000", 301, times.now())
    assert (await retention.prune(hub))["events"] == 5


async def test_p41_one_host_with_a_wrong_clock_is_that_hosts_trouble(fleet: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, client = fleet
    for number, offset in enumerate((0.0, -7200.0, 1.0, 2.0)):
        await beat(client, f"edge-{number:05d}", 200, times.now() + offset)
    fleet_clock.count(hub)
    assert hub.alerts.get(fleet_clock.ALERT) is None and not hub.clock.suspect


async def test_p41_clocks_that_cannot_be_are_no_votes(fleet: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, client = fleet
    for number, clock in enumerate((0.0, -5e9, 1e300, 86_400.0)):  # no battery, or nonsense
        await beat(client, f"edge-{number:05d}", 200, clock)
    fleet_clock.count(hub)
    assert hub.alerts.get(fleet_clock.ALERT) is None

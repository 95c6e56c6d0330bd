"""`s` on the nodes of a cluster's page, `S` on problems of Pulse; neither is offered for a simulated host."""

from __future__ import annotations

import pytest

from tests.tui.driving import Driven, console, frame_text, newest_message, press, settle, view
from tests.tui.samples import host as host_document
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tui.widgets.line_view import LineView


async def pointed(pilot: Driven, key: str) -> None:
    pilot.app.screen.query_one("#problems", LineView).point_at(key)
    await settle(pilot)


async def test_a_problem_of_one_host_opens_its_site() -> None:
    hosts = [host_document("edge-1", "berlin", health="unhealthy"), host_document("edge-2", "berlin")]
    async with console("pulse", hosts=hosts, make_site=Sites(StandInHost(FINE)).make, size=(200, 60)) as (
        pilot,
        _,
        made,
    ):
        await pointed(pilot, "host/uid-edge-1/reported:unhealthy")
        assert "S site" in frame_text(pilot.app, "keys")
        await press(pilot, "S")
        assert view(pilot) == "doctor" and list(made.sites) == ["edge-1"]


async def test_a_problem_of_a_simulated_host_does_not() -> None:
    hosts = [host_document("sim-1", "berlin", health="unhealthy", simulated=True)]
    async with console("pulse", hosts=hosts, make_site=Sites(StandInHost(FINE)).make, size=(200, 60)) as (
        pilot,
        _,
        made,
    ):
        await pointed(pilot, "host/uid-sim-1/reported:unhealthy")
        assert "S site" not in frame_text(pilot.app, "keys")
        await press(pilot, "S")
        assert view(pilot) == "pulse" and "simulated" in newest_message(made)


@pytest.mark.parametrize("start", ["hosts", "host"])
async def test_the_key_is_offered_where_it_does_something(start: str) -> None:
    hosts = [host_document("edge-1", "berlin"), host_document("sim-2", "berlin", simulated=True)]
    if start == "host":
        async with console("host", "uid-sim-2", hosts=hosts) as (pilot, _, _made):
            assert "s site" not in frame_text(pilot.app, "keys")
        return
    async with console("hosts", hosts=hosts, size=(132, 43)) as (pilot, _, _made):
        assert "s site" in frame_text(pilot.app, "keys")
        await press(pilot, "down")
        assert "s site" not in frame_text(pilot.app, "keys")
        await press(pilot, "up")
        assert "s site" in frame_text(pilot.app, "keys")

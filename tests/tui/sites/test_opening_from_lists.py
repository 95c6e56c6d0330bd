"""From a list to the host over SSH: the node of a cluster under the cursor."""

from __future__ import annotations

from tests.tui.driving import frame_text, press, view
from tests.tui.kube.test_workloads import console, front
from tests.tui.sites.site_host import FINE, Sites, StandInHost


async def test_a_node_is_opened_by_its_name() -> None:
    async with console("nodes", size=(200, 60)) as (pilot, _):
        session = pilot.app.session  # type: ignore[attr-defined]
        session.make_site = Sites(StandInHost(FINE)).make
        name = front(pilot).rows_pointed_at()[0].name
        assert "s site" in frame_text(pilot.app, "keys")
        await press(pilot, "s")
        assert view(pilot) == "doctor" and list(session.sites) == [name]


async def test_two_marked_nodes_are_not_opened() -> None:
    async with console("nodes", "healthy", size=(200, 60)) as (pilot, _):
        await press(pilot, "space", "down", "space")
        assert len(front(pilot).table.marks) == 2 and "s site" not in frame_text(pilot.app, "keys")
        await press(pilot, "s")
        assert view(pilot) == "nodes"

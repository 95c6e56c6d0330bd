"""The other hosts of a site beside one host, and nothing cut on a wide screen that has room."""

from __future__ import annotations

import pytest

from tests.tui.driving import console, press, said, settle, view
from tui.screens.host.neighbours import neighbour_lines, neighbours_of
from tui.widgets.line_view import LineView
from tui.widgets.lines import text_of


async def test_a_wide_screen_shows_the_other_hosts_of_the_site_and_opens_them() -> None:
    async with console("host", "uid-edge-7f3a", size=(200, 60)) as (pilot, _, made):
        await settle(pilot)
        rows = neighbours_of("uid-edge-7f3a", made.store.model.hosts.values(), "berlin-04")
        assert rows and all(row.site == "berlin-04" for row in rows)
        shown = said(pilot)
        assert "OTHER HOSTS OF berlin-04" in shown
        assert all(row.name in shown for row in rows)
        pilot.app.screen.query_one("#feed", LineView).focus()
        pilot.app.screen.query_one("#feed", LineView).point_at(f"host/{rows[0].uid}")
        await press(pilot, "enter")
        assert view(pilot) == "host" and pilot.app.screen.target == rows[0].uid  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(120, 40), (132, 43), (180, 50), (200, 60)])
async def test_no_line_of_a_wide_host_is_wider_than_its_column(size: tuple[int, int]) -> None:
    async with console("host", "uid-edge-0c11", size=size) as (pilot, _, _):
        await settle(pilot)
        for name in ("facts", "parts", "feed"):
            column = pilot.app.screen.query_one(f"#{name}", LineView)
            if column.display and column.room:
                widest = max((line.width for line in column.lines), default=0)
                assert widest <= column.room, f"{name}: {widest} cells in {column.room}"
        shown = said(pilot)
        assert "uqCiltnS52L2lFVRyUJvQPqDdBXYoYmpctZXHwii4E8" in "".join(shown.split()), "a fingerprint is complete"
        assert "used of" in shown and "/var/lib/containerd" in shown


async def test_more_hosts_than_lines_are_counted_and_lead_to_the_list() -> None:
    async with console("hosts") as (_, _, made):
        rows = sorted(made.store.model.hosts.values(), key=lambda row: row.name)
        lines = neighbour_lines(rows, "berlin", 0.0, 60, 6)
        assert len(lines) == 6
        assert f"and {len(rows) - 4} more" in text_of(lines)
        assert lines[-1].key == "hosts/site=berlin"
        assert neighbour_lines([], "berlin", 0.0, 60, 6) == []

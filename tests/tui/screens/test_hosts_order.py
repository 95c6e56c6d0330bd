"""The order of Hosts, and the width of its columns."""

from __future__ import annotations

import pytest

from tests.tui.driving import settle as settled
from tests.tui.fleet import session_of
from tests.tui.screens.test_hosts_screen import hosts_of, seen
from tui.app import EdgewrightApp
from tui.screens.hosts.columns import DEFAULT, FROZEN, chosen
from tui.widgets.table_layout import place
from tui.widgets.table_paint import has_more


async def test_sorting_by_name_and_back_is_kept() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        await pilot.press("N")
        await settled(pilot)
        assert list(screen.table.keys) == sorted(screen.table.keys)
        await pilot.press("N")
        await settled(pilot)
        assert list(screen.table.keys) == sorted(screen.table.keys, reverse=True)
        assert session.views.load("hosts")["reverse"] is True


@pytest.mark.parametrize(
    ("key", "column"),
    [("H", "HEALTH"), ("P", "CPU"), ("M", "MEM"), ("D", "DISK"), ("T", "SEEN")],
)
async def test_a_sort_key_shows_the_worst_at_the_top_with_an_arrow_in_the_header(key: str, column: str) -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(132, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        await pilot.press("N", "end")
        await settled(pilot)
        assert screen.table.scroll_offset.y > 0
        await pilot.press(key)
        await settled(pilot)
        assert screen.table.cursor_index == 0 and screen.table.scroll_offset.y == 0
        header = seen(app)[0]
        assert any(mark in header for mark in (f"{column}↓", f"{column}↑", f"↓{column}", f"↑{column}")), header
        rows = [app.session.store.model.hosts[name] for name in screen.table.keys]
        if key == "H":
            assert rows[0].health != "healthy"
        elif key == "T":
            ages = [row.last_seen for row in rows if row.last_seen is not None]
            assert ages == sorted(ages)
        else:
            field = {"P": "cpu_percent", "M": "memory_percent", "D": "disk_percent"}[key]
            values = [row.get(field) for row in rows]
            assert values == sorted(values, reverse=True)  # type: ignore[type-var]


async def test_a_longer_name_makes_its_column_wider_at_once() -> None:
    session = session_of()
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        key = screen.table.keys[0]
        long = "edge-of-the-long-road-to-flensburg"
        session.store.emit("plane", "hosts.seen", {"docs": [{"metadata": {"uid": key, "name": long}}]})
        session.store.flush()
        await settled(pilot)
        assert any(long in line for line in seen(app))


async def test_the_first_press_shows_the_worst_also_when_it_is_sorted_so_already() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = hosts_of(app)
        worst = screen.table.keys[0]
        await pilot.press("end", "H")
        await settled(pilot)
        assert screen.table.cursor_key == worst == screen.table.keys[0]
        await pilot.press("H")
        await settled(pilot)
        assert screen.table.keys[-1] == worst


@pytest.mark.parametrize("width", range(100, 180))
def test_no_cells_are_empty_beside_the_sign_that_there_is_more(width: int) -> None:
    """At 200x60 some 20 cells were empty: a MACHINE ID of 24 characters did not fit and nothing took its place."""
    longest = {"name": 14, "site": 11, "cluster": 12, "uid": 24, "agent": 12, "os": 13, "ip": 11}
    columns = [item.column for item in chosen(DEFAULT)]
    placed = place(columns, width, FROZEN, 0, lambda index: longest.get(columns[index].id, columns[index].width))
    if has_more(columns, placed) and any(columns[item.column].id == "tags" for item in placed):
        assert placed[-1].x + placed[-1].width == width

"""Names are complete, wider screens take nothing away, and sentences are cut first: over all widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.screens.feed.audit import AuditScreen
from tui.screens.feed.events import EventsScreen
from tui.screens.hosts import columns as hosts_columns
from tui.screens.installers.screen import InstallersScreen
from tui.screens.tokens.screen import TokensScreen
from tui.widgets.table_layout import Column, Measure, last_offset, longest_text, offset_showing, place, wanted
from tui.widgets.table_view import TableView


def _column(width: int, weight: int, most: int, optional: bool) -> Column:
    return Column("c", "C", width, weight=0 if most else weight, most=most, optional=optional)


COLUMNS = st.lists(
    st.builds(_column, st.integers(1, 20), st.integers(0, 3), st.sampled_from((0, 0, 8, 24, 40)), st.booleans()),
    min_size=1,
    max_size=14,
)
LONGEST = st.lists(st.integers(0, 70), min_size=14, max_size=14)
TABLES: dict[str, tuple[tuple[Column, ...], int]] = {
    "hosts": (tuple(one.column for one in hosts_columns.chosen(hosts_columns.DEFAULT)), hosts_columns.FROZEN),
    **{
        screen.view: (screen.table_columns, screen.frozen)
        for screen in (TokensScreen, InstallersScreen, EventsScreen, AuditScreen)
    },
}


def _measure(longest: list[int]) -> Measure:
    return lambda index: longest[index % len(longest)]


@given(COLUMNS, LONGEST, st.integers(0, 120), st.integers(0, 3), st.integers(0, 14))
def test_columns_never_overlap_nor_leave_the_line(
    columns: list[Column], longest: list[int], width: int, held: int, offset: int
) -> None:
    measure = _measure(longest)
    placed = place(columns, width, held, offset, measure)
    end = 0
    for one in placed:
        assert one.x >= end
        end = one.x + one.width
        assert one.width > 0
    assert end <= width
    assert 0 <= last_offset(columns, width, held, measure) < len(columns)


@given(COLUMNS, LONGEST, st.integers(0, 3))
def test_a_wider_screen_takes_no_column_and_no_cell_of_a_name(
    columns: list[Column], longest: list[int], held: int
) -> None:
    before: dict[int, int] = {}
    for width in range(260):
        placed = {one.column: one.width for one in place(columns, width, held, 0, _measure(longest))}
        for column, size in before.items():
            assert column in placed, "a column that was there on a narrower screen is gone"
            assert columns[column].weight or placed[column] >= size
        before = placed


@given(COLUMNS, LONGEST, st.integers(1, 3), st.integers(20, 260))
def test_a_name_behind_the_first_columns_is_complete_or_not_there(
    columns: list[Column], longest: list[int], held: int, width: int
) -> None:
    measure = _measure(longest)
    behind = [one for one in place(columns, width, held, 0, measure) if one.column >= held]
    for one in behind[1:]:  # the first one is shown cut when there is no other: something must be seen
        column = columns[one.column]
        least = wanted(column, measure(one.column)) if column.most else column.width
        assert column.weight or one.width >= least


@given(COLUMNS, LONGEST, st.integers(30, 120), st.integers(0, 13))
def test_a_column_can_be_brought_into_sight(columns: list[Column], longest: list[int], width: int, index: int) -> None:
    if index >= len(columns):
        return
    measure = _measure(longest)
    offset = offset_showing(columns, width, 0, 0, index, measure)
    assert any(one.column == index for one in place(columns, width, 0, offset, measure))


@pytest.mark.parametrize("view", TABLES)
def test_every_table_shows_names_complete_and_uses_a_wide_screen(view: str) -> None:
    columns, held = TABLES[view]

    def measure(index: int) -> int:
        return 22 if columns[index].most else 0

    for width in (80, 91, 132, 151, 200):
        for one in place(columns, width, held, 0, measure):
            if columns[one.column].most:
                assert one.width >= wanted(columns[one.column], 22), f"{columns[one.column].title} at {width} columns"
    wide = place(columns, 200, held, 0, measure)
    assert len(wide) == len(columns) or len(wide) > len(place(columns, 132, held, 0, measure))


def test_columns_grow_with_longer_names_and_do_not_shrink() -> None:
    longest = {"name": 14}
    view = TableView((Column("sign", "", 1), Column("name", "HOST", 8, most=40)), 2, lambda name: longest.get(name, 0))
    view.fit(80)
    assert view.placed[1].width == 14
    longest["name"] = 19
    assert view.measure_again()
    view.fit(80)
    assert view.placed[1].width == 19
    longest["name"] = 10
    assert not view.measure_again()
    view.fit(80)
    assert view.placed[1].width == 19


def test_wide_characters_count_two_cells() -> None:
    assert longest_text(["berlin", "東京東京"]) == 8
    assert longest_text([]) == 0

"""The arrow in the header of the sorted column: beside its title, over all tables; it moves and touches no title."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.style import Style

from tui.frame.lists.listing import ListingScreen
from tui.navigation.views import VIEWS, load
from tui.screens.hosts import columns as hosts
from tui.widgets.table_layout import Column, place
from tui.widgets.table_paint import header_strip

PAINTER = cast("Any", SimpleNamespace(base=Style(), component=lambda name: Style(bold=name == "sorted")))
SCREENS = {view: cls for view, path in VIEWS.items() if isinstance(cls := load(path), type)}
TABLES: dict[str, tuple[tuple[Column, ...], int]] = {
    "hosts": (tuple(each.column for each in hosts.COLUMNS), hosts.FROZEN),
    **{
        view: (cls.table_columns, cls.frozen)
        for view, cls in SCREENS.items()
        if issubclass(cls, ListingScreen) and cls.table_columns
    },
}


def header(columns: tuple[Column, ...], frozen: int, width: int, column: str = "", reverse: bool = False) -> str:
    return header_strip(PAINTER, columns, place(columns, width, frozen), (column, reverse), width).text


@pytest.mark.parametrize("width", [80, 82, 132, 200])
@pytest.mark.parametrize("view", TABLES)
def test_the_arrow_is_beside_its_title_and_moves_none(view: str, width: int) -> None:
    columns, frozen = TABLES[view]
    plain = header(columns, frozen, width)
    seen = {columns[item.column].id: item for item in place(columns, width, frozen)}
    for column in columns:
        shown = header(columns, frozen, width, column.id, reverse=True)
        assert len(shown) == width
        if column.id not in seen or not column.title:
            assert shown == plain
            continue
        at = shown.index("↓")
        item, title = seen[column.id], column.title.strip()
        assert shown == f"{plain[:at]}↓{plain[at + 1 :]}" and item.x - 1 <= at <= item.x + item.width
        assert plain[at] == " " or item.x + item.width == width, f"{column.id}: it takes the place of a letter"
        assert shown[at + 1 :].startswith(title[:2]) or shown[:at].endswith(title[-2:]) or plain[at] != " "


@pytest.mark.parametrize(
    ("view", "column", "expected"),
    [
        ("cluster-events", "at", "  ↓LAST REASON "),
        ("deployments", "created", " ↓AGE REASON"),
        ("tokens", "project", "PROJECT↓ HOSTS"),
        ("hosts", "since", "HEALTH    ↓SINCE CLUSTER"),
    ],
)
def test_a_blank_stays_between_two_titles_where_the_other_side_has_one(view: str, column: str, expected: str) -> None:
    assert expected in header(*TABLES[view], 132, column, reverse=True)

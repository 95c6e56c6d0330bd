"""Tables of the command line: one long value neither widens every line nor is lost to a script."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from edgewright.cli.output import LAST_ROOM, LEAST_WIDTH, MOST_PADDING, table
from edgewright.commands.kernel.results import Column, Item
from edgewright.core.text import cells, clean

COLUMNS = (Column("HOST"), Column("SITE"), Column("STATE"), Column("SEEN", right=True))


def rows(*texts: tuple[str, ...]) -> list[Item]:
    return [Item(row[0], row, {}) for row in texts]


def test_a_long_value_widens_no_other_line_and_is_whole_in_a_pipe() -> None:
    site = "\u5927" * 120  # wide characters, two cells each
    lines = table(COLUMNS, rows(("edge1", site, "ready", "2s"), ("edge2", "oslo", "ready", "3s")), wide=False).split(
        "\n"
    )
    assert site in lines[1]
    assert max(cells(lines[0]), cells(lines[2])) < MOST_PADDING + 30


def test_on_a_terminal_the_longest_column_is_cut_to_fit() -> None:
    lines = table(
        COLUMNS, rows(("edge1", "\u5927" * 120, "ready", "2s"), ("edge2", "oslo", "ready", "3s")), wide=False, room=80
    ).split("\n")
    assert all(cells(line) <= 80 for line in lines)
    assert "\u2026" in lines[1] and re.search(r"edge2\s+oslo\s+ready\s+3s", lines[2])


def test_the_last_column_is_never_cut() -> None:
    message = "word " * 60 + "end"
    columns = (Column("TIME"), Column("MESSAGE"))
    lines = table(columns, rows(("2026-11-28T06:00:00Z", message)), wide=False, room=80).split("\n")
    assert lines[1].endswith("end") and "2026-11-28T06:00:00Z" in lines[1]


@given(st.lists(st.tuples(*[st.text(max_size=300)] * 4), min_size=1, max_size=5), st.integers(20, 200))
def test_every_line_fits_the_terminal_where_that_is_possible(texts: list[tuple[str, str, str, str]], room: int) -> None:
    lines = table(COLUMNS, rows(*texts), wide=False, room=room).split("\n")
    least = 3 * LEAST_WIDTH + 3 * 2 + LAST_ROOM
    for line, row in zip(lines[1:], texts, strict=True):
        if max(cells(clean(other[3], 4096)) for other in texts) <= LAST_ROOM:
            assert cells(line) <= max(room, least), row

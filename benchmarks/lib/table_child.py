"""One table with N rows in a real terminal: prints open and sort times to a file. Kinds: ours, bare, datatable."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import DataTable

COLUMNS = 10
KIND, COUNT, OUT = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
DATA = {f"k{index}": [f"{(index * 7919 + column) % 100003:06d}" for column in range(COLUMNS)] for index in range(COUNT)}


class Bare(ScrollView):
    """The least that shows rows on the line API."""

    keys: Sequence[str] = ()

    def show(self, keys: Sequence[str]) -> None:
        """Show these rows."""
        self.keys = keys
        self.virtual_size = Size(COLUMNS * 8, len(keys))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        index = y + self.scroll_offset.y
        if index >= len(self.keys):
            return Strip.blank(self.size.width)
        cells = DATA[self.keys[index]]
        return Strip([Segment(f"{cell:<8}") for cell in cells]).adjust_cell_length(self.size.width)


class TableApp(App[None]):
    """Opens the table, sorts it, writes how long each took until it was painted."""

    def __init__(self) -> None:
        super().__init__()
        self.began = 0.0
        self.painted: Any = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the table's own variables a value."""
        from tui.theme.files import DEFAULTS

        return dict(DEFAULTS)

    def compose(self) -> ComposeResult:
        """Yield the empty table."""
        if KIND == "ours":
            from tui.widgets.lines import Span
            from tui.widgets.table_layout import Column
            from tui.widgets.virtual_table import VirtualTable

            columns = [Column(f"c{index}", f"C{index}", 7) for index in range(COLUMNS)]
            yield VirtualTable(columns, lambda key: tuple(Span(cell) for cell in DATA[key]), id="table")
        elif KIND == "bare":
            yield Bare(id="table")
        else:
            table: DataTable[str] = DataTable(id="table")
            table.styles.height = "1fr"
            yield table

    def on_ready(self) -> None:
        """Begin when the empty table was painted."""
        self.set_timer(0.3, self.open_rows)

    def post_display_hook(self) -> None:
        """Take the time of the frame that is out."""
        if self.painted is not None:
            done, self.painted = self.painted, None
            done(time.perf_counter() - self.began)

    def open_rows(self) -> None:
        """Show all rows."""
        self.began = time.perf_counter()
        keys = list(DATA)
        table: Any = self.query_one("#table")
        if KIND == "ours":
            table.set_rows(keys)
        elif KIND == "bare":
            table.show(keys)
        else:
            table.add_columns(*[(f"C{index}", f"c{index}") for index in range(COLUMNS)])
            table.add_rows(DATA.values())
        self.painted = self.opened

    def opened(self, seconds: float) -> None:
        """Take the time, then sort."""
        self.opening = seconds
        self.set_timer(0.5, self.sort_rows)

    def sort_rows(self) -> None:
        """Sort by the second column."""
        self.began = time.perf_counter()
        table: Any = self.query_one("#table")
        if KIND == "datatable":
            table.sort("c1")
        else:
            keys = sorted(DATA, key=lambda key: DATA[key][1])
            (table.set_rows if KIND == "ours" else table.show)(keys)
            if KIND == "ours":
                table.move_to(0)
        self.painted = self.sorted_

    def sorted_(self, seconds: float) -> None:
        """Write the figures and end."""
        OUT.write_text(f"{self.opening} {seconds}")
        self.exit()


if __name__ == "__main__":
    TableApp().run()

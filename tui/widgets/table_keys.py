"""Keys of every table. Ids and default keys are the key map's (`commands.kernel.navigation`); a test compares."""

from __future__ import annotations

from textual.binding import Binding, BindingType

TABLE_BINDINGS: list[BindingType] = [
    Binding("down,j", "cursor(1)", "Go one line down", show=False, id="nav-down"),
    Binding("up,k", "cursor(-1)", "Go one line up", show=False, id="nav-up"),
    Binding("pagedown,ctrl+f", "page(1)", "Go one page down", show=False, id="nav-page-down"),
    Binding("pageup,ctrl+b", "page(-1)", "Go one page up", show=False, id="nav-page-up"),
    Binding("home,g", "edge(-1)", "Go to the first line", show=False, id="nav-top"),
    Binding("end,G", "edge(1)", "Go to the last line", show=False, id="nav-bottom"),
    Binding("left,h", "sideways(-1)", "Scroll to the left", show=False, id="nav-left"),
    Binding("right", "sideways(1)", "Scroll to the right", show=False, id="nav-right"),
    Binding("enter", "open", "Open", show=False, id="nav-open"),
    Binding("shift+right,greater_than_sign", "sort_column(1)", "Sort by next column", show=False, id="nav-sort-next"),
    Binding(
        "shift+left,less_than_sign", "sort_column(-1)", "Sort by the column before", show=False, id="nav-sort-previous"
    ),
]

TABLE_PARTS = {
    f"virtual-table--{part}" for part in ("header", "sorted", "cursor", "blurred", "marked", "flash", "stale")
}
"""Component classes of the table."""
TABLE_CSS = """
VirtualTable {
    height: 1fr;
    width: 1fr;
    background: $background;
    overflow-x: hidden;
    scrollbar-size-vertical: 1;
    scrollbar-gutter: stable;
    & > .virtual-table--header { color: $muted; }
    & > .virtual-table--sorted { color: $accent; text-style: bold; }
    & > .virtual-table--cursor { background: $row-cursor-background; text-style: $row-cursor-style; }
    & > .virtual-table--blurred { background: $row-blurred-background; text-style: $row-blurred-style; }
    & > .virtual-table--marked { color: $accent; text-style: bold; }
    & > .virtual-table--flash { text-style: $row-flash-style; background: $row-flash-background; }
    & > .virtual-table--stale { color: $muted; }
}
"""

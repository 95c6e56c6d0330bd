"""Where a screen reader reads: the terminal's cursor is on the row that the console points at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Offset

from tui.widgets.line_view import LineView
from tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from textual.widget import Widget


def reading_position(focused: Widget | None) -> Offset | None:
    """Return the cell of the row under the cursor of the focused widget; None where the widget has its own cursor."""
    if isinstance(focused, VirtualTable):
        row, header = focused.cursor_index, 1
    elif isinstance(focused, LineView):
        row, header = max(focused.cursor_index, 0), 0
    else:
        return None
    region = focused.content_region
    y = min(max(row - round(focused.scroll_y) + header, 0), max(region.height - 1, 0))
    return Offset(region.x, region.y + y)

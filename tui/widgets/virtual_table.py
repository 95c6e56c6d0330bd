"""A table of any length on the line API: rows are asked for when they are seen, and only changed cells are painted.

The cursor and the marks belong to keys, not to places: when rows move, the cursor stays on its object. Every change
goes one way: the wanted lines are compared with the painted ones, and the cells that differ are refreshed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal.own_keys import OwnKeys
from tui.widgets.lines import Span
from tui.widgets.roles import RolePainter
from tui.widgets.table_keys import TABLE_BINDINGS, TABLE_CSS, TABLE_PARTS
from tui.widgets.table_layout import Column
from tui.widgets.table_paint import Painted, header_strip, row_strip
from tui.widgets.table_rows import TableRows
from tui.widgets.table_view import TableView

Cells = tuple[Span, ...]
FLASH_SECONDS = 1.5


class VirtualTable(ScrollView, OwnKeys, can_focus=True):
    """Shows `keys` in their order; `row_text(key)` gives the cells of a row that is seen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TABLE_PARTS
    BINDINGS: ClassVar[list[BindingType]] = TABLE_BINDINGS
    DEFAULT_CSS = TABLE_CSS

    class RowMessage(Message):
        """What the messages about a row share."""

        def __init__(self, table: VirtualTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> VirtualTable:
            """Return the table, for `@on(..., "#id")`."""
            return self.table

    class RowHighlighted(RowMessage):
        """The cursor is on another object (`""`: on none)."""

        def can_replace(self, message: Message) -> bool:
            """Only the last place of a quick movement matters."""
            return isinstance(message, VirtualTable.RowHighlighted) and message.table is self.table

    class RowSelected(RowMessage):
        """Enter or a second click: open the object."""

    class MarksChanged(RowMessage):
        """Objects were marked or unmarked."""

    class SortAsked(RowMessage):
        """The header was clicked or a sort key pressed; `key` is the column's id."""

    def __init__(
        self,
        columns: Sequence[Column] = (),
        row_text: Callable[[str], Cells] | None = None,
        *,
        frozen: int = 0,
        longest: Callable[[str], int] | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """Make a table; the first `frozen` columns stay when the others are moved sideways.

        `longest` gives the cells of the longest text in a column, by the column's id.
        """
        super().__init__(id=id, classes=classes)
        self._view = TableView(columns, frozen, longest)
        self._row_text = row_text or (lambda key: (Span(key),))
        self._rows = TableRows()
        self._flashing: set[str] = set()
        self._sort: tuple[str, bool] = ("", False)
        self._stale = False
        self._but: frozenset[str] = frozenset()
        self._painted: dict[int, Painted] = {}
        self._painter = RolePainter(self, "virtual-table")

    # What is shown ------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return all columns, seen or not."""
        return self._view.columns

    @property
    def shown(self) -> frozenset[int]:
        """Return the places of the columns that are in sight; cells of others need not be made."""
        if self._view.width < 0:
            self._fit_columns()
        return self._view.shown

    @property
    def keys(self) -> Sequence[str]:
        """Return the keys of all rows in their order."""
        return self._rows.keys

    @property
    def cursor_key(self) -> str:
        """Return the key of the object under the cursor, `""` when there is no row."""
        return self._rows.cursor_key

    @property
    def cursor_index(self) -> int:
        """Return the row of the cursor, -1 when there is none."""
        return self._rows.cursor

    @property
    def marks(self) -> frozenset[str]:
        """Return the marked keys; those of rows that a filter hides included."""
        return frozenset(self._rows.marks)

    @property
    def sort(self) -> tuple[str, bool]:
        """Return the column by which the rows are shown as sorted, and whether it is the other way round."""
        return self._sort

    def set_columns(self, columns: Sequence[Column], stored: int | None = None) -> None:
        """Show other columns."""
        self._view.take(columns, stored)
        self._repaint_all()

    def measure_again(self, longest: Callable[[str], int] | None = None) -> int:
        """Make columns wider whose longest text became longer; `longest` measures only the rows that changed.

        Returns the cells that sentences in sight lack to be shown complete.
        """
        if self._view.measure_again(longest):
            self._repaint_all()
        return self._view.lack if self._width else 0

    def set_rows(self, keys: Sequence[str], flash: Iterable[str] = ()) -> None:
        """Show `keys` in this order. The cursor stays on its key and, if it was in sight, at its height.

        A view of the first rows continues to show the first rows while the cursor fits: new ones above are seen.
        When its key no longer exists the cursor takes the row that came into its place. Rows of `flash` are shown once
        as new.
        """
        before, before_key = self._rows.cursor, self._rows.cursor_key
        self._rows.replace(keys)
        self._flash(flash)
        if self.is_mounted:
            self._resize_virtual()
            result, top, height = self._rows.cursor, self.scroll_offset.y, self._rows_seen
            begins = top == 0 and result < height
            if before >= 0 and result != before and top <= before < top + height and not begins:
                self._scroll_rows(max(top + result - before, 0))
            self.refresh_rows()
        if self._rows.cursor_key != before_key:
            self.post_message(self.RowHighlighted(self, self._rows.cursor_key))

    def set_sort(self, column: str, reverse: bool) -> None:
        """Show which column the rows are sorted by; the sorting itself is the owner's."""
        self._sort = (column, reverse)
        if self._width:
            self._view.bring(column, self._width)
        self._repaint_all()

    def set_stale(self, stale: bool, but: frozenset[str] = frozenset()) -> None:
        """Dim everything, the values are old, or nothing; with the rows of `but` it is the other way round."""
        if (stale, but) != (self._stale, self._but):
            self._stale, self._but = stale, but
            self.refresh_rows()

    def set_marks(self, keys: Iterable[str]) -> None:
        """Mark these keys and no others."""
        self._rows.set_marks(keys)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh_rows()
        self.post_message(self.MarksChanged(self, self._rows.cursor_key))

    def refresh_keys(self, keys: Container[str]) -> None:
        """Take the cells of those rows in sight again whose key is among `keys`."""
        if self.is_mounted:
            top = self.scroll_offset.y
            for y, key in enumerate(self._rows.keys[top : top + self._rows_seen], 1):
                if key in keys:
                    self._compare(y)

    def refresh_rows(self) -> None:
        """Take the cells of all rows in sight again and paint those that differ."""
        if self.is_mounted:
            for y in range(1, self._rows_seen + 1):
                self._compare(y)

    def point_at(self, key: str) -> bool:
        """Put the cursor on `key`; return whether it is there."""
        index = self._rows.place_of(key)
        if index is not None:
            self.move_to(index)
        return index is not None

    def move_to(self, index: int) -> None:
        """Put the cursor on a row (clamped) and bring it into sight."""
        before, top = self._rows.cursor, self.scroll_offset.y
        moved = self._rows.move_to(index)
        self._show_cursor()
        if top != self.scroll_offset.y:
            self.refresh_rows()
        elif self.is_mounted:
            self._compare_row(before)
            self._compare_row(self._rows.cursor)
        if moved:
            self.post_message(self.RowHighlighted(self, self._rows.cursor_key))

    def _show_cursor(self) -> None:
        index, top, height = self._rows.cursor, self.scroll_offset.y, self._rows_seen
        if self.is_mounted and height > 0 and index >= 0:
            if index < top:
                self._scroll_rows(index)
            elif index >= top + height:
                self._scroll_rows(index - height + 1)

    # Painting -----------------------------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _rows_seen(self) -> int:
        return max(self.size.height - 1, 0)

    def _row(self, index: int) -> Painted | None:
        if not 0 <= index < len(self._rows.keys):
            return None
        key = self._rows.keys[index]
        state: list[str] = ["stale"] if self._stale is not (key in self._but) else []
        if key in self._flashing:
            state.append("flash")
        if key in self._rows.marks:
            state.append("marked")
        if index == self._rows.cursor:
            state.append("cursor" if self.has_focus else "blurred")
        return Painted(key, self._row_text(key), tuple(state))

    def _compare_row(self, index: int) -> None:
        y = index - self.scroll_offset.y
        if index >= 0 and 0 <= y < self._rows_seen:
            self._compare(y + 1)

    def _compare(self, y: int) -> None:
        wanted = self._row(self.scroll_offset.y + y - 1)
        painted = self._painted.get(y)
        if wanted == painted:
            return
        if wanted is None:
            del self._painted[y]
        else:
            self._painted[y] = wanted
        if wanted is None or painted is None or wanted.state != painted.state or wanted.key != painted.key:
            self.refresh(Region(0, y, self._width, 1))
            return
        for item in self._view.placed:
            if wanted.cells[item.column : item.column + 1] != painted.cells[item.column : item.column + 1]:
                self.refresh(Region(item.x, y, item.width, 1))

    def render_line(self, y: int) -> Strip:
        """Paint the header or the row at `y`."""
        width = self._width
        self._fit_columns(width)
        if y == 0:
            return header_strip(self._painter, self._view.columns, self._view.placed, self._sort, width)
        row = self._painted.get(y)
        if row is None:
            row = self._row(self.scroll_offset.y + y - 1)
            if row is None:
                return self._painter.blank(width)
            self._painted[y] = row
        return row_strip(self._painter, self._view.columns, self._view.placed, row.cells, row.state, width)

    def _repaint_all(self) -> None:
        self._view.width = -1
        self._fit_columns()
        self.refresh()

    def _fit_columns(self, width: int = -1) -> None:
        width = self._width if width < 0 else width
        if self._view.width != width:
            self._view.fit(width)
            self._painted.clear()

    def _resize_virtual(self) -> None:
        size = Size(self._width, len(self._rows.keys) + 1)
        if self.virtual_size != size:
            self.virtual_size = size

    def _scroll_rows(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint the rows that came into sight; the header stays."""
        if round(old_value) != round(new_value):
            self._painted.clear()
        super().watch_scroll_y(old_value, new_value)

    def on_resize(self, event: events.Resize) -> None:
        """Place the columns in the new width with the cursor in sight."""
        self._view.move(0, self._width)
        self._resize_virtual()
        if self._width != self._view.width:
            self._repaint_all()
        self._show_cursor()
        self.refresh_rows()

    def notify_style_update(self) -> None:
        """Take the colours of the new theme."""
        self._painter.clear()
        super().notify_style_update()

    def on_focus(self) -> None:
        """Show the cursor as live."""
        self.refresh_rows()

    def on_blur(self) -> None:
        """Show the cursor as waiting."""
        self.refresh_rows()

    def _flash(self, keys: Iterable[str]) -> None:
        new = set(keys)
        if not new or not self.is_mounted:
            return
        self._flashing |= new

        def calm() -> None:
            self._flashing -= new
            self.refresh_rows()

        self.set_timer(FLASH_SECONDS, calm)

    # Keys and mouse -----------------------------------------------------------------------------------------------

    def action_cursor(self, step: int) -> None:
        """Move the cursor by `step` rows."""
        self.move_to(self._rows.cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by `step` pages."""
        self.move_to(self._rows.cursor + step * max(self._rows_seen - 1, 1))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first (-1) or last (1) row."""
        self.move_to(0 if side < 0 else len(self._rows.keys) - 1)

    def action_open(self) -> None:
        """Open the object under the cursor."""
        if self._rows.cursor_key:
            self.post_message(self.RowSelected(self, self._rows.cursor_key))

    def action_sideways(self, step: int) -> None:
        """Show columns further right (1) or left (-1)."""
        if self._view.move(step, self._width):
            self._repaint_all()

    def action_sort_column(self, step: int) -> None:
        """Ask for the rows to be sorted by the next (1) or previous (-1) column."""
        ids = [column.id for column in self._view.columns if column.title]
        if ids:
            at = ids.index(self._sort[0]) + step if self._sort[0] in ids else 0
            self.post_message(self.SortAsked(self, ids[at % len(ids)]))

    def mark(self) -> None:
        """Mark or unmark the object under the cursor."""
        if self._rows.mark():
            self._compare_row(self._rows.cursor)
            self.post_message(self.MarksChanged(self, self._rows.cursor_key))

    def mark_range(self) -> None:
        """Mark every row from the last mark to the cursor."""
        if self._rows.mark_range():
            self._marks_changed()

    def on_click(self, event: events.Click) -> None:
        """Point at the clicked row, open it on a second click; a click on the header sorts."""
        if event.y == 0:
            column = self._view.at(event.x)
            if column is not None and column.title:
                self.post_message(self.SortAsked(self, column.id))
            return
        index = self.scroll_offset.y + event.y - 1
        if 0 <= index < len(self._rows.keys):
            self.move_to(index)
            if event.chain > 1:
                self.action_open()

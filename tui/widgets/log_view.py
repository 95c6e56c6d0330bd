"""A scrolling block of very many lines: what a line looks like is asked for when it comes into sight.

Each item takes one row, or as many as `rows_of` gives where lines are wrapped. What is looked at stays where it is when
items come between or the oldest ones go; at the end the view stays at the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import is_
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.strip import Strip

from tui.widgets.line_view import LineView
from tui.widgets.lines import Line

Draw = Callable[[Any, int], Sequence[Line]]
RowsOf = Callable[[Any, int], int]


class LogView(LineView):
    """`draw` gives the lines of an item in a width, `rows_of` how many those are; `is_hit` marks hits of a search."""

    def __init__(self, draw: Draw, rows_of: RowsOf, is_hit: Callable[[Any], bool], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._draw, self._rows_of, self._is_hit = draw, rows_of, is_hit
        self.items: Sequence[Any] = ()
        self._below: Sequence[Line] = ()
        self._sizes: tuple[object, Sequence[Any], list[int]] = (None, (), [])
        """For which width and look, for which items, and how many rows each takes."""
        self._ends: list[int] | None = None
        """The row behind each item; None where each has one."""
        self.pinned = True
        """Whether the end is in sight, and stays there."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return all lines as they are drawn: for copies of all, not for painting."""
        width = self.room
        return (*(part for item in self.items for part in self._draw(item, width)), *self._below)

    @property
    def rows(self) -> int:
        """How many rows everything has."""
        return self._item_rows + len(self._below)

    @property
    def _item_rows(self) -> int:
        ends = self._ends
        return len(self.items) if ends is None else ends[-1] if ends else 0

    @property
    def at_end(self) -> bool:
        """Whether the last row is in sight."""
        return self.scroll_offset.y >= self.max_scroll_y

    def show_items(self, items: Sequence[Any], below: Sequence[Line], wrapped: bool, look: object = None) -> None:
        """Show items, and lines below them; with another `look` each may take another number of rows."""
        if not self.is_mounted:
            return
        stays = self.pinned or self.at_end
        anchor, within = (None, 0) if stays else self._top()
        self.items, self._below = items, below
        width = max(self.room, 1)
        self._ends = list(accumulate(self._sizes_of(items, width, look))) if wrapped else None
        size = Size(self.scrollable_content_region.width, self.rows)
        if self.virtual_size != size:
            self.virtual_size = size
        self.refresh()
        if stays:
            self._show_end()
        elif anchor is not None:
            self.scroll_to(y=self.row_of(anchor) + within, animate=False, force=True)
        self.call_after_refresh(self._place_bar)

    def _place_bar(self) -> None:
        """Place the scroll bar where the view is: of lines that came during a layout it was seen one row behind."""
        if self.show_vertical_scrollbar and self.vertical_scrollbar.position != self.scroll_y:
            self.vertical_scrollbar.position = self.scroll_y

    def _sizes_of(self, items: Sequence[Any], width: int, look: object) -> list[int]:
        """Return how many rows each item takes; where only the oldest went and new ones came, those alone are asked."""
        made_for, before, sizes = self._sizes
        went = next((place for place, item in enumerate(before) if item is items[0]), len(before)) if items else 0
        stayed = len(before) - went
        if made_for == (width, look) and stayed and stayed <= len(items) and all(map(is_, before[went:], items)):
            sizes = [*sizes[went:], *(self._rows_of(item, width) for item in items[stayed:])]
        else:
            sizes = [self._rows_of(item, width) for item in items]
        self._sizes = ((width, look), items, sizes)
        return sizes

    def _top(self) -> tuple[Any, int]:
        """Return the item in the first row, and which row of it that is."""
        row = self.scroll_offset.y
        place = self._place(row)
        if not 0 <= place < len(self.items):
            return None, 0
        return self.items[place], row - self._begin(place)

    def _place(self, row: int) -> int:
        return row if self._ends is None else bisect_right(self._ends, row)

    def _begin(self, place: int) -> int:
        if self._ends is None:
            return place
        return self._ends[place - 1] if place else 0

    def row_of(self, item: Any) -> int:
        """Return the first row of an item, 0 for one that went."""
        for place, each in enumerate(self.items):
            if each is item:
                return self._begin(place)
        return 0

    def place_in_sight(self) -> int:
        """Return which item is in the first row."""
        return self._place(self.scroll_offset.y)

    def bring(self, place: int) -> None:
        """Bring an item into sight, with some of those before it."""
        row = self._begin(place) if 0 <= place < len(self.items) else 0
        self.scroll_to(y=max(row - self.size.height // 3, 0), animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Leave the end in sight when the view becomes smaller: a message below it has two lines."""
        if self.pinned:
            self._show_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Note whether the user went to the end, or away from it."""
        super().watch_scroll_y(old_value, new_value)
        self.pinned = self.at_end

    def _show_end(self) -> None:
        self.scroll_to(y=max(self.rows - self.scrollable_content_region.height, 0), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """Paint the row at `y` of the view."""
        row, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        state: tuple[str, ...] = ()
        below = row - self._item_rows
        if below >= 0:
            if below >= len(self._below):
                return self._painter.blank(width)
            shown = self._below[below]
        else:
            place = self._place(row)
            item = self.items[place]
            drawn = self._draw(item, width)
            within = row - self._begin(place)
            shown = drawn[within] if within < len(drawn) else Line()
            state = ("found",) if self._is_hit(item) else ()
        style = self._painter.style
        segments = [Segment(piece.text, style(self._role(piece.role), state)) for piece in shown.spans]
        used = sum(cell_len(piece.text) for piece in shown.spans)
        if used < width:
            segments.append(Segment(" " * (width - used), style("", state)))
        strip = Strip(segments, max(used, width))
        return strip.crop(0, width) if used > width else strip

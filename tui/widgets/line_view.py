"""A scrolling block of lines on the line API: paints only what is seen, moves a cursor over lines that have a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal.own_keys import OwnKeys
from tui.widgets.lines import Line
from tui.widgets.roles import RolePainter


class LineView(ScrollView, OwnKeys, can_focus=True):
    """Shows lines; the cursor stays on its key when the lines around it change."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-view--cursor", "line-view--found"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="nav-down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="nav-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="nav-page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="nav-page-up"),
        Binding("home,g", "edge(-1)", "First", show=False, id="nav-top"),
        Binding("end,G", "edge(1)", "Last", show=False, id="nav-bottom"),
        Binding("enter", "choose", "Open", show=False, id="nav-open"),
    ]
    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & > .line-view--cursor { background: $row-cursor-background; text-style: $row-cursor-style; }
        & > .line-view--found { text-style: reverse; }
    }
    """

    class Chosen(Message):
        """Enter was pressed (or the mouse clicked) on the line of `key`."""

        def __init__(self, view: LineView, key: str) -> None:
            super().__init__()
            self.view = view
            self.key = key

        @property
        def control(self) -> LineView:
            """Return the view, for `@on(..., "#id")`."""
            return self.view

    class Pointed(Message):
        """The cursor came to the line of `key`."""

        def __init__(self, view: LineView, key: str) -> None:
            super().__init__()
            self.view = view
            self.key = key

        @property
        def control(self) -> LineView:
            """Return the view, for `@on(..., "#id")`."""
            return self.view

    def __init__(self, lines: Sequence[Line] = (), *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = tuple(lines)
        self._cursor = self._first_keyed()
        self._match_lines: frozenset[int] = frozenset()
        self.dim_all = False
        self.marks_cursor = False
        """Whether the cursor is shown without the keyboard too: another widget moves it."""
        self._painter = RolePainter(self, "line-view")

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return what is shown."""
        return self._lines

    @property
    def room(self) -> int:
        """Return how many cells a line may take; 0 while the view has no size yet."""
        return max(self.scrollable_content_region.width, 0)

    @property
    def cursor_index(self) -> int:
        """Return which line is under the cursor, -1 for none."""
        return self._cursor

    @property
    def cursor_key(self) -> str:
        """Return the key of the line under the cursor, or '' when no line can be pointed at."""
        return self._lines[self._cursor].key if 0 <= self._cursor < len(self._lines) else ""

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show other lines; the cursor stays on its key or near its place, and only changed lines are painted."""
        old, old_key, old_place = self._lines, self.cursor_key, self._cursor
        self._lines = tuple(lines)
        places = self._keyed()
        same = [place for place in places if self._lines[place].key == old_key]
        if same:
            self._cursor = min(same, key=lambda place: abs(place - old_place)) if old_key else -1
        else:
            self._cursor = min(places, key=lambda place: abs(place - old_place)) if places else -1
        if not self.is_mounted:
            return
        size = Size(self.scrollable_content_region.width, len(self._lines))
        if len(old) != len(self._lines) or self.virtual_size != size:
            self.virtual_size = size
            self.refresh()
        else:
            for place, (before, after) in enumerate(zip(old, self._lines, strict=True)):
                if before != after:
                    self._refresh_place(place)
            if old_place != self._cursor:
                self._refresh_place(old_place)
                self._refresh_place(self._cursor)
        if self.cursor_key != old_key:
            self.post_message(self.Pointed(self, self.cursor_key))

    def mark_matches(self, places: Sequence[int]) -> None:
        """Show the lines at `places` as hits of a search."""
        self._match_lines = frozenset(places)
        self.refresh()

    def point_at(self, key: str) -> bool:
        """Move the cursor to the line of `key`; return whether there is one."""
        for place in self._keyed():
            if self._lines[place].key == key:
                self._go(place)
                return True
        return False

    def next_block(self, step: int) -> bool:
        """Move the cursor to the first line of the next (or previous) run of keyed lines; False when there is none."""
        keyed = set(self._keyed())
        starts = [place for place in sorted(keyed) if place - 1 not in keyed]
        ahead = [place for place in starts if (place > self._cursor if step > 0 else place < self._cursor)]
        if not ahead or (step < 0 and len(starts) < 2):
            return False
        self._go(ahead[0] if step > 0 else ahead[-1])
        return True

    def set_dimmed(self, dimmed: bool) -> None:
        """Show everything as of the past (dim) or of now."""
        if dimmed != self.dim_all:
            self.dim_all = dimmed
            self.refresh()

    def on_mount(self) -> None:
        """Set the size of what can be scrolled."""
        self.virtual_size = Size(self.size.width, self.rows)

    def on_resize(self, event: events.Resize) -> None:
        """Make the scrolled width as wide as the view."""
        self.virtual_size = Size(event.size.width, self.rows)

    @property
    def rows(self) -> int:
        """How many rows there are to scroll; a subclass that draws its own must have its own number.

        Textual calls `on_resize` of each class of a widget, so that a subclass cannot correct the size in its own.
        """
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Paint the line at `y` of the view."""
        place = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if not 0 <= place < len(self._lines):
            return self._painter.blank(width)
        state: tuple[str, ...] = ("found",) if place in self._match_lines else ()
        if place == self._cursor and (self.has_focus or self.marks_cursor) and self._lines[place].key:
            state = (*state, "cursor")
        style = self._painter.style
        segments = [Segment(piece.text, style(self._role(piece.role), state)) for piece in self._lines[place].spans]
        return Strip(segments).adjust_cell_length(width, style("", state)).crop(0, width)

    def _role(self, role: str) -> str:
        return "muted" if self.dim_all and role in ("", "ok", "info", "accent") else role

    def notify_style_update(self) -> None:
        """Take the colours of the new theme."""
        self._painter.clear()
        super().notify_style_update()

    def action_move(self, step: int) -> None:
        """Move the cursor to the next line with a key, or scroll where there is none."""
        places = self._keyed()
        if not places:
            self.scroll_relative(y=step, animate=False)
            return
        if self._cursor not in places:
            self._go(places[0])
            return
        index = places.index(self._cursor) + step
        if 0 <= index < len(places):
            self._go(places[index])
        else:
            self.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """Move by one page; where there is no further line, the key continues to the screen."""
        places = self._keyed()
        edge = (self.scroll_offset.y <= 0) if step < 0 else (self.scroll_offset.y >= self.max_scroll_y)
        last = not places or self._cursor == places[0 if step < 0 else -1]
        if edge and last:
            raise SkipAction
        page = max(self.scrollable_content_region.height - 1, 1)
        self.scroll_relative(y=step * page, animate=False)
        if places:
            goal = self._cursor + step * page
            self._go(min(places, key=lambda place: abs(place - goal)))

    def action_edge(self, side: int) -> None:
        """Move to the first or the last line."""
        places = self._keyed()
        if places:
            self._go(places[0] if side < 0 else places[-1])
        self.scroll_to(y=0 if side < 0 else self.max_scroll_y, animate=False)

    def action_choose(self) -> None:
        """Open what is under the cursor; where there is nothing to open, the key continues to the screen."""
        if not self.cursor_key:
            raise SkipAction  # a dialog with lines to read closes by enter
        self.post_message(self.Chosen(self, self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        """Point at the clicked line; a second click opens it."""
        place = event.y + self.scroll_offset.y
        if 0 <= place < len(self._lines) and self._lines[place].key:
            self._go(place)
            if event.chain > 1 and self.cursor_key:
                self.action_choose()

    def on_focus(self) -> None:
        """Show the cursor."""
        self._refresh_place(self._cursor)

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._refresh_place(self._cursor)

    def _keyed(self) -> list[int]:
        return [place for place, item in enumerate(self._lines) if item.key]

    def _first_keyed(self) -> int:
        places = self._keyed()
        return places[0] if places else -1

    def _go(self, place: int) -> None:
        if place == self._cursor:
            return
        before, self._cursor = self._cursor, place
        self._refresh_place(before)
        self._refresh_place(place)
        top = 0 if place == self._first_keyed() else place
        self.scroll_to_region(
            Region(0, top, 1, place - top + 1), animate=False, force=True, x_axis=False
        ) if self.is_mounted else None
        self.post_message(self.Pointed(self, self.cursor_key))

    def _refresh_place(self, place: int) -> None:
        if place >= 0 and self.is_mounted:
            self.refresh(Region(0, place - self.scroll_offset.y, self.size.width, 1))

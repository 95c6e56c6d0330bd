"""The editor: Textual's text area with YAML in colours, marks at lines with problems, and lines that are painted once.

A key changes one line, so one line is made again; the others come from a cache by their text. Nothing here reads
YAML: whoever uses it checks the text in a worker and calls `set_marks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from tui.widgets.lines import Role
from tui.widgets.roles import RolePainter
from tui.widgets.values_editor.highlight import parts_of
from tui.widgets.values_editor.places import indent_after, path_at

MARKS: dict[str, tuple[str, Role]] = {"error": ("▲", "bad"), "warning": ("‼", "warn"), "open": ("○", "muted")}
"""Sign and colour of a line by the severity of its worst problem."""
MOST_STRIPS = 4096
"""Painted lines that are stored."""


class ValuesEditor(TextArea):
    """A text area for values. `Moved` reports another line under the cursor, `TextArea.Changed` another text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"values-editor--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "indent(1)", "Indent", show=False, id="values-indent"),
        Binding("shift+tab", "indent(-1)", "Indent less", show=False, id="values-indent-less"),
        Binding("ctrl+home", "edge(-1)", "First line", show=False, id="values-top"),
        Binding("ctrl+end", "edge(1)", "Last line", show=False, id="values-bottom"),
    ]
    DEFAULT_CSS = """
    ValuesEditor {
        width: 1fr; height: 1fr; border: none; padding: 0; background: $background;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1;
        &:focus { border: none; background: $background; background-tint: transparent 0%; }
        & .text-area--gutter { color: $muted; background: $background; }
        & .values-editor--cursor { background: $row-cursor-background; }
    }
    """

    class Moved(Message):
        """The cursor came to another line, or the line under it has another path."""

        def __init__(self, editor: ValuesEditor, row: int) -> None:
            super().__init__()
            self.editor = editor
            self.row = row

        @property
        def control(self) -> ValuesEditor:
            """Return the editor, for `@on(..., "#id")`."""
            return self.editor

    class TooLarge(Message):
        """A text that was pasted would make the values larger than they may be; it was not taken."""

    def __init__(self, text: str = "", *, most: int = 1_000_000, id: str | None = None) -> None:  # noqa: A002
        """Make an editor of at most `most` characters."""
        self.most = most
        self._row = 0
        self._marks: dict[int, str] = {}
        self._painter = RolePainter(self, "values-editor")
        self._strips: dict[tuple[object, ...], Strip] = {}
        super().__init__(text, id=id, soft_wrap=False, show_line_numbers=True, compact=True)
        self.highlight_cursor_line = False  # it would take the colours of the line; `_under_cursor` adds its background
        self.match_cursor_bracket = False  # it looks through the entire text at every key
        self.cursor_blink = False
        self.indent_width = 2

    # What is shown --------------------------------------------------------------------------------------------------

    def set_marks(self, marks: Mapping[int, str]) -> None:
        """Mark lines (rows from 0) with the severity of their worst problem."""
        if dict(marks) != self._marks:
            self._marks = dict(marks)
            self.notify_style_update()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line with its colours."""
        text = super().get_line(line_index)
        for part in parts_of(text.plain):
            text.stylize(self._painter.role(part.role), part.start, part.end)
        if self._marks.get(line_index) == "error":
            text.stylize(Style(underline=True), len(text.plain) - len(text.plain.lstrip()))
        return text

    def render_line(self, y: int) -> Strip:
        """Return a line as it is painted; one that is neither under the cursor nor marked is made once for its text."""
        row = y + self.scroll_offset.y
        selection = self.selection
        low, high = sorted((selection.start[0], selection.end[0]))
        if row >= self.document.line_count or low <= row <= high:
            here = self._marked(row, super().render_line(y))
            return self._under_cursor(here) if row == selection.end[0] and self.has_focus else here
        mark = self._marks.get(row, "")
        width = (self.size.width, self.virtual_size.width, self.scroll_offset.x, self.gutter_width)
        key = (self.document.get_line(row), row, mark, width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= MOST_STRIPS:
                self._strips.clear()
            strip = self._strips[key] = self._marked(row, super().render_line(y))
        return strip

    def _marked(self, row: int, strip: Strip) -> Strip:
        mark = self._marks.get(row)
        if mark is None:
            return strip
        sign, role = MARKS[mark]
        width = self.gutter_width
        style = self._painter.base + self._painter.role(role)
        gutter = Strip([Segment(f"{row + self.line_number_start:>{width - 2}}{sign} ", style)], width)
        return Strip.join([gutter, strip.crop(width)])

    def _under_cursor(self, strip: Strip) -> Strip:
        """Return the line of the cursor with its background; what has a background already is left."""
        plain = self._painter.base.bgcolor
        over = Style(bgcolor=self._painter.component("cursor").bgcolor)
        segments = [
            Segment(text, style + over if style is not None and style.bgcolor == plain else style)
            for text, style, _ in strip
        ]
        return Strip(segments, strip.cell_length)

    def notify_style_update(self) -> None:
        """Take the colours of the new theme."""
        self._painter.clear()
        self._strips.clear()
        super().notify_style_update()

    # Where the cursor is --------------------------------------------------------------------------------------------

    @property
    def row(self) -> int:
        """Return the line of the cursor, from 0."""
        return self.cursor_location[0]

    @property
    def path(self) -> str:
        """Return the dotted path of the value under the cursor."""
        return path_at(self.row, self.document.get_line)

    def go_to(self, row: int) -> None:
        """Put the cursor at the beginning of what a line contains."""
        row = max(min(row, self.document.line_count - 1), 0)
        line = self.document.get_line(row)
        self.move_cursor((row, len(line) - len(line.lstrip())), center=True)
        self.scroll_to(x=0, animate=False)

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """Report another line under the cursor."""
        event.stop()
        if self.row != self._row:
            self._row = self.row
            self.post_message(self.Moved(self, self._row))

    # Typing ---------------------------------------------------------------------------------------------------------

    def put(self, text: str) -> None:
        """Replace the entire text as one edit that can be undone; the cursor stays on its line."""
        if text != self.text:
            row, column = self.cursor_location
            self.replace(text, (0, 0), self.document.end)
            self.move_cursor((min(row, self.document.line_count - 1), column))

    async def on_key(self, event: events.Key) -> None:
        """Let a new line begin below the one before it."""
        if event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            row, column = self.selection.end
            self._typed("\n" + indent_after(self.document.get_line(row)[:column]))

    async def on_paste(self, event: events.Paste) -> None:
        """Take a text that was pasted, unless it is too large; a tab is two spaces, as YAML has none."""
        event.stop()
        event.prevent_default()
        if self.read_only:
            return
        if len(event.text) + len(self.text) > self.most:
            self.post_message(self.TooLarge())
            return
        self._typed(event.text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "  "))

    def _typed(self, text: str) -> None:
        result = self.replace(text, *self.selection, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def action_indent(self, step: int) -> None:
        """Move the selected lines, or what follows the cursor, by two spaces."""
        if self.read_only:
            return
        (first, _), (last, _) = sorted((self.selection.start, self.selection.end))
        if first == last and step > 0:
            self._typed(" " * (2 - self.cursor_location[1] % 2))
            return
        for row in range(first, last + 1):
            line = self.document.get_line(row)
            if step > 0 and line:
                self.insert("  ", (row, 0), maintain_selection_offset=True)
            elif step < 0 and line.startswith(" "):
                self.delete((row, 0), (row, 2 if line.startswith("  ") else 1), maintain_selection_offset=True)

    def action_edge(self, side: int) -> None:
        """Go to the first or the last line."""
        self.move_cursor((0, 0) if side < 0 else self.document.end)

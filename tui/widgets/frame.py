"""One line of the frame around a screen: title, crumbs, rules, message and keys are all painted by it."""

from __future__ import annotations

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.lines import Line, Span, clip_line
from tui.widgets.roles import RolePainter, changed_span


class FrameLine(Widget):
    """Shows one `Line` and repaints only the cells that changed."""

    DEFAULT_CSS = "FrameLine { height: 1; width: 100%; background: $background; }"

    class Resized(Message):
        """The line became wider or narrower: its owner should draw it again."""

        def __init__(self, frame_line: FrameLine) -> None:
            super().__init__()
            self.frame_line = frame_line

        @property
        def control(self) -> FrameLine:
            """Return the line, for `@on(..., "#id")`."""
            return self.frame_line

    def __init__(self, line: Line | None = None, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._line = line or Line()
        self._painter = RolePainter(self, "frame-line")

    @property
    def line(self) -> Line:
        """Return what is shown."""
        return self._line

    def set_line(self, line: Line) -> None:
        """Show another line; nothing is painted when it is the same."""
        before, self._line = self._line, line
        if not self.is_mounted:
            return
        width = self.size.width
        span = changed_span(_filled(before, width), _filled(line, width))
        if span is not None:
            self.refresh(Region(span[0], 0, span[1] - span[0], 1))

    def render_line(self, y: int) -> Strip:
        """Paint the line."""
        width = self.size.width
        strip = Strip(self._painter.segments(clip_line(self._line, width)))
        return strip.adjust_cell_length(width, self._painter.base).crop(0, width)

    def on_resize(self, event: events.Resize) -> None:
        """Ask the owner for a line of the new width."""
        self.post_message(self.Resized(self))

    def notify_style_update(self) -> None:
        """Take the colours of the new theme."""
        self._painter.clear()
        super().notify_style_update()


def _filled(line: Line, width: int) -> Line:
    line = clip_line(line, width)
    return Line((*line.spans, Span(" " * max(width - line.width, 0))))

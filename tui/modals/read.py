"""Lines to read in a box; enter and escape close it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.modals.base import DecisionModal
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line


class ReadModal(DecisionModal[None]):
    """Lines to read, as high as they need."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", "Close", show=False, id="modal-close")]

    def __init__(self, title: str, make: Callable[[int], Sequence[Line]]) -> None:
        """Show what `make(width)` returns."""
        super().__init__()
        self.title_text = f" {title} "
        self.keys_text = "enter close  ↑↓ read"
        self._make = make

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        yield LineView(id="read")

    def on_mount(self) -> None:
        """Show them."""
        view = self.query_one("#read", LineView)
        lines = list(self._make(self.inner_width()))
        view.set_lines(lines)
        view.styles.height = max(min(len(lines), self.room_height(2)), 1)
        view.focus()

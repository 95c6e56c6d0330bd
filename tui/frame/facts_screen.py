"""A screen that is one column of lines: everything about one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.frame.base import BaseScreen
from tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from textual.app import ComposeResult


class FactsScreen(BaseScreen):
    """Has the lines `#facts`, which take the keys."""

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        yield LineView(id="facts")

    def begin(self) -> None:
        """Give the keyboard to the lines."""
        super().begin()
        self.query_one("#facts").focus()

"""A list on a page of a wizard: page down turns the page of the wizard where the list has no more to show."""

from __future__ import annotations

from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType

from tui.widgets.line_view import LineView


class PageList(LineView):
    """A list whose lines all fit leaves the page keys to the wizard."""

    def action_page(self, step: int) -> None:
        """Move by one page in a list that is longer than its place."""
        if self.max_scroll_y <= 0:
            raise SkipAction
        super().action_page(step)


class TurningList(LineView):
    """A list on which page keys always turn the page of the wizard, also a long one; tab goes to its next section."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "section(1)", "Next section", show=False, id="nav-next"),
        Binding("shift+tab", "section(-1)", "Section before", show=False, id="nav-previous"),
    ]

    def action_page(self, step: int) -> None:
        """Leave the key to the wizard."""
        raise SkipAction

    def action_section(self, step: int) -> None:
        """Go to the first line of the next section, or of the one before; from the last one to the first."""
        if not self.next_block(step) and step > 0:
            self.action_edge(-1)

    def begin_at(self, key: str) -> None:
        """Give it the keyboard with the cursor on a line; the beginning stays in sight where both fit."""
        self.point_at(key)
        self.focus()
        self.call_after_refresh(self._show_beginning)

    def _show_beginning(self) -> None:
        if self.cursor_index < self.scrollable_content_region.height:
            self.scroll_to(y=0, animate=False)

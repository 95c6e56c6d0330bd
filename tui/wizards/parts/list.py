"""A list on a page of a wizard: page down turns the page of the wizard where the list has no more to show."""

from __future__ import annotations

from textual.actions import SkipAction

from tui.widgets.line_view import LineView


class PageList(LineView):
    """A list whose lines all fit leaves the page keys to the wizard."""

    def action_page(self, step: int) -> None:
        """Move by one page in a list that is longer than its place."""
        if self.max_scroll_y <= 0:
            raise SkipAction
        super().action_page(step)

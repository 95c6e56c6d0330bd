"""Which columns a table shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.modals.base import DecisionModal
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line


class ColumnsModal(DecisionModal["tuple[str, ...] | None"]):
    """Returns the ids of the chosen columns in their order, None when left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "show_or_hide", "Show or hide", show=False, id="columns-toggle"),
        Binding("K,shift+up", "shift(-1)", "Earlier", show=False, id="columns-earlier"),
        Binding("J,shift+down", "shift(1)", "Later", show=False, id="columns-later"),
        Binding("D", "defaults", "As at first", show=False, id="columns-defaults"),
    ]
    DEFAULT_CSS = "ColumnsModal { & > #box { max-width: 48; } }"
    title_text = " Columns "
    keys_text = "space show/hide  K J move  D as at first  enter take"

    def __init__(self, offered: Sequence[tuple[str, str]], chosen: Sequence[str], defaults: Sequence[str]) -> None:
        """Offer columns as (id, title)."""
        super().__init__()
        self._titles = dict(offered)
        self._defaults = tuple(defaults)
        self._begin_with(chosen)

    def _begin_with(self, chosen: Sequence[str]) -> None:
        first = [item for item in chosen if item in self._titles]
        self._order = [*first, *(item for item in self._titles if item not in first)]
        self._chosen = set(first)

    def compose_body(self) -> ComposeResult:
        """Yield the list."""
        yield LineView(id="columns")

    def on_mount(self) -> None:
        """Show the list."""
        self._show()
        self._view.focus()
        self._view.point_at(self._order[0])

    @property
    def _view(self) -> LineView:
        return self.query_one("#columns", LineView)

    def _show(self) -> None:
        self._view.set_lines([self._line(item) for item in self._order])
        self._view.styles.height = max(min(len(self._order), self.room_height(2)), 1)

    def _line(self, item: str) -> Line:
        on_ = item in self._chosen
        return line(("■ " if on_ else "  ", "accent"), (self._titles[item], "" if on_ else "muted"), key=item)

    def action_show_or_hide(self) -> None:
        """Show or hide the column under the cursor."""
        self._chosen ^= {self._view.cursor_key}
        self._show()

    def action_shift(self, step: int) -> None:
        """Move the column under the cursor earlier (-1) or later (1)."""
        key = self._view.cursor_key
        at = self._order.index(key)
        to = at + step
        if 0 <= to < len(self._order):
            self._order[at], self._order[to] = self._order[to], self._order[at]
            self._show()
            self._view.point_at(key)

    def action_defaults(self) -> None:
        """Take the columns that were there at first."""
        self._begin_with(self._defaults)
        self._show()

    @on(LineView.Chosen)
    def _take(self) -> None:
        self.dismiss(tuple(item for item in self._order if item in self._chosen))

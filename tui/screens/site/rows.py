"""A page of rows with the detail of one: beside them on a wide terminal, below the row after enter on a narrow one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events, on

from tui.frame.base import WIDE, BaseScreen
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line


class RowsScreen(BaseScreen):
    """Subclasses give `heads`, `rows` (each with a key), `detail` of a key, and `empty`."""

    DEFAULT_CSS = """
    RowsScreen {
        & #facts { width: 1fr; }
        & #detail { width: 60; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wide #detail { display: block; }
        &.-wall #detail { width: 90; }
    }
    """

    def compose_body(self) -> Any:
        """Yield the rows, and the detail for wide terminals."""
        yield LineView(id="facts")
        yield LineView(id="detail")

    def begin(self) -> None:
        """Give the keyboard to the rows."""
        super().begin()
        self._unfolded: set[str] = set()
        self.query_one("#detail").can_focus = False
        self.query_one("#facts").focus()

    def heads(self, width: int) -> list[Line]:
        """Return what is above the rows."""
        return []

    def rows(self, width: int) -> list[Line]:
        """Return the rows, each with its key."""
        return []

    def detail(self, key: str, width: int) -> list[Line]:
        """Return all about one row."""
        return []

    def empty(self, width: int) -> list[Line]:
        """Return what is shown without rows."""
        return []

    def unfold_hint(self, label: str) -> tuple[str, ...]:
        """Return the entry of the key line for what enter unfolds, none where that is beside the rows."""
        return () if self.size.width >= WIDE else (f"nav-open={label}",)

    @property
    def pointed(self) -> str:
        """The key of the row under the cursor."""
        return self.query_one("#facts", LineView).cursor_key

    def select(self) -> None:
        """Show the rows as they are now."""
        if not self.is_there or not self.size.width:
            return
        facts, beside = self.query_one("#facts", LineView), self.query_one("#detail", LineView)
        width = facts.room or self.size.width
        rows = self.rows(width)
        wide = self.size.width >= WIDE
        if rows:
            facts.set_lines([*self.heads(width), *(rows if wide else self._with_details(rows, width))])
        else:
            facts.set_lines(self.empty(width))
        beside.display = wide and bool(rows)
        if beside.display:
            beside.set_lines(self.detail(self.pointed, beside.room or 56) if self.pointed else [])

    def _with_details(self, rows: Sequence[Line], width: int) -> list[Line]:
        lines: list[Line] = []
        for row in rows:
            lines.append(row)
            if row.key in self._unfolded:
                lines += [line("  ", *each.spans) for each in self.detail(row.key, width - 2)]
        return lines

    def tick(self) -> None:
        """Show the ages as they are now."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        super().on_resize(event)
        self.call_after_refresh(self.select)

    def choose(self, key: str) -> None:
        """Do what enter does on a row: unfold it where no detail is beside."""
        self._unfolded ^= {key}
        self.select()

    @on(LineView.Pointed)
    def _point(self) -> None:
        if self.size.width >= WIDE:
            self.select()
        self.show_keys()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        self.choose(event.key)

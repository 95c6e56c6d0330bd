"""What the lists of events and of audit entries share: newest first, following, one entry in full on enter."""

from __future__ import annotations

from typing import ClassVar

from textual import on

from tui.frame.links import open_key
from tui.frame.lists.listing import ListingScreen
from tui.screens.feed.content import empty_lines
from tui.verbs.bindings import move_bindings
from tui.widgets.lines import Line
from tui.widgets.virtual_table import VirtualTable


class FeedScreen(ListingScreen):
    """A list in time. While the newest entry is followed the cursor stays on it; moving away stops that."""

    other = ""
    """The view that tab goes to."""
    moments: ClassVar[dict[str, str]] = {"time": "at"}
    kind = ""
    """The word for what is listed."""
    DEFAULT_CSS = """
    FeedScreen {
        & #detail { width: 37; }
        &.-wall #detail { width: 56; }
    }
    """
    hints: ClassVar[tuple[str, ...]] = ("nav-open=open", "filter", "follow", "nav-next=other feed", "yaml")
    BINDINGS = move_bindings({"nav-next": "other_feed", "nav-previous": "other_feed"})

    def begin(self) -> None:
        """Begin with the newest, following."""
        super().begin()
        self.following = True

    def count(self) -> str:
        """Return how many are shown, and whether the newest is followed."""
        return f"{'following  ' if self.following else ''}{super().count()}"

    def select(self) -> None:
        """Show the list; the cursor goes to the newest while it is followed."""
        super().select()
        if self.following and self.table.keys and self.sort_by[0] in ("", "time"):
            self.table.move_to(0)

    def empty(self) -> list[Line]:
        """Return why nothing is listed."""
        source = self.session.store.model.source
        return empty_lines(self.kind, self.filter_text, source.away, source.state == "loading")

    def action_follow(self) -> None:
        """Follow the newest entry, or stop."""
        self.following = not self.following
        self.select()

    def action_other_feed(self) -> None:
        """Go to the other feed."""
        open_key(self.app, f"{self.other}/", start=True)

    def action_yaml(self) -> None:
        """Show the document as the plane sent it."""
        if self.table.cursor_key:
            open_key(self.app, f"raw/{self.view}/{self.table.cursor_key}")

    @on(VirtualTable.RowHighlighted)
    def _moved(self) -> None:
        if self.table.cursor_index > 0 and self.table.has_focus and self.following:
            self.following = False
            self.show_frame()

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"entry/{self.view}/{event.key}")

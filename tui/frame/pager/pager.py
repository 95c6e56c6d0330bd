"""What every long text shares (raw documents, logs, help, messages): search with `/`, `n` and `N`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding

from tui.frame.base import BaseScreen
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line
from tui.widgets.prompt import Asking


def number_of_lines(count: int) -> str:
    """Return `1 line` or `1,234 lines`."""
    return f"{count:,} line{'' if count == 1 else 's'}"


class ReaderScreen(BaseScreen):
    """Shows `text_lines`; a search marks every hit and moves from one to the next."""

    hints: ClassVar[tuple[str, ...]] = ("filter=search", "nav-search-next=next hit", "nav-search-previous=hit before")
    BINDINGS = [
        *move_bindings({"nav-search-next": "hit(1)", "nav-search-previous": "hit(-1)"}),
        Binding("slash", "filter", "search", show=False, id="filter"),
    ]

    _hits: Sequence[int] = ()

    def text_lines(self, width: int) -> list[Line]:
        """Return what is to be read."""
        return []

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        yield LineView(id="text")

    def begin(self) -> None:
        """Let the text have the keys."""
        super().begin()
        self._wanted = ""
        self._at = -1
        self._history: list[str] = []
        self.text.focus()

    @property
    def text(self) -> LineView:
        """The view of the text."""
        return self.query_one("#text", LineView)

    def count(self) -> str:
        """Return which hit of how many is looked at, or how many lines there are."""
        if self._wanted:
            return f"{self._wanted}: {self._at + 1} of {len(self._hits)}" if self._hits else f"no {self._wanted}"
        return number_of_lines(len(self.text.lines))

    def select(self) -> None:
        """Show the text."""
        if self.is_there and self.size.width:
            self.text.set_lines(self.text_lines(self.text.room or self.size.width))
            self._search(self._wanted)

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def action_filter(self) -> None:
        """Ask what to look for."""
        reported = line(("looks in every line, small and capital letters alike", "muted"))
        self.ask(Asking("search", "/", self._wanted, judge=lambda text: reported, history=self._history))

    def prompt_changed(self, kind: str, text: str) -> None:
        """Mark the hits while the words are typed."""
        if kind == "search":
            self._search(text)

    def prompt_answered(self, kind: str, text: str) -> None:
        """Go to the first hit."""
        if kind == "search":
            self._search(text)
            self._at = -1
            self.action_hit(1)

    def prompt_left(self, kind: str) -> None:
        """Look for nothing."""
        if kind == "search":
            self._search("")

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the text: no next hit before something was found."""
        return tuple(entry for entry in self.hints if self._hits or not entry.startswith("nav-search-"))

    def _search(self, wanted: str) -> None:
        self._wanted = wanted.strip()
        low = self._wanted.lower()
        self._hits = [place for place, item in enumerate(self.text.lines) if low and low in item.plain.lower()]
        self._at = min(self._at, len(self._hits) - 1)
        self.text.mark_matches(self._hits)
        self.show_frame()

    def action_hit(self, step: int) -> None:
        """Go to the next hit, or the one before; round at the ends."""
        if not self._hits:
            return
        self._at = (self._at + step) % len(self._hits)
        self.text.scroll_to(y=max(self._hits[self._at] - self.text.size.height // 3, 0), animate=False)
        self.show_frame()

"""Small questions and readings of the wizard: explanation, what becomes of the answers, the complete file."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult

from tui.frame.pager.pager import ReaderScreen
from tui.modals.base import DecisionModal
from tui.session import Session
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, wrap
from tui.wizards.installer.content import preview_lines

Leaving = Literal["keep", "drop", "stay"]


class LeaveWizardModal(DecisionModal[Leaving]):
    """What becomes of the answers when the wizard is left; escape stays in it."""

    title_text = " Leave the wizard "
    keys_text = "enter choose  ↑↓ move  esc stay"
    DEFAULT_CSS = "LeaveWizardModal > #box { max-width: 64; }"
    ANSWERS: ClassVar[tuple[tuple[Leaving, str, str], ...]] = (
        ("keep", "Store the answers", "Stored, readable by you alone; the wizard continues with them next time."),
        ("drop", "Delete the answers", "They cannot be restored."),
        ("stay", "Stay here", "Continue answering."),
    )

    def compose_body(self) -> ComposeResult:
        """Yield the answers."""
        yield LineView(id="answers")

    def on_mount(self) -> None:
        """Point at the one that loses nothing."""
        view = self.query_one("#answers", LineView)
        width = min(self.inner_width(), 58)
        lines: list[Line] = []
        for key, title, text in self.ANSWERS:
            lines += [line((title, "accent"), key=key), *wrap(text, width, "  ", "  ", role="muted")]
        view.set_lines(lines)
        view.styles.height = min(len(lines), self.room_height(2))
        view.focus()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        self.dismiss(next(key for key, _, _ in self.ANSWERS if key == event.key))

    def action_leave(self) -> None:
        """Escape stays."""
        self.dismiss("stay")


class CompleteFileScreen(ReaderScreen):
    """The user-data as it would be written, secrets masked; what the present page adds is marked."""

    view = "user-data"

    def __init__(self, session: Session, text: str, before: str) -> None:
        super().__init__(session)
        self._text, self._before = text, before

    @property
    def crumb(self) -> str:
        """Show what it is."""
        return "user-data, secrets masked"

    def text_lines(self, width: int) -> list[Line]:
        """Return the file."""
        return preview_lines(self._text, self._before)

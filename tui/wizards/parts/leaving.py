"""The question on leaving a wizard: what becomes of the answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult

from tui.modals.base import DecisionModal
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, wrap

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

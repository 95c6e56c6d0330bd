"""The question on leaving: whether the hub that was started here keeps running."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from tui.modals.base import DecisionModal
from tui.session import LeaveAnswer
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, wrap

ANSWERS: tuple[tuple[LeaveAnswer, str, str], ...] = (
    ("leave", "Leave it running", "Hosts continue to report to it; edgewright finds it again."),
    ("stop", "Stop it", "Nothing is lost, but no host can report until it is started again."),
    ("stay", "Stay here", "Do not leave the console."),
)


class LeaveModal(DecisionModal[LeaveAnswer]):
    """Returns what becomes of the hub; escape stays."""

    title_text = " Leave the console "
    keys_text = "enter choose  ↑↓ move  esc stay"
    DEFAULT_CSS = "LeaveModal > #box { max-width: 72; }"

    def compose_body(self) -> ComposeResult:
        """Yield the answers."""
        yield LineView(id="answers")

    remember = False
    """Whether the answer is to be stored."""

    def on_mount(self) -> None:
        """Point at the answer that changes nothing for the fleet."""
        view = self.query_one("#answers", LineView)
        self._show()
        view.point_at("leave")
        view.focus()

    def _show(self) -> None:
        view = self.query_one("#answers", LineView)
        width = min(self.inner_width(), 68)
        lines: list[Line] = [*wrap("A hub runs on this machine, started by this console.", width), line()]
        for key, title, text in ANSWERS:
            lines += [line((title, "accent"), key=key), *wrap(text, width, "  ", "  ", role="muted")]
        mark = "■" if self.remember else " "
        lines += [line(), line((f"[{mark}] remember this answer and do not ask again", ""), key="remember")]
        view.set_lines(lines)
        view.styles.height = min(len(lines), self.room_height(2))

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        if event.key == "remember":
            self.remember = not self.remember
            self._show()
        for key, _, _ in ANSWERS:
            if event.key == key:
                self.dismiss(key)

    def action_leave(self) -> None:
        """Escape stays."""
        self.dismiss("stay")

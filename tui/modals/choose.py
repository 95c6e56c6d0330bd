"""Choosing one of a few: project, context, theme. Pointing may show the effect at once; escape takes it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Input

from tui.modals.base import DecisionModal
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Span, line


class ChooseModal(DecisionModal[str]):
    """Returns the key of the chosen line, None when left. Typing narrows a list of more than ten."""

    DEFAULT_CSS = """
    ChooseModal {
        & > #box { max-width: 72; }
        & #narrow { height: 1; border: none; padding: 0; background: $panel; }
    }
    """

    def __init__(
        self,
        title: str,
        options: Sequence[Line],
        current: str = "",
        on_point: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.title_text = f" {title} "
        self.keys_text = "enter choose  ↑↓ move  esc leave as it was"
        self._options = tuple(options)
        self._current = current
        self._on_point = on_point

    def compose_body(self) -> ComposeResult:
        """Yield the narrowing field for long lists, then the list."""
        if len(self._options) > 10:
            narrow = Input(id="narrow", placeholder="type to narrow", compact=True)
            narrow.cursor_blink = False
            yield narrow
        yield LineView(id="options")

    def on_mount(self) -> None:
        """Show the options with the present one under the cursor."""
        view = self.query_one("#options", LineView)
        self._show("")
        view.point_at(self._current)
        view.focus()

    def _show(self, text: str) -> None:
        view = self.query_one("#options", LineView)
        stored = [option for option in self._options if text.lower() in option.plain.lower()]
        marked = [Line((_mark(option.key == self._current), *option.spans), option.key) for option in stored]
        view.set_lines(marked or [line(("  nothing matches", "muted"))])
        view.styles.height = max(min(len(self._options), self.room_height(3)), 1)

    def on_key(self, event: events.Key) -> None:
        """Put what is typed into the narrowing field, where there is one; from there arrows move in the list."""
        for narrow in self.query("#narrow").results(Input):
            if narrow.has_focus:
                if event.key in ("down", "up"):
                    self.query_one("#options", LineView).action_move(1 if event.key == "down" else -1)
            elif event.character is not None and event.is_printable and event.character != " ":
                narrow.focus()
                narrow.insert_text_at_cursor(event.character)

    @on(Input.Changed, "#narrow")
    def _narrow(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted, "#narrow")
    def _take_first(self) -> None:
        key = self.query_one("#options", LineView).cursor_key
        if key:
            self.dismiss(key)

    @on(LineView.Pointed, "#options")
    def _pointed(self, event: LineView.Pointed) -> None:
        if self._on_point and event.key:
            self._on_point(event.key)

    @on(LineView.Chosen, "#options")
    def _chosen(self, event: LineView.Chosen) -> None:
        self.dismiss(event.key)

    def action_leave(self) -> None:
        """Leave as it was, also what pointing had shown."""
        if self._on_point and self._current:
            self._on_point(self._current)
        self.dismiss(None)


def _mark(current: bool) -> Span:
    return Span("• ", "accent") if current else Span("  ")

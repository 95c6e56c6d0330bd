"""Choosing one of a few: project, context, theme. Pointing may show the effect at once; escape takes it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.modals.base import DecisionModal
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Span, line

MANY = 10
"""Options from which a list has a field that narrows it."""


class Narrowing(Input):
    """The field above a long list: every letter is typed, arrows and page keys move in the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "screen.point('move', 1)", show=False, id="modal-down"),
        Binding("up", "screen.point('move', -1)", show=False, id="modal-up"),
        Binding("pagedown", "screen.point('page', 1)", show=False, id="modal-page-down"),
        Binding("pageup", "screen.point('page', -1)", show=False, id="modal-page-up"),
    ]

    def action_home(self, select: bool = False) -> None:
        """Go to the first option, which is what a list does with this key."""
        self.screen.action_point("edge", -1)  # type: ignore[attr-defined]

    def action_end(self, select: bool = False) -> None:
        """Go to the last option."""
        self.screen.action_point("edge", 1)  # type: ignore[attr-defined]


class ChooseModal(DecisionModal[str]):
    """Returns the key of the chosen line, None when left.

    A list of more than ten has a field that narrows it and has the keyboard: `j` and `k` are letters of names there.
    """

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
        self.keys_text = "enter choose  ↑↓ move  esc cancel"
        self._options = tuple(options)
        self._current = current
        self._on_point = on_point

    def compose_body(self) -> ComposeResult:
        """Yield the narrowing field for long lists, then the list."""
        if len(self._options) > MANY:
            narrow = Narrowing(id="narrow", placeholder="type to narrow", compact=True)
            narrow.cursor_blink = False
            yield narrow
        yield LineView(id="options")

    def on_mount(self) -> None:
        """Show the options with the present one under the cursor."""
        view = self.query_one("#options", LineView)
        self._show("")
        view.point_at(self._current)
        view.marks_cursor = len(self._options) > MANY
        view.can_focus = not view.marks_cursor
        (self.query_one("#narrow") if view.marks_cursor else view).focus()

    def _show(self, text: str) -> None:
        view = self.query_one("#options", LineView)
        stored = [option for option in self._options if text.lower() in option.plain.lower()]
        marked = [Line((_mark(option.key == self._current), *option.spans), option.key) for option in stored]
        view.set_lines(marked or [line(("  nothing matches", "muted"))])
        view.styles.height = max(min(len(self._options), self.room_height(3)), 1)

    def action_point(self, how: str, step: int) -> None:
        """Move in the list from the field: `move` by a line, `page`, or `edge` to an end of it."""
        getattr(self.query_one("#options", LineView), f"action_{how}")(step)

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

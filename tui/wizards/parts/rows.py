"""A list of things of the same kind (network cards, partitions): a line each, opened in a form of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from edgewright.core.installer.questions import Question
from tui.modals.base import DecisionModal
from tui.widgets.lines import Line, cut, line
from tui.wizards.parts.answers import Values, capital, row_fields, row_problems, row_text, sentence, typed
from tui.wizards.parts.controls import Given, Painted, ask_screen
from tui.wizards.parts.form import QuestionForm, simple_control


def any_control(question: Question, value: Any, answers: Mapping[str, Any]) -> Widget:
    """Return the control for any question; that of a list has a line for each row."""
    if question.kind == "rows":
        return RowsControl(question, list(value or ()), answers)
    return simple_control(question, value, answers)


class RowsControl(Painted):
    """The rows with a cursor; enter opens the one under it, or a new one from the line at the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "down(1)", "Next line", show=False, id="wizard-down"),
        Binding("up", "down(-1)", "Line before", show=False, id="wizard-up"),
        Binding("enter", "open", "Open the line", show=False, id="wizard-enter"),
        Binding("x,delete", "remove", "Take the line away", show=False, id="wizard-remove"),
    ]

    def __init__(self, question: Question, rows: list[dict[str, Any]], answers: Values) -> None:
        super().__init__(question.key)
        self._question = question
        self._answers = answers
        self.rows = [dict(row) for row in rows]
        self._at = 0

    def put(self, value: Any) -> None:
        """Show other rows."""
        self.rows = [dict(row) for row in value or ()]
        self._at = min(self._at, len(self.rows))
        self.refresh(layout=True)

    def lines(self, width: int) -> list[Line]:
        """Return a line for each row, and the one that adds another."""
        matches = [
            line(cut(f"{number + 1}  {row_text(self._question, row)}", width), key="on" if number == self._at else "")
            for number, row in enumerate(self.rows)
        ]
        return [*matches, line(("+ ", "accent"), ("add one", "muted"), key="on" if self._at == len(self.rows) else "")]

    def action_down(self, step: int) -> None:
        """Go to the next line, from the last one to the next field."""
        if 0 <= self._at + step <= len(self.rows):
            self._at += step
            self.refresh()
            self.screen.query_one(QuestionForm).show_line(self, self._at)
        else:
            ask_screen(self, f"field({step})")

    def action_open(self) -> None:
        """Let the row under the cursor be changed, or a new one be given."""
        at = self._at
        row = self.rows[at] if at < len(self.rows) else {}

        def given(answer: dict[str, Any] | None) -> None:
            if answer is not None:
                self.rows[at : at + 1] = [answer]
                self._at = at + 1 if at == len(self.rows) - 1 else at
                self._redraw()

        self.app.push_screen(RowModal(self._question, row, self._answers), given)

    def action_remove(self) -> None:
        """Take the row under the cursor away."""
        if self._at < len(self.rows):
            del self.rows[self._at]
            self._redraw()

    def _redraw(self) -> None:
        self.refresh(layout=True)
        self.post_message(Given(self.key, [dict(row) for row in self.rows]))


class RowModal(DecisionModal["dict[str, Any] | None"]):
    """One row, a field for each of its columns; what is wrong is shown under its field and it stays open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page(1)", "Take it", show=False, id="wizard-page-next"),
    ]
    DEFAULT_CSS = """
    RowModal {
        & > #box { max-width: 76; }
        & QuestionForm { height: auto; background: $surface; }
        & Painted { background: $surface; }
        & #row-help { height: 2; color: $muted; }
    }
    """

    def __init__(self, question: Question, row: Mapping[str, Any], answers: Values) -> None:
        super().__init__()
        self.title_text = f" {capital(question.label)} "
        self.keys_text = "enter next  pgdn accept  ↑↓ tab move  esc cancel"
        self._question = question
        self._answers = answers
        self._row: dict[str, Any] = {part.key: row.get(part.key, part.empty) for part in question.fields}
        self._broken: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        """Yield the fields and what the one in hand is for."""
        yield QuestionForm(self._question.fields, self._row, self._answers)
        yield Static("", id="row-help", markup=False)

    def on_mount(self) -> None:
        """Begin with the first field; fit the box into the screen."""
        form = self.query_one(QuestionForm)
        form.styles.max_height = self.room_height(4)
        self._show()
        form.go_first()

    def _problems(self) -> dict[str, str]:
        return {**row_problems(self._question, self._row, self._answers), **self._broken}

    def _show(self) -> None:
        shown = row_fields(self._question, self._row, self._answers)
        self.query_one(QuestionForm).set_shown({part.key for part in shown})

    @on(Given)
    def _given(self, event: Given) -> None:
        event.stop()
        part = next(part for part in self._question.fields if part.key == event.key)
        try:
            self._row[part.key] = typed(part, event.raw, self._row[part.key])
            self._broken.pop(part.key, None)
        except ValueError as error:
            self._broken[part.key] = sentence(part, str(error))
        self._show()

    @on(QuestionForm.Left)
    def _left(self, event: QuestionForm.Left) -> None:
        value = self._row.get(event.key) or event.key in self._broken
        self.query_one(QuestionForm).show_problem(event.key, self._problems().get(event.key, "") if value else "")

    @on(QuestionForm.Entered)
    def _entered(self, event: QuestionForm.Entered) -> None:
        part = next(part for part in self._question.fields if part.key == event.key)
        self.query_one("#row-help", Static).update(part.help)

    def action_field(self, step: int) -> None:
        """Go to the next field or the one before."""
        self.query_one(QuestionForm).go(step)

    def action_enter(self) -> None:
        """Go to the next field; from the last one the row is taken."""
        if not self.query_one(QuestionForm).go(1):
            self.action_page(1)

    def action_page(self, step: int) -> None:
        """Take the row, unless something is wrong with it."""
        if step < 0:
            return
        problems = self._problems()
        form = self.query_one(QuestionForm)
        form.show_all(problems)
        if problems:
            form.focus_key(next(iter(problems)))
            return
        self.dismiss(dict(self._row))

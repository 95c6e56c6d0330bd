"""Asking for what a verb needs: one field for each parameter of its schema, checked when the user leaves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from msgspec import Struct
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input, Static

from tui.modals.base import DecisionModal

Check = Callable[[str], str]
"""Returns what is wrong with a value as a sentence, '' when nothing is."""


class Field(Struct, frozen=True):
    """One question of a form."""

    name: str
    label: str
    help: str = ""
    value: str = ""
    required: bool = False
    secret: bool = False
    check: Check | None = None


class FormModal(DecisionModal[dict[str, str]]):
    """Returns the answers by name, None when left. Wrong answers are shown under their field; the form stays open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", show=False, id="form-next"),
        Binding("up", "app.focus_previous", show=False, id="form-previous"),
    ]
    DEFAULT_CSS = """
    FormModal {
        & #fields { height: auto; }
        & .field { height: 1; }
        & .label { width: 16; color: $muted; }
        & .field Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        & .help { height: auto; color: $muted; padding-left: 16; }
        & .help.-wrong { color: $bad; }
        & .problem { height: auto; color: $bad; margin-bottom: 1; }
        & #choices { height: auto; margin-top: 1; }
        & #choices Button { margin-right: 2; min-width: 10; }
    }
    """

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        go: str = "Continue",
        intro: str = "",
        remember: dict[str, str] | None = None,
        problem: str = "",
    ) -> None:
        """Make the form. When it is left, the fields go into `remember`; `problem` is the reason why it opens again."""
        super().__init__()
        self.title_text = f" {title} "
        self.keys_text = "enter next  tab/↑↓ move  esc cancel"
        self._fields = tuple(fields)
        self._go = go
        self._intro = intro
        self._remember = remember
        self._problem = problem

    def compose_body(self) -> ComposeResult:
        """Yield the fields with their help, then the choices."""
        if self._intro:
            yield Static(self._intro, markup=False, classes="intro")
        with VerticalScroll(id="fields", can_focus=False):
            if self._problem:
                yield Static(self._problem, markup=False, classes="problem")
            for field in self._fields:
                with Horizontal(classes="field"):
                    yield Static(field.label, classes="label", markup=False)
                    entry = Input(field.value, password=field.secret, id=f"field-{field.name}", compact=True)
                    entry.cursor_blink = False  # as in every field of the console: no bytes while no one types
                    yield entry
                yield Static(self._help(field), classes="help", id=f"help-{field.name}", markup=False)
        with Horizontal(id="choices"):
            yield Button(self._go, id="go", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the first field; fit the box into the screen."""
        self.query_one("#fields").styles.max_height = self.room_height(4)
        if self._fields:
            self.query_one(f"#field-{self._fields[0].name}", Input).focus()

    def answers(self) -> dict[str, str]:
        """Return what is in the fields now."""
        return {field.name: self.query_one(f"#field-{field.name}", Input).value.strip() for field in self._fields}

    def problems(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field."""
        wrong: dict[str, str] = {}
        for field in self._fields:
            value = answers[field.name]
            if not value:
                if field.required:
                    wrong[field.name] = f"{field.label[:1].upper()}{field.label[1:]} is needed."
            elif field.check and (reported := field.check(value)):
                wrong[field.name] = reported
        return wrong

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        # Keys that arrived in one read all go to the field that had the focus then: what counts is where it is now.
        here = self.focused.id if self.focused is not None else event.input.id
        last = self._fields[-1].name if self._fields else ""
        if here in (f"field-{last}", "go"):
            self._take()
        else:
            self.focus_next()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Show what is wrong with a field when it is left, and remove the message when it is right."""
        name = (event.widget.id or "").removeprefix("field-")
        for field in self._fields:
            if field.name == name:
                wrong = self.problems(self.answers()).get(name, "") if self.answers()[name] else ""
                self._show_problem(field, wrong)

    @on(Button.Pressed, "#go")
    def _take(self) -> None:
        answers = self.answers()
        wrong = self.problems(answers)
        for field in self._fields:
            self._show_problem(field, wrong.get(field.name, ""))
        if not wrong:
            self.dismiss(answers)
            return
        self.query_one(f"#field-{next(iter(wrong))}", Input).focus()

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Leave; the answers so far are stored for the next time."""
        if self._remember is not None:
            self._remember.update(self.answers())
        self.dismiss(None)

    def _show_problem(self, field: Field, wrong: str) -> None:
        help_line = self.query_one(f"#help-{field.name}", Static)
        help_line.update(wrong or self._help(field))
        help_line.set_class(bool(wrong), "-wrong")

    @staticmethod
    def _help(field: Field) -> str:
        needed = field.required or field.value or not field.help or "empty" in field.help
        return field.help if needed else f"{field.help} (optional)"

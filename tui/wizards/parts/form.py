"""The questions of one page as fields below each other: a label, a control, and what is wrong under it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.wizards.parts.answers import field_value, is_hidden
from tui.wizards.parts.controls import AreaControl, ChoiceControl, FlagControl, TextControl, area_text

if TYPE_CHECKING:
    from edgewright.core.installer.questions import Question


ControlOf = Callable[["Question", Any, Mapping[str, Any]], Widget]
"""What makes the control for a question from its value and the answers so far."""


def simple_control(question: Question, value: Any, answers: Mapping[str, Any]) -> Widget:
    """Return the control for a question whose answer is not a list of rows (those are in `rows`, which uses forms)."""
    value = field_value(question, value)
    if question.kind == "choice":
        return ChoiceControl(
            question.key, [(choice.value, choice.label) for choice in question.choices], str(value or "")
        )
    if question.kind == "flag":
        return FlagControl(question.key, bool(value))
    example = question.in_empty_field  # its text distinguishes it from a value, also without colours
    if question.kind in ("lines", "map"):
        return AreaControl(question.key, area_text(value), example)
    text = "" if value is None else str(value)
    return TextControl(question.key, text, example, is_hidden(question))


class QuestionField(Vertical):
    """One question: its label, its control, and the line that shows what is wrong."""

    def __init__(self, question: Question, value: Any, answers: Mapping[str, Any], control_of: ControlOf) -> None:
        super().__init__(classes="field")
        self.question = question
        self.control = control_of(question, value, answers)

    def compose(self) -> ComposeResult:
        """Yield label and control beside each other, the problem below."""
        with Horizontal(classes="answer"):
            yield Static(self.question.label, classes="label", markup=False)
            yield self.control
        yield Static("", classes="problem", markup=False)

    def indent(self, width: int) -> None:
        """Let the answer begin after `width` cells."""
        self.query_one(".label").styles.width = width
        self.query_one(".problem").styles.margin = (0, 0, 0, width)

    def show_problem(self, problem: str) -> None:
        """Show what is wrong; '' removes it."""
        message = self.query_one(".problem", Static)
        message.update(f"▲ {problem}" if problem else "")
        message.display = bool(problem)


class QuestionForm(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Fields for `questions`, some of them shown. It knows no page: whoever made it judges the answers."""

    DEFAULT_CSS = """
    QuestionForm {
        height: 1fr; background: $background; scrollbar-gutter: stable;
        & .field { height: auto; }
        & .answer { height: auto; }
        & .label { width: 18; color: $muted; padding-right: 1; }
        & .problem { height: auto; color: $bad; margin-left: 18; display: none; }
        & TextControl { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        & AreaControl { width: 1fr; height: 4; border: none; padding: 0; background: $panel; }
        & TextControl:focus, & AreaControl:focus { border: none; background: $panel; background-tint: transparent 0%; }
        & .input--placeholder, & .text-area--placeholder { text-style: italic; }
        &:ansi TextControl, &:ansi AreaControl { text-style: underline; }
    }
    """

    class FieldMessage(Message):
        """What the messages about a field share."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Left(FieldMessage):
        """The keyboard left the field of `key`."""

    class Entered(FieldMessage):
        """The keyboard came to the field of `key`."""

    def __init__(
        self,
        questions: Sequence[Question],
        values: Mapping[str, Any],
        answers: Mapping[str, Any],
        control_of: ControlOf = simple_control,
    ) -> None:
        super().__init__()
        self._fields = {
            question.key: QuestionField(question, values.get(question.key, question.empty), answers, control_of)
            for question in questions
        }

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        yield from self._fields.values()

    def on_mount(self) -> None:
        """Give all labels the width of the longest."""
        room = max((len(field.question.label) for field in self._fields.values()), default=0) + 3
        for field in self._fields.values():
            field.indent(room)

    @property
    def current(self) -> str:
        """Return the key of the field that has the keyboard, '' when none has."""
        focused = self.screen.focused
        return next((key for key, field in self._fields.items() if field.control is focused), "")

    @property
    def shown(self) -> list[str]:
        """Return the keys of the fields that are shown, from top to bottom."""
        return [key for key, field in self._fields.items() if field.display]

    def set_shown(self, keys: Container[str]) -> None:
        """Show the fields of `keys` and no others."""
        for key, field in self._fields.items():
            if field.display != (key in keys):
                field.display = key in keys

    def put(self, key: str, value: Any) -> None:
        """Show another answer in a field, as if it had been typed."""
        control: Any = self._fields[key].control
        control.put(field_value(self._fields[key].question, value))

    def show_problem(self, key: str, problem: str) -> None:
        """Show what is wrong with one field."""
        if key in self._fields:
            self._fields[key].show_problem(problem)

    def show_all(self, problems: Mapping[str, str]) -> None:
        """Show what is wrong with each field, and nothing where nothing is."""
        for key in self._fields:
            self.show_problem(key, problems.get(key, ""))

    def go_first(self, last: bool = False) -> None:
        """Give the keyboard to the first field, or to the last one."""
        if self.shown:
            self.focus_key(self.shown[-1 if last else 0])

    def go(self, step: int) -> bool:
        """Give the keyboard to the next field (1) or the one before (-1); False when there is none."""
        shown = self.shown
        here = self.current
        at = shown.index(here) + step if here in shown else 0
        if 0 <= at < len(shown):
            self.focus_key(shown[at])
            return True
        return False

    def focus_key(self, key: str) -> None:
        """Give the keyboard to the field of `key`."""
        if key in self._fields:
            self._fields[key].control.focus()

    def show_line(self, control: Widget, line: int) -> None:
        """Bring a line of a control into sight."""
        where = (
            control.virtual_region_with_margin
            if control.parent is self
            else control.region.translate(self.scroll_offset - self.region.offset)
        )
        self.scroll_to_region(Region(0, where.y + line, 1, 1), animate=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Report which field is edited."""
        self._message(event.widget, self.Entered)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Report which field was left."""
        self._message(event.widget, self.Left)

    def _message(self, widget: Widget, make: Callable[[str], Message]) -> None:
        key = next((key for key, field in self._fields.items() if field.control is widget), "")
        if key:
            self.post_message(make(key))

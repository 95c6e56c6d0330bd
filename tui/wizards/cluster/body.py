"""What all pages of the cluster wizard share: a body between question and hint that talks to its wizard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual import on
from textual.app import ComposeResult

from edgewright.core.installer.answers import problem
from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Line, wrap
from tui.wizards.parts.answers import sentence, typed
from tui.wizards.parts.controls import Given
from tui.wizards.parts.form import QuestionForm
from tui.wizards.parts.paged import BodyHost, WizardBody
from tui.wizards.parts.rows import RowsControl, any_control

if TYPE_CHECKING:
    from edgewright.core.installer.questions import Question
    from tui.wizards.cluster.wizard_state import ClusterState


class ClusterWizardHost(BodyHost, Protocol):
    """What pages ask of the wizard: only the wizard goes to other pages, asks the plane and creates."""

    wizard_state: ClusterState
    api: Any
    """`edgewright.commands.cluster.wizard_api`, imported in a thread; None before."""
    plane: Any
    """Profiles and names of the plane; None while they are not known."""
    plane_problem: str
    """Why they are not known, "" while the plane is asked."""

    @property
    def now(self) -> float:
        """Return the time in epoch seconds."""

    @property
    def plane_doing(self) -> str:
        """Return what the plane is asked for in the background, "" for nothing."""

    def candidates(self) -> list[Any]:
        """Return all hosts, free ones first."""

    def ask_plane(self) -> None:
        """Ask the plane again, because it did not answer."""

    def open_variables(self) -> None:
        """Read the variables of the chosen profiles."""

    def begin_preflight(self, again: bool = False) -> None:
        """Ask hosts for their checks, and the plane for its own; with `again` those too that have a result."""

    async def open_page(self, key: str) -> None:
        """Go to a page."""

    def finish(self) -> None:
        """Create the cluster."""


class PageBody(WizardBody):
    """The body of one page. It changes the state and asks its wizard for the rest."""

    @property
    def wizard(self) -> ClusterWizardHost:
        """Return the wizard that this is a page of."""
        return cast("ClusterWizardHost", self.screen)

    @property
    def state(self) -> ClusterState:
        """Return what the wizard knows."""
        return self.wizard.wizard_state

    def refusal(self) -> str:
        """Return what must be fixed on this page before the next one, "" when nothing must; it is shown then."""
        return ""

    def field(self, step: int) -> bool:
        """Go to the next field (1) or the one before (-1); False where there is none."""
        return False


class FormBody(PageBody):
    """A page of fields."""

    def questions(self) -> Sequence[Question]:
        """Return the fields."""
        raise NotImplementedError

    def values(self) -> Mapping[str, Any]:
        """Return the answers by key."""
        return self.state.answers

    def put(self, key: str, value: Any) -> bool:
        """Take an answer; returns whether it is another one now."""
        different = bool(self.state.answers.get(key) != value)
        self.state.answers[key] = value
        return different

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        self._questions = {question.key: question for question in self.questions()}
        self._broken: dict[str, str] = {}
        self._tried = False
        self.form = QuestionForm(tuple(self._questions.values()), self.values(), self.values(), any_control)
        yield self.form

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """Return the keys of the fields that apply."""
        return tuple(key for key, question in self._questions.items() if question.shown(self.values()))

    def begin(self, last: bool = False) -> None:
        """Begin with the first field, or the last one."""
        self.form.set_shown(self.shown_keys)
        self.form.go_first(last)

    def field(self, step: int) -> bool:
        """Go to the next field or the one before."""
        return self.form.go(step)

    def problem(self, key: str) -> str:
        """Return what is wrong with a field, "" when nothing is."""
        question, values = self._questions[key], self.values()
        return self._broken.get(key) or problem(question, values.get(key, question.empty), values)

    @on(Given)
    def _given(self, event: Given) -> None:
        event.stop()
        question = self._questions[event.key]
        try:
            value = typed(question, event.raw, self.values().get(event.key, question.empty))
        except ValueError as error:
            self._broken[event.key] = sentence(question, str(error))
            return
        self._broken.pop(event.key, None)
        if self.put(event.key, value):
            self.form.set_shown(self.shown_keys)
            self.wizard.changed()

    @on(QuestionForm.Left)
    def _left(self, event: QuestionForm.Left) -> None:
        value = self.values().get(event.key)
        spared = value in ("", None, [], {}) and event.key not in self._broken and not self._tried
        self.form.show_problem(event.key, "" if spared else self.problem(event.key))

    @on(QuestionForm.Entered)
    def _entered(self) -> None:
        self.wizard.refresh_around()

    def refusal(self) -> str:
        """Return the first thing that is wrong; the fields show all of it, and the first one gets the keyboard."""
        self._tried = True
        problems = {key: wrong for key in self.shown_keys if (wrong := self.problem(key))}
        self.form.show_all(problems)
        if problems:
            self.form.focus_key(next(iter(problems)))
        return next(iter(problems.values()), "")

    def hint(self, width: int) -> list[Line]:
        """Return the help of the field in hand."""
        question = self._questions.get(self.form.current)
        return wrap(question.help, width, role="muted") if question is not None else []

    def keys(self) -> list[KeyHint]:
        """Return the keys of the fields."""
        if isinstance(self.screen.focused, RowsControl):
            remove = self.wizard.key_hint("wizard-remove", "remove")
            return [KeyHint("enter", "open"), *remove, KeyHint("tab", "next field"), KeyHint("esc", "back")]
        return [KeyHint("enter", "next"), KeyHint("esc", "back")]

"""The first page: name, version, type, description and tags."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult

from edgewright.core.installer.answers import problem
from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Line, wrap
from tui.wizards.parts.answers import sentence, typed
from tui.wizards.parts.controls import Given
from tui.wizards.parts.form import QuestionForm
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pages import ABOUT_FIELDS
from tui.wizards.profile.wizard_state import version_problem

FIELDS = {question.key: question for question in ABOUT_FIELDS}


class AboutPage(PageBody):
    """Fields for what lists show of a profile. The name of a version that exists cannot be changed."""

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        profile = self.state.profile
        self._values: dict[str, Any] = {
            "name": profile.name,
            "version": profile.version,
            "type": profile.type,
            "description": profile.description,
            "labels": dict(profile.labels),
        }
        self._broken: dict[str, str] = {}
        self.form = QuestionForm(ABOUT_FIELDS, self._values, self._values)
        yield self.form

    @property
    def _keys(self) -> tuple[str, ...]:
        """Name and version of a version that is changed stay: they are what it is known by."""
        return tuple(key for key in FIELDS if not self.state.edit or key not in ("name", "version"))

    def begin(self, last: bool = False) -> None:
        """Begin with the first field, or the last one."""
        self.form.set_shown(self._keys)
        self.form.go_first(last)

    def show(self) -> None:
        """Show what is wrong with the version when the plane's versions are known."""
        if self._values["version"] and self._problem("version") and self.form.current != "version":
            self.form.show_problem("version", self._problem("version"))

    @on(Given)
    def _given(self, event: Given) -> None:
        event.stop()
        question = FIELDS[event.key]
        try:
            value = typed(question, event.raw, self._values[event.key])
        except ValueError as error:
            self._broken[event.key] = sentence(question, str(error))
            return
        self._broken.pop(event.key, None)
        self._values[event.key] = value
        if self.state.change(**{event.key: value}):
            self.wizard.changed()

    def _problem(self, key: str) -> str:
        wrong = self._broken.get(key) or problem(FIELDS[key], self._values[key], self._values)
        if wrong or key != "version":
            return wrong
        return version_problem(self.state.profile, self.wizard.versions_of(self.state.profile.name), self.state.edit)

    @on(QuestionForm.Left)
    def _left(self, event: QuestionForm.Left) -> None:
        value = self._values[event.key]
        self.form.show_problem(event.key, self._problem(event.key) if value or event.key in self._broken else "")
        if event.key == "name":
            self.show()

    @on(QuestionForm.Entered)
    def _entered(self) -> None:
        self.wizard.refresh_page()

    def refusal(self) -> bool:
        """Return whether a field is wrong; its reason is shown and it gets the keyboard."""
        problems = {key: wrong for key in self._keys if (wrong := self._problem(key))}
        self.form.show_all(problems)
        if problems:
            self.form.focus_key(next(iter(problems)))
        return bool(problems)

    def hint(self, width: int) -> list[Line]:
        """Return the help of the field in hand."""
        return wrap(FIELDS[self.form.current].help, width, role="muted") if self.form.current else []

    def side(self, width: int) -> list[Line]:
        """Return nothing: the fields have the screen."""
        return []

    def keys(self) -> list[KeyHint]:
        """Return the keys of the fields."""
        return [KeyHint("enter", "next"), KeyHint("esc", "back")]

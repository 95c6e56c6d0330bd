"""Pages of fields: name and tags, values of variables, the address of the API, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.core.installer.questions import Choice, Question
from edgewright.core.profiles.model import Variable
from edgewright.core.profiles.variables import COVER, problem_with
from edgewright.core.text import clean
from tui.modals.choose import ChooseModal
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import line, pad
from tui.wizards.cluster import content
from tui.wizards.cluster.body import FormBody
from tui.wizards.cluster.pages import ABOUT_FIELDS, NETWORK_FIELDS, SETTING_FIELDS


class AboutPage(FormBody):
    """Name and tags."""

    def questions(self) -> Sequence[Question]:
        """Return the fields."""
        return ABOUT_FIELDS

    def problem(self, key: str) -> str:
        """Return what is wrong with a field, also that the project has a cluster of that name."""
        plane, name = self.wizard.plane, self.state.answers["name"]
        if key == "name" and plane is not None and name in plane.taken:
            return f"The project has a cluster {name} already; choose another name."
        return super().problem(key)

    def show(self) -> None:
        """Show that the name is taken when the plane has answered."""
        if self.state.answers["name"] and self.form.current != "name":
            self.form.show_problem("name", self.problem("name"))


class VariablesPage(FormBody):
    """A field for each variable that the profiles ask for."""

    def questions(self) -> Sequence[Question]:
        """Return a question for each variable."""
        several = len({uid for uid, _ in self.state.asked}) > 1
        names = {item["uid"]: item["name"] for item in self.state.profiles}
        return [question_of(uid, variable, names[uid] if several else "") for uid, variable in self.state.asked]

    def values(self) -> Mapping[str, Any]:
        """Return the values by `UID/VARIABLE`; those of several lines are lists."""
        result: dict[str, Any] = {}
        for uid, variable in self.state.asked:
            value = self.state.value(uid, variable.name)
            result[f"{uid}/{variable.name}"] = (
                value.split("\n")
                if variable.input == "multiline" and value
                else ([] if variable.input == "multiline" else value)
            )
        return result

    def put(self, key: str, value: Any) -> bool:
        """Take a value."""
        uid, _, name = key.partition("/")
        return self.state.put_value(uid, name, "\n".join(value) if isinstance(value, list) else str(value))


def question_of(uid: str, variable: Variable, profile: str) -> Question:
    """Return the question for a variable; `profile` is named where several profiles ask."""
    default = "" if variable.default == COVER else variable.default
    options = [Choice(item.value, item.value) for item in variable.options]
    if variable.input == "dropdown":
        options = [Choice("", f"as the profile has it ({default})" if default else "not set"), *options]
    kind = {"dropdown": "choice", "multiline": "lines"}.get(variable.input, "text")

    def check(value: Any, _answers: Mapping[str, Any]) -> str:
        text = "\n".join(value) if isinstance(value, list) else str(value)
        wrong = problem_with(variable, text)
        return f"{wrong}." if wrong else ""

    where = f" Of the profile {profile}." if profile else ""
    placeholder = "the default of the profile" if variable.masked and variable.default else clean(default, 40)
    return Question(
        f"{uid}/{variable.name}",
        clean(variable.display or variable.name, 24),
        "secret" if variable.masked and kind == "text" else kind,
        help=f"{clean(variable.description, 300)}{where}".strip() or f"Variable {variable.name}.",
        choices=tuple(options),
        required=variable.required and not variable.default,
        placeholder=placeholder,
        secret=variable.masked,
        check=check,
    )


class NetworkPage(FormBody):
    """VIP or DNS name; below the networks that the profile gives."""

    DEFAULT_CSS = "NetworkPage { & QuestionForm { height: 1fr; } & #networks { height: 3; } }"

    def questions(self) -> Sequence[Question]:
        """Return the fields."""
        return NETWORK_FIELDS

    def compose(self) -> ComposeResult:
        """Yield the fields, and the networks."""
        yield from super().compose()
        yield LineView(id="networks")

    def show(self) -> None:
        """Show the networks."""
        view = self.query_one("#networks", LineView)
        view.can_focus = False
        view.set_lines(content.network_lines(self.state, max(view.room, 20)))


class SettingsPage(FormBody):
    """Time servers, SSH keys, time zone, namespaces and role bindings."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,f8", "choose", "SSH key", show=False, id="wizard-choose"),
    ]

    def questions(self) -> Sequence[Question]:
        """Return the fields."""
        return SETTING_FIELDS

    def action_choose(self) -> None:
        """Offer the SSH keys that the plane stores."""
        self.wizard.run_task("Reading the SSH keys of the plane", self._offer)

    async def _offer(self) -> None:
        keys = await self.wizard.api.stored_keys(self.wizard.plane_context())
        if not keys:
            self.wizard.announce("The plane stores no SSH key; paste one.", "warn")
            return
        room = max(len(name) for name, _ in keys)
        lines = [
            line(pad(name, room), (f"  {clean(text.rpartition(' ')[2], 40)}", "muted"), key=str(place))
            for place, (name, text) in enumerate(keys)
        ]

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            text = keys[int(answer)][1]
            known = [item for item in self.state.answers["ssh_keys"] if item.strip()]
            if text not in known and self.put("ssh_keys", [*known, text]):
                self.form.put("ssh_keys", self.state.answers["ssh_keys"])
                self.wizard.changed()

        self.app.push_screen(ChooseModal("SSH keys of the plane", lines), chosen)

    def keys(self) -> list[KeyHint]:
        """Return the keys of the fields; a stored SSH key can be chosen."""
        more = self.wizard.key_hint("wizard-choose", "a stored key") if self.form.current == "ssh_keys" else []
        return [*super().keys(), *more]

"""The page of variables: what is asked for when a cluster is made, and how many layers use each."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.core.profiles.model import Variable
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, wrap
from tui.wizards.parts.list import PageList
from tui.wizards.parts.rows import RowModal
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pages import VARIABLE_FIELDS, row_of, variable_of


class VariablesPage(PageBody):
    """A line for each variable; enter opens it. Names that layers use without a definition are offered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "add", "Add", show=False, id="wizard-add"),
        Binding("x,delete", "remove", "Remove", show=False, id="wizard-remove"),
        Binding("K,shift+up", "shift(-1)", "Up", show=False, id="wizard-earlier"),
        Binding("J,shift+down", "shift(1)", "Down", show=False, id="wizard-later"),
    ]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        yield PageList(id="variables")

    @property
    def _view(self) -> LineView:
        return self.query_one("#variables", LineView)

    def begin(self, last: bool = False) -> None:
        """Point at the first line."""
        self.show()
        self._view.focus()

    def show(self) -> None:
        """List the variables."""
        self._view.set_lines(content.variables_lines(self.state, min(max(self._view.room, 20), 110)))

    @property
    def _place(self) -> int:
        kind, _, rest = self._view.cursor_key.partition("/")
        return int(rest) if kind == "variable" else -1

    @on(LineView.Pointed, "#variables")
    def _pointed(self) -> None:
        self.wizard.refresh_around()

    @on(LineView.Chosen, "#variables")
    def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, rest = event.key.partition("/")
        if self._place >= 0:
            self._open(self._place, self.state.profile.variables[self._place])
        else:
            self._open(len(self.state.profile.variables), Variable(rest if kind == "missing" else "", required=True))

    def action_add(self) -> None:
        """Add a variable."""
        self._open(len(self.state.profile.variables), Variable("", required=True))

    def _open(self, place: int, variable: Variable) -> None:
        def given(row: dict[str, object] | None) -> None:
            if row is None:
                return
            variables = list(self.state.profile.variables)
            variables[place : place + 1] = [variable_of(row, variable)]
            self._take(variables, f"variable/{place}")

        self.app.push_screen(RowModal(VARIABLE_FIELDS, row_of(variable), {}), given)

    def _take(self, variables: list[Variable], key: str) -> None:
        self.state.put_variables(variables)
        self.wizard.changed()
        self.show()
        self._view.point_at(key)

    def action_remove(self) -> None:
        """Remove the variable under the cursor."""
        place = self._place
        if place >= 0:
            variables = list(self.state.profile.variables)
            removed = variables.pop(place)
            self._take(variables, f"variable/{min(place, len(variables) - 1)}")
            used = self.state.uses().get(removed.name, ())
            rest = f"; {', '.join(used[:3])} still refer to it" if used else ""
            self.wizard.announce(f"Variable {removed.name} removed{rest}.", "warn" if used else "info")

    def action_shift(self, step: int) -> None:
        """Move the variable under the cursor up or down."""
        place, other = self._place, self._place + step
        variables = list(self.state.profile.variables)
        if place >= 0 and 0 <= other < len(variables):
            variables[place], variables[other] = variables[other], variables[place]
            self._take(variables, f"variable/{other}")

    def hint(self, width: int) -> list[Line]:
        """Describe the variable under the cursor."""
        if self._place >= 0:
            return content.variable_lines(self.state, self.state.profile.variables[self._place], width)
        text = "Values of layers refer to a variable as {{.spectro.var.NAME}}; a profile needs none."
        return wrap(text, width, role="muted")

    def keys(self) -> list[KeyHint]:
        """Return the keys of the list."""
        key = self.wizard.key_hint
        many = len(self.state.profile.variables) > 1
        return [
            KeyHint("enter", "open" if self._place >= 0 else "add"),
            *key("wizard-add", "add"),
            *(key("wizard-remove", "remove") if self._place >= 0 else ()),
            *(key("wizard-earlier", "up") if many and self._place >= 0 else ()),
            KeyHint("pgdn", "next"),
            KeyHint("esc", "back"),
        ]

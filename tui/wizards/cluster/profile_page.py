"""The page of profiles: one full or infrastructure profile in a version, and add-ons."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, wrap
from tui.wizards.cluster import content
from tui.wizards.cluster.body import PageBody
from tui.wizards.parts.list import TurningList


class ProfilePage(PageBody):
    """A line for each published version; enter chooses it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c,f4", "check", "Ask again", show=False, id="wizard-check")]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        yield TurningList(id="profiles")

    @property
    def _view(self) -> TurningList:
        return self.query_one("#profiles", TurningList)

    def begin(self, last: bool = False) -> None:
        """Point at what is chosen."""
        self.show()
        chosen = self.state.profiles[0]["uid"] if self.state.profiles else ""
        self._view.begin_at(f"profile/{chosen}")

    def show(self) -> None:
        """List the profiles."""
        plane = self.wizard.plane
        entries = None if plane is None else plane.profiles
        width = min(max(self._view.room, 20), 120)
        self._view.set_lines(content.profile_lines(self.state, entries, self.wizard.plane_problem, width))

    def action_check(self) -> None:
        """Ask the plane again where it did not answer."""
        self.wizard.ask_plane()

    @on(LineView.Pointed, "#profiles")
    def _pointed(self) -> None:
        self.wizard.refresh_around()

    @on(LineView.Chosen, "#profiles")
    def _chosen(self, event: LineView.Chosen) -> None:
        uid = event.key.partition("/")[2]
        row = next((entry.row for entry in self.wizard.plane.profiles if entry.row.uid == uid), None)
        if row is not None and not self.wizard.busy:
            self.state.take_profile(row.uid, row.name, row.version, row.kind)
            self.wizard.changed()
            self.wizard.open_variables()
            self.show()

    def refusal(self) -> str:
        """Return that no infrastructure is chosen."""
        chosen = [item for item in self.state.profiles if item["kind"] != "add-on"]
        return "" if chosen else "Choose a full or infrastructure profile: enter."

    def hint(self, width: int) -> list[Line]:
        """Describe the profile under the cursor."""
        uid = self._view.cursor_key.partition("/")[2]
        rows = self.wizard.plane.profiles if self.wizard.plane is not None else ()
        row = next((entry.row for entry in rows if entry.row.uid == uid), None)
        if row is None:
            return []
        layers = ", ".join(" ".join(layer.split()[1:]) for layer in row.layers)
        return wrap(f"{row.name} {row.version}: {layers}", width, role="muted")

    def keys(self) -> list[KeyHint]:
        """Return the keys of the list."""
        again = self.wizard.key_hint("wizard-check", "ask again") if self.wizard.plane is None else []
        return [*again, KeyHint("enter", "choose"), KeyHint("pgdn", "next"), KeyHint("esc", "back")]

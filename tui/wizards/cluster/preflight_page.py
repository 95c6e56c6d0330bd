"""The page of the preflight: what each host reports about itself, and what the plane finds."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.modals.read import ReadModal
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, wrap
from tui.wizards.cluster import content
from tui.wizards.cluster.body import PageBody
from tui.wizards.parts.list import TurningList


class PreflightPage(PageBody):
    """Begins by itself for hosts that have no result yet; `c` asks all of them again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c,f4", "check", "Check again", show=False, id="wizard-check")]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        yield TurningList(id="preflight")

    @property
    def _view(self) -> LineView:
        return self.query_one("#preflight", LineView)

    def begin(self, last: bool = False) -> None:
        """Ask the hosts."""
        self.show()
        self._view.focus()
        self.wizard.begin_preflight()

    def show(self) -> None:
        """Show the results."""
        width = min(max(self._view.room, 20), 120)
        wizard = self.wizard
        self._view.set_lines(content.preflight_lines(self.state, wizard.plane_doing, wizard.now, width))

    def action_check(self) -> None:
        """Ask all hosts again."""
        self.wizard.begin_preflight(again=True)

    @on(LineView.Chosen, "#preflight")
    def _chosen(self, event: LineView.Chosen) -> None:
        uid = event.key.partition("/")[2]
        result = self.state.results.get(uid)
        if result is None or not result.checks:
            return
        name = next((host["name"] for host in self.state.hosts if host["uid"] == uid), uid)

        def shown(width: int) -> list[Line]:
            return [each for check in result.checks for each in content.check_lines(check, width)] or [line()]

        self.app.push_screen(ReadModal(f"Preflight of {name}", shown))

    def hint(self, width: int) -> list[Line]:
        """Return what a failed check means."""
        unready = self.state.unready()
        text = "Hosts check again before they form the cluster; what failed makes them wait."
        if unready:
            text = f"Correct what failed on {', '.join(unready[:4])}, then c. You can continue; these hosts wait."
        return wrap(text, width, role="muted")

    def keys(self) -> list[KeyHint]:
        """Return the keys of the list."""
        again = self.wizard.key_hint("wizard-check", "check again")
        return [KeyHint("enter", "all checks"), *again, KeyHint("pgdn", "next"), KeyHint("esc", "back")]

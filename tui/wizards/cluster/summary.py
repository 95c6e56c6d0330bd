"""The last page: everything again, what never changes, and `b` that creates the cluster."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line
from tui.wizards.cluster.body import PageBody
from tui.wizards.cluster.summary_content import summary_lines
from tui.wizards.parts.list import PageList


class SummaryPage(PageBody):
    """Nothing is created before `b`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("b,f5", "finish", "Create", show=False, id="wizard-build")]

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        yield PageList(id="summary")

    @property
    def _view(self) -> LineView:
        return self.query_one("#summary", LineView)

    def begin(self, last: bool = False) -> None:
        """Show it, and let the plane check it."""
        self.show()
        self._view.focus()

    def show(self) -> None:
        """Show the summary."""
        width = min(max(self._view.room, 20), 120)
        wizard = self.wizard
        self._view.set_lines(summary_lines(self.state, wizard.store_refusal(), wizard.plane_doing, width))

    @on(LineView.Chosen, "#summary")
    async def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, key = event.key.partition("/")
        if kind == "page":
            await self.wizard.open_page(key)

    def action_finish(self) -> None:
        """Create the cluster."""
        self.wizard.finish()

    def hint(self, width: int) -> list[Line]:
        """Return what the command line does for the same cluster."""
        return [line(("same as   edgewright apply -f FILE   (w writes the file)", "muted"))]

    def keys(self) -> list[KeyHint]:
        """Return the keys of the summary."""
        create = self.wizard.key_hint("wizard-build", "create")
        return [*create, KeyHint("enter", "to the page"), KeyHint("esc", "back")]

"""The last page: what is stored, what stops a publish, what differs from the version before; draft or publish."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.core.errors import EdgewrightError
from tui.frame.fetch import sentence
from tui.modals.read import ReadModal
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, heading, line
from tui.widgets.profiles.diff import diff_lines
from tui.wizards.parts.list import PageList
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pages import VALUES
from tui.wizards.profile.wizard_state import page_of


class SummaryPage(PageBody):
    """Everything again. Nothing is stored before `s` or `p`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "finish(False)", "Store as a draft", show=False, id="wizard-store"),
        Binding("p", "finish(True)", "Publish", show=False, id="wizard-publish"),
        Binding("d", "lines", "The lines that differ", show=False, id="wizard-difference"),
    ]

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        self._difference: Any = None
        self._rows: list[Any] = []
        self._before = ""
        yield PageList(id="summary")

    @property
    def _view(self) -> LineView:
        return self.query_one("#summary", LineView)

    def begin(self, last: bool = False) -> None:
        """Show it, and compare with the version before."""
        self.show()
        self._view.focus()
        self._compare()

    def show(self) -> None:
        """Show the summary."""
        width = min(max(self._view.room, 20), 120)
        refused = self.wizard.store_refusal()
        changes = content.changes_lines(self._difference, self._before, self.api, width)
        self._view.set_lines([*content.summary_lines(self.state, refused, width), *changes])

    @work(exclusive=True, group="wizard:compare", exit_on_error=False)
    async def _compare(self) -> None:
        plane = self.wizard.plane
        if plane is None and self.state.base is None:
            self._before = "not compared: the plane did not list its profiles"
            self.show()
            return
        uid = self.api.version_before(self.state.profile, plane.profiles if plane is not None else (), self.state.base)
        if not uid:
            self._before = "This is the first version."
            self.show()
            return
        self._before = "comparing with the version before"
        self.show()
        try:
            base = self.state.base or await self.api.load(self.wizard.plane_context(), uid)
            await self.wizard.know_packs(base.profile)
            compared = await asyncio.to_thread(
                self.api.compared, base.profile, self.state.profile, dict(self.state.packs), self.wizard.macros
            )
            self._rows = await asyncio.to_thread(lambda: [layer.difference.rows() for layer in compared.layers])
            self._difference = compared
        except EdgewrightError as error:
            self._before = f"not compared: {sentence(error)}"
        if self.is_attached:
            self.show()
            self.wizard.refresh_around()  # the lines that differ have a key now

    @on(LineView.Chosen, "#summary")
    async def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, rest = event.key.partition("/")
        if kind == "page":
            await self.wizard.open_page(rest.partition("/")[0])
        elif kind == "problem" and int(rest) < len(self.state.problems):
            problem = self.state.problems[int(rest)]
            place = next((at for at, layer in enumerate(self.state.layers) if layer.key == problem.layer), None)
            if place is not None:
                self.state.layer = place
            key = page_of(problem)
            await self.wizard.open_page(key, problem.line - 1 if key == VALUES else 0)

    def action_finish(self, publish: bool) -> None:
        """Store the profile as a draft, or publish it."""
        self.wizard.finish(publish)

    def action_lines(self) -> None:
        """Show the lines that differ from the version before."""
        if self._difference is None:
            self.wizard.announce("There is no version before to compare with.", "info")
            return
        compared = self._difference.difference

        def shown(width: int) -> list[Line]:
            out: list[Line] = []
            for layer, rows in zip(self._difference.layers, self._rows, strict=True):
                lines = diff_lines(rows, width, compared.before, compared.after)
                if lines:
                    out += [heading(layer.difference.layer, width, layer.difference.what), *lines, line()]
            return out or [line(("Nothing differs in the values of the layers.", "muted"))]

        self.app.push_screen(ReadModal("What differs", shown))

    def hint(self, width: int) -> list[Line]:
        """Return what the command line does for the same profile."""
        return [line(("same as   edgewright apply -f DIRECTORY   (w writes the directory)", "muted"))]

    def side(self, width: int) -> list[Line]:
        """Return nothing: the summary has the screen."""
        return []

    def keys(self) -> list[KeyHint]:
        """Return the keys of the summary."""
        key = self.wizard.key_hint
        return [
            *key("wizard-publish", "publish"),
            *key("wizard-store", "store as draft"),
            *(key("wizard-difference", "lines") if self._difference is not None else ()),
            KeyHint("enter", "to the page"),
            KeyHint("esc", "back"),
        ]

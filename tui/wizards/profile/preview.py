"""The page of the preview: what the profile resolves to with example values, with values given, or for a host."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.core.errors import EdgewrightError
from edgewright.core.profiles.problems import ERROR, OPEN, WARNING
from edgewright.core.text import amount, clean
from edgewright.store.collections.hosts import HOSTS
from edgewright.store.collections.projects import PROJECTS
from tui.frame.fetch import sentence
from tui.modals.choose import ChooseModal
from tui.modals.form import Field, FormModal
from tui.widgets.frame import FrameLine
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, pad, wrap
from tui.wizards.parts.list import PageList
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody

MOST_HOSTS = 500
"""Hosts that are offered; the title has the number of all."""
MOST_GIVEN = 12
"""Variables that can be given a value at once."""


class PreviewPage(PageBody):
    """The resolved values. It resolves in a worker, since large profiles take a while."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,f8", "choose", "Host", show=False, id="wizard-choose"),
        Binding("e", "give", "Values", show=False, id="wizard-give"),
    ]
    DEFAULT_CSS = "PreviewPage { & #preview-head { height: 1; } & #resolved { height: 1fr; } }"

    def compose(self) -> ComposeResult:
        """Yield for what it is shown, and the text."""
        self._findings: Any = None
        self._resources: list[Any] = []
        self._width = 0
        yield FrameLine(id="preview-head")
        yield PageList(id="resolved")

    @property
    def _view(self) -> LineView:
        return self.query_one("#resolved", LineView)

    def begin(self, last: bool = False) -> None:
        """Resolve the profile."""
        self._view.focus()
        self._view.set_lines([line(("► ", "work"), "Resolving the profile")])
        self._resolve()

    @work(exclusive=True, group="wizard:preview", exit_on_error=False)
    async def _resolve(self) -> None:
        state, host = self.state, self._host()
        project = self._projects().get(host.project_uid, "") if host is not None else ""
        macros = self.wizard.macros
        try:
            values = await asyncio.to_thread(self.api.preview_values, state.profile, dict(state.given), host, project)
            given = {"variables": values.variables, "system": values.system}
            self._findings = await asyncio.to_thread(
                self.api.examine, state.profile, dict(state.packs), macros, **given
            )
            self._resources = []
            if host is not None and self._findings.resolution is not None:
                size = (host.name, host.cpu or 0, host.memory_mb or 0)
                packs = dict(state.packs)
                self._resources = await asyncio.to_thread(
                    self.api.host_problems, self._findings.resolution, packs, *size
                )
        except EdgewrightError as error:
            self.wizard.announce(sentence(error), "bad")
            return
        if self.is_attached:
            self._width = 0
            self.show()
            self.wizard.refresh_around()

    def _projects(self) -> dict[str, str]:
        return {uid: row.name for uid, row in self.wizard.session.store.model.rows(PROJECTS).items()}

    def _host(self) -> Any:
        return next((row for row in self._hosts() if row.uid == self.state.host), None)

    def _hosts(self) -> list[Any]:
        return sorted(self.wizard.session.store.model.rows(HOSTS).values(), key=lambda row: row.name)

    def show(self) -> None:
        """Show what was resolved."""
        width = max(self._view.room, 20)
        host = self._host()
        given = {name for name, text in self.state.given.items() if text}
        variables = [item.name for item in self.state.profile.variables if not item.default]
        examples = [name for name in variables if name not in given]
        shown_for = f"for host {host.name}" if host is not None else "with example values"
        if host is None and variables and not examples:
            shown_for = "with the values that you gave"
        more = f" and {len(examples) - 4} more" if len(examples) > 4 else ""
        rest = f"; examples for {', '.join(examples[:4])}{more}" if examples else ""
        self.query_one("#preview-head", FrameLine).set_line(line((f"{shown_for}{rest}", "muted")))
        if self._findings is not None and width != self._width:
            self._draw(width)

    @work(exclusive=True, group="wizard:preview-lines", exit_on_error=False)
    async def _draw(self, width: int) -> None:
        """Make the lines in a thread: they are as many as the values have."""
        self._width = width
        known = set(self.state.problems)
        wrong = [row for row in self._findings.problems if row.severity == ERROR]
        problems = [*(row for row in wrong if row in known), *self._resources]
        problems += [
            row._replace(severity=WARNING, message=f"With these values: {row.message}")
            for row in wrong
            if row not in known
        ]
        lines = await asyncio.to_thread(content.preview_lines, self._findings.resolution, problems, width)
        if self.is_attached:
            self._view.set_lines(lines)

    def action_choose(self) -> None:
        """Offer the hosts, and the examples."""
        every = self._hosts()
        hosts = every[:MOST_HOSTS]
        room = max((len(host.name) for host in hosts), default=8)
        lines = [line("example values", key="-")]
        for host in hosts:
            text = f"  {clean(host.site, 20)}  {host.cluster or 'no cluster'}"
            lines.append(line(pad(host.name, room), (text, "muted"), key=host.uid))

        def chosen(uid: str | None) -> None:
            if uid is not None:
                self.state.host = "" if uid == "-" else uid
                self._resolve()

        title = (
            f"Preview for (the first {len(hosts)} of {len(every):,} hosts)"
            if len(every) > len(hosts)
            else "Preview for"
        )
        self.app.push_screen(ChooseModal(title, lines, self.state.host or "-"), chosen)

    def action_give(self) -> None:
        """Ask for values of the variables."""
        variables = [item for item in self.state.profile.variables if not item.hidden and not item.read_only]
        if not variables:
            self.wizard.announce("The profile has no variable that could be given a value.", "info")
            return
        fields = [
            Field(
                item.name,
                clean(item.display or item.name, 15),
                item.description,
                self.state.given.get(item.name, ""),
                secret=item.masked,
            )
            for item in variables[:MOST_GIVEN]
        ]

        def given(answers: dict[str, str] | None) -> None:
            if answers is not None:
                self.state.given.update(answers)
                self._resolve()

        title = "Values for the preview"
        if len(variables) > MOST_GIVEN:
            title += f" (the first {MOST_GIVEN} of {len(variables)})"
        self.app.push_screen(FormModal(title, fields, go="Show"), given)

    def hint(self, width: int) -> list[Line]:
        """Return what has no value yet."""
        if self._findings is None:
            return []
        open_ = [row for row in self._findings.problems if row.severity == OPEN]
        text = f"{amount(len(open_), 'reference')} without a value yet: that depends on the cluster."
        text = text if open_ else "All references have a value."
        return wrap(text, width, role="muted")

    def side(self, width: int) -> list[Line]:
        """Return nothing: the text has the screen."""
        return []

    def keys(self) -> list[KeyHint]:
        """Return the keys of the preview."""
        key = self.wizard.key_hint
        own = [*key("wizard-choose", "host"), *key("wizard-give", "give values")]
        return [KeyHint("enter", "next"), *own, KeyHint("esc", "back")]

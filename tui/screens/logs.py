"""The agent's log of one host, asked of the host through the plane and shown when it comes."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from edgewright.commands import registry
from edgewright.commands.base import Scope
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from tui.screens.fetching import sentence
from tui.screens.reader import ReaderScreen
from tui.widgets.lines import Line, Role, line, wrap

LINES = 200


class LogsScreen(ReaderScreen):
    """Orders the log, says that it waits (the host sends it at its next heartbeat), then shows it to search in."""

    scope: ClassVar[Scope] = "global"
    view = "logs"
    hints = (*ReaderScreen.hints, "retry=ask again")

    def begin(self) -> None:
        """Ask for the log."""
        super().begin()
        self._lines: list[str] = []
        self._told, self._error, self._waiting, self._since = "", "", False, self.now
        self.action_retry()

    @property
    def crumb(self) -> str:
        """Say whose log it is."""
        row = self.session.store.model.hosts.get(self.target)
        return f"log of {row.name if row else self.target}"

    def tick(self) -> None:
        """Say how long it is waited."""
        if self._waiting:
            self.select()

    def text_lines(self, width: int) -> list[Line]:
        """Return the log, or what it waits for."""
        if self._error:
            return wrap(self._error, width, "▲ ", "  ", role="bad")
        if self._waiting:
            told = self._told or "asking the plane"
            return [line(("► ", "work"), f"{told[0].upper()}{told[1:]} ({max(self.now - self._since, 0):.0f} s).")]
        return [log_line(text) for text in self._lines] or [line(("The log is empty.", "muted"))]

    def action_retry(self) -> None:
        """Ask again."""
        self._waiting, self._error, self._since = True, "", self.now
        self.select()
        self._ask_host()

    @work(exclusive=True, group="logs:fetch", exit_on_error=False)
    async def _ask_host(self) -> None:
        command = registry.by_name("host logs")
        try:
            if command is None or self.session.make_context is None:
                self._error = "There is no plane to ask: this shows what was recorded."
                return
            context = self.session.make_context()
            args = {"lines": LINES}
            plan = await command().plan(context, (self.target,), args)
            outcome = await command().apply(context, plan, args, self._report)
            self._lines = str(getattr(outcome.result, "text", "")).split("\n") if outcome.result else []
        except EdgewrightError as error:
            self._error = sentence(error)
        finally:
            self._waiting = False
            self.select()
            self.text.scroll_end(animate=False)

    def _report(self, text: str) -> None:
        self._told = text
        self.select()


def log_line(text: str) -> Line:
    """Return a line of a log; what sounds like an error or a warning is coloured, and keeps its words."""
    shown = clean(text, 4096)
    low = shown.lower()
    role: Role = "bad" if "error" in low or "fatal" in low else "warn" if "warn" in low or "refused" in low else ""
    return line((shown, role))

"""A screen whose text a host sends when it is asked: what fills its disk, or its checks."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from edgewright.commands.kernel.base import Scope
from edgewright.commands.kernel.context import CommandContext
from edgewright.core.errors import EdgewrightError
from tui.frame.fetch import sentence
from tui.frame.pager.pager import ReaderScreen
from tui.widgets.lines import Line, line, wrap


class AskingScreen(ReaderScreen):
    """Asks the host when it opens; ctrl+r asks again. Subclasses fetch the answer and make lines of it."""

    scope: ClassVar[Scope] = "global"
    again: ClassVar[str]
    """What ctrl+r does, for the sentence of an error."""

    async def fetch(self, context: CommandContext) -> None:
        """Fetch and store the answer. Raises an `EdgewrightError` when there is none."""
        raise NotImplementedError

    def answer_lines(self, width: int) -> list[Line]:
        """Return the lines of the answer."""
        raise NotImplementedError

    def begin(self) -> None:
        """Ask the host."""
        super().begin()
        self._report_text, self._error, self._waiting, self._since = "", "", False, self.now
        self.action_retry()

    def tick(self) -> None:
        """Count the time while the host has not responded."""
        if self._waiting:
            self.select()

    def text_lines(self, width: int) -> list[Line]:
        """Return the answer, or what it waits for."""
        if self._error:
            return wrap(f"{self._error} ctrl+r {self.again}.", width, "▲ ", "  ", role="bad")
        if self._waiting:
            text = self._report_text or "asking the plane"
            return [line(("► ", "work"), f"{text[0].upper()}{text[1:]} ({max(self.now - self._since, 0):.0f} s).")]
        return self.answer_lines(width)

    def action_retry(self) -> None:
        """Ask the host again."""
        if not self._waiting:
            self._waiting, self._error, self._since = True, "", self.now
            self.select()
            self._ask_host()

    @work(exclusive=True, group="host:ask", exit_on_error=False)
    async def _ask_host(self) -> None:
        try:
            if self.session.make_context is None:
                self._error = "There is no plane to ask: this shows what was recorded."
                return
            await self.fetch(self.session.make_context())
        except EdgewrightError as error:
            self._error = sentence(error)
        finally:
            self._waiting = False
            if self.is_there:
                self.select()

    def report(self, text: str) -> None:
        """Show how far it is."""
        self._report_text = text
        self.select()

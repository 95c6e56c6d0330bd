"""The log of a build; new lines come while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from textual import work

from edgewright.commands.base import Scope
from edgewright.core.errors import EdgewrightError
from tui.screens.fetching import sentence
from tui.screens.installers_watch import PAUSE
from tui.screens.logs import log_line
from tui.screens.reader import ReaderScreen
from tui.widgets.lines import Line, line, wrap

LINES = 2000


class InstallerLogScreen(ReaderScreen):
    """Shows the last lines of the log of build `target`, at its end unless the person scrolled up."""

    scope: ClassVar[Scope] = "global"
    view = "installer-log"

    def begin(self) -> None:
        """Read it, then once a second."""
        super().begin()
        self._lines: list[str] | None = None
        self._error = ""
        self._read()
        self.set_interval(PAUSE, self._read_again)

    @property
    def crumb(self) -> str:
        """Say that it is a log."""
        return "log"

    def _read_again(self) -> None:
        if self._shown:
            self._read()

    @property
    def _source(self) -> Callable[[str, int], list[str]]:
        found: Any = self.session.installer
        if found is None:
            from edgewright.commands import installer as found
        source: Callable[[str, int], list[str]] = found.build_log
        return source

    @work(exclusive=True, group="installer-log:read", exit_on_error=False)
    async def _read(self) -> None:
        try:
            found = await asyncio.to_thread(self._source, self.target, LINES)
        except EdgewrightError as error:
            self._error, found = sentence(error), []
        if found != self._lines and self.is_mounted:
            at_end = self.text.scroll_offset.y >= self.text.max_scroll_y
            self._lines = found
            self.select()
            if at_end:
                self.text.scroll_end(animate=False)

    def text_lines(self, width: int) -> list[Line]:
        """Return the log, or what it waits for."""
        if self._error:
            return wrap(self._error, width, "▲ ", "  ", role="bad")
        if self._lines is None:
            return [line(("► ", "work"), "Reading ...")]
        return [log_line(text) for text in self._lines] or [line(("The log is empty.", "muted"))]

"""The log of a build; it is followed while it is open, unless the user stops that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from textual import work

from edgewright.commands.base import Scope
from edgewright.core.errors import EdgewrightError
from tui.screens.fetching import sentence
from tui.screens.installers_watch import PAUSE
from tui.screens.log_reader import LogReaderScreen
from tui.widgets.lines import Role

LINES = 2000


class InstallerLogScreen(LogReaderScreen):
    """Shows the log of build `target`, at its end unless the user scrolled up."""

    scope: ClassVar[Scope] = "global"
    view = "installer-log"

    def begin(self) -> None:
        """Read it, then once a second."""
        super().begin()
        self._read_once = False
        self._error = ""
        self.following = True
        self._read()
        self.set_interval(PAUSE, self._read_again)

    @property
    def crumb(self) -> str:
        """Name the kind of view."""
        return "log"

    def status(self) -> list[tuple[str, Role]]:
        """Return what is read or what failed."""
        if self._error:
            return [(self._error, "bad")]
        if not self._read_once:
            return [("Reading ...", "work")]
        return [] if self.log_lines.lines else [("The log is empty.", "muted")]

    def follow_changed(self) -> None:
        """Read at once when it is followed again."""
        self._read_again()

    def _read_again(self) -> None:
        if self._shown and self.following:
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
        error, new = "", 0
        try:
            new = self.log_lines.take(await asyncio.to_thread(self._source, self.target, LINES))
        except EdgewrightError as failure:
            error = sentence(failure)
        if self.is_mounted and (new or error != self._error or not self._read_once):
            self._error, self._read_once = error, True
            self.select()
            self.show_frame()

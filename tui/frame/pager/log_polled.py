"""A log on this machine, read once a second while it is in front and followed."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from textual import work

from edgewright.core.errors import EdgewrightError
from tui.frame.fetch import sentence
from tui.frame.pager.log_pager import LogReaderScreen
from tui.widgets.lines import Role

PAUSE = 1.0
"""Seconds between two looks."""


class PolledLogScreen(LogReaderScreen):
    """Shows what `read_lines` gives, at its end unless the user scrolled up."""

    def begin(self) -> None:
        """Read it, then once a second."""
        super().begin()
        self._read_once = False
        self._error = ""
        self.following = True
        self._read()
        self.set_interval(PAUSE, self._read_again)

    @abstractmethod
    def read_lines(self) -> list[str]:
        """Return the last lines; called in a thread. Raises `EdgewrightError`."""

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

    @work(exclusive=True, group="log:read", exit_on_error=False)
    async def _read(self) -> None:
        error, new = "", 0
        try:
            new = self.log_lines.take(await asyncio.to_thread(self.read_lines))
        except EdgewrightError as failure:
            error = sentence(failure)
        if self.is_there and (new or error != self._error or not self._read_once):
            self._error, self._read_once = error, True
            self.select()
            self.show_frame()

"""A log that is read again and again while it is in front and followed: once a second where it is on this machine."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import work

from edgewright.core.errors import EdgewrightError
from tui.frame.fetch import sentence
from tui.frame.pager.log_pager import LogReaderScreen
from tui.widgets.lines import Role

PAUSE = 1.0
"""Seconds between two looks."""


class PolledLogScreen(LogReaderScreen):
    """Shows what `read_lines` gives, at its end unless the user scrolled up."""

    pause: ClassVar[float] = PAUSE

    def begin(self) -> None:
        """Read it, then once a second."""
        super().begin()
        self._read_once = False
        self._error = ""
        self._reading = False
        self.following = True
        self._read()
        self.set_interval(self.pause, self._read_again)

    def read_lines(self) -> list[str]:
        """Return the last lines; called in a thread. Raises `EdgewrightError`."""
        raise NotImplementedError

    async def fetch_lines(self) -> list[str]:
        """Return the last lines; what is not on this machine is fetched here. Raises `EdgewrightError`."""
        return await asyncio.to_thread(self.read_lines)

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
        if self._shown and self.following and not self._reading:
            self._read()

    @work(exclusive=True, group="log:read", exit_on_error=False)
    async def _read(self) -> None:
        error, new = "", 0
        self._reading = True
        try:
            new = self.log_lines.take(await self.fetch_lines())
        except EdgewrightError as failure:
            error = sentence(failure)
        finally:
            self._reading = False
        if self.is_there and (new or error != self._error or not self._read_once):
            self._error, self._read_once = error, True
            self.select()
            self.show_frame()

"""An unexpected exception ends the console, and is source the one who started it, not painted over the terminal.

Textual 8.2.8 prints a traceback of many screens with the values of variables in it, which may be secrets, and its
`run` then returns None as after an orderly end. Here the exception is stored in `defect`; the terminal is given back as
always.
"""

from __future__ import annotations

import logging

from textual.app import App

log = logging.getLogger(__name__)


class StoresDefect(App[int]):
    """An app that stores the exception it ended with."""

    defect: Exception | None = None

    def _handle_exception(self, error: Exception) -> None:
        if self._exit:  # a screen that was still being mounted when the console ended is not a reason to end otherwise
            log.error("failed while the console ended", exc_info=error)
            return
        if self.defect is None:
            self.defect = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """End without printing: what went wrong is in `defect`."""
        self._close_messages_no_wait()

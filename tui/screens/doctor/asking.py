"""Questions while a connection opens from the console: the terminal is lent from the first one on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from edgewright.commands.site.terminal import TerminalAsker, asker
from tui.terminal.lend import terminal_lent

OPENED = "A site is opened by SSH; Ctrl-C leaves a question open, and ends the connecting while none is shown."


class LendingAsker:
    """Asks at the terminal; `lent` gives it back when the connection is there or was refused.

    Ctrl-C leaves a question open; while none is shown it calls `end`, which ends the connecting.
    """

    def __init__(self, app: Any, lent: ExitStack, end: Callable[[], object]) -> None:
        self._app, self._lent, self._end = app, lent, end
        self._terminal: Any = None

    def _at_terminal(self) -> Any:
        if self._terminal is None:
            self._terminal = asker(lent=True)
            if isinstance(self._terminal, TerminalAsker):
                self._lent.enter_context(terminal_lent(self._app, self._end))
                print(f"\n{OPENED}", file=sys.stderr, flush=True)  # noqa: T201
        return self._terminal

    async def accept_host_key(self, question: Any) -> bool | None:
        """Ask whether a host key is right."""
        answer: bool | None = await self._at_terminal().accept_host_key(question)
        return answer

    async def secret(self, prompt: str, *, shown: bool) -> str | None:
        """Ask for a password or code."""
        answer: str | None = await self._at_terminal().secret(prompt, shown=shown)
        return answer

    async def notice(self, text: str) -> None:
        """Show a line of the server."""
        await self._at_terminal().notice(text)

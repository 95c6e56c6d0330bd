"""Questions at the terminal while a connection opens: a host key that is not known, passwords, codes.

The terminal is read on the event loop, so that Ctrl-C ends a question at once and leaves the terminal as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Iterator

from edgewright.clients.ssh.auth.asking import Asker, HostKeyQuestion, NoAnswers
from edgewright.core.text import clean

MAX_ANSWER = 4096
"""Bytes of an answer; a terminal gives no longer line."""


CTRL_C = b"\x03"


def asker(*, lent: bool = False) -> Asker:
    """Return what asks at the terminal, or answers nothing where stdin is none; see `TerminalAsker`."""
    return TerminalAsker(sys.stdin.fileno(), lent) if sys.stdin is not None and sys.stdin.isatty() else NoAnswers()


class TerminalAsker:
    """Asks on stderr and reads from a terminal, one question at a time also for several hosts."""

    def __init__(self, descriptor: int, lent: bool = False) -> None:
        """`lent`: the console is behind it, which Ctrl-C must not end: it leaves a question open, as Ctrl-D does."""
        self._descriptor, self._lent = descriptor, lent
        self._turn = asyncio.Lock()
        self._accepted: set[tuple[str, bytes]] = set()

    async def accept_host_key(self, question: HostKeyQuestion) -> bool | None:
        """Show the fingerprint and ask; no is the default."""
        through = f", through {', '.join(map(clean, question.via))}," if question.via else ""
        lines = [
            f"The host key of {clean(question.host)} at {clean(question.address)}{through} is not known:",
            f"  {question.key.kind} {question.key.fingerprint}",
        ]
        added = f" and add it to {clean(question.file)}" if question.file else ""
        once = question.address, question.key.blob
        async with self._turn:
            if once in self._accepted:  # the jump host of several targets
                return True
            answer = await self._line("\n".join(lines) + f"\nAccept it{added}? [y/N] ", shown=True)
            if answer is None or answer.strip() not in ("y", "Y", "yes"):
                return False
            self._accepted.add(once)
            return True

    async def secret(self, prompt: str, *, shown: bool) -> str | None:
        """Ask for a password or code."""
        async with self._turn:
            return await self._line(prompt, shown=shown)

    async def notice(self, text: str) -> None:
        """Show a line."""
        async with self._turn:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    async def _line(self, prompt: str, *, shown: bool) -> str | None:
        """Return the line that is typed, None at the end of the input (Ctrl-D) or of the terminal."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            if not arrived.done():
                try:
                    arrived.set_result(os.read(self._descriptor, MAX_ANSWER))
                except OSError:  # hung up, or the terminal is no longer that of this process
                    arrived.set_result(b"")

        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201
        try:
            with self._modes(shown):
                loop.add_reader(self._descriptor, read)
                try:
                    data = await arrived
                finally:
                    loop.remove_reader(self._descriptor)
                    if not shown or not arrived.done():
                        with contextlib.suppress(OSError):
                            print(file=sys.stderr, flush=True)  # noqa: T201
        except termios.error:  # nothing is read where the answer would be seen
            return None
        left_open = not data or (self._lent and data.endswith(CTRL_C))
        return None if left_open else data.decode("utf-8", "replace").rstrip("\r\n")

    @contextlib.contextmanager
    def _modes(self, shown: bool) -> Iterator[None]:
        """Set the terminal for one question: no echo of a secret; where it is lent, Ctrl-C ends the line."""
        if shown and not self._lent:
            yield
            return
        before = termios.tcgetattr(self._descriptor)
        modes = [*before[:6], list(before[6])]
        if not shown:
            modes[3] &= ~termios.ECHO
        if self._lent:
            modes[3] &= ~termios.ISIG
            modes[6][termios.VEOL] = CTRL_C
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)
        try:
            yield
        finally:
            with contextlib.suppress(termios.error):  # hung up
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

"""What the two ways of reading a plane need of the feed that they belong to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from edgewright.core.errors import EdgewrightError, ExitCode


class Teller(Protocol):
    """Takes events, states and notes; `PlaneSource` is one."""

    def emit(self, kind: str, payload: dict[str, Any]) -> None:
        """Pass one event on."""
        ...

    def state(self, state: str, message: str = "", done: int = 0, total: int = 0) -> None:
        """Report that the plane answers, and how far the fill is."""
        ...

    def note(self, text: str, level: str = "warn") -> None:
        """Put one line on the message line."""
        ...


async def optional(teller: Teller, messages: set[str], what: str, read: Callable[[], Awaitable[None]]) -> bool:
    """Read a list that not every credential or plane gives; return whether it did, report a refusal once."""
    try:
        await read()
    except EdgewrightError as error:
        if error.exit_code not in (ExitCode.REFUSED, ExitCode.NOT_FOUND, ExitCode.INVALID) or error.code in _FATAL:
            raise
        if what not in messages:
            messages.add(what)
            teller.note(f"No {what} to be had from this plane: {error.message}")
        return False
    return True


_FATAL = frozenset({"UnAuthorizedAccess"})
"""Refusals of the credential itself, which end the entire feed and not one list."""

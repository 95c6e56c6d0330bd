"""The port to the API of one cluster. Who asks it does not know the way: direct, relay, later SSH, or a test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class CanAskApi(Protocol):
    """Sends requests to the API of one cluster. Paths begin with `/api` or `/apis` and may have a query."""

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Return the body of the answer; `kind` is the content type of `body`. Raises `EdgewrightError`."""
        raise NotImplementedError

    def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer that lasts (a watch, a log) until its end.

        Raises `EdgewrightError`; `TimedOut` when nothing arrives for `silent` seconds.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """End all connections."""
        raise NotImplementedError

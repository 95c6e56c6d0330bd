"""The addresses of one plane: several hubs on one database are the same plane, and any of them answers.

One address is in use until it fails; then the next one is tried. What reached no hub can be sent to another one as it
is; what may have reached one is only repeated when it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

REPEATABLE: Final = frozenset({"GET", "HEAD"})
UNAVAILABLE: Final = 503
"""What a hub answers that cannot reach its database, or does not follow it yet."""


class Addresses:
    """Addresses in the order in which they are tried."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        """`urls` are base URLs without a path, at least one."""
        self._urls = urls
        self._current = 0

    @property
    def current(self) -> str:
        """Return the address in use."""
        return self._urls[self._current]

    def order(self) -> Iterator[str]:
        """Yield every address once, the one in use first."""
        first = self._current
        for offset in range(len(self._urls)):
            yield self._urls[(first + offset) % len(self._urls)]

    def works(self, url: str) -> None:
        """Continue with this address."""
        self._current = self._urls.index(url)

    def failed(self, url: str) -> bool:
        """Note that an address did not answer; the next one is in use then. Returns whether there is another."""
        if self.current == url:
            self._current = (self._current + 1) % len(self._urls)
        return len(self._urls) > 1

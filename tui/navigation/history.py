"""The places visited, in their order, like the history of a browser."""

from __future__ import annotations

from tui.navigation.paths import Path

LIMIT = 100


class History:
    """Visited paths in their order, and the position in it."""

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._at = -1

    def visit(self, path: Path) -> None:
        """Add a visit; what was ahead is dropped unless it is the destination."""
        if not path or (0 <= self._at < len(self._paths) and self._paths[self._at] == path):
            return
        self._paths = [*self._paths[: self._at + 1], path][-LIMIT:]
        self._at = len(self._paths) - 1

    def step(self, by: int) -> Path | None:
        """Go back (-1) or on (1) and return the path there, None at either end."""
        at = self._at + by
        if not 0 <= at < len(self._paths):
            return None
        self._at = at
        return self._paths[at]

    def last(self) -> Path | None:
        """Return the path visited before this one."""
        return self._paths[self._at - 1] if self._at > 0 else None

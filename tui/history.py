"""Where the person has been, like the history of a browser."""

from __future__ import annotations

Place = tuple[str, str]
"""View and target."""
LIMIT = 100


class History:
    """Visited views in their order, and where in it the person stands."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1

    def visit(self, view: str, target: str) -> None:
        """Take note of a visit; what was ahead is forgotten unless it is where the person went."""
        place = (view, target)
        if 0 <= self._at < len(self._places) and self._places[self._at] == place:
            return
        self._places = [*self._places[: self._at + 1], place][-LIMIT:]
        self._at = len(self._places) - 1

    def step(self, by: int) -> Place | None:
        """Go back (-1) or on (1) and return the place there, None at either end."""
        at = self._at + by
        if not 0 <= at < len(self._places):
            return None
        self._at = at
        return self._places[at]

    def last(self) -> Place | None:
        """Return the place visited before this one."""
        return self._places[self._at - 1] if self._at > 0 else None

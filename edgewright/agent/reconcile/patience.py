"""How soon to look again for what is waited for: soon at first, then less often."""

from __future__ import annotations

import re
from typing import Dict, Tuple

SHARE = 0.1
"""Of the time that was waited already: what ends then is noticed after a tenth more at most."""
_DIGITS = re.compile(r"[0-9]+")


class Patience:
    """Seconds until the next look, from `soon` to `seldom`, by name of what waits and the reason why.

    Another reason begins at `soon` again; one that only counts (`since 12 s`) is the same reason.
    """

    def __init__(self, soon: float, seldom: float) -> None:
        self._soon, self._seldom = soon, seldom
        self._since: Dict[str, Tuple[str, float]] = {}

    def again(self, name: str, reason: str, now: float) -> float:
        """Return the seconds until the next look; `now` are seconds of one clock."""
        key = _DIGITS.sub("", reason)
        before = self._since.get(name)
        if before is None or before[0] != key or now < before[1]:
            before = self._since[name] = (key, now)
        return min(self._seldom, max(self._soon, SHARE * (now - before[1])))

    def end(self, name: str) -> None:
        """Forget what does not wait any more."""
        self._since.pop(name, None)

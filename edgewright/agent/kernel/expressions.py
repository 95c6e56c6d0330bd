"""Expressions of the user-data, looked for within a time.

Palette's expressions are RE2, which never takes long; Python's can take years for a pattern such as `(a+)+$`. The agent
derives its UID before it reports that it is ready, so such a pattern would prevent its start.
"""

from __future__ import annotations

import re
import signal
import threading
from typing import Any, Optional

SECONDS = 2.0
"""Seconds that one search may take."""


class _TooLong(Exception):
    """The alarm rang."""


def bounded_search(pattern: str, text: str, seconds: float = SECONDS) -> "Optional[re.Match[str]]":
    """Search like `re.search`; raises `ValueError` after `seconds`.

    The alarm reaches the main thread only (where the agent lives); elsewhere the search has no bound.
    """
    if threading.current_thread() is not threading.main_thread():
        return re.search(pattern, text)

    def ring(number: int, frame: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return re.search(pattern, text)
    except _TooLong:
        raise ValueError(f"it took more than {seconds:g} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

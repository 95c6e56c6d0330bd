"""Ages on the screen: one unit, and in steps of ten seconds under a minute where a frame is dear."""

from __future__ import annotations

from edgewright.core import times

_coarse = False


def set_coarse(coarse: bool) -> None:
    """Take steps of ten seconds (a slow link to the terminal), or of one."""
    global _coarse
    _coarse = coarse


def age(seconds: float | None) -> str:
    """Return an age as `times.age` does; under a minute in steps of ten seconds when the link is slow."""
    if _coarse and seconds is not None and seconds < times.MINUTE:
        seconds = seconds // 10 * 10
    return times.age(seconds)

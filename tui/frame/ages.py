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


def age_of(since: float | None, now: float) -> str:
    """Return the age in one unit, `-` when not known."""
    return "-" if since is None else age(max(now - since, 0.0))


def calm_age(since: float | None, now: float) -> str:
    """Return an age that does not tick: `just now`, then steps of ten seconds, then `4m ago`."""
    if since is None:
        return "never"
    complete = max(now - since, 0.0)
    if complete < 10:
        return "just now"
    return f"{times.age(complete if complete >= 60 else complete // 10 * 10)} ago"

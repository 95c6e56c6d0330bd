"""Time: epoch seconds inside, RFC 3339 UTC at the edges, one-unit ages on the screen.

A time is a `float` of epoch seconds UTC; `None` means unset. On the wire unset is the zero time of Go
(`0001-01-01T00:00:00.000Z`), as Palette's clients send it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import Optional

ZERO = "0001-01-01T00:00:00.000Z"
"""The text of an unset time."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SPAN_PART = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)"
_SECONDS = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


_clock = time.time


def now() -> float:
    """Return the present as epoch seconds UTC; the only place of the product that reads the clock."""
    return _clock()


def use_clock(clock: Callable[[], float] = time.time) -> None:
    """Let `now` read another clock than that of this machine, for the rest of the process."""
    global _clock
    _clock = clock


@cache
def _rfc3339() -> "re.Pattern[str]":
    """Return the pattern of a time, compiled when the first one is read: the first frame reads none."""
    return re.compile(
        r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,18}))?(?:([Zz])|([+-])(\d{2}):?(\d{2}))",
        re.ASCII,
    )


def parse(text: Optional[str]) -> Optional[float]:
    """Return the epoch seconds of an RFC 3339 time; `None` for an empty text, `None` or a time of the year 1.

    Raises `ValueError` for a text that is not a time or lacks its zone.
    """
    if text is None or not text.strip():
        return None
    match = _rfc3339().fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:60]!r} is not an RFC 3339 time such as 2026-11-23T08:08:46.851Z")
    year, month, day, hour, minute, second = (int(match.group(i)) for i in range(1, 7))
    offset = 0
    if match.group(9):
        if int(match.group(10)) > 23 or int(match.group(11)) > 59:
            raise ValueError(f"{text[:60]!r} has no valid zone")
        offset = (int(match.group(10)) * 3600 + int(match.group(11)) * 60) * (1 if match.group(9) == "+" else -1)
    if year <= 1:
        return None
    leap = second == 60  # a leap second is reported as the last second of its minute
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=timezone.utc)
    except ValueError as error:
        raise ValueError(f"{text[:60]!r} is not a valid time: {error}") from None
    fraction = float("0." + match.group(7)) if match.group(7) else 0.0
    complete = (moment - _EPOCH) // timedelta(seconds=1) - offset
    return complete + fraction


def rfc3339(moment: Optional[float]) -> str:
    """Return `2026-11-23T08:08:46.851Z` (milliseconds, rounded).

    `None` and what no calendar has give the zero time.
    """
    if moment is None:
        return ZERO
    try:
        second, milliseconds = divmod(round(moment * 1000), 1000)
        return f"{_second_text(second)}.{milliseconds:03d}Z"
    except (OverflowError, ValueError):
        return ZERO


@lru_cache(maxsize=8192)
def _second_text(second: int) -> str:
    # A page of hosts has seven times a host, and a fleet has the same seconds again and again.
    return (_EPOCH + timedelta(seconds=second)).isoformat()[:19]


def http_date(text: Optional[str]) -> Optional[float]:
    """Return the epoch seconds of an HTTP `Date` header; `None` when it is missing or unreadable."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def age(seconds: Optional[float]) -> str:
    """Return an age in one unit: `7s`, `4m`, `3h`, `2d`; `-` for `None`. A negative age (clocks differ) is `0s`."""
    if seconds is None:
        return "-"
    complete = max(0, int(seconds))
    if complete < 60:
        return f"{complete}s"
    if complete < 3600:
        return f"{complete // 60}m"
    if complete < 86400:
        return f"{complete // 3600}h"
    return f"{complete // 86400}d"


def duration(seconds: float) -> str:
    """Return a duration for a sentence: `45 s`, `14 min`, `3 h`, `2 days`."""
    complete = max(0, int(seconds))
    if complete < 60:
        return f"{complete} s"
    if complete < 3600:
        return f"{complete // 60} min"
    if complete < 86400:
        return f"{complete // 3600} h"
    days = complete // 86400
    return "1 day" if days == 1 else f"{days} days"


def parse_span(text: str) -> float:
    """Return the seconds of `90s`, `10m`, `2h`, `1h30m`, `7d`, `2w` or a bare number of seconds.

    Raises `ValueError` when the text is not a duration.
    """
    cleaned = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", cleaned, re.ASCII):
        return float(cleaned)
    total, position = 0.0, 0
    for part in re.finditer(_SPAN_PART, cleaned, re.ASCII | re.IGNORECASE):
        if part.start() != position:
            break
        total += float(part.group(1)) * _SECONDS[part.group(2).lower()]
        position = part.end()
    if not cleaned or position != len(cleaned):
        raise ValueError(f"{text[:60]!r} is not a duration; write 90s, 10m, 2h or 7d")
    return total

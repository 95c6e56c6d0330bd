"""Exact times as text: UTC with `Z`, and local time beside it when the setting `local_time` is on."""

from __future__ import annotations

from datetime import datetime

from edgewright.core import times
from edgewright.core.text import clean

_local = False


def show_local(on: bool) -> None:
    """Show local time beside UTC from now on, or do not. One console has one answer, so it is stored here."""
    global _local
    _local = on


def exact(at: float, seconds: bool = True) -> str:
    """Return `2026-11-23 14:02:31Z`, and `(15:02:31 CET)` behind it when local time is shown.

    `at` is epoch seconds UTC; without `seconds` the text ends with the minute. The date is shown again only where the
    local one is another.
    """
    end = 19 if seconds else 16
    text = times.rfc3339(at)[:end].replace("T", " ")
    if not _local:
        return f"{text}Z"
    here = datetime.fromtimestamp(at).astimezone()
    local = here.isoformat(" ")[:end]
    shown = local if local[:10] != text[:10] else local[11:]
    return f"{text}Z ({shown} {clean(here.tzname() or 'local', 12)})"

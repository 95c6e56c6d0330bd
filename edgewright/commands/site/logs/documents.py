"""A line of a log as the command line prints it: cells, one text, a document. Secrets are masked."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.core.logs.entry import Entry
from edgewright.core.logs.readable import level_name
from edgewright.core.text import clean


def stamp(at: float) -> str:
    """Return a moment with milliseconds, in UTC."""
    return f"{times.rfc3339(int(at))[:19]}.{int(at * 1000) % 1000:03d}Z"


def unit_text(unit: str) -> str:
    """Return a unit without `.service`, as people call it."""
    return clean(unit.removesuffix(".service"), 80)


def message_of(entry: Entry) -> str:
    """Return message and fields as one text."""
    shown = entry.shown
    return " ".join([shown.message, *(f"{key}={value}" if value else key for key, value in shown.rest)])


def document_of(entry: Entry) -> dict[str, Any]:
    """Return the document of `-o json`; `hostTime` is by the clock of the host."""
    shown = entry.shown
    document: dict[str, Any] = {
        "time": stamp(entry.at),
        "hostTime": stamp(entry.host_at),
        "host": entry.host,
        "unit": entry.unit,
        "level": level_name(shown.level),
        "message": shown.message,
    }
    if shown.rest:
        document["fields"] = dict(shown.rest)
    if entry.gap:
        document["gap"] = True
    return document


def plain_line(entry: Entry, several: bool) -> str:
    """Return a line of a file or a pipe: time, host where there are several, unit, level, message."""
    parts = [stamp(entry.at), entry.host if several else "", unit_text(entry.unit)]
    level = "" if entry.gap else level_name(entry.shown.level)
    return " ".join(part for part in (*parts, level, message_of(entry)) if part)

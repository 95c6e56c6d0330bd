"""The event feed as lines: on the start screen, and on the screen of one host."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from edgewright.core import times
from edgewright.store.collections.feed import EventRow
from edgewright.store.collections.happenings import Happening
from edgewright.wire.protocol.clusters import KIND
from tui.widgets.lines import Line, Role, cut, line, wrap


class FeedLine(Struct, frozen=True):
    """One line of the event feed."""

    key: str
    at: float
    text: str
    role: Role = ""


def feed_lines(
    feed: Sequence[FeedLine], width: int, limit: int | None = None, now: float | None = None, most: int = 1
) -> list[Line]:
    """Return the newest events first: time, then the sentence in its colour, on at most `most` lines each."""
    out: list[Line] = []
    for reported in feed[:limit]:
        text = times.rfc3339(reported.at)
        old = now is not None and now - reported.at > times.DAY
        stamp = f"{text[5:10]} {text[11:13]}h " if old else f"{text[11:19]}Z "
        room = max(width - len(stamp), 4)
        lines = [item.plain for item in wrap(reported.text, room)] if most > 1 else [reported.text]
        texts = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
        for index, part in enumerate(texts):
            lead = stamp if not index else " " * len(stamp)
            out.append(line((lead, "muted"), (cut(part, room), reported.role), key=reported.key if not index else ""))
    return out or [line(("No event yet.", "muted"))]


_BAD = ("error", "critical", "fatal")
_SIGNS: dict[str, tuple[str, str, Role]] = {
    "bad": ("▲", "error", "bad"),
    "warn": ("‼", "warning", "warn"),
    "info": ("•", "normal", "muted"),
}


def severity(event: EventRow) -> tuple[str, str, Role]:
    """Return glyph, word and colour of an event."""
    reported = event.severity.lower()
    return _SIGNS["bad" if reported in _BAD else "warn" if reported.startswith("warn") else "info"]


_STEP = re.compile(r"\bcluster-[0-9a-f]{8}-([a-z][a-z0-9-]*?)-(?:[0-9a-f]{8,}(?:-\d+)?|e\d+-\d+)\b")
"""The id of a step of a cluster: neither uid nor digest mean anything to people."""


def _named(event: EventRow, name: str) -> str:
    """Return the sentence of an event with names that people know in the place of a uid and of the id of a step."""
    message = _STEP.sub(r"\1", event.message) if event.reason.startswith("Step") else event.message
    if name and event.object_uid and name != event.object_uid:
        return message.replace(event.object_uid, name)
    return message


def feed_line(event: EventRow, name: str = "", own: bool = False) -> FeedLine:
    """Return an event as one line of a feed: the thing and the sentence.

    `name` is what people call the thing; a plane may name it by its uid. `own` is for a feed of that thing alone.
    """
    sign, _, role = severity(event)
    name = name or event.object_name
    text = _named(event, name) or event.reason
    lead = "" if role == "muted" else f"{sign} "
    message = own or not name or name.lower() in text.lower()
    noun = "cluster" if event.kind == KIND else "host"
    key = f"{noun}/{event.object_uid}" if event.object_uid and not own else f"entry/events/{event.uid}"
    return FeedLine(key, event.at, lead + (text if message else f"{name} {text}"), "" if role == "muted" else role)


def reported_together(happening: Happening) -> FeedLine:
    """Return what happened to many hosts at once as one line, which leads to all of its events."""
    first = happening.events[0]
    sign, _, role = severity(first)
    lead = "" if role == "muted" else f"{sign} "
    key = f"events/reason:{first.reason}"
    return FeedLine(key, happening.at, lead + happening.text, "" if role == "muted" else role)

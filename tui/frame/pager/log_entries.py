"""How a line of a host's log looks: time, host, unit, level, message; the other fields are dim behind it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from edgewright.core import times
from edgewright.core.logs.entry import Entry
from edgewright.core.logs.readable import level_name
from tui.widgets.lines import Line, Role, Span, clip_line, pad

REST = "    "
"""Before the second row of a line that is wrapped."""
LEVELS: dict[str, tuple[str, Role]] = {
    "error": ("error", "bad"), "warn": ("warn ", "warn"), "info": ("info ", "muted"), "debug": ("debug", "muted"),
}  # fmt: skip


class Looks:
    """How wide host and unit are, and the day of now: lines of another day show it."""

    def __init__(self, hosts: int = 0, units: int = 0, day: str = "") -> None:
        self.hosts, self.units, self.day = hosts, units, day

    def lead(self, entry: Entry) -> list[Span]:
        """Return what is before the message."""
        if entry.gap:
            host = f"{entry.host} " if self.hosts else ""
            return [Span(f"{self.time(entry.at)} {host}", "muted")]
        spans = [Span(f"{self.time(entry.at)} ", "muted")]
        if self.hosts:
            spans.append(Span(f"{pad(entry.host, self.hosts)} ", "accent"))
        if self.units:
            spans.append(Span(f"{pad(entry.unit.removesuffix('.service'), self.units)} ", "info"))
        word, role = LEVELS[level_name(entry.level)]
        return [*spans, Span(f"{word} ", role)]

    def time(self, at: float) -> str:
        """Return a moment in UTC with milliseconds, with month and day where that is not today."""
        text = times.rfc3339(int(at))
        day, clock = text[:10], f"{text[11:19]}.{int(at * 1000) % 1000:03d}"
        return clock if day == self.day else f"{day[5:]} {clock}"

    def line(self, entry: Entry) -> Line:
        """Return all of an entry as one line, without secrets."""
        shown = entry.shown
        role: Role = "muted" if entry.gap else {"error": "bad", "warn": "warn"}.get(level_name(shown.level), "")  # type: ignore[assignment]
        spans = [*self.lead(entry), Span(shown.message, role)]
        for key, value in shown.rest:
            spans.append(Span(f"  {key}={value}" if value else f"  {key}", "muted"))
        return Line(tuple(spans))

    def cells(self, entry: Entry) -> int:
        """Return about how many cells `line` takes, without looking for secrets."""
        readable = entry.readable
        lead = 13 + (self.hosts and self.hosts + 1) + (self.units and self.units + 1) + 6
        rest = sum(len(key) + len(value) + 3 for key, value in readable.rest)
        return lead + (len(readable.message) if readable.message.isascii() else cell_len(readable.message)) + rest

    def rows(self, entry: Entry, width: int) -> int:
        """Return how many rows an entry takes where it is wrapped."""
        further = self.cells(entry) - width
        return 1 if further <= 0 else 1 - (-further // max(width - len(REST), 8))

    def draw(self, entry: Entry, width: int, wrapped: bool) -> Sequence[Line]:
        """Return the rows of an entry."""
        made_for = (width, wrapped, self.hosts, self.units, self.day)
        drawn = entry.drawn
        if isinstance(drawn, tuple) and drawn[0] == made_for:
            rows: Sequence[Line] = drawn[1]
            return rows
        text = self.line(entry)
        rows = self._wrapped(text, width, self.rows(entry, width)) if wrapped else (clip_line(text, width),)
        entry.drawn = (made_for, rows)
        return rows

    def _wrapped(self, text: Line, width: int, most: int) -> list[Line]:
        """Break at the edge: a line of a log is often one long word. The last of `most` rows is cut."""
        rows: list[Line] = []
        spans = list(text.spans)
        while spans and len(rows) < most - 1:
            lead = REST if rows else ""
            row, room = ([Span(lead)] if lead else []), max(width - len(lead), 8)
            while spans and room > 0:
                piece = spans.pop(0)
                size = cell_len(piece.text)
                if size > room:
                    taken = _fitting(piece.text, room)
                    row.append(Span(piece.text[:taken], piece.role))
                    spans.insert(0, Span(piece.text[taken:], piece.role))
                    room = 0
                else:
                    row.append(piece)
                    room -= size
            rows.append(Line(tuple(row)))
        if spans:
            rows.append(clip_line(Line((*((Span(REST),) if rows else ()), *spans)), width))
        return rows


def _fitting(text: str, room: int) -> int:
    """Return how many characters fit, one at least."""
    if text.isascii():
        return room
    used = 0
    for place, character in enumerate(text):
        used += cell_len(character)
        if used > room:
            return max(place, 1)
    return len(text)

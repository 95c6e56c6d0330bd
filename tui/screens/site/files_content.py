"""What the Files page shows: the places, a directory, and what is known about it. Plain lines."""

from __future__ import annotations

import stat
from collections.abc import Sequence

from edgewright.commands.site.files.views import KNOWN, PLACES, Entry, Listing
from edgewright.commands.site.sizes import size_of
from edgewright.core import times
from edgewright.core.text import amount, clean
from tui.widgets.lines import Line, columns, cut, heading, line, wrap

UP = "up"
PLACE = "place/"
ENTRY = "entry/"
FILE = "file/"
MODE_FROM, TIME_FROM, OWNER_FROM = 44, 60, 100
"""Columns from which mode, time, and owner with group are shown."""


def place_lines(width: int) -> list[Line]:
    """Return the directories that can be opened."""
    lines = [heading("DIRECTORIES OF THE HOST", width)]
    lines += [
        columns((((place.path, "accent"), 24), ((place.what, "muted"), max(width - 26, 10))), key=PLACE + place.path)
        for place in PLACES
    ]
    lines += [Line(), heading("FILES THAT ARE READ MOST", width)]
    lines += [line((path, "accent"), key=FILE + path) for path in KNOWN]
    why = "No other directory is read or written. Names are as the host has them; a directory may be missing there."
    return [*lines, Line(), *wrap(why, width, role="muted")]


def folder_lines(listing: Listing, width: int) -> list[Line]:
    """Return the entries of a directory: mode, size, time, name; the key of each has its number."""
    lines = [line(("..", "accent"), key=UP)]
    if listing.cut:
        text = f"More is in the directory than these {amount(len(listing.entries), 'entry', 'entries')}: "
        lines += wrap(
            f"{text}others may be before and between them. The shell shows all.", width, "▲ ", "  ", role="warn"
        )
    lines += [_entry(entry, number, width) for number, entry in enumerate(listing.entries)]
    if not listing.entries:
        lines.append(line(("  The directory is empty.", "muted")))
    if not listing.root:
        lines += wrap("Read without sudo: what is closed to the user is missing.", width, "▲ ", "  ", role="warn")
    return lines


def _entry(entry: Entry, number: int, width: int) -> Line:
    kind = entry.kind
    name = shown_name(entry.name)
    if kind == "folder":
        name += "/"
    elif kind == "link":
        name += f" → {shown_name(entry.target)}"
    size = size_of(entry.size) if kind == "file" else ""
    owner = [((clean(entry.owner, 40), "muted"), 20)] if width >= OWNER_FROM else []
    mode = [((stat.filemode(entry.mode), "muted"), 10)] if width >= MODE_FROM else []
    changed = times.rfc3339(entry.modified)[:16].replace("T", " ")
    time = [((changed, "muted"), 16)] if width >= TIME_FROM else []
    used = 11 + sum(size + 2 for _, size in (*mode, *owner, *time))
    cells = [
        *mode,
        *owner,
        ((size, ""), -9),
        *time,
        ((name, "accent" if kind == "folder" else "muted" if kind == "special" else ""), max(width - used, 8)),
    ]
    return columns(cells, key=f"{ENTRY}{number}")  # type: ignore[arg-type]


def shown_name(name: str) -> str:
    """Return a name of the host as one line: what is not harmless in it is replaced."""
    return clean(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), 255)


def shown_path(path: str, width: int = 200) -> str:
    """Return a path as one line."""
    return cut(clean(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), 1000), width)


def state_lines(reading: float | None, problem: str, width: int) -> Sequence[Line]:
    """Return what is under way, or why the last reading gave nothing. `reading`: seconds since it began."""
    if reading is not None and reading >= 0:
        return [line(("► ", "work"), f"Reading {int(reading)}s  ", ("esc stops it", "muted"))]
    return wrap(problem, width, "‼ ", "  ", role="warn") if problem else []

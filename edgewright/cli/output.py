"""From results to text: tables, JSON, YAML, names. What a plane or a host sent never controls the terminal."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from edgewright.commands.kernel.results import Column, Detail, Item, Listing, Text
from edgewright.core.text import cells, clean, clip, is_harmless

ASCII = str.maketrans({"•": ".", "▲": "!", "○": "?", "►": ">", "‼": "@", "▬": "=", "■": "#", "…": "~", "·": "-"})


def as_json(value: Any) -> str:
    """Return JSON for people and programs; characters that could steer a terminal are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(c if c == "\n" or is_harmless(c) else json.dumps(c)[1:-1] for c in text).replace("\x7f", "\\u007f")


def as_yaml(value: Any) -> str:
    """Return YAML; with escapes for everything beyond ASCII if any of it could steer a terminal."""
    from edgewright.yamltext.writer import write

    text = write(value)
    if all(c == "\n" or is_harmless(c) for c in text):
        return text.rstrip("\n")
    return write(value, ascii_only=True).rstrip("\n")


def render(result: Any, form: str) -> str:
    """Return the text of a result in one of table, wide, json, yaml, name."""
    if isinstance(result, Listing):
        return _listing(result, form)
    if form in ("json", "yaml"):
        document = result.document
        return as_json(document) if form == "json" else as_yaml(document)
    if isinstance(result, Detail):
        return clean(result.name) if form == "name" else _detail(result)
    assert isinstance(result, Text)
    return clean(result.name) if form == "name" and result.name else result.text


def _listing(listing: Listing, form: str) -> str:
    if form == "json":
        return as_json([item.document for item in listing.items])
    if form == "yaml":
        return as_yaml([item.document for item in listing.items])
    if form == "name":
        return "\n".join(clean(item.name) for item in listing.items)
    room = shutil.get_terminal_size().columns if form == "table" and sys.stdout.isatty() else 0
    return table(listing.columns, listing.items, wide=form == "wide", room=room)


MOST_PADDING = 48
"""Cells to which a column is filled up; a longer text moves the rest of its own line and of no other."""
LAST_ROOM = 24
"""Cells that are left for the last column where a table is cut to a terminal."""
LEAST_WIDTH = 8
"""Cells that a column has at least where a table is cut to a terminal."""


def table(columns: Sequence[Column], items: Sequence[Item], *, wide: bool, room: int = 0) -> str:
    """Return a table; "" when there is nothing in it.

    `room` is the width of a terminal in cells: the longest columns are cut until a line fits, apart from the last,
    which is a message that a terminal may wrap. 0: nothing is cut.
    """
    if not items:
        return ""
    shown = [index for index, column in enumerate(columns) if wide or not column.wide]
    rows = [[columns[i].title for i in shown]]
    rows += [[clean(item.cells[i], 4096 if i == shown[-1] else 256) for i in shown] for item in items]
    widths = [max(cells(row[n]) for row in rows) for n in range(len(shown))]
    if room:
        last = widths[-1]
        widths = [*_fit(widths[:-1], room - min(last, LAST_ROOM) - 2), last]
        rows = [[clip(text, width) for text, width in zip(row, widths, strict=True)] for row in rows]
    widths = [min(width, MOST_PADDING) for width in widths]
    return "\n".join(_line(row, widths, [columns[i].right for i in shown]) for row in rows)


def _fit(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths of columns that fit into `room`, with two cells between them; the longest give way first."""
    fitted = list(widths)
    over = sum(fitted) + 2 * (len(fitted) - 1) - room
    while over > 0 and max(fitted, default=0) > LEAST_WIDTH:
        longest = max(range(len(fitted)), key=fitted.__getitem__)
        second = max((width for n, width in enumerate(fitted) if n != longest), default=0)
        cut = min(over, max(1, fitted[longest] - max(second, LEAST_WIDTH)))
        fitted[longest] -= cut
        over -= cut
    return fitted


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for text, width, ends in zip(row, widths, right, strict=True):
        space = " " * max(0, width - cells(text))
        parts.append(space + text if ends else text + space)
    return "  ".join(parts).rstrip()


def stream_line(item: Item, widths: Sequence[int], form: str) -> str:
    """Return one thing of a stream: a line of a table, a JSON line, a YAML document, or a name."""
    if form == "json":
        text = json.dumps(item.document, separators=(",", ":"))
        return text.replace("\x7f", "\\u007f")
    if form == "yaml":
        return "---\n" + as_yaml(item.document)
    if form == "name":
        return clean(item.name)
    return _line([clean(cell) for cell in item.cells], widths, [False] * len(widths))


def _detail(detail: Detail) -> str:
    lines = [clean(detail.headline, 4096)]
    for section in detail.sections:
        lines += ["", section.title]
        width = max((cells(label) for label, _ in section.facts), default=0)
        for label, value in section.facts:
            lines.append(f"  {label}{' ' * (width - cells(label))}  {clean(value, 4096)}".rstrip())
    return "\n".join(lines)


def print_text(text: str, *, ascii_only: bool = False, error: bool = False) -> None:
    """Print a text; glyphs become ASCII where the stream cannot show them or the user wants it so."""
    stream = sys.stderr if error else sys.stdout
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    if ascii_only or not encoding.startswith("utf"):
        text = text.translate(ASCII)
        text = text.encode(encoding if not ascii_only else "ascii", "replace").decode(encoding)
    print(text, file=stream, flush=True)

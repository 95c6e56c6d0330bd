"""Tables of a Kubernetes API as text, the same bytes as kubectl prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgewright.core.text import clean

LEAST, PADDING = 6, 3
"""Cells of the narrowest column with its room, and between the longest text of a column and the next."""
MOST = 4096
"""Characters of a cell that has some which could steer a terminal."""
MOST_TEXT = 256 * 1024 * 1024
"""Characters of a text: one cell that is long makes all lines as long, and the API may send such a cell."""
_BREAK = re.compile(r"[\f\n\r]")


def text_of(pages: Sequence[Mapping[str, Any]], *, wide: bool, bare: bool, everywhere: bool) -> str:
    """Return the pages of one table as text, with the namespace of each object in front where they are of all.

    Raises `KeyError`, `TypeError` or `ValueError` for another document than a table.
    """
    titles = pages[0]["columnDefinitions"]
    shown = [at for at, column in enumerate(titles) if wide or not column.get("priority")]
    lines = (
        [] if bare else [[*(["NAMESPACE"] if everywhere else []), *(str(titles[at]["name"]).upper() for at in shown)]]
    )
    for row in _rows(pages):
        cells = [_cell(row["cells"][at]) for at in shown]
        lines.append([_cell(row["object"]["metadata"].get("namespace")), *cells] if everywhere else cells)
    widths = [max(LEAST, *(len(line[at]) + PADDING for line in lines)) for at in range(len(lines[0]))] if lines else []
    widths[-1:] = [0]
    if sum(widths) * len(lines) > MOST_TEXT:
        raise ValueError("the table is too wide")
    padded = ("".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"{line}\n" for line in padded)


def _rows(pages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from page.get("rows") or ()


def _cell(value: Any) -> str:
    """Return a cell: one line, with nothing that could steer a terminal."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if broken := _BREAK.search(text):
        text = text[: broken.start()] + "..."
    return text if text.isprintable() else clean(text.replace("\x1b", "^["), MOST)

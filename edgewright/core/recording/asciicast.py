"""The file of a recording: asciicast v2, a header and one JSON array for each event, a line each.

Source: docs.asciinema.org, "asciicast v2". `asciinema play` and other players read it; keys of a header that they do
not know are passed over.
"""

from __future__ import annotations

import codecs
import json
import math
from typing import Any, NamedTuple

NOTE = (
    "Only known secrets are masked: values that a name or a known form shows as secrets. Others are here as they were"
    " on the screen. What was typed is not recorded; what the host showed of it is."
)
MAX_LINE = 1_048_576
"""Bytes of the longest line that is read."""
MOST_CELLS = 1000
"""Columns, and rows, of a terminal at most."""


class Header(NamedTuple):
    """What a recording contains about itself. Times are epoch seconds."""

    columns: int
    rows: int
    began: float
    title: str
    target: str
    term: str
    note: str = NOTE

    def line(self) -> str:
        """Return the first line of the file."""
        return _json(
            {
                "version": 2,
                "width": self.columns,
                "height": self.rows,
                "timestamp": int(self.began),
                "title": f"{self.title} (only known secrets are masked)",
                "env": {"TERM": self.term},
                "edgewright": {"target": self.target, "note": self.note},
            }
        )


class Texts:
    """Bytes of a terminal to text, a character that is cut by the end of a piece comes with the next one."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def of(self, data: bytes) -> str:
        """Return the complete characters."""
        return self._decoder.decode(data)


def output_line(seconds: float, text: str) -> str:
    """Return the event of output, `seconds` after the begin."""
    return _json([round(seconds, 6), "o", text])


def size_line(seconds: float, columns: int, rows: int) -> str:
    """Return the event of another size of the terminal."""
    return _json([round(seconds, 6), "r", f"{columns}x{rows}"])


def read_header(line: bytes) -> Header:
    """Return the header of a file. Raises `ValueError` for anything else than asciicast v2."""
    try:
        data = json.loads(line)
        if data["version"] != 2:
            raise ValueError("another version")
        own = data.get("edgewright") or {}
        width, height = int(data["width"]), int(data["height"])
        if not (0 < width <= MOST_CELLS and 0 < height <= MOST_CELLS):
            raise ValueError("no size of a terminal")
        began = float(data.get("timestamp", 0))
        if not math.isfinite(began):
            raise ValueError("no time")
        return Header(
            width, height, began, str(data.get("title", "")), str(own.get("target", "")),
            str((data.get("env") or {}).get("TERM", "")), str(own.get("note", "")),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None


def read_event(line: bytes) -> tuple[float, str, str]:
    """Return seconds, kind and text of an event. Raises `ValueError` for a line that is none."""
    try:
        seconds, kind, text = json.loads(line)
        at = float(seconds)
        if not math.isfinite(at):
            raise ValueError("no time")
        return at, str(kind), str(text)
    except (TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"

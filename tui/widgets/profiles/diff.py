"""Two texts compared: side by side where there is room, one below the other (unified) where there is not.

Rows are those of `core.profiles.textdiff`: number, text, number, text, what. A sign in front of each line has the
meaning of its colour: `-` removed, `+` added, `~` changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tui.widgets.lines import Line, Piece, Role, cut, line, pad

WIDE: Final = 100
"""Cells from which two texts are side by side."""
CONTEXT: Final = 3
"""Equal lines that are shown around what differs."""
Row = tuple[int, str, int, str, str]
"""Number and text before (0: none), number and text after, and `same`, `changed`, `added` or `removed`."""
SIGNS: Final[dict[str, tuple[str, Role]]] = {
    "added": ("+", "ok"),
    "removed": ("-", "bad"),
    "changed": ("~", "warn"),
    "same": (" ", ""),
}


def diff_lines(
    rows: Sequence[Row], width: int, before: str = "", after: str = "", context: int = CONTEXT, key: str = ""
) -> list[Line]:
    """Return the comparison in `width` cells with the names of both sides above; empty when nothing differs.

    `context` below 0 shows every line. `key` is that of each line that differs.
    """
    if all(row[4] == "same" for row in rows):
        return []
    if width >= WIDE:
        return side_by_side_lines(rows, width, before, after, context, key)
    return unified_lines(rows, width, before, after, context, key)


def side_by_side_lines(
    rows: Sequence[Row], width: int, before: str = "", after: str = "", context: int = CONTEXT, key: str = ""
) -> list[Line]:
    """Return both texts beside each other; what is cut ends with `…`."""
    digits = _digits(rows)
    half = max((width - 3) // 2, digits + 4)
    out = [_pair((cut(before, half), "muted"), (cut(after, half), "muted"), half)] if before or after else []
    for row in _folded(rows, context):
        if isinstance(row, int):
            out.append(line((_equal(row), "muted")))
            continue
        number_before, old, number_after, new, what = row
        left = _cell(number_before, old, "removed" if what == "removed" else what, digits, half)
        right = _cell(number_after, new, what, digits, half)
        spans = (*left.spans, *line((" │ ", "muted")).spans, *right.spans)
        out.append(Line(spans, key if what != "same" else ""))
    return out


def unified_lines(
    rows: Sequence[Row], width: int, before: str = "", after: str = "", context: int = CONTEXT, key: str = ""
) -> list[Line]:
    """Return the texts below each other: of each run that differs, first what was, then what is."""
    digits = _digits(rows)
    out: list[Line] = []
    if before or after:
        out += [line((cut(f"- {before}", width), "bad")), line((cut(f"+ {after}", width), "ok"))]
    removed: list[Line] = []
    added: list[Line] = []
    for row in [*_folded(rows, context), None]:
        if isinstance(row, tuple) and row[4] != "same":
            number_before, old, number_after, new, _what = row
            if number_before:
                removed.append(_cell(number_before, old, "removed", digits, width)._replace(key=key))
            if number_after:
                added.append(_cell(number_after, new, "added", digits, width)._replace(key=key))
            continue
        out += [*removed, *added]
        removed, added = [], []
        if isinstance(row, int):
            out.append(line((_equal(row), "muted")))
        elif row is not None:
            out.append(_cell(row[2] or row[0], row[3] or row[1], "same", digits, width))
    return out


def _digits(rows: Sequence[Row]) -> int:
    return max(len(str(max((max(row[0], row[2]) for row in rows), default=0))), 3)


def _folded(rows: Sequence[Row], context: int) -> Iterator[Row | int]:
    """Yield rows, and for each run of equal ones that is left out how many they are; a single one is shown."""
    if context < 0:
        yield from rows
        return
    near: set[int] = set()
    for place, row in enumerate(rows):
        if row[4] != "same":
            near.update(range(max(place - context, 0), min(place + context + 1, len(rows))))
    left_out: list[Row] = []
    for place, row in enumerate(rows):
        if place not in near:
            left_out.append(row)
            continue
        yield from left_out if len(left_out) == 1 else [len(left_out)] if left_out else []
        left_out = []
        yield row
    yield from left_out if len(left_out) == 1 else [len(left_out)] if left_out else []


def _equal(count: int) -> str:
    return f"    {count:,} equal lines"


def _cell(number: int, text: str, what: str, digits: int, width: int) -> Line:
    """Return number, sign and text of one side in exactly `width` cells; blank where this side has no line."""
    if not number:
        return line(" " * width)
    sign, role = SIGNS[what]
    room = max(width - digits - 3, 1)
    pieces: list[Piece] = [(pad(str(number), digits, right=True), "muted"), " ", (sign, role), " "]
    return line(*pieces, (pad(cut(_plain(text), room), room), role))


def _pair(left: Piece, right: Piece, half: int) -> Line:
    first = line(left)
    return line(*first.spans, " " * max(half - first.width, 0), ("   ", "muted"), right)


def _plain(text: str) -> str:
    """Return a line without what moves the cursor: tabs as two spaces, other control characters as `?`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "  " if character == "\t" else "?" for character in text)

"""Lines of a screen as plain values: words with roles, no colours, no Textual.

Content modules answer "what does this screen show" with these; `LineView` paints them. A role is a meaning
(`bad`, `warn`, `ok` ...); which colour it has is the theme's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

Role = Literal["", "ok", "warn", "bad", "info", "work", "parked", "muted", "accent", "strong", "head"]
"""Meaning of a piece of text; `head` is the heading of a section, `strong` is plain text that must be seen first."""

ROLES: tuple[Role, ...] = ("ok", "warn", "bad", "info", "work", "parked", "muted", "accent", "strong", "head")
RULE = "─"


class Span(NamedTuple):
    """A piece of a line: text without control characters, and what it means."""

    text: str
    role: Role = ""


class Line(NamedTuple):
    """One line of a screen. A line with a `key` can be pointed at; the key names the thing that it represents."""

    spans: tuple[Span, ...] = ()
    key: str = ""

    @property
    def plain(self) -> str:
        """Return the text alone."""
        return "".join(span.text for span in self.spans)

    @property
    def width(self) -> int:
        """Return the width in terminal cells."""
        return sum(cell_len(span.text) for span in self.spans)


Piece = str | Span | tuple[str, Role]


def line(*pieces: Piece, key: str = "") -> Line:
    """Make a line of pieces: plain text, or text with its role."""
    return Line(tuple(span(piece) for piece in pieces), key)


def span(piece: Piece) -> Span:
    """Make a span of plain text or of text with its role."""
    return Span(piece) if isinstance(piece, str) else Span(*piece)


def cut(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, ending with `…` when something was left off."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else set_cell_size(text, max(width, 0))


def cut_left(text: str, width: int) -> str:
    """Return the end of `text` in at most `width` cells, after `…` when something was left off: the end of a path."""
    if cell_len(text) <= width:
        return text
    tail = text[-(width - 1) :] if width > 1 else ""
    while cell_len(tail) > max(width - 1, 0):
        tail = tail[1:]
    return "…" + tail if width > 0 else ""


def pad(text: str, width: int, right: bool = False) -> str:
    """Return `text` in exactly `width` cells; `right` puts it at the right edge."""
    if len(text) <= width and text.isascii() and text.isprintable():
        return text.rjust(width) if right else text.ljust(width)
    text = cut(text, width)
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def spread(left: Sequence[Piece], right: Sequence[Piece], width: int, key: str = "") -> Line:
    """Make a line with `left` at the left edge and `right` at the right edge; the left part gives way."""
    after = line(*right)
    room = max(width - after.width - (1 if after.spans else 0), 0)
    before = clip_line(line(*left), room)
    gap = max(width - before.width - after.width, 0)
    return Line((*before.spans, Span(" " * gap), *after.spans), key)


def clip_line(text: Line, width: int) -> Line:
    """Return the line in at most `width` cells."""
    if text.width <= width:
        return text
    spans: list[Span] = []
    room = width
    for piece in text.spans:
        size = cell_len(piece.text)
        if size >= room:
            spans.append(Span(cut(piece.text + ("  " if size == room else ""), room), piece.role))
            break
        spans.append(piece)
        room -= size
    return Line(tuple(spans), text.key)


def columns(cells: Sequence[tuple[Piece, int]], gap: int = 2, key: str = "") -> Line:
    """Make a table line: each cell in its width (negative: right-aligned), `gap` spaces between."""
    spans: list[Span] = []
    for index, (piece, width) in enumerate(cells):
        if index:
            spans.append(Span(" " * gap))
        cell = span(piece)
        spans.append(Span(pad(cell.text, abs(width), right=width < 0), cell.role))
    return Line(tuple(spans), key)


def wrap(text: str, width: int, first: str = "", rest: str = "", role: Role = "", key: str = "") -> list[Line]:
    """Break a sentence at spaces into lines of at most `width` cells, with the leads `first` and `rest`."""
    width = max(width, 8)
    out: list[Line] = []
    lead, current = first, ""
    for word in text.split():
        trial = f"{current} {word}" if current else word
        if current and cell_len(lead) + cell_len(trial) > width:
            out.append(line(lead, (current, role), key=key))
            lead, current = rest, word
        else:
            current = trial
        while cell_len(lead) + cell_len(current) > width:
            piece = set_cell_size(current, max(width - cell_len(lead), 1)).rstrip() or current[:1]
            out.append(line(lead, (piece, role), key=key))
            lead, current = rest, current[len(piece) :]
    if current or not out:
        out.append(line(lead, (current, role), key=key))
    return out


def heading(title: str, width: int = 0, right: str = "") -> Line:
    """Make the heading of a section, with column words at the right edge when given."""
    return spread([(title, "head")], [(right, "muted")] if right else [], width) if width else line((title, "head"))


def rule(width: int) -> Line:
    """Make a thin line across."""
    return line((RULE * max(width, 0), "muted"))


def facts(pairs: Iterable[tuple[str, Piece | Sequence[Piece]]], label_width: int, indent: int = 0) -> list[Line]:
    """Make `label  value` lines with the labels dim and in one column."""
    out: list[Line] = []
    for label, value in pairs:
        many = [value] if isinstance(value, str | Span) or _is_pair(value) else list(value)
        out.append(line(" " * indent, (pad(label, label_width), "muted"), "  ", *many))
    return out


def wrapped_facts(pairs: Iterable[tuple[str, str]], label_width: int, width: int, indent: int = 0) -> list[Line]:
    """Make `label  value` lines as `facts` does, with values that are too long for `width` on several lines.

    A value that is not known (`-`) is dim.
    """
    out: list[Line] = []
    for label, value in pairs:
        for part in wrap(value, max(width - label_width - indent - 2, 8), role="muted" if value == "-" else ""):
            out += facts([(label, part.spans)], label_width, indent)
            label = ""
    return out


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)


def beside(left: Sequence[Line], right: Sequence[Line], left_width: int, gap: int = 2) -> list[Line]:
    """Put two blocks side by side; the left one is cut to its width."""
    out: list[Line] = []
    for index in range(max(len(left), len(right))):
        item = clip_line(left[index], left_width) if index < len(left) else Line()
        two = right[index] if index < len(right) else Line()
        fill = Span(" " * (left_width - item.width + gap))
        out.append(Line((*item.spans, fill, *two.spans) if two.spans else item.spans, item.key or two.key))
    return out


def text_of(block: Iterable[Line]) -> str:
    """Return the text of a block, for tests, the clipboard and `--plain`."""
    return "\n".join(item.plain.rstrip() for item in block)


def blocks(parts: Sequence[list[Line]]) -> list[Line]:
    """Return blocks below each other with an empty line between them."""
    out: list[Line] = []
    for part in parts:
        if part:
            out += [Line(), *part] if out else part
    return out

"""What the help shows: every key of the screen with the command's own words, as the keys are bound now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.widgets.lines import Line, Role, heading, line, pad, wrap

KEY_WIDTH = 12


class HelpRow(NamedTuple):
    """One thing that can be done."""

    keys: str
    """As a user types them; empty when only `:` reaches it."""
    verb: str
    """The words after `:`, empty for a movement."""
    text: str
    danger: bool = False
    refused: str = ""
    """Why it may not run now, empty when it may."""
    remapped: bool = False


class HelpGroup(NamedTuple):
    """Rows under one heading."""

    title: str
    rows: tuple[HelpRow, ...]


def help_lines(groups: Sequence[HelpGroup], width: int) -> list[Line]:
    """Return the help: key, verb, sentence; what is refused now has the reason; what the user remapped is marked."""
    verb_width = min(max((len(row.verb) for group in groups for row in group.rows), default=0) + 3, 22)
    if width < 60:
        verb_width = 0
    out: list[Line] = []
    for group in groups:
        if not group.rows:
            continue
        if out:
            out.append(Line())
        out.append(heading(group.title))
        for row in group.rows:
            out += _row_lines(row, width, verb_width)
    return out


def _row_lines(row: HelpRow, width: int, verb_width: int) -> list[Line]:
    role: Role = "bad" if row.danger else "accent"
    verb = pad(f":{row.verb}" if row.verb else "", verb_width) if verb_width else ""
    lead = KEY_WIDTH + 3 + verb_width
    parts = row.text + (" (your key)" if row.remapped else "")
    lines = wrap(parts, max(width - lead, 16))
    first = line("  ", (pad(row.keys or "-", KEY_WIDTH), role), " ", (verb, "muted"), *lines[0].spans)
    out = [first, *(line(" " * lead, *rest.spans) for rest in lines[1:])]
    if row.refused:
        out += wrap(row.refused, width, first=" " * lead, rest=" " * lead, role="warn")
    return out

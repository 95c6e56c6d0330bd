"""The versions of a profile side by side: a column for each, a row for each layer, with what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from edgewright.store.collections.catalogue.profiles import ProfileRow
from tui.screens.profile.content import STATES, Shown
from tui.widgets.lines import Line, Piece, Role, cut, heading, line, pad
from tui.widgets.profiles.stack import TITLES

LEAST: Final = 9
"""Cells of a column."""


def versions_lines(shown: Shown, layers: Mapping[str, Sequence[str]], width: int, pointed: str = "") -> list[Line]:
    """Return the versions beside each other, this one and the newest first as far as there is room.

    `layers` has `kind pack version` of each by uid. A version of a pack that differs from the column to the right (the
    older one) has a colour. The column of `pointed` is marked.
    """
    names = _names(layers)
    first = min(max((len(name) for name in names), default=5), max(width // 2, 12))
    room = max((width - first - 2) // (LEAST + 2), 1)
    rows = _columns(shown, room, pointed)
    size = max([LEAST, *(len(row.version) + 2 for row in rows)])
    size = min(size, max((width - first - 2) // max(len(rows), 1) - 2, LEAST))
    out = [heading("VERSIONS SIDE BY SIDE", width, f"{len(rows)} of {len(shown.versions)}")]
    heads: list[Piece] = ["  ", pad("", first)]
    states: list[Piece] = ["  ", (pad("state", first), "muted")]
    uses: list[Piece] = ["  ", (pad("used by", first), "muted")]
    for row in rows:
        mark = "›" if row.uid == (pointed or shown.row.uid) else " "
        heads += ["  ", (pad(f"{mark}{row.version}", size), "strong")]
        text, role = STATES.get(row.state, (row.state, "muted"))
        states += ["  ", (pad(row.state if len(text) > size else text, size), role)]
        uses += ["  ", (pad(str(row.used), size), "muted")]
    out += [line(*heads), line(*states), line(*uses)]
    for name in names:
        cells = [_version_in(layers.get(row.uid, ()), name) for row in rows]
        pieces: list[Piece] = ["  ", (pad(cut(name, first), first), "")]
        for place, cell in enumerate(cells):
            older = cells[place + 1] if place + 1 < len(cells) else cell
            tone: Role = "muted" if not cell else "warn" if cell != older else ""
            pieces += ["  ", (pad(cut(cell or "-", size), size), tone)]
        out.append(line(*pieces))
    return out


def _columns(shown: Shown, room: int, pointed: str) -> list[ProfileRow]:
    rows = list(shown.versions)
    if len(rows) <= room:
        return rows
    wanted = {shown.row.uid, pointed}
    important = [row for row in rows if row.uid in wanted]
    others = [row for row in rows if row.uid not in wanted]
    chosen = {row.uid for row in [*important, *others][:room]}
    return [row for row in rows if row.uid in chosen]


def _names(layers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the pack of every layer of any version, the top of the stack first."""
    packs: dict[tuple[str, str], None] = {}
    for texts in layers.values():
        for text in texts:
            kind, _, rest = text.partition(" ")
            packs.setdefault((kind, rest.partition(" ")[0]))
    order = list(TITLES)
    top_first = list(packs)[::-1]
    top_first.sort(key=lambda each: -order.index(each[0]) if each[0] in order else 1)
    return list(dict.fromkeys(name for _kind, name in top_first))


def _version_in(texts: Sequence[str], name: str) -> str:
    for text in texts:
        _kind, _, rest = text.partition(" ")
        pack, _, version = rest.partition(" ")
        if pack == name:
            return version or "any"
    return ""

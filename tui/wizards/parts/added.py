"""What a page adds to the file of a wizard, and the complete file with what is new in it."""

from __future__ import annotations

from collections.abc import Sequence

from tui.widgets.lines import Line, Piece, Role, line, spread
from tui.wizards.parts.difference import Change, changed_lines, without_login


def adds_lines(changes: Sequence[Change], width: int, rows: int) -> list[Line]:
    """Return what a page adds to the file, at most `rows` lines; the last one shows how many more there are."""
    if not changes:
        return [spread([("this page adds nothing to the file yet", "muted")], [], width)]
    shown = list(changes) if len(changes) <= rows else list(changes[: rows - 1])
    out: list[Line] = []
    for number, change in enumerate(shown):
        role: Role = "ok" if change.sign == "+" else "bad"
        right: list[Piece] = [("what this page adds", "muted")] if number == 0 else []
        pieces: list[Piece] = [(f"{change.sign} ", role), (f"{change.path}: ", "muted"), change.value]
        out.append(spread(pieces, right, width))
    if len(shown) < len(changes):
        out.append(line((f"  and {len(changes) - len(shown)} more in the complete file", "muted")))
    return out


def preview_lines(text: str, before: str) -> list[Line]:
    """Return the complete file; lines that `before` does not have are marked with a plus."""
    lines = without_login(text).rstrip("\n").split("\n")
    new = changed_lines(without_login(before).rstrip("\n").split("\n"), lines) if before else set()
    return [
        line(
            ("+ " if place in new else "  ", "ok"), (item, "ok" if place in new else "muted" if item[:1] == "#" else "")
        )
        for place, item in enumerate(lines)
    ]

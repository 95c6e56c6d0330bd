"""The line of steps that is the title of a wizard, and facts and findings as lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tui.widgets.lines import Line, Piece, Role, clip_line, cut, line, pad, spread


def steps_line(title: str, parts: Sequence[str], at: int, done: Collection[str], width: int) -> Line:
    """Return the title with the steps: those in `done` are ticked, the one at `at` is in capitals."""
    shown = [word.upper() if place == at else f"{word} √" if word in done else word for place, word in enumerate(parts)]
    first, last = 0, len(shown)
    room = width - len(title) - 3

    def taken() -> int:
        cut_off = (3 if first else 0) + (3 if last < len(shown) else 0)
        return sum(len(word) + 2 for word in shown[first:last]) - 2 + cut_off

    while taken() > room and (first < max(at - 1, 0) or last > at + 1):
        if first < max(at - 1, 0):
            first += 1
        else:
            last -= 1
    pieces: list[Piece] = [("…  ", "muted")] if first else []
    for place in range(first, last):
        role: Role = "accent" if place == at else "ok" if parts[place] in done else "muted"
        pieces += [(shown[place], "head" if place == at else role), "  " if place < last - 1 else ""]
    if last < len(shown):
        pieces.append(("  …", "muted"))
    return spread([(title, "head")], pieces, width)


def fact_lines(facts: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """Return facts about a file that was named, one on a line."""
    room = max((len(label) for label, _ in facts), default=0)
    return [line((f"  {pad(label, room)}  ", "muted"), cut(value, max(width - room - 4, 8))) for label, value in facts]


def clipped(lines: Sequence[Line], width: int, rows: int) -> list[Line]:
    """Return at most `rows` lines; the last one shows that there is more."""
    if len(lines) <= rows:
        return [clip_line(item, width) for item in lines]
    more = line((f"  and {len(lines) - rows + 1} more lines: see the explanation", "muted"))
    return [*(clip_line(item, width) for item in lines[: rows - 1]), more]

"""The key line: what works here and now, most used first, danger last and set apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.widgets.lines import Line, Piece, line, spread

_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "exclamation_mark": "!",
    "space": "space",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "backslash": "\\",
    "full_stop": ".",
    "comma": ",",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


class KeyHint(NamedTuple):
    """One key and what it does here."""

    key: str
    """As it is typed, e.g. `ctrl+d`."""
    label: str
    danger: bool = False
    enabled: bool = True


def key_text(key: str) -> str:
    """Return a key in Textual's name as a user writes it: `slash` is `/`, `shift+g` is `G`."""
    *modifiers, name = key.split("+")
    if modifiers == ["upper"] or (modifiers == ["shift"] and len(name) == 1):
        return name.upper()
    return "+".join([*modifiers, _SHOWN.get(name, name)])


def key_line(hints: Sequence[KeyHint], width: int) -> Line:
    """Return the key line for `width` cells; what does not fit is left off from the end, `? all` stays."""
    danger = [hint for hint in hints if hint.danger and hint.enabled]
    normal = [hint for hint in hints if not hint.danger and hint.enabled]
    last = normal[-1:]
    right = _pieces(danger)
    while True:
        used = line(*_pieces([*normal[:-1], *last])).width + (line(*right).width + 2 if right else 0)
        if used <= width:
            break
        if len(normal) > 1:
            del normal[-2]
        elif right:
            right = []
        else:
            break
    return spread(_pieces(normal), right, width)


def _pieces(hints: Sequence[KeyHint]) -> list[Piece]:
    pieces: list[Piece] = []
    for index, hint in enumerate(hints):
        if index:
            pieces.append("  ")
        pieces += [(key_text(hint.key), "bad" if hint.danger else "accent"), (f" {hint.label}", "muted")]
    return pieces

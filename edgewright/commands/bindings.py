"""What the key map can change: the id, default keys and scopes of every console verb and movement."""

from __future__ import annotations

from edgewright.commands.navigation import MOVES
from edgewright.commands.registry import all_commands
from edgewright.config.keymap import Binding, Keymap, load


def bindings() -> list[Binding]:
    """Return everything in the console that has keys."""
    found = [Binding(c.id(), c.keys, (c.scope, *c.also)) for c in all_commands() if c.console]
    return found + [Binding(move.id, move.keys, (move.scope,)) for move in MOVES]


def load_keymap() -> Keymap:
    """Return the user's key map, checked against what there is."""
    return load(bindings())

"""What the key map can change: the id, default keys and scopes of every console verb and movement."""

from __future__ import annotations

from edgewright.commands.kernel.navigation import MOVES
from edgewright.commands.kernel.registry import all_commands
from edgewright.config import locations
from edgewright.config.keymap import Binding, Keymap, load


def bindings() -> list[Binding]:
    """Return everything in the console that has keys."""
    matches = []
    for command in all_commands():
        if command.console:
            scopes = (command.scope, *command.also)
            replayed = ("replay",) if "pulse" in scopes else ()  # a recording is looked at on Pulse
            matches.append(Binding(command.id(), command.keys, (*scopes, *replayed)))
    return matches + [Binding(move.id, move.keys, move.scopes) for move in MOVES]


def load_keymap() -> Keymap:
    """Return the user's key map, checked against what there is; without a file no verb is loaded to check it."""
    path = locations.config_file("keymap.toml")
    return load(bindings(), path) if path.exists() else Keymap({})

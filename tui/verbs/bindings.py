"""From verbs to keys: bindings with ids, made from the registry, and the keys that are live by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from textual.binding import Binding, BindingType
from textual.screen import Screen

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Scope
from edgewright.commands.kernel.navigation import MOVES
from tui.widgets.key_line import KeyHint, key_text

ASKING = frozenset({"command_line", "filter"})
"""Actions that open the prompt. Their keys come before all others, so that what is typed right behind them (a fast
hand, a slow link that sends a burst) goes to the prompt and not to the keys of the screen."""


NO_KEY = "no_key"
"""A key that no terminal sends: Textual leaves a binding as it is when its entry in the key map is empty."""


def keys_to_apply(keymap: Mapping[str, str]) -> dict[str, str]:
    """Return the user's key map as `App.set_keymap` takes it; what has no key any more gets one that never comes."""
    return {name: keys or NO_KEY for name, keys in keymap.items()}


def verb_bindings(scope: Scope) -> list[BindingType]:
    """Return the bindings of the verbs of `scope` alone (`global` ones belong to the app)."""
    return [
        Binding(
            ",".join(command.keys),
            f"app.{'asking' if command.action in ASKING else 'verb'}('{command.name}')",
            command.title,
            show=False,
            priority=command.action in ASKING,
            id=command.id(),
        )
        for command in registry.for_scope(scope)
        if command.keys and (command.scope == "global") == (scope == "global")
    ]


def move_bindings(actions: dict[str, str]) -> list[BindingType]:
    """Return bindings for movements: id (`nav-back`) to action, with the default keys of the key map."""
    moves = {move.id: move for move in MOVES}
    return [
        Binding(",".join(moves[name].keys), action, moves[name].help, show=False, id=name)
        for name, action in actions.items()
    ]


def does_something(screen: Screen[Any], command: type[Command]) -> bool:
    """Whether a verb that acts on a screen does so on this one: the audit log alone shows everyone's entries."""
    return not command.action or any(hasattr(node, f"action_{command.action}") for node in (screen, screen.app))


def live_keys(screen: Screen[Any]) -> dict[str, str]:
    """Return the key that works now for each binding id, the user's key map applied."""
    keys: dict[str, str] = {}
    for key, active in screen.active_bindings.items():
        if active.binding.id and active.enabled and key != NO_KEY:
            keys.setdefault(active.binding.id, key)
    return keys


def messages_key(screen: Screen[Any]) -> str:
    """Return the key that shows all messages now, or the command where that key does something else; "" for neither."""
    keys = live_keys(screen)
    return key_text(keys["messages"]) if "messages" in keys else ":messages" if "command" in keys else ""


def keys_by_id(screen: Screen[Any]) -> dict[str, list[str]]:
    """Return all keys that work now for each binding id, the user's key map applied."""
    keys: dict[str, list[str]] = {}
    for key, active in screen.active_bindings.items():
        if active.binding.id and active.enabled and key != NO_KEY:
            keys.setdefault(active.binding.id, []).append(key)
    return keys


def hints_of(names: Iterable[str], keys: dict[str, str], refused: frozenset[str] = frozenset()) -> list[KeyHint]:
    """Return the hints of verbs and movements by id, in the order given; those without a live key are left out.

    A name may carry a label of its own: `nav-open=open`.
    """
    hints: list[KeyHint] = []
    for entry in names:
        name, _, label = entry.partition("=")
        command = command_by_id(name)
        if name not in keys:
            continue
        if command is not None:
            danger = command.danger == "destructive"
            hints.append(KeyHint(keys[name], label or command.title, danger, name not in refused))
        else:
            hints.append(KeyHint(keys[name], label or name.removeprefix("nav-")))
    return hints


def working_on(entries: Iterable[str], rows: int, can_filter: bool = True) -> tuple[str, ...]:
    """Return the entries of a key line whose keys do something where so many rows are marked, or one is pointed at."""
    return tuple(entry for entry in entries if _works(entry.partition("=")[0], rows, can_filter))


def _works(name: str, rows: int, can_filter: bool) -> bool:
    if name in ("nav-open", "filter"):
        return rows > 0 if name == "nav-open" else can_filter
    command = command_by_id(name)
    return command is None or command.works_on(rows)


def command_by_id(name: str) -> type[Command] | None:
    """Return the verb with this binding id."""
    return registry.console_verb(name)

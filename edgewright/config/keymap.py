"""The key map: every default key can be changed by id in `keymap.toml`, and conflicts are reported.

    host-delete = "ctrl+x"          another key
    retry = "ctrl+r,f5"             two keys
    theme = ""                      no key

The file is checked against the bindings that the registry gives, so this module takes them as plain values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from edgewright.config import locations, tomlfile
from edgewright.config.nearest import suggestion
from edgewright.core.errors import InvalidInput

NAMED: dict[str, str] = {
    ":": "colon",
    "/": "slash",
    "?": "question_mark",
    "!": "exclamation_mark",
    "+": "plus",
    "=": "equals_sign",
    "-": "minus",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "esc": "escape",
    "ctrl+space": "ctrl+@",
}
"""Names under which the same key is known; the right side is Textual's."""

OVERLAYS = frozenset({"form", "confirm", "columns", "outcome", "prompt", "wizard"})
"""Places that lie over a screen: while one is open the keys of the screen, the global ones included, do nothing."""


NEEDED = ("nav-back", "modal-leave", "prompt-leave")
"""Ids that cannot be left without a key: the way back must always be there."""


class Binding(NamedTuple):
    """One thing that has keys: its id, its default keys, and the scopes where they are live."""

    id: str
    keys: tuple[str, ...]
    scopes: tuple[str, ...]


class Keymap(NamedTuple):
    """The user's changes and what is wrong with them. `changes` is id to `key[,key]`, "" for no key."""

    changes: Mapping[str, str]
    problems: tuple[InvalidInput, ...] = ()

    def keys(self, binding: Binding) -> tuple[str, ...]:
        """Return the keys of a binding as they are now."""
        if binding.id not in self.changes:
            return binding.keys
        return split(self.changes[binding.id])


def split(text: str) -> tuple[str, ...]:
    """Return the keys of `key[,key]`; a lone comma is the comma key."""
    if text.strip() == ",":
        return ("comma",)
    return tuple(part.strip() for part in text.split(",") if part.strip())


def canonical(key: str) -> str:
    """Return the one name of a key, so that `:` and `colon` are seen to be the same."""
    key = key.strip()
    if len(key) > 6 and key.startswith("shift+") and len(key) == 7 and key[6].isalpha():
        return key[6].upper()
    return NAMED.get(key, key)


def load(bindings: Iterable[Binding], path: Path | None = None) -> Keymap:
    """Return the user's key map; lines that are wrong are left out and listed in `problems`."""
    path = path or locations.config_file("keymap.toml")
    known = {binding.id: binding for binding in bindings}
    try:
        text = path.read_text("utf-8") if path.is_file() else ""
        reported = tomlfile.parse(text, path)
    except InvalidInput as error:
        return Keymap({}, (error,))
    except (OSError, UnicodeDecodeError) as error:
        return Keymap({}, (InvalidInput(f"{path} cannot be read: {error}."),))
    changes: dict[str, str] = {}
    problems: list[InvalidInput] = []
    for name, value in reported.items():
        where = f"{path}, line {tomlfile.line_of(text, name)}"
        if name not in known:
            problems.append(InvalidInput(f"{where}: nothing is called `{name}`{suggestion(name, known)}."))
        elif not isinstance(value, str):
            problems.append(InvalidInput(f'{where}: write the key as a text, e.g. {name} = "ctrl+x".'))
        elif any(not part.isprintable() or " " in part for part in split(value)):
            problems.append(InvalidInput(f"{where}: {value!r} is not a key."))
        elif name in NEEDED and not split(value):
            problems.append(InvalidInput(f"{where}: `{name}` needs a key, else there is no way back."))
        else:
            changes[name] = ",".join(canonical(part) for part in split(value))
    keymap = Keymap(changes)
    problems += [
        InvalidInput(f"{path}, line {tomlfile.line_of(text, name)}: {sentence}")
        for name, sentence in _conflicts(known.values(), keymap)
    ]
    return Keymap(changes, tuple(problems))


def _conflicts(bindings: Iterable[Binding], keymap: Keymap) -> list[tuple[str, str]]:
    """Return (id to blame, sentence) for each key that two things share in one scope because of the key map.

    Two default keys that are the same are no conflict, also where the key map repeats one of them: they are shared on
    purpose, and a later release may do so with a key that a full key map names.
    """
    bindings = list(bindings)
    defaults = {binding.id: {canonical(key) for key in binding.keys} for binding in bindings}
    taken: dict[tuple[str, str], str] = {}
    matches: dict[tuple[str, str], tuple[str, str]] = {}
    ordered = sorted(bindings, key=lambda b: b.id in keymap.changes)
    scopes = {scope for b in ordered for scope in b.scopes} - {"global"}
    for binding in ordered:
        for key in map(canonical, keymap.keys(binding)):
            everywhere = "global" in binding.scopes
            for scope in sorted((scopes - OVERLAYS) | {"global"}) if everywhere else binding.scopes:
                other = taken.setdefault((scope, key), binding.id)
                shared = key in defaults[binding.id] and key in defaults[other]
                if other != binding.id and binding.id in keymap.changes and not shared:
                    sentence = f"the key {key} of `{binding.id}` is taken by `{other}`; change one of them."
                    matches.setdefault((binding.id, key), (binding.id, sentence))
    return list(matches.values())

"""What a key of a cloud-config is, and the tree in which a path finds its key.

A path is dotted; `*` means a name that is free (a network interface), `[]` behind a name for each item of a
list: `stylus.site.network.interfaces.*.gateway`, `stylus.externalRegistries.registries[].domain`.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from edgewright.core.cloudconfig.opposites import are_opposite

TEXT, FLAG, INT, MAP, ANY = "text", "flag", "int", "map", "any"
TEXTS = "texts"
"""A list of texts."""
MAPS = "maps"
"""A list of maps."""
TEXT_OR_TEXTS = "text or texts"
TABLE = "table"
"""A map of free names to texts."""

KIND_NAMES = {
    TEXT: "a text",
    FLAG: "true or false",
    INT: "an integer",
    MAP: "a map",
    ANY: "anything",
    TEXTS: "a list of texts",
    MAPS: "a list of maps",
    TEXT_OR_TEXTS: "a text, or a list of texts",
    TABLE: "a map of names to texts",
}
"""Each kind in the words of a sentence."""

PALETTE, KAIROS = "palette", "kairos"


class Key(NamedTuple):
    """One key: its kind, its line of explanation, and the rule that its value follows (a sentence for users).

    `low` and `high` bound a number. `fixed` is the reason why the choice cannot be undone later, `old` what replaces a
    deprecated key. `profile` is the profile that knows the key ("" for both).
    """

    path: str
    kind: str
    doc: str
    default: Any = None
    rule: str = ""
    choices: Tuple[str, ...] = ()
    low: Optional[int] = None
    high: Optional[int] = None
    secret: bool = False
    fixed: str = ""
    old: str = ""
    profile: str = ""
    example: str = ""

    @property
    def name(self) -> str:
        """The last part of the path, without the mark of a list."""
        return self.path.rsplit(".", 1)[-1].replace("[]", "")


class Node:
    """A place in the tree: its key, and what may be below it."""

    __slots__ = ("children", "key", "path")

    def __init__(self, path: str = "") -> None:
        self.key: Optional[Key] = None
        self.children: Dict[str, Node] = {}
        self.path = path
        """The pattern of the place, as in the tables (`stages.*[].commands`); "" for the top."""

    def child(self, name: str) -> Optional["Node"]:
        """Return what is below under a name, by its own name or as a free one."""
        return self.children.get(name) or self.children.get("*")

    @property
    def free(self) -> bool:
        """Whether any name may be below."""
        return not self.children or "*" in self.children

    def names(self) -> List[str]:
        """Return the names that may be below."""
        return [name for name in self.children if name not in ("*", "[]")]


class Schema:
    """All keys, by path and as a tree."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys: Dict[str, Key] = {}
        self.root = Node()
        for key in keys:
            self._add(key)

    def _add(self, key: Key) -> None:
        self.keys[key.path] = key
        node = self.root
        for part in parts(key.path):
            if part not in node.children:
                dot = "." if node.path and part != "[]" else ""
                node.children[part] = Node(f"{node.path}{dot}{part}")
            node = node.children[part]
        node.key = key

    def node(self, path: str) -> Optional[Node]:
        """Return the place of a path, written with names, indexes or `*`; None when there is none."""
        node: Optional[Node] = self.root
        for part in parts(path):
            node = node.child(part) if node is not None else None
        return node

    def key(self, path: str) -> Optional[Key]:
        """Return the key of a path; None when it is not known."""
        node = self.node(path)
        return None if node is None else node.key

    def below(self, path: str) -> List[Key]:
        """Return the keys one level below a path (inside the items of a list too), in the order of the tables."""
        node = self.node(path) if path else self.root
        if node is None:
            return []
        item = node.children.get("[]")
        children = list((item or node).children.values())
        return [child.key for child in children if child.key is not None]


_PART = re.compile(r"\[[0-9]*\]|[^.\[\]]+|[\[\]]")


def parts(path: str) -> List[str]:
    """Return the parts of a path; each item of a list is `[]`."""
    return ["[]" if part[0] == "[" else part for part in _PART.findall(path)]


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the most similar of the known words to one that is not known, or "" when nothing is near.

    A word that means the opposite (before for after, disableX for X) is never returned. `cutoff` is the least
    similarity, 0 to 1.
    """
    folded = {fold(name): name for name in known}
    plain = fold(word[:100])
    if plain in folded:
        return folded[plain]
    for match in difflib.get_close_matches(plain, folded, n=4, cutoff=cutoff):
        if not are_opposite(word, folded[match]):
            return folded[match]
    return ""


def fold(name: str) -> str:
    """Return a name without what people vary: case, `-`, `_`, and invisible spaces."""
    return re.sub("[-_\\s\u00ad\u200b-\u200f\u2060\ufeff]", "", name.lower())


def is_template(value: Any) -> bool:
    """Return whether a value is filled in on the host (a Go template), so that it cannot be checked here."""
    return isinstance(value, str) and "{{" in value

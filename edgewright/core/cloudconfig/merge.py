"""How several documents become one, and what wins over what.

The rule is Kairos's: maps are merged key by key, a later value replaces an earlier one, lists of maps are put behind
each other, lists of plain values are joined without doubles. The usual layers are the installer's own user-data
(staging), the site's (a medium labelled cidata), and what was set in the first-boot screens.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

MAX_DEPTH = 60


class Win(NamedTuple):
    """A value that came from `source` and replaced others: (source, value), the latest last."""

    path: str
    value: Any
    source: str
    lost: Tuple[Tuple[str, Any], ...]


class Joined(NamedTuple):
    """A list that more than one source added to: (source, how many items it brought)."""

    path: str
    parts: Tuple[Tuple[str, int], ...]
    maps: bool
    """Whether its items are maps, which are never compared: two for the same thing stay two."""


class Merged(NamedTuple):
    """The document, what won in it, and which lists were put together."""

    document: Dict[str, Any]
    wins: Tuple[Win, ...]
    joined: Tuple[Joined, ...] = ()


def merge(layers: Sequence[Tuple[str, Mapping[str, Any]]]) -> Merged:
    """Return the layers as one document; each is (name, document), later ones win. No layer is changed."""
    work = _Merge()
    for source, layer in layers:
        work.into(work.document, layer, "", source, 0)
    wins = []
    for path, history in work.history.items():
        source, value = history[-1]
        lost = tuple((name, old) for name, old in history[:-1] if old != value or type(old) is not type(value))
        if lost:
            wins.append(Win(path, value, source, lost))
    joined = tuple(Joined(path, tuple(parts), maps) for path, (parts, maps) in work.lists.items() if len(parts) > 1)
    return Merged(work.document, tuple(wins), joined)


class _Merge:
    def __init__(self) -> None:
        self.document: Dict[str, Any] = {}
        self.history: Dict[str, List[Tuple[str, Any]]] = {}
        self.lists: Dict[str, Tuple[List[Tuple[str, int]], bool]] = {}

    def into(self, target: Dict[str, Any], layer: Mapping[str, Any], path: str, source: str, depth: int) -> None:
        for name, value in layer.items():
            key = str(name)
            where = f"{path}.{key}" if path else key
            old = target.get(key)
            if isinstance(value, Mapping) and depth < MAX_DEPTH:
                if not isinstance(old, dict):
                    if old is not None:
                        self.set(where, source, "a map")
                    old = target[key] = {}
                self.into(old, value, where, source, depth + 1)
            elif isinstance(value, (list, tuple)):
                target[key] = self.join(old, list(value), where, source)
            elif value is not None or key not in target:
                # a key without a value takes nothing away from an earlier layer
                if isinstance(old, (dict, list)):
                    self.set(where, "an earlier layer", "a map" if isinstance(old, dict) else "a list")
                target[key] = value
                self.set(where, source, value)

    def set(self, path: str, source: str, value: Any) -> None:
        self.history.setdefault(path, []).append((source, value))

    def join(self, old: Any, new: List[Any], path: str, source: str) -> List[Any]:
        maps = any(isinstance(item, Mapping) for item in new)
        if not isinstance(old, list):
            if old is not None:
                self.set(path, source, "a list")
            old = []
        if maps or any(isinstance(item, Mapping) for item in old):
            added, maps = [_copy(item) for item in new], True
        else:
            added, seen = [], {_mark(item) for item in old}
            for item in new:
                if _mark(item) not in seen:
                    seen.add(_mark(item))
                    added.append(_copy(item))
        if added:
            parts, known = self.lists.setdefault(path, ([], maps))
            parts.append((source, len(added)))
            self.lists[path] = (parts, known or maps)
        return [*old, *added]


def _mark(value: Any) -> Any:
    """Return what two equal values of a list have in common."""
    return (type(value).__name__, repr(value) if isinstance(value, (list, tuple)) else value)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, (list, tuple)) else value

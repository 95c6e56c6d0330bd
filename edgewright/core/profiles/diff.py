"""What differs between two resolved profiles: layers, values by path, and lines of text."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.profiles.resolve import Resolution, ResolvedLayer, ResolvedText
from edgewright.core.profiles.textdiff import ADDED, CHANGED, REMOVED, SAME, Row, side_by_side, unified
from edgewright.core.profiles.variables import COVER

MAX_CHANGES = 10_000
"""Changes of one layer that are listed."""


class Change(NamedTuple):
    """A value that differs. `line_before` and `line_after` are 0 where there is none; secrets are covered.

    `path` is empty for the version of the pack, and `manifest` names a manifest instead of the values.
    """

    layer: str
    kind: str
    pack: str
    path: str
    what: str
    before: Any = None
    after: Any = None
    line_before: int = 0
    line_after: int = 0
    manifest: str = ""
    secret: bool = False


class LayerDiff(NamedTuple):
    """What differs in a layer. `what` is `added`, `removed`, `changed` or `same`; `text_before` has secrets covered."""

    layer: str
    kind: str
    pack: str
    what: str
    version_before: str
    version_after: str
    changes: Tuple[Change, ...]
    text_before: str
    text_after: str

    def rows(self) -> List[Row]:
        """Return the texts side by side."""
        return side_by_side(self.text_before, self.text_after)

    def unified(self, context: int = 3) -> List[str]:
        """Return a unified diff of the texts."""
        names = (f"{self.layer} {self.version_before}".strip(), f"{self.layer} {self.version_after}".strip())
        return unified(self.text_before, self.text_after, names[0], names[1], context)


class ProfileDiff(NamedTuple):
    """What differs between two profiles, the layers from the bottom of the stack."""

    before: str
    after: str
    layers: Tuple[LayerDiff, ...]

    def changes(self) -> Iterator[Change]:
        """Yield all changes."""
        for layer in self.layers:
            yield from layer.changes


def compare(before: Resolution, after: Resolution) -> ProfileDiff:
    """Return what differs. Layers are the same when they have the same key."""
    old = {layer.layer.key: layer for layer in before.layers}
    new = {layer.layer.key: layer for layer in after.layers}
    keys = [*new, *(key for key in old if key not in new)]
    layers = tuple(_layer(key, old.get(key), new.get(key)) for key in keys)
    return ProfileDiff(before.profile.label, after.profile.label, layers)


def _layer(key: str, before: Optional[ResolvedLayer], after: Optional[ResolvedLayer]) -> LayerDiff:
    either = after or before
    assert either is not None
    kind, pack = either.layer.kind, either.layer.name
    old_version = before.layer.version if before is not None else ""
    new_version = after.layer.version if after is not None else ""
    old_text = before.values.shown if before is not None else ""
    new_text = after.values.shown if after is not None else ""
    changes: List[Change] = []
    if before is None or after is None:
        what = ADDED if before is None else REMOVED
        changes.append(Change(key, kind, pack, "", what, old_version or None, new_version or None))
    else:
        if (before.layer.name, old_version) != (after.layer.name, new_version):
            old_name, new_name = f"{before.layer.name} {old_version}", f"{after.layer.name} {new_version}"
            changes.append(Change(key, kind, pack, "", CHANGED, old_name, new_name))
        base = Change(key, kind, pack, "", "")
        changes += _texts(base, before.values, after.values)
        manifests = dict(before.manifests), dict(after.manifests)
        for name in dict.fromkeys([*manifests[0], *manifests[1]]):
            changes += _manifest(base._replace(manifest=name), manifests[0].get(name), manifests[1].get(name))
        texts_differ = before.values.text != after.values.text
        what = CHANGED if changes or texts_differ else SAME
    return LayerDiff(key, kind, pack, what, old_version, new_version, tuple(changes), old_text, new_text)


def _manifest(base: Change, before: Optional[ResolvedText], after: Optional[ResolvedText]) -> List[Change]:
    if before is None or after is None:
        return [base._replace(what=ADDED if before is None else REMOVED)]
    return _texts(base, before, after)


def _texts(base: Change, before: ResolvedText, after: ResolvedText) -> List[Change]:
    old, new = flatten(before.document), flatten(after.document)
    changes: List[Change] = []
    inside = _containers(old), _containers(new)
    for path in dict.fromkeys([*new, *old]):
        if path in old and path in new and _equal(old[path], new[path]):
            continue
        if _filled(path, old, inside[1]) or _filled(path, new, inside[0]):
            continue  # what came into it, or went out of it, is listed
        what = CHANGED if path in old and path in new else ADDED if path in new else REMOVED
        secret = any(path in side.secrets for side in (before, after))
        secret = secret or any(origin.secret for side in (before, after) for origin in side.origins.get(path, ()))
        values = [COVER if secret and path in side else side.get(path) for side in (old, new)]
        lines = [side.source.line_of(path) if path in known else 0 for side, known in ((before, old), (after, new))]
        changes.append(
            base._replace(
                path=path, what=what, before=values[0], after=values[1], line_before=lines[0], line_after=lines[1],
                secret=secret,
            )
        )  # fmt: skip
        if len(changes) >= MAX_CHANGES:
            break
    return changes


def _containers(values: Mapping[str, Any]) -> FrozenSet[str]:
    """Return the paths of the maps and lists around values."""
    paths = set()
    for path in values:
        for place, character in enumerate(path):
            if character in ".[":
                paths.add(path[:place])
    return frozenset(paths)


def _filled(path: str, values: Mapping[str, Any], inside: FrozenSet[str]) -> bool:
    """Return whether a map or list is without content on this side and has some on the other."""
    return path in inside and path in values and values[path] in ({}, [])


def _equal(value: Any, other: Any) -> bool:
    """Return whether two values are the same for a reader of YAML: `1`, `1.0`, `true` and `"1"` are four values."""
    return type(value) is type(other) and bool(value == other)


def flatten(document: Any) -> Dict[str, Any]:
    """Return every value of a document by its path; a map or list without content is a value."""
    result: Dict[str, Any] = {}
    pending: List[Tuple[str, Any]] = [("", document)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping) and value:
            items = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
            pending += reversed(items)
        elif isinstance(value, list) and value:
            pending += reversed([(f"{path}[{number}]", item) for number, item in enumerate(value)])
        elif path:
            result[path] = value
    return result

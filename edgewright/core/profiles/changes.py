"""What of a profile is another than before, by name, and covered values that come back."""

from __future__ import annotations

from typing import Dict, List, Tuple

from edgewright.core.profiles.model import Layer, Profile
from edgewright.core.profiles.values import Values
from edgewright.core.profiles.variables import COVER

_NO_BLOCK = ("", "'", '"')


def changed_parts(before: Profile, after: Profile) -> Tuple[str, ...]:
    """Return what differs between two contents of one version, e.g. `layer web: values`; empty for the same."""
    parts: List[str] = []
    for name, text in (("type", "type"), ("cloud", "cloud"), ("description", "description"), ("labels", "labels")):
        if getattr(before, name) != getattr(after, name):
            parts.append(text)
    old, new = _by_key(before.layers), _by_key(after.layers)
    for key, layer in new.items():
        if key not in old:
            parts.append(f"layer {key}: added")
        elif old[key] != layer:
            parts.append(f"layer {key}: {', '.join(_of_layer(old[key], layer))}")
    parts += [f"layer {key}: removed" for key in old if key not in new]
    if [key for key in old if key in new] != [key for key in new if key in old]:
        parts.append("order of the layers")
    was, now = ({item.name: item for item in profile.variables} for profile in (before, after))
    for name in (*now, *(name for name in was if name not in now)):
        if was.get(name) != now.get(name):
            what = "added" if name not in was else "removed" if name not in now else "changed"
            parts.append(f"variable {name}: {what}")
    if [name for name in was if name in now] != [name for name in now if name in was]:
        parts.append("order of the variables")
    if not parts and before.extra != after.extra:
        parts.append("what other programs wrote into it")
    return tuple(parts)


def _by_key(layers: Tuple[Layer, ...]) -> Dict[str, Layer]:
    result: Dict[str, Layer] = {}
    for layer in layers:
        key, number = layer.key, 2
        while key in result:
            key, number = f"{layer.key} ({number})", number + 1
        result[key] = layer
    return result


def _of_layer(before: Layer, after: Layer) -> List[str]:
    names = {"kind": "kind", "version": "version", "tag": "version", "values": "values", "presets": "presets",
             "manifests": "manifests", "registry": "registry", "type": "type"}  # fmt: skip
    parts = [text for name, text in names.items() if getattr(before, name) != getattr(after, name)]
    return list(dict.fromkeys(parts)) or ["changed"]


def with_covered(after: Values, before: Values) -> str:
    """Return a values text with each covered value replaced by that of the text before, as it is written there.

    A value that is not there, or that is written over several lines, stays covered: it has to be given again.
    """
    splices = []
    for path, scalar in after.scalars.items():
        old = before.scalars.get(path)
        if scalar.raw == COVER and old is not None and old.raw != COVER and old.style in _NO_BLOCK:
            written = before.text[old.start : old.end]
            if "\n" not in written.strip():
                splices.append((scalar.start, scalar.end, written.strip()))
    parts, at = [], 0
    for start, end, written in sorted(set(splices)):
        behind = after.text[start:end]
        parts += [after.text[at:start], written, behind[len(behind.rstrip()) :]]
        at = end
    return "".join([*parts, after.text[at:]])

"""Where a key belongs that is in the wrong place: its exact home first, then its opposite, then a similar name."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.opposites import is_inverse, only_yes_or_no
from edgewright.core.cloudconfig.schema.cloudinit import keys_at
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.kinds import kind_problem
from edgewright.core.cloudconfig.schema.model import Key, Node, fold, nearest, parts
from edgewright.core.cloudconfig.schema.stages import STAGES

_CUTOFF = 0.78
"""How similar a name must be to be offered for another: `site` is not a misspelt `stages`."""
_MOST = 3
"""Homes that a sentence names; a name with more of them has little meaning."""
IGNORED = "An unknown key is ignored without a message."
_NETWORKD = "write files for systemd-networkd (.netdev, .network) in stages.initramfs."
_STYLUS_HINTS = {
    "siteNetwork": "Write it as stylus.site.network.",
    "vlan": f"stylus has no key for VLANs: {_NETWORKD}",
    "mtu": f"stylus has no key for it: {_NETWORKD}",
    "bond": f"stylus has no key for bonds: {_NETWORKD}",
    "dns": "Write it as nameserver.",
    "endpoint": "The address of the plane is stylus.site.paletteEndpoint.",
    "token": "The registration token is stylus.site.edgeHostToken.",
}


class Home(NamedTuple):
    """A place where a key of this name is right: its pattern, and how far it is from where it is (steps)."""

    path: str
    parent: str
    steps: int


def _index() -> Dict[str, List[str]]:
    places: Dict[str, List[str]] = {}
    for path, key in SCHEMA.keys.items():
        if key.name != "*" and not path.endswith(".*"):
            places.setdefault(fold(key.name), []).append(path)
    return places


_BY_NAME = _index()


def _only_homes() -> Dict[str, str]:
    """Return where the keys belong whose name is unique: those of stylus and install that are in one place alone."""
    places: Dict[str, List[str]] = {}
    for path, key in SCHEMA.keys.items():
        if path.startswith(("stylus.", "install.")) and "[]" not in path and "*" not in path:
            places.setdefault(key.name, []).append(path)
    common = ("name", "type", "path", "env", "port", "size", "fs")
    return {name: paths[0] for name, paths in places.items() if len(paths) == 1 and name not in common}


HOMES = _only_homes()
"""Full path of each key of stylus and install whose name alone identifies it."""


def readable(pattern: str) -> str:
    """Return a pattern of the tables for people: `stages.STAGE[].commands`."""
    return pattern.replace("stages.*", "stages.STAGE").replace("*", "NAME")


def homes_of(name: str, here: str) -> List[Home]:
    """Return where a key of this very name is right, the nearest to the pattern `here` first."""
    matches = []
    start = parts(here)
    for path in _BY_NAME.get(fold(name), []):
        parent = path.rpartition(".")[0]
        end = parts(parent)
        common = next((n for n, (a, b) in enumerate(zip(start, end)) if a != b), min(len(start), len(end)))
        matches.append(Home(path, parent, len(start) + len(end) - 2 * common))
    same_head = start[:1]
    return sorted(matches, key=lambda home: (home.steps, parts(home.path)[:1] != same_head))


def inverse_of(name: str, node: Node, here: str) -> Optional[Key]:
    """Return the key that means the opposite of `name`: at the same place, else in the same block."""
    near = [child.key for child in node.children.values() if child.key is not None]
    head = parts(here)[:1]
    far = [key for path, key in SCHEMA.keys.items() if head and parts(path)[:1] == head and len(name) > 7]
    return next((key for key in (*near, *far) if not key.old and is_inverse(name, key.name)), None)


def unknown_key(name: str, value: Any, node: Node, path: str) -> Finding:
    """Return what is reported about a key that is not known at a place; `path` is that of the map it is in."""
    where = f"{path}.{name}" if path else name
    message = f"{shown(name)} is not a key of {shown(path, 120) or 'a cloud-config'}"
    homes = _fitting(value, homes_of(name, node.path))
    foreign = keys_at(node.path)
    ours = [home for home in homes if home.path.endswith(f".{name}")]
    if name in foreign and not (isinstance(value, Mapping) and ours and _has_home(ours[0], value)):
        return _cloud_init(name, where, foreign[name])
    if name in STAGES and isinstance(value, list):
        return error(
            where, f"{message}; it is the name of a stage.", f"Indent it below stages:. {IGNORED}", "Misplaced"
        )
    sibling = next((other for other in node.names() if fold(other) == fold(name)), "")
    if sibling:
        return error(where, f"{message}; it is written `{sibling}`.", f"Rename it. {IGNORED}", "UnknownKey")
    if name in _STYLUS_HINTS and node.path.startswith("stylus"):
        return error(where, f"{message}.", _STYLUS_HINTS[name], "UnknownKey")
    if homes and len(homes) <= _MOST and not only_yes_or_no(name):
        return _misplaced(message, where, node.path, homes)
    inverse = inverse_of(name, node, node.path)
    if inverse is not None:
        return _inverse(message, where, value, inverse)
    if homes:
        return _misplaced(message, where, node.path, homes)
    similar = nearest(name, node.names(), _CUTOFF)
    if similar:
        return error(where, f"{message}; the nearest is `{similar}`.", f"Rename it. {IGNORED}", "UnknownKey")
    if name in keys_at(""):
        return _cloud_init(name, where, keys_at("")[name])
    hint = "It is ignored without a message, unless something of yours on the host reads it."
    return warning(where, f"{message}.", hint, "UnknownKey")


def _cloud_init(name: str, where: str, hint: str) -> Finding:
    message = f"{shown(name)} is a key of Ubuntu's cloud-init; Kairos does not read it."
    return warning(where, message, hint, "CloudInit")


def _fitting(value: Any, homes: List[Home]) -> List[Home]:
    """Return the homes whose kind is that of the value; all of them when none is."""
    fitting = [home for home in homes if kind_problem(SCHEMA.keys[home.path], value, home.path) is None]
    if isinstance(value, Mapping):
        fitting = [home for home in fitting if _has_home(home, value)] or fitting
    return fitting or homes


def _has_home(home: Home, value: Mapping[str, Any]) -> bool:
    """Return whether a map contains keys of the block at a home (`network` with `interfaces`, not with `ethernets`)."""
    node = SCHEMA.node(home.path)
    return node is not None and bool(value) and all(node.child(str(name)) is not None for name in value)


def _inverse(message: str, where: str, value: Any, key: Key) -> Finding:
    place = readable(key.path)
    sentence = f"{message}; there is {place}, which means the opposite."
    if not isinstance(value, bool):
        return error(where, sentence, f"Write {key.name} with the other value.", "Inverse")
    other = "false" if value else "true"
    if key.default is (not value):
        hint = f"Remove it: {key.name}: {other} is the default."
        return warning(where, sentence, hint, "Inverse")
    return error(where, sentence, f"Write {key.name}: {other}. {IGNORED}", "Inverse")


def _misplaced(message: str, where: str, here: str, homes: List[Home]) -> Finding:
    nearest_steps = homes[0].steps
    best = [home for home in homes if home.steps == nearest_steps] if len(homes) > _MOST else homes
    rule = error if len(homes) <= _MOST else warning
    if len(best) == 1:
        sentence, hint = _one_home(message, here, best[0])
        return rule(where, sentence, f"{hint} {IGNORED}", "Misplaced")
    named = [readable(home.path) if home.parent else f"{home.path} (at the top level)" for home in best[: _MOST + 1]]
    listed = ", ".join(named[:-1]) + f" or {named[-1]}"
    return rule(where, f"{message}; it belongs to {listed}.", f"Move it. {IGNORED}", "Misplaced")


def _one_home(message: str, here: str, home: Home) -> Tuple[str, str]:
    path = readable(home.path)
    if not home.parent:
        return f"{message}; `{path}` belongs to the top level: it is indented too far.", "Move it to the left margin."
    parent, start, end = readable(home.parent), parts(here), parts(home.parent)
    if start[: len(end)] == end:
        return f"{message}; it belongs to {parent} ({path}): it is indented too far.", f"Move it below {parent}:."
    if end[: len(start)] == start:
        return f"{message}; it belongs to {parent} ({path}).", f"Indent it below {parent}:."
    return f"{message}; it belongs to {parent} ({path}).", f"Move it below {parent}:."


def suggestion(path: str) -> str:
    """Return the end of a sentence about a path that is not a key: its home, its opposite, or the nearest."""
    above, _, last = path[:200].rpartition(".")
    node = SCHEMA.node(above) if above else SCHEMA.root
    here = node.path if node is not None else ""
    homes = homes_of(last, here)
    if homes and last:
        near = [home for home in homes if home.steps == homes[0].steps][:_MOST]
        return "; it is " + " or ".join(f"`{readable(home.path)}`" for home in near)
    inverse = inverse_of(last, node or SCHEMA.root, here or "stylus")
    if inverse is not None:
        return f"; there is `{readable(inverse.path)}`, which means the opposite"
    similar = nearest(path[:200], SCHEMA.keys, _CUTOFF) or _by_last(last)
    return f"; the nearest is `{readable(similar)}`" if similar else ""


def _by_last(last: str) -> str:
    ends = {key.name: key.path for key in reversed(list(SCHEMA.keys.values())) if key.name != "*"}
    name = nearest(last, ends, _CUTOFF)
    return ends[name] if name else ""

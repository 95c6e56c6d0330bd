"""The shape of a document: keys that nobody knows, values of another type, choices, bounds, what is deprecated."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from edgewright.core.cloudconfig import model
from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.keys_kairos import SCHEMA
from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.model import Key, Node, is_template, nearest

MOST_UNKNOWN = 100
"""Unknown keys that are told one by one."""

_NETWORKD = "write files for systemd-networkd (.netdev, .network) in stages.initramfs."
_ELSEWHERE = {
    "siteNetwork": "Write it as stylus.site.network.",
    "vlan": f"stylus has no key for VLANs: {_NETWORKD}",
    "mtu": f"stylus has no key for it: {_NETWORKD}",
    "bond": f"stylus has no key for bonds: {_NETWORKD}",
    "dns": "Write it as nameserver.",
    "token": "The registration token is stylus.site.edgeHostToken.",
}


def check_shape(document: Mapping[str, Any], profile: str = model.PALETTE) -> List[Finding]:
    """Return what is wrong with the shape of a document, and which of its choices cannot be undone later."""
    walk = _Walk(profile)
    walk.map(document, SCHEMA.root, "")
    return walk.all()


class _Walk:
    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.found: List[Finding] = []
        self.unknown = 0
        self.fixed: Dict[str, List[str]] = {}

    def all(self) -> List[Finding]:
        if self.unknown > MOST_UNKNOWN:
            more = self.unknown - MOST_UNKNOWN
            self.found.append(
                warning("", f"{more} more keys are not known.", "Is this a user-data file?", "UnknownKey")
            )
        for why, paths in self.fixed.items():
            names = ", ".join(paths[:6]) + (f" and {len(paths) - 6} more" if len(paths) > 6 else "")
            self.found.append(note(paths[0], f"Cannot be undone later: {names}; {why}.", code="Fixed"))
        return self.found

    def map(self, value: Mapping[str, Any], node: Node, path: str) -> None:
        for name, below in value.items():
            name = str(name)
            where = f"{path}.{name}" if path else name
            child = node.child(name)
            if child is not None:
                self.value(below, child, where)
            elif not node.free:
                self.not_known(name, node, path, where)

    def not_known(self, name: str, node: Node, path: str, where: str) -> None:
        self.unknown += 1
        if self.unknown > MOST_UNKNOWN:
            return
        said = f"{shown(name)} is not a key of {shown(path, 120) or 'a cloud-config'}"
        near = nearest(name, node.names())
        if near:
            self.found.append(error(where, f"{said}; the nearest is `{near}`.", _IGNORED, "UnknownKey"))
            return
        if name in _ELSEWHERE and path.startswith("stylus"):
            self.found.append(error(where, f"{said}.", _ELSEWHERE[name], "UnknownKey"))
            return
        home = HOMES.get(name, "") if path == "" or path.startswith(("stylus", "install")) else ""
        if home:
            self.found.append(error(where, f"{said}; it belongs to {home}.", _IGNORED, "Misplaced"))
        else:
            hint = "It is passed over without a word, unless something on the host of yours reads it."
            self.found.append(warning(where, f"{said}.", hint, "UnknownKey"))

    def value(self, value: Any, node: Node, path: str) -> None:
        key = node.key
        if key is None:  # an inner place without a key of its own
            if isinstance(value, Mapping):
                self.map(value, node, path)
            return
        if key.old:
            self.found.append(warning(path, f"{path} is deprecated.", key.old, "Deprecated"))
        self._other_profile(key, path)
        if is_template(value) or key.kind == model.ANY:
            return
        if value is None:
            self._empty(key, path)
            return
        problem = _problem(key, value, path)
        if problem is not None:
            self.found.append(problem._replace(path=path))
            return
        self._in_bounds(key, value, path)
        if key.fixed and value not in ("", False, 0, key.default, [], {}):
            self.fixed.setdefault(key.fixed, []).append(path)
        if isinstance(value, Mapping) and key.kind == model.MAP:
            self.map(value, node, path)
        elif isinstance(value, list) and key.kind == model.MAPS:
            item = node.children.get("[]")
            for place, one in enumerate(value):
                where = f"{path}[{place}]"
                if isinstance(one, Mapping):
                    if item is not None:
                        self.map(one, item, where)
                elif not is_template(one):
                    self.found.append(error(where, f"{where} must be a map, not {_kind_of(one)}.", "", "Type"))

    def _other_profile(self, key: Key, path: str) -> None:
        if key.profile == model.KAIROS and self.profile == model.PALETTE:
            hint = "With a plane the agent makes the cluster; check with --profile kairos for a host without one."
            self.found.append(note(path, f"{path} belongs to Kairos without a plane.", hint, "OtherProfile"))
        elif key.path == "stylus" and self.profile == model.KAIROS:
            hint = "Check with --profile palette when the image has Palette's agent or ours."
            said = "stylus is passed over by a plain Kairos host (profile kairos)."
            self.found.append(warning(path, said, hint, "OtherProfile"))

    def _empty(self, key: Key, path: str) -> None:
        hint = "Give it a value, or take the key out."
        if key.kind in (model.MAP, model.MAPS, model.TEXTS, model.TABLE, model.TEXT_OR_TEXTS):
            self.found.append(warning(path, f"{path} is empty.", hint, "Empty"))
        else:
            said = f"{path} has no value; {model.WORDS[key.kind]} is expected."
            self.found.append(error(path, said, hint, "Empty"))

    def _in_bounds(self, key: Key, value: Any, path: str) -> None:
        if key.choices and isinstance(value, str) and value not in key.choices:
            near = nearest(value, key.choices)
            more = f"; the nearest is `{near}`" if near else ""
            said = f"{path} is {shown(value)}; it must be one of {', '.join(key.choices)}{more}."
            self.found.append(error(path, said, "", "Choice"))
        elif isinstance(value, int) and not isinstance(value, bool):
            low, high = key.low, key.high
            if (low is not None and value < low) or (high is not None and value > high):
                bounds = f"at least {low}" if high is None else f"{low} to {high}"
                self.found.append(
                    error(path, f"{path} is {shown(value) or 'too big'}; it must be {bounds}.", key.rule, "Range")
                )


_IGNORED = "Rename it: a key that nobody knows is passed over without a word."


def _homes() -> Dict[str, str]:
    """Return where the keys belong whose name says it: those of stylus and install that stand in one place alone."""
    places: Dict[str, List[str]] = {}
    for path, key in SCHEMA.keys.items():
        if path.startswith(("stylus.", "install.")) and "[]" not in path and "*" not in path:
            places.setdefault(key.name, []).append(path)
    common = ("name", "type", "path", "env", "port", "size", "fs")
    return {name: paths[0] for name, paths in places.items() if len(paths) == 1 and name not in common}


HOMES = _homes()
"""Full path of each key of stylus and install whose name alone says which it is."""


def _kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {value}" if abs(value) < 10**18 else "a number"
    if isinstance(value, float):
        return f"the number {value:g}"
    if isinstance(value, str):
        return "a text"
    return "a map" if isinstance(value, Mapping) else "a list"


def _problem(key: Key, value: Any, name: str) -> "Finding | None":
    """Return the finding for a value of the wrong type; None when it is right. The path is left to the caller."""
    kind = key.kind
    said = f"{name} must be {model.WORDS[kind]}, not {_kind_of(value)}."
    scalar = isinstance(value, (bool, int, float))
    if kind == model.TEXT:
        if isinstance(value, str):
            return None
        return error("", said, "Put it into quotes." if scalar else "", "Type")
    if kind == model.FLAG:
        if isinstance(value, bool):
            return None
        quoted = isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "on", "off")
        return error("", said, "Write true or false, without quotes." if quoted or scalar else "", "Type")
    if kind == model.INT:
        if isinstance(value, int) and not isinstance(value, bool):
            return None
        quoted = isinstance(value, str) and value.strip().isdigit()
        return error("", said, "Write the number without quotes." if quoted else key.rule, "Type")
    if kind in (model.MAP, model.TABLE):
        if not isinstance(value, Mapping):
            return error("", said, "", "Type")
        if kind == model.TABLE:
            return _table(name, value)
        return None
    if kind == model.TEXT_OR_TEXTS and isinstance(value, str):
        return None
    if not isinstance(value, list):
        return error("", said, "Begin each item with '- '." if isinstance(value, str) else "", "Type")
    if kind in (model.TEXTS, model.TEXT_OR_TEXTS):
        odd = [one for one in value if not isinstance(one, str)]
        if odd:
            hint = "Put it into quotes." if isinstance(odd[0], (bool, int, float)) else ""
            return error("", f"{name} must hold texts, not {_kind_of(odd[0])}.", hint, "Type")
    return None


def _table(name: str, value: Mapping[str, Any]) -> "Finding | None":
    for one, below in value.items():
        if isinstance(below, (Mapping, list)):
            return error("", f"{name}.{shown(one)} must be a text, not {_kind_of(below)}.", "", "Type")
        if not isinstance(below, str):
            hint = f'Put it into quotes, so that it stays as you wrote it: {shown(one)}: "..."'
            return warning("", f"{name}.{shown(one)} is {_kind_of(below)} and not a text.", hint, "Type")
    return None

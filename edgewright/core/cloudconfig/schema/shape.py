"""The shape of a document: unknown keys, values of another type, choices, bounds, what is deprecated."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.homes import unknown_key
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.kinds import kind_problem, no_map
from edgewright.core.cloudconfig.schema.model import Key, Node, is_template, nearest
from edgewright.core.cloudconfig.schema.readers import reads_any_scalar

MOST_UNKNOWN = 100
"""Unknown keys that are reported one by one."""


def check_shape(document: Mapping[str, Any], profile: str = model.PALETTE) -> List[Finding]:
    """Return what is wrong with the shape of a document, and which of its choices cannot be undone later."""
    walk = _Walk(profile)
    walk.map(document, SCHEMA.root, "")
    return walk.all()


class _Walk:
    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.findings: List[Finding] = []
        self.unknown = 0
        self.fixed: Dict[str, List[str]] = {}

    def all(self) -> List[Finding]:
        if self.unknown > MOST_UNKNOWN:
            more = self.unknown - MOST_UNKNOWN
            self.findings.append(
                warning("", f"{more} more keys are not known.", "Is this a user-data file?", "UnknownKey")
            )
        for why, paths in self.fixed.items():
            names = ", ".join(paths[:6]) + (f" and {len(paths) - 6} more" if len(paths) > 6 else "")
            self.findings.append(note(paths[0], f"Cannot be undone later: {names}; {why}.", code="Fixed"))
        return self.findings

    def map(self, value: Mapping[str, Any], node: Node, path: str) -> None:
        for name, below in value.items():
            name = str(name)
            where = f"{path}.{name}" if path else name
            child = node.child(name) or _dotted(node, name)
            if child is not None:
                self.value(below, child, where)
            elif not node.free:
                self.not_known(name, below, node, path)

    def not_known(self, name: str, value: Any, node: Node, path: str) -> None:
        self.unknown += 1
        if self.unknown > MOST_UNKNOWN:
            return
        self.findings.append(unknown_key(name, value, node, path))

    def value(self, value: Any, node: Node, path: str) -> None:
        key = node.key
        if key is None:  # an inner place without a key of its own
            if isinstance(value, Mapping):
                self.map(value, node, path)
            return
        if key.old:
            self.findings.append(warning(path, f"{path} is deprecated.", key.old, "Deprecated"))
        self._other_profile(key, path)
        if is_template(value) or key.kind == model.ANY:
            return
        if value is None:
            self._empty(key, path)
            return
        if key.path == "write_files[].permissions":
            return  # a text that is read as octal: modes.py
        problem = kind_problem(key, value, path)
        if problem is not None:
            self.findings.append(problem)
            return
        self._in_bounds(key, value, path)
        if key.fixed and value not in ("", False, 0, key.default, [], {}):
            self.fixed.setdefault(key.fixed, []).append(path)
        if isinstance(value, Mapping) and key.kind == model.MAP:
            self.map(value, node, path)
        elif isinstance(value, list) and key.kind == model.MAPS:
            item = node.children.get("[]")
            for place, entry in enumerate(value):
                where = f"{path}[{place}]"
                if isinstance(entry, Mapping):
                    if item is not None:
                        self.map(entry, item, where)
                elif not is_template(entry):
                    self.findings.append(no_map(entry, where))

    def _other_profile(self, key: Key, path: str) -> None:
        if key.profile == model.KAIROS and self.profile == model.PALETTE:
            hint = "With a plane the agent makes the cluster; check with --profile kairos for a host without one."
            self.findings.append(note(path, f"{path} belongs to Kairos without a plane.", hint, "OtherProfile"))
        elif key.path == "stylus" and self.profile == model.KAIROS:
            hint = "Check with --profile palette when the image has Palette's agent or ours."
            message = "stylus is passed over by a plain Kairos host (profile kairos)."
            self.findings.append(warning(path, message, hint, "OtherProfile"))

    def _empty(self, key: Key, path: str) -> None:
        hint = "Give it a value, or remove the key."
        harmless = key.kind in (model.MAP, model.MAPS, model.TEXTS, model.TABLE, model.TEXT_OR_TEXTS)
        if harmless or reads_any_scalar(path):
            self.findings.append(warning(path, f"{path} is empty.", hint, "Empty"))
        else:
            message = f"{path} has no value; {model.KIND_NAMES[key.kind]} is expected."
            self.findings.append(error(path, message, hint, "Empty"))

    def _in_bounds(self, key: Key, value: Any, path: str) -> None:
        if key.choices and isinstance(value, str) and value not in key.choices:
            near = nearest(value, key.choices)
            more = f"; the nearest is `{near}`" if near else ""
            given = shown(value) or "empty"
            message = f"{path} is {given}; it must be one of {', '.join(key.choices)}{more}."
            self.findings.append(error(path, message, "", "Choice"))
        elif isinstance(value, int) and not isinstance(value, bool):
            low, high = key.low, key.high
            if (low is not None and value < low) or (high is not None and value > high):
                bounds = f"at least {low}" if high is None else f"{low} to {high}"
                self.findings.append(
                    error(path, f"{path} is {shown(value) or 'too big'}; it must be {bounds}.", key.rule, "Range")
                )


def _dotted(node: Node, name: str) -> Optional[Node]:
    """Return the place of `partitions.oem.size` below a block of the installer: Kairos reads that as nested keys."""
    if "." not in name or node.path not in ("install", "reset", "upgrade"):
        return None
    result: Optional[Node] = node
    for part in name.split(".")[:10]:
        result = result.child(part) if result is not None else None
    return result

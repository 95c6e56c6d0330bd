"""pack.json: what it contains, checked. Keys may be in another case; those that are not known stay in the document."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.errors import DocumentProblem
from edgewright.core.installer.nearest import nearest
from edgewright.core.packs import layers
from edgewright.core.packs.pack import Component, Dependency, ResourceLimit, Upstream
from edgewright.core.text import clean

MAX_NAME = 128
MAX_ITEMS = 200
"""Charts, manifests, dependencies and limits, each."""
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
OURS = "edgewright"
"""The key of what we add: `upstream` and `proven`."""
KEYS = (
    "name", "displayName", "version", "layer", "group", "cloudTypes", "cloudType", "eol", "addonType", "addonSubType",
    "charts", "kubeManifests", "annotations", "constraints", "ansibleRoles", OURS,
)  # fmt: skip
_CANONICAL = {key.lower(): key for key in KEYS}


class Metadata(NamedTuple):
    """What pack.json contains."""

    name: str = ""
    version: str = ""
    layer: str = ""
    display_name: str = ""
    group: str = ""
    eol: str = ""
    addon_type: str = ""
    addon_subtype: str = ""
    cloud_types: Tuple[str, ...] = ()
    charts: Tuple[str, ...] = ()
    manifests: Tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}
    dependencies: Tuple[Dependency, ...] = ()
    resources: Tuple[ResourceLimit, ...] = ()
    upstream: Optional[Upstream] = None
    proven: str = ""


def parse(document: Any) -> Tuple[Metadata, Tuple[DocumentProblem, ...]]:
    """Return what a pack.json contains, and everything that is wrong in it."""
    if not isinstance(document, Mapping):
        problem = DocumentProblem(
            "", "pack.json is not a JSON object.", "It has name, version and layer.", "InvalidPack"
        )
        return Metadata(), (problem,)
    reader = _Reader(_known(document))
    return reader.metadata(), tuple(reader.problems)


def _known(document: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the known keys, spelled as Palette does; a key that is spelled so wins over one in another case."""
    result: Dict[str, Any] = {}
    for key, value in document.items():
        name = _CANONICAL.get(str(key).lower())
        if name is not None and (name not in result or key == name):
            result[name] = value
    return result


def inside(path: str) -> bool:
    """Return whether a path stays in the folder of its pack."""
    if not path or "\\" in path or "\0" in path or path.startswith("/"):
        return False
    return ".." not in path.split("/")


class _Reader:
    """Reads the keys one by one and collects what is wrong."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.problems: List[DocumentProblem] = []

    def wrong(self, key: str, message: str, hint: str = "") -> None:
        self.problems.append(DocumentProblem(key, message, hint, "InvalidPack"))

    def metadata(self) -> Metadata:
        constraints = self.mapping("constraints")
        clouds = self.texts("cloudTypes") or tuple(filter(None, [self.text("cloudType")]))
        return Metadata(
            name=self.named("name", NAME),
            version=self.named("version", VERSION),
            layer=self.layer(self.document.get("layer"), "layer"),
            display_name=clean(self.text("displayName"), MAX_NAME),
            group=clean(self.text("group"), MAX_NAME),
            eol=clean(self.text("eol"), MAX_NAME).strip(),
            addon_type=clean(self.text("addonType"), MAX_NAME),
            addon_subtype=clean(self.text("addonSubType"), MAX_NAME),
            cloud_types=clouds,
            charts=self.paths("charts"),
            manifests=self.paths("kubeManifests"),
            annotations=self.annotations(),
            dependencies=self.dependencies(constraints.get("dependencies")),
            resources=self.resources(constraints.get("resources")),
            upstream=self.upstream(),
            proven=self.proven(),
        )

    def text(self, key: str) -> str:
        value = self.document.get(key)
        if value is None:
            return ""
        if isinstance(value, (bool, dict, list)):
            self.wrong(key, f"{key} must be a text.")
            return ""
        return str(value)

    def named(self, key: str, form: Any) -> str:
        value = self.document.get(key)
        if value is None or value == "":
            self.wrong(key, f"{key} is missing.", f"Add {key} to pack.json.")
            return ""
        text = self.text(key).strip()
        if text and not form.fullmatch(text):
            self.wrong(key, f"{clean(text, 60)} is not a valid {key}.", "Letters, digits and . _ - are allowed.")
            return ""
        return text

    def layer(self, value: Any, key: str) -> str:
        text = value.strip().lower() if isinstance(value, str) else ""
        if text in layers.LAYERS:
            return text
        if not text:
            self.wrong(key, f"{key} is missing.", f"Layers: {', '.join(layers.LAYERS)}.")
            return ""
        near = nearest(text, layers.LAYERS)
        hint = f"Did you mean {near}?" if near else f"Layers: {', '.join(layers.LAYERS)}."
        self.wrong(key, f"{clean(text, 40)} is not a layer.", hint)
        return ""

    def mapping(self, key: str) -> Mapping[str, Any]:
        value = self.document.get(key)
        if value is None or value == []:  # an empty list is what some tools write for an empty map
            return {}
        if not isinstance(value, Mapping):
            self.wrong(key, f"{key} must be a map.")
            return {}
        return value

    def items(self, value: Any, key: str) -> List[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, f"{key} must be a list.")
            return []
        if len(value) > MAX_ITEMS:
            self.wrong(key, f"{key} has more than {MAX_ITEMS} items.")
            return []
        return value

    def texts(self, key: str) -> Tuple[str, ...]:
        result = []
        for item in self.items(self.document.get(key), key):
            if not isinstance(item, str):
                self.wrong(key, f"{key} must contain texts only.")
                break
            if item.strip():
                result.append(item.strip())
        return tuple(result)

    def paths(self, key: str) -> Tuple[str, ...]:
        result = []
        for path in self.texts(key):
            if inside(path):
                result.append(path[2:] if path.startswith("./") else path)
            else:
                self.wrong(key, f"{clean(path, 80)} leads out of the pack.", "Name a file in the folder of the pack.")
        return tuple(result)

    def annotations(self) -> Mapping[str, str]:
        result: Dict[str, str] = {}
        for key, value in self.mapping("annotations").items():
            if isinstance(value, (dict, list)):
                self.wrong(f"annotations.{clean(key, 60)}", "an annotation must be a text.")
            elif value is not None:
                shown = ("true" if value else "false") if isinstance(value, bool) else str(value)
                result[str(key)] = shown
        return result

    def dependencies(self, value: Any) -> Tuple[Dependency, ...]:
        result = []
        for number, item in enumerate(self.items(value, "constraints.dependencies")):
            key = f"constraints.dependencies[{number}]"
            if not isinstance(item, Mapping):
                self.wrong(key, "a dependency must be a map.")
                continue
            name, kind = str(item.get("packName") or "").strip(), str(item.get("type") or "").strip()
            if not NAME.fullmatch(name):
                self.wrong(f"{key}.packName", "packName is missing or not valid.")
            if kind not in layers.DEPENDENCY_TYPES:
                names = ", ".join(layers.DEPENDENCY_TYPES)
                self.wrong(
                    f"{key}.type", f"{clean(kind, 40) or 'type'} is not a type of dependency.", f"Types: {names}."
                )
            layer = self.layer(item.get("layer"), f"{key}.layer")
            bounds = [str(item.get(bound) or "").strip()[:MAX_NAME] for bound in ("minVersion", "maxVersion")]
            result.append(Dependency(name, layer, kind, *bounds))
        return tuple(result)

    def resources(self, value: Any) -> Tuple[ResourceLimit, ...]:
        result = []
        for number, item in enumerate(self.items(value, "constraints.resources")):
            key = f"constraints.resources[{number}]"
            if not isinstance(item, Mapping) or item.get("type") not in layers.RESOURCES:
                self.wrong(f"{key}.type", f"type must be one of {', '.join(layers.RESOURCES)}.")
                continue
            least = item.get("minLimit", 0)
            if isinstance(least, bool) or not isinstance(least, (int, float)) or not 0 <= least <= 1e12:
                self.wrong(f"{key}.minLimit", "minLimit must be a number that is not negative.")
                continue
            result.append(ResourceLimit(str(item["type"]), float(least), self.components(item.get("components"), key)))
        return tuple(result)

    def components(self, value: Any, key: str) -> Tuple[Component, ...]:
        result = []
        for item in self.items(value, f"{key}.components"):
            schedule = item.get("scheduleType") if isinstance(item, Mapping) else None
            if schedule not in layers.SCHEDULES:
                self.wrong(f"{key}.components", f"scheduleType must be one of {', '.join(layers.SCHEDULES)}.")
                continue
            paths = [str(item.get(name) or "") for name in ("resourceRequestParamRef", "replicaCountParamRef")]
            result.append(Component(str(schedule), *paths))
        return tuple(result)

    def upstream(self) -> Optional[Upstream]:
        value = self.mapping(OURS).get("upstream")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.wrong(f"{OURS}.upstream", "upstream must be a map.")
            return None
        parts = {
            name: str(value.get(name) or "").strip() for name in ("kind", "repository", "name", "version", "digest")
        }
        if parts["kind"] not in ("helm", "oci", "manifest", "image"):
            self.wrong(f"{OURS}.upstream.kind", "kind must be helm, oci, manifest or image.")
        if not parts["repository"]:
            self.wrong(f"{OURS}.upstream.repository", "repository is missing.")
        if not parts["version"] and not parts["digest"]:
            self.wrong(f"{OURS}.upstream", "an upstream needs a version or a digest.")
        if parts["digest"] and not DIGEST.fullmatch(parts["digest"]):
            self.wrong(f"{OURS}.upstream.digest", "digest must be sha256: and 64 hexadecimal digits.")
        return Upstream(**parts)

    def proven(self) -> str:
        value = self.mapping(OURS).get("proven") or ""
        if value not in layers.MARKS:
            names = ", ".join(mark for mark in layers.MARKS if mark)
            self.wrong(f"{OURS}.proven", f"{clean(value, 40)} is not a mark.", f"Marks: {names}.")
            return ""
        return str(value)

"""What references mean: variables, macros, values of the system and of other layers; each with where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, FrozenSet, Mapping, NamedTuple, Optional, Sequence, Tuple

from edgewright.core.profiles.model import ADDON, K8S, Profile, Variable
from edgewright.core.profiles.values import Values

PACK_DEFAULT = "pack default"
PRESET = "preset"
LAYER = "layer value"
VARIABLE = "variable"
MACRO = "macro"
SYSTEM = "system"
PACK = "pack value"
ORIGINS = (PACK_DEFAULT, PRESET, LAYER, VARIABLE, MACRO, SYSTEM, PACK)

SYSTEM_NAMES: Tuple[str, ...] = (
    "user.name", "user.uid", "user.email", "tenant.uid", "project.name", "project.uid", "clusterprofile.name",
    "clusterprofile.uid", "clusterprofile.version", "clusterprofile.infra.name", "clusterprofile.infra.uid",
    "clusterprofile.infra.version", "cluster.name", "cluster.uid", "cluster.kubevip", "cloudaccount.name",
    "cloudaccount.uid", "kubernetes.version", "reverseproxy.server", "reverseproxy.port", "reverseproxy.protocol",
    "reverseproxy.vhostport", "cloud.type", "cloud.region",
)  # fmt: skip
"""Names behind `.spectro.system.` (Palette's documentation of macros)."""

ALWAYS_EMPTY = frozenset(name for name in SYSTEM_NAMES if name.startswith(("cloudaccount.", "reverseproxy.")))
"""What an edge cluster does not have in Edgewright: empty, as in Palette where the service is not enabled."""


class Origin(NamedTuple):
    """Where a value came from.

    `kind` is one of `ORIGINS`, `name` the variable, macro, preset or system value, `layer`, `path` and `line` the place
    of the text that was taken (line 0: not a text). `scope` is that of a macro. `secret` values are masked on screens.
    """

    kind: str
    name: str = ""
    layer: str = ""
    path: str = ""
    line: int = 0
    scope: str = ""
    secret: bool = False

    def text(self) -> str:
        """Return it for users, e.g. `variable replicas` or `pack value os: options.system.uri, line 7`."""
        if self.kind == PACK:
            return f"{self.kind} {self.layer}: {self.path}, line {self.line}"
        scope = f" ({self.scope})" if self.scope else ""
        return f"{self.kind} {self.name}{scope}".strip()


class Macro(NamedTuple):
    """A macro with the scope that it is from; the value of a masked one is not shown."""

    value: str
    scope: str
    masked: bool = False


def macros(
    project: Mapping[str, str], tenant: Mapping[str, str], system: Optional[Mapping[str, str]] = None
) -> Dict[str, Macro]:
    """Return the macros that apply: those of the project win over the tenant's, these over the system's."""
    result = {name: Macro(value, "system") for name, value in (system or {}).items()}
    result.update((name, Macro(value, "tenant")) for name, value in tenant.items())
    result.update((name, Macro(value, "project")) for name, value in project.items())
    return result


@dataclass(frozen=True)
class Context:
    """What a profile is resolved with.

    `variables` are values by name, `system` values by what follows `.spectro.system.`. With `partial` true, what has no
    value yet (a cluster that does not exist, a variable without an answer) stays in the text as it is and is listed;
    otherwise it is an error.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    macros: Mapping[str, Macro] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False


@dataclass(frozen=True)
class LayerValues:
    """A layer with its values as they were read.

    `default` are the values of the pack, `presets` the additions of the chosen presets by name, `manifests` the
    layer's manifests by name. `values` is what is resolved: the layer's own text, else the pack's.
    """

    key: str
    kind: str
    name: str
    version: str
    values: Values
    default: Optional[Values] = None
    presets: Tuple[Tuple[str, Values], ...] = ()
    manifests: Tuple[Tuple[str, Values], ...] = ()
    secrets: FrozenSet[str] = frozenset()
    """Paths that the schema of the pack marks as passwords."""
    results: Optional[Mapping[str, Tuple[str, Tuple[Origin, ...]]]] = None
    """For a layer of a profile that was resolved before: text and origins of its values with references."""


def system_values(profile: Profile, infra: Optional[Profile], layers: Sequence[LayerValues]) -> Dict[str, str]:
    """Return the system values that profiles themselves give: names, versions, the version of Kubernetes."""
    below = infra if profile.type == ADDON else profile
    result = {"cloud.type": profile.cloud, **dict.fromkeys(ALWAYS_EMPTY, "")}
    for prefix, source in (("clusterprofile", profile), ("clusterprofile.infra", below)):
        if source is not None:
            result[f"{prefix}.name"], result[f"{prefix}.version"] = source.name, source.version
            if source.uid:
                result[f"{prefix}.uid"] = source.uid
    for layer in layers:
        if layer.kind == K8S:
            result["kubernetes.version"] = layer.version.lstrip("v")
    return result


class Meaning(NamedTuple):
    """What a reference names: its pieces still with references, where it is from, and what that was made of."""

    pieces: Tuple[Any, ...]
    origin: Origin
    further: Tuple[Origin, ...] = ()


class Scope:
    """Looks names up; nothing is resolved here."""

    def __init__(self, variables: Sequence[Variable], layers: Sequence[LayerValues], context: Context,
                 system: Mapping[str, str]) -> None:  # fmt: skip
        self.context = context
        self.variables = {variable.name: variable for variable in variables}
        self.system = {**system, **context.system}
        self.layers: Dict[str, LayerValues] = {}
        for layer in layers:
            self.layers.setdefault(layer.key, layer)
        for layer in layers:
            self.layers.setdefault(layer.name, layer)
        self._longest = sorted(self.layers, key=len, reverse=True)

    def pack_of(self, name: str) -> "Tuple[Optional[LayerValues], str]":
        """Return the layer and the path that `NAME.KEY` means; `None` and the name when there is no such pack."""
        for key in self._longest:
            if name.startswith(key) and name[len(key) : len(key) + 1] == ".":
                return self.layers[key], name[len(key) + 1 :]
        return None, name.split(".", 1)[0]

    def known(self, space: str) -> Collection[str]:
        """Return the names that may follow `.spectro.SPACE.`."""
        if space == "var":
            return self.variables
        if space == "macro":
            return self.context.macros
        return SYSTEM_NAMES if space == "system" else self.layers

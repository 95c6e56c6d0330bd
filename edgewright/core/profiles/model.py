"""A cluster profile: layers in order, each a pack with values, and the variables of the profile.

Names are those of Palette's API: types `cluster` (full), `infra`, `add-on`; layers `os`, `k8s`, `cni`, `csi`, `addon`;
pack types `spectro`, `helm`, `manifest`, `oci`. Everything is immutable; `dataclasses.replace` makes changes. What a
document contains besides is in `extra` and survives a round trip.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple

FULL = "cluster"
INFRA = "infra"
ADDON = "add-on"
TYPES: Mapping[str, str] = {FULL: "full", INFRA: "infrastructure", ADDON: "add-on"}
"""Types by the API's name, with what users read."""

OS = "os"
K8S = "k8s"
CNI = "cni"
CSI = "csi"
ADDON_LAYER = "addon"
LAYERS: Tuple[str, ...] = (OS, K8S, CNI, CSI, ADDON_LAYER)
"""Kinds of layers, from the bottom of the stack."""
LAYER_NAMES: Mapping[str, str] = {
    OS: "OS", K8S: "Kubernetes", CNI: "network (CNI)", CSI: "storage (CSI)", ADDON_LAYER: "add-on",
}  # fmt: skip

PACK_TYPES: Tuple[str, ...] = ("spectro", "helm", "manifest", "oci")

DRAFT = "draft"
PUBLISHED = "published"
FIRST_VERSION = "1.0.0"

MAX_VALUES = 5 * 1024 * 1024
"""Bytes of the values of a layer, and of a manifest."""
MAX_LAYERS = 100
MAX_VARIABLES = 500
MAX_MANIFESTS = 100
"""Manifests of one layer."""
MAX_TOTAL = 32 * 1024 * 1024
"""Bytes of all values and manifests of a profile."""


@dataclass(frozen=True)
class Registry:
    """Where a pack comes from: the name that an export has, or the uid at a plane."""

    name: str = ""
    uid: str = ""
    kind: str = ""
    provider: str = ""
    private: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """Kubernetes manifests that a layer brings besides its pack; `content` is YAML of any number of documents."""

    name: str
    content: str = ""
    uid: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One layer: a pack of a version with its values.

    `values` is the complete text of the layer's values as in Palette; empty means the pack's own, with `presets`
    applied. `key` is what errors and references call the layer: a pack that is there twice has a display name
    (`pack.spectrocloud.com/display-name` in its values).
    """

    name: str
    kind: str
    version: str = ""
    tag: str = ""
    type: str = "spectro"
    values: str = ""
    presets: Tuple[str, ...] = ()
    manifests: Tuple[Manifest, ...] = ()
    registry: Registry = Registry()
    pack_uid: str = ""
    display: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the name of the layer within its profile."""
        return self.display or self.name

    @property
    def pack_version(self) -> str:
        """Return the version of the pack: what is set of version and tag."""
        return self.version or self.tag


@dataclass(frozen=True)
class Option:
    """A choice of a variable with a dropdown."""

    value: str
    label: str = ""
    description: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Variable:
    """A variable of a profile; its place in `Profile.variables` is its place on screens.

    `default` is empty for none. `input` is `text`, `dropdown` or `multiline`; `format` a key of `formats.FORMATS`;
    `masked` covers the value on screens and in exports; `hidden` and `read_only` cannot be set for a cluster.
    """

    name: str
    display: str = ""
    description: str = ""
    input: str = "text"
    format: str = "string"
    options: Tuple[Option, ...] = ()
    regex: str = ""
    required: bool = False
    default: str = ""
    masked: bool = False
    hidden: bool = False
    read_only: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """One version of a cluster profile."""

    name: str
    type: str = FULL
    version: str = FIRST_VERSION
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    cloud: str = "edge-native"
    layers: Tuple[Layer, ...] = ()
    variables: Tuple[Variable, ...] = ()
    state: str = DRAFT
    uid: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return name and version, as sentences name the profile."""
        return f"{self.name} {self.version}"

    def ordered(self) -> Tuple[Layer, ...]:
        """Return the layers from the bottom of the stack; add-ons stay in their order."""
        place: Dict[str, int] = {kind: index for index, kind in enumerate(LAYERS)}
        return tuple(sorted(self.layers, key=lambda layer: place.get(layer.kind, len(LAYERS))))

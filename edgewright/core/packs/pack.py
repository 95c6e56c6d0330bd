"""A pack: one version of a layer, with its values and what it needs. Plain values; nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from edgewright.core.packs.layers import EDGE, SPECTRO
from edgewright.core.packs.schema import SchemaEntry


@dataclass(frozen=True)
class Preset:
    """A set of values that a user selects; of each group at most one."""

    name: str
    display_name: str = ""
    group: str = ""
    add: str = ""
    """YAML text that is merged into the values."""
    remove: Tuple[str, ...] = ()
    """Dotted keys that are removed from the values first."""


@dataclass(frozen=True)
class Chart:
    """A Helm chart; `digest` is that of its archive (`sha256:...`), empty for an unpacked chart in a directory."""

    name: str
    version: str = ""
    path: str = ""
    digest: str = ""
    size: int = 0
    app_version: str = ""


@dataclass(frozen=True)
class Manifest:
    """Kubernetes objects as YAML text; `name` is the file name without its ending."""

    name: str
    content: str
    path: str = ""


@dataclass(frozen=True)
class Dependency:
    """Another pack that this one needs, permits within bounds, or does not work with. Empty bounds are no bounds."""

    pack_name: str
    layer: str
    type: str
    min_version: str = ""
    max_version: str = ""


@dataclass(frozen=True)
class Component:
    """What of a pack uses a resource: paths of its values with the request and with the number of replicas."""

    schedule_type: str
    request_path: str = ""
    replicas_path: str = ""


@dataclass(frozen=True)
class ResourceLimit:
    """The least a cluster must have; the unit follows from the type (`layers.RESOURCES`)."""

    type: str
    min_limit: float = 0.0
    components: Tuple[Component, ...] = ()


@dataclass(frozen=True)
class Upstream:
    """Where the content of a pack is fetched from. Without `digest` it is pinned by version only."""

    kind: str
    """`helm` (a Helm repository), `oci` (a chart or artifact at a registry), `manifest` (a YAML file), `image`."""
    repository: str
    """Address without the name and version: `https://HOST/PATH`, or `HOST/PATH` of a registry."""
    name: str = ""
    """Name of the chart or file at the repository."""
    version: str = ""
    digest: str = ""
    """`sha256:...` of the content; "" until the first fetch has recorded it."""

    @property
    def pinned_by(self) -> str:
        """Return `digest`, or `version` when the digest is recorded at the first fetch."""
        return "digest" if self.digest else "version"


@dataclass(frozen=True)
class Pack:
    """One version of a layer of a cluster profile."""

    name: str
    version: str
    layer: str
    display_name: str = ""
    kind: str = SPECTRO
    values: str = ""
    """Text of values.yaml, with its comments."""
    presets: Tuple[Preset, ...] = ()
    schema: Tuple[SchemaEntry, ...] = ()
    readme: str = ""
    charts: Tuple[Chart, ...] = ()
    manifests: Tuple[Manifest, ...] = ()
    images: Tuple[str, ...] = ()
    """Container images that it needs, as its values list them, in order and each once."""
    dependencies: Tuple[Dependency, ...] = ()
    resources: Tuple[ResourceLimit, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    cloud_types: Tuple[str, ...] = ()
    addon_type: str = ""
    addon_subtype: str = ""
    group: str = ""
    eol: str = ""
    upstream: Optional[Upstream] = None
    proven: str = ""
    """One of `layers.MARKS`."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """pack.json as received: keys that are not known here survive."""

    @property
    def tag(self) -> str:
        """Return what a profile names the version by: the same as the version."""
        return self.version

    @property
    def title(self) -> str:
        """Return the name for people."""
        return self.display_name or self.name

    @property
    def for_edge(self) -> bool:
        """Return whether an edge cluster can use it: by its cloud types; one without any is for all."""
        return not self.cloud_types or any(cloud in EDGE for cloud in self.cloud_types)

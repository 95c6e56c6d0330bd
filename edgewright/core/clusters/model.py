"""The cluster document as data: what a cluster must be, without any secret; the same bytes on every member.

Everything is immutable; `dataclasses.replace` makes changes. Texts are empty where something is not set. Fields with a
default may be missing in the JSON form, whose properties have the same names in camel case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from edgewright.core.generations import Position

PLANE, SITE = "plane", "site"
KUBEADM, K3S = "kubeadm", "k3s"
VIP, DNS = "vip", "dns"
CONTROL_PLANE, WORKER = "control-plane", "worker"
PRESENT, ABSENT = "present", "absent"
HELM, MANIFEST = "helm", "manifest"
ENFORCE, REPORT, OFF = "enforce", "report", "off"
DELETE, ORPHAN = "delete", "orphan"
AUTO, ALWAYS, NEVER = "auto", "always", "never"
API_PORT = 6443


@dataclass(frozen=True)
class Artefact:
    """An OCI artefact: where it is and its digest `sha256:<64 hex>`, which alone decides what is used."""

    ref: str
    digest: str


@dataclass(frozen=True)
class Signature:
    """ECDSA P-256 with SHA-256 over the digest; `value` is base64. Needed where no TLS to the plane vouches for it."""

    key_id: str
    alg: str
    value: str


@dataclass(frozen=True)
class Kubernetes:
    """Distribution, version (`v1.36.3`) and the resolved configuration of its driver.

    kubeadm: `clusterConfiguration`, `kubeletConfiguration` (v1beta4 and its kubelet) and `patches`.
    """

    distribution: str
    version: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """The address of the API: a VIP that the control planes serve on `nic`, or a DNS name that the site serves."""

    host: str
    kind: str
    port: int = API_PORT
    nic: str = ""
    sans: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """Networks of pods and services, one each or one each for IPv4 and IPv6 with a comma."""

    pod_cidr: str
    service_cidr: str


@dataclass(frozen=True)
class Done:
    """Proof that the cluster was formed; with it, no host ever runs `init` again in this epoch."""

    at: str
    ca_spki_sha256: str
    kube_system_uid: str


@dataclass(frozen=True)
class Bootstrap:
    """Which host forms the cluster. `epoch` rises only when an operator recovers the cluster."""

    init_host_uid: str
    epoch: int = 1
    done: Optional[Done] = None


@dataclass(frozen=True)
class Taint:
    """A taint of a node."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True)
class Member:
    """A host of the cluster. `absent` with a `release_id` is the only way that a host is asked to leave.

    `join_epoch` rises when the host has to join again (replaced disk, expired kubelet certificate). `lost`: an operator
    declared it dead for ever, so nothing waits for it while it is removed. `cordoned`: its Node takes no new pods.
    """

    host_uid: str
    node_name: str
    role: str
    pool: str
    address: str
    nic: str = ""
    peer_spki: str = ""
    join_epoch: int = 1
    state: str = PRESENT
    release_id: str = ""
    lost: bool = False
    cordoned: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: Tuple[Taint, ...] = ()


@dataclass(frozen=True)
class Drain:
    """How pods leave a node: `auto` drains unless the node is the only one."""

    mode: str = AUTO
    timeout_seconds: int = 300
    disable_eviction: bool = False


@dataclass(frozen=True)
class Pool:
    """Members that change together: at most `max_unavailable` at a time; `paused` stops changes of its nodes."""

    name: str
    max_unavailable: int = 1
    drain: Drain = Drain()
    paused: bool = field(default=False, metadata={"json": "hold"})


@dataclass(frozen=True)
class Drift:
    """What happens with changes that others make: `ignore` lists paths such as `Deployment/apps/web:.spec.replicas`."""

    mode: str = ENFORCE
    ignore: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """An add-on. `content` are blobs: of a `helm` layer the chart, then its manifests; of a `manifest` layer these.

    `values` is the blob of a chart's values. `wait_for` are objects that must be ready before the next layer:
    `daemonset/kube-flannel/kube-flannel-ds`, `crd/name`.
    """

    name: str
    order: int
    kind: str
    content: Tuple[str, ...]
    namespace: str = ""
    release: str = ""
    values: str = ""
    wait_for: Tuple[str, ...] = ()
    drift: Drift = Drift()
    on_remove: str = DELETE
    hooks_once: bool = False


@dataclass(frozen=True)
class Image:
    """A container image that every member preloads and pins; `layer` is empty for those of Kubernetes itself."""

    ref: str
    digest: str
    layer: str = ""


@dataclass(frozen=True)
class HostSettings:
    """Settings of all members."""

    ntp: Tuple[str, ...] = ()
    ssh_keys: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """A maintenance window: `days` such as `Mon`, `start` as `HH:MM` in the policy's time zone, `minutes` long."""

    days: Tuple[str, ...]
    start: str
    minutes: int


@dataclass(frozen=True)
class Snapshot:
    """When etcd snapshots are made (0: only before changes of members and versions) and how many are retained."""

    every_hours: int = 0
    count: int = 5


@dataclass(frozen=True)
class FailedTarget:
    """A tree or OS image that failed on a host and is not tried there again."""

    host_uid: str
    digest: str


@dataclass(frozen=True)
class Policy:
    """When and how the members change by themselves."""

    windows: Tuple[Window, ...] = ()
    timezone: str = "UTC"
    cert_renew_days: int = 30
    snapshot: Snapshot = Snapshot()
    failed_targets: Tuple[FailedTarget, ...] = ()


@dataclass(frozen=True)
class Change:
    """The approval of a change, as data: which generation an operator approved, not before when, and over what."""

    uid: str
    approved_generation: int
    not_before: str = ""
    base: str = ""


@dataclass(frozen=True)
class ClusterDocument:
    """The desired state of a cluster."""

    uid: str
    name: str
    lineage: str
    generation: int
    kubernetes: Kubernetes
    tree: Artefact
    endpoint: Endpoint
    network: Network
    bootstrap: Bootstrap
    members: Tuple[Member, ...]
    digest: str = ""
    simulated: bool = False
    author: str = PLANE
    sig: Optional[Signature] = None
    os_image: Optional[Artefact] = None
    pools: Tuple[Pool, ...] = ()
    layers: Tuple[Layer, ...] = ()
    images: Tuple[Image, ...] = ()
    host_settings: HostSettings = HostSettings()
    policy: Policy = Policy()
    change: Optional[Change] = None

    @property
    def position(self) -> Position:
        """Return the place in the plane's history, by which documents are ordered."""
        return Position(self.lineage, self.generation)

    @property
    def present(self) -> Tuple[Member, ...]:
        """Return the members that belong to the cluster."""
        return tuple(member for member in self.members if member.state == PRESENT)

    @property
    def control_planes(self) -> Tuple[Member, ...]:
        """Return the present control planes, in the order of the document."""
        return tuple(member for member in self.present if member.role == CONTROL_PLANE)

    @property
    def ending(self) -> bool:
        """Return whether the cluster is being deleted: every member is absent."""
        return bool(self.members) and not self.present

    def member(self, host_uid: str) -> Optional[Member]:
        """Return the entry of a host, `None` when it has none."""
        return next((member for member in self.members if member.host_uid == host_uid), None)

"""The state of a scripted world: machines with their disks, one etcd with its API, a registry and a plane.

Only the steps change it (`machines.py`), and faults. Every host of a world is marked as simulated.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, FrozenSet, List, Optional, Set

from edgewright.core.clusters.grants import Grant
from edgewright.core.clusters.model import ClusterDocument, Done
from edgewright.core.clusters.observed import LayerState, Preflight
from edgewright.core.clusters.quorum import majority

CA = "ca" * 32
PROOF = Done("2026-11-28T00:00:00Z", CA, "00000000-0000-4000-8000-000000000001")
"""What a scripted formation leaves, unless the world has another one."""


@dataclasses.dataclass
class Machine:
    """One host. What is on its disk survives a power cut; what is in `RUNNING` does not."""

    uid: str
    name: str
    address: str
    up: bool = True
    cut: bool = False
    full: bool = False
    preflight: Optional[Preflight] = None
    preflight_at: float = 0.0
    fetched: str = ""
    """Target of the content that is complete in the store."""
    tree: str = ""
    runtime: str = ""
    """Target of the runtime that runs."""
    images: str = ""
    etcd_epoch: int = 0
    kubelet_ca: str = ""
    api_since: Optional[float] = None
    """From when its API server answers, `None` for never."""
    done: Optional[Done] = None
    joined: int = 0
    vip: bool = False
    keepalived: str = ""
    drained: bool = False
    resetting: str = ""
    reset: str = ""
    document: Optional[ClusterDocument] = None
    """The newest one that it has taken from the plane."""

    @property
    def clean(self) -> bool:
        """Return whether nothing of a cluster is left here."""
        return not (self.etcd_epoch or self.kubelet_ca or self.vip or self.keepalived or self.runtime or self.tree)

    def power_off(self) -> None:
        """Cut the power: what runs is lost, what is on disk stays."""
        self.up = False
        self.vip = False
        self.keepalived = ""


@dataclasses.dataclass
class Member:
    """A member of etcd."""

    id: str
    uid: str
    voter: bool = False
    started: bool = False


@dataclasses.dataclass
class Registered:
    """A Node as the API stores it."""

    uid: str
    host_uid: str
    cordoned: bool = False
    release: str = ""


@dataclasses.dataclass
class Cluster:
    """What etcd contains; it can be read and written while etcd has quorum."""

    members: List[Member] = dataclasses.field(default_factory=list)
    nodes: Dict[str, Registered] = dataclasses.field(default_factory=dict)
    config: bool = False
    done: Optional[Done] = None
    leader: str = ""
    renewed: float = 0.0
    transitions: int = 0
    grant: Optional[Grant] = None
    granted: float = 0.0
    last_expired: str = ""
    joined: Dict[str, int] = dataclasses.field(default_factory=dict)
    served: Set[str] = dataclasses.field(default_factory=set)
    layers: Dict[str, LayerState] = dataclasses.field(default_factory=dict)
    full: Set[str] = dataclasses.field(default_factory=set)
    """Hosts for whose member etcd has the alarm NOSPACE."""


class World:
    """All of it, with one clock (seconds). `formed` counts how many times a cluster was formed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.machines: Dict[str, Machine] = {}
        self.cluster = Cluster()
        self.formed = 0
        self.registry_up = True
        self.plane_up = True
        self.plane_done: Optional[Done] = None
        self.proof = PROOF
        self.log: List[str] = []
        """What has happened, with its time, in order."""

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.log.append(f"{self.now:7.1f} {text}")

    def member(self, uid: str) -> Optional[Member]:
        """Return the etcd member of a host."""
        return next((entry for entry in self.cluster.members if entry.uid == uid), None)

    def reach(self, first: str, second: str) -> bool:
        """Return whether two hosts reach each other; each reaches itself."""
        near, far = self.machines.get(first), self.machines.get(second)
        if near is None or far is None:
            return False  # a host that has not taken its document yet
        return near.up and far.up and (first == second or not (near.cut or far.cut))

    def serves(self, uid: str) -> bool:
        """Return whether a host's API server runs and etcd has quorum there."""
        machine = self.machines[uid]
        if not machine.up or machine.api_since is None or self.now < machine.api_since:
            return False
        return self.has_quorum(uid)

    def has_quorum(self, uid: str) -> bool:
        """Return whether etcd has quorum as a host reaches it."""
        voters = [entry for entry in self.cluster.members if entry.voter]
        alive = [entry for entry in voters if self.healthy(entry.uid) and self.reach(uid, entry.uid)]
        return bool(voters) and len(alive) >= majority(len(voters))

    def healthy(self, uid: str) -> bool:
        """Return whether the etcd of a host runs."""
        machine = self.machines[uid]
        return machine.up and machine.etcd_epoch > 0 and not machine.resetting

    def api(self, uid: str) -> bool:
        """Return whether a host reaches an API server that serves."""
        return any(self.serves(other) and self.reach(uid, other) for other in self.machines)

    def ready(self, name: str) -> bool:
        """Return whether a Node is ready: its kubelet runs, and the network of pods is there."""
        node = self.cluster.nodes.get(name)
        if node is None:
            return False
        machine = self.machines[node.host_uid]
        network = any(state.target for state in self.cluster.layers.values())
        return machine.up and not machine.cut and bool(machine.kubelet_ca) and not machine.resetting and network

    def owners(self) -> FrozenSet[str]:
        """Return the hosts that answer for the VIP."""
        return frozenset(uid for uid, machine in self.machines.items() if machine.up and machine.vip)

"""What a host has observed, as the planner reads it. `None` is always "cannot be observed", never "not there".

A host fills in what it can see: itself, the API and etcd where it has credentials, other members by probes. Every
value is of now or has its age; a value that is too old is left out by whoever fills it in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import FrozenSet, Mapping, Optional, Tuple

from edgewright.core.clusters.grants import Grant
from edgewright.core.clusters.model import Done
from edgewright.core.clusters.quorum import EtcdMember

NO_OWNER, ONE_OWNER, TWO_OWNERS, UNKNOWN = "none", "one", "two", "unknown"


@dataclass(frozen=True)
class Preflight:
    """The newest report of this host. `members` is the target that it was made for."""

    members: str
    failures: Tuple[str, ...] = ()
    age: float = 0.0


@dataclass(frozen=True)
class Vip:
    """Who answers for the VIP by ARP, as far as this host sees: `none`, `one`, `two` or `unknown`.

    `here`: this host has the address; `mac_is_ours`: the one that answers is this host; `keepalived` is the target of
    the configuration that runs, empty when it does not run. An address that this host has without being asked to is
    removed by whoever observes.
    """

    owners: str = UNKNOWN
    here: Optional[bool] = None
    mac_is_ours: Optional[bool] = None
    keepalived: Optional[str] = None


@dataclass(frozen=True)
class Local:
    """This host by itself. Digests are those of the document; texts are empty for "not there".

    `content_missing` and `images_missing` count what is not in the store and not pinned; `runtime` is the target of the
    configuration that the ready runtime has. `etcd_epoch` is the bootstrap epoch of etcd data here (0: no data, -1:
    data that is not of this cluster). `admitted`: `cluster-info` answers through the endpoint with the signature of
    this host's token. `kubelet_ca` is the SPKI of the CA in the
    kubelet's credentials. `joined` is the join epoch that the host has noted on its disk when its join was observed as
    done, 0 for none. `clean`: the ledger is empty. `resetting`: a reset for this release id has begun. `reset`: the id
    of a reset that was asked for on this host itself. `moved`: the addresses that this host has in place of the one of
    its entry, empty where it has that one.
    """

    preflight: Optional[Preflight] = None
    content_missing: Optional[int] = None
    tree: Optional[str] = None
    runtime: Optional[str] = None
    images_missing: Optional[int] = None
    etcd_epoch: Optional[int] = None
    api_ready: Optional[bool] = None
    admitted: Optional[bool] = None
    kubelet_ca: Optional[str] = None
    joined: int = 0
    done: Optional[Done] = None
    done_readable: bool = True
    clean: Optional[bool] = None
    resetting: str = ""
    reset: str = ""
    moved: str = ""
    vip: Vip = Vip()


@dataclass(frozen=True)
class Peer:
    """Another member by probes from here.

    `preflight`: its report has no failure (`None`: no report); `prepared`: its images are pinned, so it can join;
    `reason`: why one of them is not so; `api`: something answers on its 6443; `clean`: it has left the cluster.
    """

    preflight: Optional[bool] = None
    prepared: Optional[bool] = None
    reason: str = ""
    api: Optional[bool] = None
    clean: Optional[bool] = None


@dataclass(frozen=True)
class Node:
    """A Node as the API has it.

    `release` is the release id for which it is marked as drained; `host_uid` the host that it belongs to by its label
    `edgewright.io/host`, `None` without one.
    """

    uid: str
    ready: bool = False
    version: str = ""
    cordoned: bool = False
    release: str = ""
    host_uid: Optional[str] = None


@dataclass(frozen=True)
class LayerState:
    """A layer that the cluster has: the target that is applied, whether it is ready, and what is wrong with it."""

    target: str = ""
    ready: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Lease:
    """The Lease of the leader. `age` are seconds since it was renewed, by a clock that runs on through suspension."""

    holder: str
    age: float = 0.0
    transitions: int = 0


@dataclass(frozen=True)
class Api:
    """The cluster through its API and etcd. Each part that could not be read is `None`.

    `answers`: the endpoint answers this host. `silent_for` are seconds since the last answer. `joined` is the join
    epoch in which each host has joined. `served` are hosts whose token (and, for a control plane, certificates) are in
    the cluster. `last_expired` is the host whose grant expired last. `grantee_ready`: the API
    server of the control plane that has the grant to join answers on its `/readyz`. `config_matches`: the stored
    configuration of kubeadm equals the document.
    """

    answers: Optional[bool] = None
    silent_for: float = 0.0
    done: Optional[Done] = None
    done_readable: bool = False
    nodes: Optional[Mapping[str, Node]] = None
    etcd: Optional[Tuple[EtcdMember, ...]] = None
    lease: Optional[Lease] = None
    lease_readable: bool = False
    grant: Optional[Grant] = None
    last_expired: str = ""
    grantee_ready: Optional[bool] = None
    joined: Optional[Mapping[str, int]] = None
    served: Optional[FrozenSet[str]] = None
    layers: Optional[Mapping[str, LayerState]] = None
    config_matches: Optional[bool] = None


@dataclass(frozen=True)
class Observed:
    """Everything that one host has observed."""

    host_uid: str
    local: Local = Local()
    api: Api = Api()
    peers: Mapping[str, Peer] = field(default_factory=dict)

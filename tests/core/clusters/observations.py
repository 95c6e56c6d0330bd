"""What hosts of a test cluster observe."""

from __future__ import annotations

import dataclasses
from typing import Any

from edgewright.core.clusters.model import ClusterDocument, Done
from edgewright.core.clusters.observed import Api, Lease, Local, Node, Observed, Peer, Preflight, Vip
from edgewright.core.clusters.planner import plan
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.planning.judge import judge
from edgewright.core.clusters.quorum import EtcdMember
from tests.core.clusters.documents import DONE, sha

PROOF = Done(DONE["at"], DONE["caSpkiSha256"], DONE["kubeSystemUid"])


def prepared(document: ClusterDocument, **more: Any) -> Local:
    """Return a host that has done everything up to the preload."""
    local = Local(
        preflight=Preflight(targets.members(document)),
        content_missing=0,
        tree=document.tree.digest,
        runtime=targets.tree(document),
        images_missing=0,
        etcd_epoch=0,
        api_ready=False,
        admitted=False,
        kubelet_ca="",
        clean=False,
        vip=Vip("none", here=False, mac_is_ours=False, keepalived=""),
    )
    return dataclasses.replace(local, **more)


def joined(document: ClusterDocument, **more: Any) -> Local:
    """Return a control plane that has joined."""
    state: dict[str, Any] = {
        "etcd_epoch": 1, "api_ready": True, "kubelet_ca": sha("ca"), "joined": 1, "done": PROOF,
        "vip": Vip("one", keepalived=targets.endpoint(document)),
    }  # fmt: skip
    return prepared(document, **{**state, **more})


def etcd(*names: str, down: str = "") -> tuple[EtcdMember, ...]:
    """Return started voters `n1`, `n2`, ..., those of `down` not healthy."""
    return tuple(EtcdMember(f"id-{name}", name, healthy=name not in down.split()) for name in names)


def api(document: ClusterDocument, members: tuple[EtcdMember, ...], **more: Any) -> Api:
    """Return what the leader `host-1` sees of a formed cluster."""
    names = {member.name for member in members if member.name and member.voter}
    state: dict[str, Any] = {
        "answers": True, "done": PROOF, "done_readable": True,
        "nodes": {name: Node(f"uid-{name}", ready=True) for name in names}, "etcd": members,
        "lease": Lease("host-1"), "lease_readable": True, "served": frozenset(), "layers": {}, "config_matches": True,
        "joined": {m.host_uid: m.join_epoch for m in document.members if m.node_name in names},
    }  # fmt: skip
    return Api(**{**state, **more})


def alone(document: ClusterDocument, uid: str = "host-1", **local: Any) -> Observed:
    """Return what a prepared host sees before there is a cluster; all others are prepared too."""
    peers = {m.host_uid: Peer(preflight=True, prepared=True, api=False) for m in document.members if m.host_uid != uid}
    return Observed(uid, prepared(document, **local), Api(answers=False), peers)


def leader(document: ClusterDocument, members: tuple[EtcdMember, ...], **more: Any) -> Observed:
    """Return what the leader sees of a formed cluster."""
    peers = {m.host_uid: Peer(preflight=True, prepared=True, api=False) for m in document.members[1:]}
    return Observed("host-1", joined(document), api(document, members, **more), peers)


def duty(doc: ClusterDocument, observed: Observed) -> list[str]:
    """Return the first action of each lane that is not done, with its host or layer."""
    shown = []
    for lane in plan(doc, observed).duties:
        for action in lane.actions:
            if judge(action, doc, observed).done is not True:
                shown.append(f"{action.step} {action.params.get('nodeName') or action.params.get('layer')}")
                break
    return shown


def waits(doc: ClusterDocument, observed: Observed) -> list[str]:
    """Return what the leader waits for."""
    return [wait.reason for wait in plan(doc, observed).waits]

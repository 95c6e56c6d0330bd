"""The steps of a cluster by the name that the planner gives them."""

from __future__ import annotations

from typing import Dict, Mapping

from edgewright.agent.clusters.addons.layers import LayerStep, RemoveLayer
from edgewright.agent.clusters.checks.preflight import Preflight
from edgewright.agent.clusters.content.fetch import Fetch
from edgewright.agent.clusters.context import StepKind
from edgewright.agent.clusters.k3s import node as k3s
from edgewright.agent.clusters.kube.etcd_space import EtcdSpace
from edgewright.agent.clusters.kube.init import Init
from edgewright.agent.clusters.kube.joining import JoinControlPlane, JoinWorker
from edgewright.agent.clusters.kube.leading import Drain, EndGrant, RemoveMember, RemoveNode, ServeJoin
from edgewright.agent.clusters.kube.mark import Mark
from edgewright.agent.clusters.kube.release import Delete, Release
from edgewright.agent.clusters.machine.activate import Activate
from edgewright.agent.clusters.machine.runtime import Preload, Runtime
from edgewright.agent.clusters.vip.steps import Keepalived, Vip
from edgewright.core.clusters.model import K3S, ClusterDocument

STEPS: Dict[str, StepKind] = {
    kind.name: kind
    for kind in (
        Preflight(), Fetch(), Activate(), Runtime(), Preload(), Vip(), Init(), Mark(), Keepalived(),
        JoinControlPlane(), JoinWorker(), ServeJoin(), EndGrant(), LayerStep(), RemoveLayer(),
        EtcdSpace(), Drain(), RemoveMember(), RemoveNode(), Release(), Delete(),
    )
}  # fmt: skip
_K3S = (
    k3s.K3sActivate(), k3s.K3sRuntime(), k3s.K3sPreload(), k3s.K3sInit(),
    k3s.K3sJoinControlPlane(), k3s.K3sJoinWorker(),
)  # fmt: skip
"""Steps in which a node of k3s differs."""
DRIVERS: Dict[str, Dict[str, StepKind]] = {K3S: {**STEPS, **{kind.name: kind for kind in _K3S}}}


def steps_of(document: ClusterDocument, known: Mapping[str, StepKind] = STEPS) -> Mapping[str, StepKind]:
    """Return the steps of a document's distribution by name; `known` are those of kubeadm."""
    return DRIVERS.get(document.kubernetes.distribution, known)

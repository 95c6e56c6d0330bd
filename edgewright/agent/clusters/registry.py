"""The steps of a cluster by the name that the planner gives them."""

from __future__ import annotations

from typing import Dict

from edgewright.agent.clusters.addons.layers import LayerStep, RemoveLayer
from edgewright.agent.clusters.checks.preflight import Preflight
from edgewright.agent.clusters.content.fetch import Fetch
from edgewright.agent.clusters.context import StepKind
from edgewright.agent.clusters.kube.init import Init
from edgewright.agent.clusters.kube.joining import JoinControlPlane, JoinWorker
from edgewright.agent.clusters.kube.leading import Drain, EndGrant, RemoveMember, RemoveNode, ServeJoin
from edgewright.agent.clusters.kube.mark import Mark
from edgewright.agent.clusters.kube.release import Delete, Release
from edgewright.agent.clusters.machine.activate import Activate
from edgewright.agent.clusters.machine.runtime import Preload, Runtime
from edgewright.agent.clusters.vip.steps import Keepalived, Vip

STEPS: Dict[str, StepKind] = {
    kind.name: kind
    for kind in (
        Preflight(), Fetch(), Activate(), Runtime(), Preload(), Vip(), Init(), Mark(), Keepalived(),
        JoinControlPlane(), JoinWorker(), ServeJoin(), EndGrant(), LayerStep(), RemoveLayer(),
        Drain(), RemoveMember(), RemoveNode(), Release(), Delete(),
    )
}  # fmt: skip

"""Which add-ons the cluster has, by what it stores itself: ApplySets, and the releases of helm."""

from __future__ import annotations

from typing import Dict

from edgewright.agent.clusters.addons import record
from edgewright.agent.clusters.addons.layers import waiting
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.api import Api
from edgewright.core.clusters.observed import LayerState


def layer_states(context: Context, api: Api) -> Dict[str, LayerState]:
    """Return the layers that were installed, with what they wait for. Raises `EdgewrightError`."""
    wanted = {layer.name: layer for layer in context.document.layers}
    result: Dict[str, LayerState] = {}
    for name, target in record.read(api).items():
        layer = wanted.get(name)
        problem = waiting(api, layer) if layer is not None else ""
        result[name] = LayerState(target, not problem, problem)
    return result

"""A control plane whose disk came back after it was removed: it runs no kubelet until it is admitted again."""

from __future__ import annotations

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.gather import connect
from edgewright.core.clusters.model import CONTROL_PLANE, Member
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planner import is_removed


def step_out(context: Context, observed: Observed, member: Member) -> bool:
    """Stop the kubelet of a host that etcd, with quorum, does not list any more, and remove its Node.

    Its credentials are valid, so it would be a ready Node, and get pods, of a cluster that has removed it. The step
    that joins it again resets it first. Returns whether something was changed. Raises `EdgewrightError`.
    """
    host = context.host
    if context.k3s or member.role != CONTROL_PLANE or not is_removed(context.document, observed, member):
        return False
    changed = host.run(["systemctl", "is-active", "--quiet", paths.KUBELET_UNIT]).code == 0
    if changed:
        host.run(["systemctl", "stop", paths.KUBELET_UNIT], 60)
    node = (observed.api.nodes or {}).get(member.node_name)
    if node is not None and node.host_uid == context.host_uid:
        changed = connect(context).delete(f"/api/v1/nodes/{member.node_name}") or changed
    return changed

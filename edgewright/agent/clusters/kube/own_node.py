"""The Node of this host: the API as its kubelet has it, and whether it is ready. The labels that every Node has."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.api import STRATEGIC, Api, admin, inlined, read_kubeconfig, with_pem
from edgewright.core.clusters.model import CONTROL_PLANE, K3S, WORKER, ClusterDocument, Member
from edgewright.core.errors import EdgewrightError

ROLES = {CONTROL_PLANE: "node-role.kubernetes.io/control-plane", WORKER: "node-role.kubernetes.io/worker"}
"""The label of a role. kubeadm sets it on a control plane, unless it was interrupted before; k3s sets its own."""


def labels_of(document: ClusterDocument, member: Member) -> Dict[str, str]:
    """Return the labels of a member's Node; a kubelet may not set all of its own labels."""
    own = document.kubernetes.distribution == K3S and member.role == CONTROL_PLANE
    return {**member.labels, **({} if own else {ROLES[member.role]: ""})}


def is_ready(node: Optional[Mapping[str, Any]]) -> bool:
    """Return whether a Node is ready."""
    conditions = ((node or {}).get("status") or {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def kubelet_api(context: Context) -> Api:
    """Return the API as this host's node. Raises `EdgewrightError`."""
    text = inlined(context.host, paths.KUBELET_CONF)
    pem = context.host.data(f"{paths.KUBELET}/pki/kubelet-client-current.pem")
    credentials = read_kubeconfig(text) if "client-key-data" in text else with_pem(text, pem)
    endpoint = context.document.endpoint
    return Api(credentials, endpoint.host, endpoint.port)


def not_ready(context: Context) -> None:
    """Report at the API that this host's Node is not ready any more; its kubelet has ended. Raises `EdgewrightError`.

    Through the endpoint: the API server of a control plane that has left etcd does not answer.
    """
    endpoint = context.document.endpoint
    api = (
        admin(context.host, endpoint.host, endpoint.port)
        if context.host.has(paths.ADMIN_CONF)
        else kubelet_api(context)
    )
    condition = {"type": "Ready", "status": "False", "reason": "Released", "message": "This host leaves the cluster."}
    api.send(
        "PATCH", f"/api/v1/nodes/{context.me.node_name}/status", {"status": {"conditions": [condition]}}, STRATEGIC
    )


def waits_for_own(context: Context) -> str:
    """Return why the Node of this host is not ready, empty when it is."""
    name = context.me.node_name
    try:
        api = admin(context.host) if context.host.has(paths.ADMIN_CONF) else kubelet_api(context)
        return "" if is_ready(api.maybe(f"/api/v1/nodes/{name}")) else f"the Node {name} is not ready"
    except EdgewrightError as error:
        return error.message.rstrip(".")

"""The kubeconfigs that the plane hands out: made by the leader, 30 days long, renewed after a third of that (P104).

Their certificates name users of our own, whose rights are ClusterRoleBindings that can be removed; `system:masters`,
which nothing can revoke, is not used (cluster design, section 6).
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.k3s import users
from edgewright.agent.clusters.kube.api import admin
from edgewright.agent.clusters.kube.configuration import cluster_configuration
from edgewright.agent.reconcile import exchange
from edgewright.core.errors import Failed

FOLDER = "cluster-kubeconfigs"
"""Folder below the data folder, mode 0700."""
DAYS = 30.0
RENEW = DAYS * 86_400 / 3
"""Seconds after which they are made again."""
OPERATOR, ADMIN = "edgewright:operator", "edgewright:admin"
"""Users of the two files; `admin` is for users of the plane with the role admin."""
_GROUPS = (
    "", "apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
    "networking.k8s.io", "policy", "scheduling.k8s.io", "storage.k8s.io", "apiextensions.k8s.io", "metrics.k8s.io",
    "node.k8s.io",
)  # fmt: skip
"""API groups of operators: all that workloads need, without those that grant rights."""
RBAC = "rbac.authorization.k8s.io/v1"
PATH = f"/apis/{RBAC}"


def refresh(context: Context) -> bool:
    """Make the files when there are none or a third of their time has passed; return whether they are new.

    Called on the leader. Raises `EdgewrightError` and `OSError`.
    """
    folder, uid = os.path.join(context.data, FOLDER), context.document.uid
    before = exchange.get(folder, uid) or {}
    made = before.get("made")
    if isinstance(made, (int, float)) and 0 <= context.host.now() - made < RENEW:
        return False
    api = admin(context.host)
    for value in rights():
        api.apply(f"{PATH}/{value['kind'].lower()}s/{value['metadata']['name']}", value, force=True)
    body: Dict[str, Any] = {"made": context.host.now(), "client": _make(context, OPERATOR)}
    body["admin"] = _make(context, ADMIN)
    exchange.put(folder, uid, body)
    return True


def forget_kubeconfigs(data: str, uid: str) -> None:
    """Remove the files of a cluster that this host does not lead any more, or has left. Raises `OSError`."""
    exchange.drop(os.path.join(data, FOLDER), uid)


def rights() -> List[Dict[str, Any]]:
    """Return the roles and bindings of the two users."""
    rules: List[Dict[str, Any]] = [{"apiGroups": list(_GROUPS), "resources": ["*"], "verbs": ["*"]}]
    rules.append({"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/metrics"], "verbs": ["get"]})
    role = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": OPERATOR}, "rules": rules}
    return [role, _binding(OPERATOR, OPERATOR), _binding(ADMIN, "cluster-admin")]


def _binding(user: str, role: str) -> Dict[str, Any]:
    return {
        "apiVersion": RBAC,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }


def _make(context: Context, user: str) -> str:
    if context.k3s:
        return users.make(context, user, DAYS)
    command = [context.path_of("kubeadm"), "kubeconfig", "user", "--client-name", user]
    command += ["--validity-period", f"{DAYS * 24:.0f}h", "--config", context.host.path(_configuration(context))]
    text = context.host.must(command, 60.0)
    start = text.find("apiVersion:")
    if start < 0 or "client-key-data" not in text:
        raise Failed("kubeadm has made no kubeconfig.", "Look at its output on the host.")
    return text[start:]


def _configuration(context: Context) -> str:
    """Return the file with the cluster's configuration for kubeadm, which names the endpoint."""
    name = f"{paths.RUN}/kubeconfig.json"
    context.host.write(name, json.dumps(cluster_configuration(context.document)).encode(), 0o600, durable=False)
    return name

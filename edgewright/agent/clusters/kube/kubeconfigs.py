"""The kubeconfigs that the plane hands out: made by the leader, 30 days long, renewed after a third of that (P104).

Their certificates name users of our own, whose rights are ClusterRoleBindings that can be removed; `system:masters`,
which nothing can revoke, is not used (cluster design, section 6).
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, List, Sequence

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.k3s import users
from edgewright.agent.clusters.kube.api import admin
from edgewright.agent.clusters.kube.configuration import cluster_configuration
from edgewright.agent.reconcile import exchange
from edgewright.core.errors import Failed
from edgewright.wire.protocol.personal import GROUPS

FOLDER = "cluster-kubeconfigs"
"""Folder below the data folder, mode 0700."""
DAYS = 30.0
RENEW = DAYS * 86_400 / 3
"""Seconds after which they are made again."""
OPERATOR, ADMIN = "edgewright:operator", "edgewright:admin"
"""Users of the two files, `admin` for users of the plane with the role admin; also the ClusterRoles of these names."""
VIEWER = "edgewright:viewer"
"""The ClusterRole that reads everything but Secrets."""
_CORE = (
    "bindings", "componentstatuses", "configmaps", "endpoints", "events", "limitranges", "namespaces",
    "namespaces/status", "nodes", "nodes/status", "persistentvolumeclaims", "persistentvolumeclaims/status",
    "persistentvolumes", "persistentvolumes/status", "pods", "pods/log", "pods/status", "podtemplates",
    "replicationcontrollers", "replicationcontrollers/scale", "replicationcontrollers/status", "resourcequotas",
    "resourcequotas/status", "serviceaccounts", "services", "services/status",
)  # fmt: skip
_CORE_WRITTEN = (
    "pods/attach", "pods/ephemeralcontainers", "pods/eviction", "pods/exec", "pods/portforward", "pods/proxy",
    "pods/resize", "secrets", "services/proxy",
)  # fmt: skip
"""Beside `_CORE` for operators. Neither `serviceaccounts/token` nor `nodes/proxy`: they lead to any right."""
_GROUPS = (
    "apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "networking.k8s.io",
    "policy", "scheduling.k8s.io", "storage.k8s.io", "apiextensions.k8s.io", "metrics.k8s.io", "node.k8s.io",
)  # fmt: skip
"""Further API groups: all that workloads need, without those that grant rights."""
_READ = ("get", "list", "watch")
_WRITE = (*_READ, "create", "update", "patch", "delete", "deletecollection")
"""Named one by one: `*` would contain `impersonate`, which in the group "" means any user and any group."""
_URLS = ("/healthz", "/livez", "/readyz", "/version", "/version/*", "/metrics", "/api", "/api/*", "/apis", "/apis/*")
_ROLES = (("viewer", VIEWER), ("operator", OPERATOR), ("admin", ADMIN))
RBAC = "rbac.authorization.k8s.io/v1"
PATH = f"/apis/{RBAC}"


def refresh(context: Context) -> bool:
    """Make the files when there are none, after a third of their time, or with other rights; return whether it did.

    Called on the leader. Raises `EdgewrightError` and `OSError`.
    """
    folder, uid = os.path.join(context.data, FOLDER), context.document.uid
    before = exchange.get(folder, uid) or {}
    made, wanted = before.get("made"), rights()
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    fresh = isinstance(made, (int, float)) and 0 <= context.host.now() - made < RENEW
    if fresh and before.get("rights") == digest:
        return False
    api = admin(context.host)
    for value in wanted:
        api.apply(f"{PATH}/{value['kind'].lower()}s/{value['metadata']['name']}", value, force=True)
    body: Dict[str, Any] = {"made": context.host.now(), "rights": digest, "client": _make(context, OPERATOR)}
    body["admin"] = _make(context, ADMIN)
    exchange.put(folder, uid, body)
    return True


def forget_kubeconfigs(data: str, uid: str) -> None:
    """Remove the files of a cluster that this host does not lead any more, or has left. Raises `OSError`."""
    exchange.drop(os.path.join(data, FOLDER), uid)


def rights() -> List[Dict[str, Any]]:
    """Return the three roles, and their bindings to the users of the files and the groups of personal kubeconfigs."""
    everything: Dict[str, Any] = {"nonResourceURLs": ["*"], "verbs": ["*"]}
    return [
        _role(VIEWER, [_rule([""], _CORE, _READ), _rule(_GROUPS, ["*"], _READ)]),
        _role(OPERATOR, [_rule([""], (*_CORE, *_CORE_WRITTEN), _WRITE), _rule(_GROUPS, ["*"], _WRITE)]),
        {**_role(ADMIN, []), "rules": [_rule(["*"], ["*"], ["*"]), everything]},
        _binding(OPERATOR, OPERATOR, "User"),
        _binding(ADMIN, "cluster-admin", "User"),  # the role of a binding cannot be changed once it is made
        *(_binding(GROUPS[word], role, "Group") for word, role in _ROLES),
    ]


def _rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> Dict[str, Any]:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def _role(name: str, rules: List[Dict[str, Any]]) -> Dict[str, Any]:
    rules = [*rules, {"nonResourceURLs": list(_URLS), "verbs": ["get"]}]
    return {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def _binding(name: str, role: str, kind: str) -> Dict[str, Any]:
    return {
        "apiVersion": RBAC,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}],
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

"""What the key line of each list of a cluster offers, most used first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SEEN = ("filter", "kube-object=describe", "yaml=yaml")
_CHOSEN = ("kube-namespaces=namespace", "kube-kinds=kinds")
_LAST = (*_CHOSEN, "kube-manifest=apply a file", "kube-object-delete")
_WITH_PODS = (
    "nav-open=pods", "filter", "kube-pod-logs", "kube-object=describe", "yaml=yaml", "kube-object-edit",
    "kube-object-scale", "kube-object-restart", "mark", *_LAST,
)  # fmt: skip
HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "pods": (
        "nav-open=open", "filter", "kube-pod-logs", "kube-pod-shell", "kube-object=describe", "yaml=yaml",
        "kube-pod-previous", "kube-pod-forward", "kube-object-edit", "mark", *_LAST,
    ),
    "deployments": _WITH_PODS,
    "statefulsets": _WITH_PODS,
    "daemonsets": tuple(name for name in _WITH_PODS if name != "kube-object-scale"),
    "services": ("nav-open=pods", *_SEEN, "kube-pod-logs", "kube-pod-forward", "kube-object-edit", "mark", *_LAST),
    "nodes": (
        "nav-open=pods", *_SEEN, "kube-node-cordon", "kube-node-uncordon", "site-open=site", "kube-object-edit", "mark",
        "kube-kinds=kinds", "kube-node-drain",
    ),
    "cluster-events": ("nav-open=open", *_SEEN, *_CHOSEN),
    "machines": ("nav-open=open", *_SEEN, "kube-object-edit", "mark", *_LAST),
}  # fmt: skip

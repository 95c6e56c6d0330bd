"""What answers on a host: its own API, its cluster by kubectl, and the probes; each with the reason where it does not.

Chosen by what the probes read anyway, so that it costs no round trip. A port that is listened on is not proven to be
the API of a Palette host: that is seen when it is asked.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from edgewright.core.doctor.facts import Facts

LOCAL_API, KUBECTL, PROBES = "local API", "kubectl", "probes"
LOCAL_PORT = 5080
"""Port of the Local Management API where the user-data names no other (`stylus.localUI.port`)."""
ADMIN: Tuple[str, ...] = (
    "/etc/kubernetes/admin.conf",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/rancher/rke2/rke2.yaml",
    "/run/kubeconfig",
)
"""Kubeconfigs with the rights of an admin, in the order in which they count."""
KUBELET: Tuple[str, ...] = (
    "/etc/kubernetes/kubelet.conf",
    "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
    "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
)


class Depth(NamedTuple):
    """One way to the host. `answers` is `None` where it is not known; `port` is 0 where it has none."""

    name: str
    answers: Optional[bool]
    text: str
    port: int = 0


def depths(facts: Facts, root: str) -> Tuple[Depth, ...]:
    """Return the three depths, deepest first; `root` is how the probes became root (`root`, `sudo`, ...)."""
    total = len(facts.read) + len(facts.not_read)
    return (
        _local_api(facts),
        _kubectl(facts, root in ("root", "sudo")),
        Depth(PROBES, bool(facts.read), f"{len(facts.read)} of {total} read"),
    )


def as_documents(every: Sequence[Depth]) -> List[Dict[str, Any]]:
    """Return them for `-o json` and for screens."""
    return [{"name": each.name, "answers": each.answers, "text": each.text, "port": each.port} for each in every]


def _local_api(facts: Facts) -> Depth:
    named = facts.user_data.get("localUIPort", "")
    port = int(named) if named.isdecimal() and 1 <= int(named) <= 65535 else LOCAL_PORT
    if facts.listening is None:
        return Depth(LOCAL_API, None, "the ports of the host were not read", port)
    if port in facts.listening:
        return Depth(LOCAL_API, True, f"port {port} is listened on", port)
    return Depth(LOCAL_API, False, f"nothing listens on port {port}", port)


def _kubectl(facts: Facts, root: bool) -> Depth:
    files = facts.kube_files
    if files is None:
        return Depth(KUBECTL, None, "the files of Kubernetes were not read")
    admin = next((path for path in ADMIN if path in files), "")
    kubelet = next((path for path in KUBELET if path in files), "")
    path = admin or kubelet
    if not path:
        if facts.files_complete:
            return Depth(KUBECTL, False, "the host has no kubeconfig: it is in no cluster")
        return Depth(KUBECTL, None, "no kubeconfig was seen, and folders may be closed without sudo")
    if not root:
        return Depth(KUBECTL, None, f"{path} may need sudo")
    if not admin:
        return Depth(KUBECTL, True, f"{path} of a worker: its own node, or by a control plane that is open too")
    if facts.api == "silent":
        return Depth(KUBECTL, False, f"{path} is there, but 127.0.0.1:6443 does not answer")
    return Depth(KUBECTL, True, path + (", and the API is not ready" if facts.api == "not-ready" else ""))

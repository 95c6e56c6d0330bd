"""Cluster documents for tests."""

from __future__ import annotations

import hashlib
from typing import Any

from edgewright.core.clusters.document import read, sealed
from edgewright.core.clusters.model import ClusterDocument

LINEAGE = "00112233445566aa"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def member(n: int, role: str = "control-plane", **more: Any) -> dict[str, Any]:
    """Return the entry of the host `host-n`."""
    pool = "control-planes" if role == "control-plane" else "workers"
    entry = {"hostUid": f"host-{n}", "nodeName": f"n{n}", "role": role, "pool": pool, "address": f"10.66.0.{10 + n}"}
    return {**entry, "nic": "eth0", "peerSpki": sha(f"peer-{n}"), **more}


def body(control_planes: int = 3, workers: int = 0, **more: Any) -> dict[str, Any]:
    """Return the JSON of a valid document with hosts `host-1` and up, control planes first."""
    count = control_planes + workers
    members = [member(n, "control-plane" if n <= control_planes else "worker") for n in range(1, count + 1)]
    pools = [{"name": "control-planes"}] + ([{"name": "workers", "maxUnavailable": 1}] if workers else [])
    return {
        "uid": "c1",
        "name": "kiel",
        "lineage": LINEAGE,
        "generation": 1,
        "kubernetes": {"distribution": "kubeadm", "version": "v1.36.3", "config": {"clusterConfiguration": {}}},
        "tree": {"ref": "registry.lab:5000/edgewright/tree:v1.36.3", "digest": "sha256:" + sha("tree")},
        "endpoint": {"host": "10.66.0.100", "kind": "vip", "nic": "eth0"},
        "network": {"podCidr": "10.244.0.0/16", "serviceCidr": "10.96.0.0/12"},
        "bootstrap": {"initHostUid": "host-1"},
        "members": members,
        "pools": pools,
        "layers": [
            {
                "name": "cni",
                "order": 10,
                "kind": "manifest",
                "content": [sha("flannel")],
                "waitFor": ["daemonset/kube-flannel/kube-flannel-ds"],
            },
            {
                "name": "metrics",
                "order": 30,
                "kind": "helm",
                "namespace": "kube-system",
                "release": "metrics-server",
                "content": [sha("metrics")],
                "values": sha("values"),
            },
        ],
        "images": [{"ref": "registry.k8s.io/pause:3.10", "digest": "sha256:" + sha("pause")}],
        **more,
    }


def document(control_planes: int = 3, workers: int = 0, **more: Any) -> ClusterDocument:
    """Return a valid document with its digest."""
    return sealed(read(body(control_planes, workers, **more)))


DONE = {
    "at": "2026-11-28T22:00:00Z",
    "caSpkiSha256": sha("ca"),
    "kubeSystemUid": "01234567-89ab-cdef-0123-456789abcdef",
}

"""The profile and the cluster of a lab, written as a user writes them: a directory of layers, and an answer file.

Every file is JSON, which is YAML too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from edgewright.lab.kubernetes import settings

POD_CIDR, SERVICE_CIDR = "100.64.0.0/18", "100.64.64.0/18"
LAYERS = (("flannel", "cni"), ("local-path", "csi"), ("web", "addon"))
"""Layers above Kubernetes, each of one manifest: name and kind."""
VERSION = "1.0.0"
_API = "edgewright/v1"


def manifest(name: str, images: Iterable[str]) -> str:
    """Return a manifest of the lab (`flannel.yaml`) with its networks and images; `images` are names with tags."""
    text = resources.files("edgewright.lab.kubernetes").joinpath("files", name).read_text("utf-8")
    known = {ref.rpartition(":")[0].rpartition("/")[2]: ref for ref in images}
    marks = {
        "@POD_CIDR@": POD_CIDR,
        "@FLANNEL_IMAGE@": known["flannel"],
        "@FLANNEL_PLUGIN_IMAGE@": known["flannel-cni-plugin"],
        "@LOCAL_PATH_IMAGE@": known["local-path-provisioner"],
        "@BUSYBOX_IMAGE@": known["busybox"],
        "@METRICS_SERVER_IMAGE@": known["metrics-server"],
        "@WEB_IMAGE@": known["web"],
    }
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def write_profile(root: Path, name: str, version: str, registry: Mapping[str, str], images: Iterable[str]) -> None:
    """Write the directory of a profile for hosts of the lab.

    `version` is that of Kubernetes; `registry` has `tree` (reference) and `digest`; `images` are those of the tree.
    """
    networks = {"networking": {"podSubnet": POD_CIDR, "serviceSubnet": SERVICE_CIDR}}
    kubernetes = {
        "tree": {"ref": registry["tree"], "digest": registry["digest"]},
        "cluster": {"config": {"clusterConfiguration": networks, **settings.cluster_config()}},
    }
    layers = ["edge-native-byoi", "edge-k8s", *(layer for layer, _ in LAYERS)]
    spec = {"version": VERSION, "type": "cluster", "cloudType": "edge-native", "layers": layers}
    document = {"apiVersion": _API, "kind": "ClusterProfile", "metadata": {"name": name}, "spec": spec}
    _write(root / "profile.yaml", document)
    # the hosts of a lab bring their own system: its image is never fetched
    _pack(root, "edge-native-byoi", VERSION, "os", {"options": {"system": {"uri": "registry.example/os:1.0.0"}}})
    _pack(root, "edge-k8s", version.removeprefix("v"), "k8s", kubernetes)
    wanted = list(images)
    for layer, kind in LAYERS:
        home = root / "layers" / layer
        described = {"name": layer, "type": "manifest", "layer": kind}
        _write(home / "layer.yaml", {**described, "manifests": [{"name": layer, "file": f"manifests/{layer}.yaml"}]})
        (home / "manifests").mkdir(exist_ok=True)
        (home / "manifests" / f"{layer}.yaml").write_text(manifest(f"{layer}.yaml", wanted))


def pools(hosts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the pools for these hosts: three control planes (one of fewer than three hosts), the others are workers.

    Control planes run workloads too where there are no workers.
    """
    count = 3 if len(hosts) >= 3 else 1
    first: dict[str, Any] = {"name": "control-planes", "role": "control-plane", "hosts": list(hosts[:count])}
    workers = list(hosts[count:])
    if not workers:
        return [{**first, "works": True}]
    return [first, {"name": "workers", "role": "worker", "hosts": workers}]


def write_cluster(path: Path, name: str, profile: str, vip: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Write the answer file of a cluster with these pools; `vip` is the address of its API."""
    answers = {"profiles": [{"name": profile}], "vip": vip, "pools": list(wanted)}
    _write(path, {"apiVersion": _API, "kind": "Cluster", "metadata": {"name": name}, "answers": answers})


def _pack(root: Path, name: str, version: str, layer: str, values: Mapping[str, Any]) -> None:
    described = {"name": name, "type": "spectro", "layer": layer, "version": version, "tag": version}
    _write(root / "layers" / name / "layer.yaml", described)
    _write(root / "layers" / name / "values.yaml", values)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")

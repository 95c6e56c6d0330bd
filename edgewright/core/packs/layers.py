"""The words of the pack format: layers, kinds, types of a dependency, marks."""

from __future__ import annotations

LAYERS = ("kernel", "os", "k8s", "cni", "csi", "addon")
"""Layers in the order of Palette's API; a profile of an edge cluster has `os`, `k8s`, `cni`, `csi` and `addon`."""
SINGLE = frozenset({"os", "k8s", "cni", "csi"})
"""Layers of which a profile has at most one pack."""

SPECTRO, HELM, MANIFEST, OCI = "spectro", "helm", "manifest", "oci"
KINDS = (SPECTRO, HELM, MANIFEST, OCI)
"""What a pack is (Palette's `v1PackType`): of its own format, a Helm chart, manifests, or an artifact of a registry."""

REQUIRED, OPTIONAL, NOT_SUPPORTED, UPGRADE = "required", "optional", "notSupported", "upgrade"
DEPENDENCY_TYPES = (REQUIRED, OPTIONAL, NOT_SUPPORTED, UPGRADE)

CPU, MEMORY, DISK = "cpu", "memory", "diskSize"
RESOURCES = {CPU: "m", MEMORY: "Mi", DISK: "GB"}
"""What a pack needs at least, and the unit of its limit."""
SCHEDULES = ("all", "master", "worker")

CLOUD_TYPES = (
    "all", "aws", "azure", "gcp", "vsphere", "openstack", "baremetal", "maas", "aks", "eks", "tke", "edge", "libvirt",
    "edge-native", "coxedge",
)  # fmt: skip
EDGE = frozenset({"all", "edge", "edge-native"})
"""Cloud types whose packs an edge cluster can use."""

PROVEN, NOT_PROVEN, NOT_DEPLOYED = "proven", "not-proven", "not-deployed"
MARKS = {
    "": "",
    PROVEN: "deployed in the lab",
    NOT_PROVEN: "not proven here",
    NOT_DEPLOYED: "not deployed here: its images cannot be had",
}
"""What was tried with a pack of the built-in catalogue; "" makes no claim."""

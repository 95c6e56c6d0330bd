"""The settings of Kubernetes that only lab hosts need: the `cluster.config` of the Kubernetes layer.

A lab host has no cgroup controllers, no CAP_SYS_RESOURCE, and the swap and memory of the machine that it runs on.
"""

from __future__ import annotations

from typing import Any

KUBELET: dict[str, Any] = {
    "cgroupDriver": "cgroupfs",
    "cgroupsPerQOS": False,
    "enforceNodeAllocatable": ["none"],
    "failSwapOn": False,
    "failCgroupV1": False,
    "localStorageCapacityIsolation": False,
    "featureGates": {"KubeletInUserNamespace": True},
    "evictionHard": {
        "memory.available": "0%",
        "nodefs.available": "0%",
        "nodefs.inodesFree": "0%",
        "imagefs.available": "0%",
    },
}
KUBE_PROXY: dict[str, Any] = {
    "mode": "nftables",
    "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
}
IGNORED = ["SystemVerification", "Swap", "Mem", "NumCPU"]
"""Checks of kubeadm's preflight that a container cannot pass."""


def cluster_config() -> dict[str, Any]:
    """Return what goes into `cluster.config` of the Kubernetes layer."""
    registration = {"nodeRegistration": {"ignorePreflightErrors": IGNORED}}
    return {
        "initConfiguration": registration,
        "joinConfiguration": registration,
        "kubeletConfiguration": KUBELET,
        "kubeProxyConfiguration": KUBE_PROXY,
    }

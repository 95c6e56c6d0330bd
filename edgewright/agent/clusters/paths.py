"""Where the things of a cluster are on a host: below `STATE`, `TREES` and `RUN`; the rest is Kubernetes' own."""

from __future__ import annotations

STATE = "/var/lib/edgewright/kubernetes"
"""What must outlive a restart: applied.json, the ledger, the files that are copied to /run at boot."""
APPLIED = STATE + "/applied.json"
OWNER = STATE + "/owner.json"
"""The cluster that this host belongs to, from its preflight to the end of its release."""
LEDGER = STATE + "/ledger.jsonl"
BOOT = STATE + "/run"
"""Copied to /run at each boot by `edgewright-activate.service`."""
ACTIVATE = STATE + "/activate"
"""The program of that service: a shell script, so that a broken agent never stops a kubelet from starting."""
CONTENT = "/var/lib/edgewright/content"
TREES = "/opt/edgewright/kubernetes"
RUN = "/run/edgewright"
LINKS = RUN + "/kubernetes"
"""One link for each component."""
UNITS = "/run/systemd/system"
CONTAINERD = RUN + "/containerd"
SOCKET = CONTAINERD + "/containerd.sock"
CONTAINERD_ROOT = "/var/lib/edgewright/containerd"
CERTS_D = CONTAINERD + "/certs.d"
KUBEADM = RUN + "/kubeadm"
"""Configuration of kubeadm, in memory: a join's contains a token."""
KEEPALIVED = RUN + "/keepalived"
CNI_BIN = "/opt/cni/bin"
CNI_CONF = "/etc/cni/net.d"
KUBERNETES = "/etc/kubernetes"
ADMIN_CONF = KUBERNETES + "/admin.conf"
KUBELET_CONF = KUBERNETES + "/kubelet.conf"
KUBELET = "/var/lib/kubelet"
ETCD = "/var/lib/etcd"
IMAGES_PORT = 5081
CONTAINERD_UNIT = "edgewright-containerd.service"
KUBELET_UNIT = "kubelet.service"
"""kubeadm needs this name."""
IMAGES_UNIT = "edgewright-images.service"
KEEPALIVED_UNIT = "edgewright-keepalived.service"
HOME = RUN + "/home"
"""HOME of kubectl and helm, in memory: they leave caches."""
SEARCH = f"{LINKS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of every program of a step: the links first."""


def tree(digest: str) -> str:
    """Return the folder of a tree; `digest` is `sha256:...` of its manifest."""
    return f"{TREES}/{digest.partition(':')[2] or digest}"


def component(name: str) -> str:
    """Return the link of a component."""
    return f"{LINKS}/{name}"

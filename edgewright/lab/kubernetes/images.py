"""The container images of a tree, under the names that kubeadm and the built-in packs ask for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edgewright.lab.kubernetes import versions
from edgewright.lab.kubernetes.goparts import COMPONENTS, PROGRAM
from edgewright.lab.kubernetes.layout import File, Layout, tree

REGISTRY = "registry.k8s.io"
WEB = f"edgewright.invalid/web:{versions.WEB}"
"""The web application of tests; a name that no registry has, so that it is never pulled from outside."""
_TOOLS = ("sh", "cp", "cat", "ls", "sleep", "wget", "nslookup", "ip", "ping", "hostname", "nc", "mkdir", "rm", "test")
_DOCUMENTS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "var", "etc/init.d", "dev")


class Parts(NamedTuple):
    """The folders of the parts; each is complete in the cache."""

    kubernetes: Path
    etcd: Path
    addons: Path
    small: Path
    new: Path
    host: Path
    base: Path
    helm: Path


def write(layout: Layout, parts: Parts, version: str, wanted: versions.Constants) -> None:
    """Write every image into a layout; the four images of Kubernetes share the layer with its one program."""
    local = "usr/local/bin"
    services = [name for name in COMPONENTS if name.startswith("kube-")]
    kube = layout.layer(
        [
            File(f"{local}/{PROGRAM}", parts.kubernetes / PROGRAM),
            *(File(f"{local}/{name}", link=PROGRAM) for name in services),
        ]
    )
    base = layout.layer(tree(parts.base / "root", _DOCUMENTS))
    tools = layout.layer(_busybox(parts, "usr/bin"))
    for name in services:
        layers = [base, kube] if name == "kube-proxy" else [kube]
        layout.image(f"{REGISTRY}/{name}:{version}", layers)
    etcd = layout.layer([File(f"{local}/{name}", parts.etcd / name) for name in ("etcd", "etcdctl")])
    layout.image(f"{REGISTRY}/etcd:{wanted.etcd}", [etcd])
    coredns = layout.layer([File("coredns", parts.addons / "coredns")])
    layout.image(f"{REGISTRY}/coredns/coredns:{wanted.coredns}", [coredns], ["/coredns"])
    pause = layout.layer([File("pause", parts.small / "pause")])
    layout.image(f"{REGISTRY}/pause:{wanted.pause}", [pause], ["/pause"], "65535:65535")
    flanneld = layout.layer([File("opt/bin/flanneld", parts.addons / "flanneld")])
    layout.image(f"ghcr.io/flannel-io/flannel:{versions.FLANNEL}", [base, tools, flanneld], ["/opt/bin/flanneld"])
    plugin = layout.layer([File("flannel", parts.small / "flannel-plugin")])
    layout.image(f"ghcr.io/flannel-io/flannel-cni-plugin:{versions.FLANNEL_PLUGIN}", [tools, plugin])
    provisioner = layout.layer([File("usr/bin/local-path-provisioner", parts.addons / "local-path-provisioner")])
    layout.image(
        f"docker.io/rancher/local-path-provisioner:{versions.LOCAL_PATH}", [provisioner], ["local-path-provisioner"]
    )
    busybox = layout.layer(_busybox(parts, "bin"))
    layout.image("docker.io/library/busybox:latest", [busybox], ["/bin/sh"])
    metrics = layout.layer([File("metrics-server", parts.addons / "metrics-server"), File("tmp", mode=0o1777)])
    layout.image(
        f"{REGISTRY}/metrics-server/metrics-server:{versions.METRICS_SERVER}", [metrics], ["/metrics-server"], "65534"
    )
    web = layout.layer([File("web", parts.small / "web"), File("data", mode=0o777), File("tmp", mode=0o1777)])
    layout.image(WEB, [busybox, web], ["/web"])
    layout.close()


def _busybox(parts: Parts, folder: str) -> list[File]:
    """Return busybox and its names below a folder."""
    program = parts.host / "bin/busybox"
    if not program.is_file():
        program = parts.host / "usr/bin/busybox"
    return [File(f"{folder}/busybox", program), *(File(f"{folder}/{name}", link="busybox") for name in _TOOLS)]

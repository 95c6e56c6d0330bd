"""What a Kubernetes tree must contain, and what a host's own system must have to run it.

A tree is one Kubernetes version for one architecture, for hosts with a system of their own: `bin/ cni/ images/
templates/`. Further programs in `bin/` (crictl, the one program behind several names) are carried too. Hosts store it
on their persistent disk and call its programs by absolute path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

from edgewright.forge.image.elf import Library
from edgewright.forge.registry.reference import Kubernetes

FOLDERS = ("bin", "cni", "images", "templates")
TREE = "tree.json"
REQUIREMENTS = "host-requirements.json"


class Parts(NamedTuple):
    """What a distribution's tree must have; `own` are Kubernetes' own programs: static, and of the tree's version."""

    own: tuple[str, ...]
    programs: tuple[str, ...]
    cni: tuple[str, ...]
    templates: tuple[str, ...]


PARTS = {
    "kubeadm": Parts(
        own=("kubeadm", "kubelet", "kubectl"),
        programs=("containerd", "containerd-shim-runc-v2", "ctr", "runc", "etcdctl", "helm", "keepalived"),
        cni=("bridge", "host-local", "loopback", "portmap"),
        templates=("containerd.service", "containerd.toml", "keepalived.conf", "kubelet.service"),
    ),
    "k3s": Parts(
        own=("k3s",),
        programs=("helm", "keepalived"),
        cni=(),  # k3s brings its own, and containerd too
        templates=("k3s.service", "keepalived.conf"),
    ),
}
SOURCES = {
    "containerd": "github.com/containerd/containerd, the -static archive",
    "containerd-shim-runc-v2": "github.com/containerd/containerd",
    "ctr": "github.com/containerd/containerd",
    "runc": "github.com/opencontainers/runc",
    "etcdctl": "github.com/etcd-io/etcd",
    "helm": "github.com/helm/helm",
    "keepalived": "the package keepalived",
    "crictl": "github.com/kubernetes-sigs/cri-tools",
    "k3s": "github.com/k3s-io/k3s",
}
"""Where a part that is missing comes from; Kubernetes' own are released together, CNI plug-ins too."""


def templates(distribution: str) -> dict[str, bytes]:
    """Return the templates that the forge brings, used where no others are given."""
    folder = resources.files("edgewright.forge.image").joinpath("templates")
    return {name: folder.joinpath(name).read_bytes() for name in PARTS[distribution].templates}


class Program(NamedTuple):
    """A program that the host must have in its path: what for, and the Debian package that brings it."""

    name: str
    use: str
    package: str
    needed: bool = True


_KUBEADM = (
    Program("ip", "kubeadm's preflight, CNI plug-ins", "iproute2"),
    Program("iptables", "kubeadm's preflight, kube-proxy, portmap", "iptables"),
    Program("mount", "kubelet", "mount"),
    Program("umount", "kubelet", "mount"),
    Program("nsenter", "kubeadm's preflight, kubelet", "util-linux"),
    Program("losetup", "kubelet: block volumes", "mount"),
    Program("ethtool", "kubeadm's preflight", "ethtool", needed=False),
    Program("tc", "kubeadm's preflight: bandwidth of pods", "iproute2", needed=False),
    Program("mkfs.ext4", "kubelet: formats volumes", "e2fsprogs", needed=False),
)
_ALL = (
    Program("modprobe", "loads the kernel modules", "kmod"),
    Program("systemd-run", "runs each step as a unit", "systemd"),
    Program("openssl", "certificates of the host, signatures of documents", "openssl"),
)
_CONNTRACK = Program("conntrack", "kube-proxy and kubeadm's preflight before Kubernetes 1.32", "conntrack")
_MODULES = (
    ("overlay", "containerd: layers of images"),
    ("br_netfilter", "traffic of pods through a bridge is filtered"),
    ("nf_conntrack", "kube-proxy"),
    ("nf_nat", "kube-proxy"),
    ("veth", "CNI: one pair for each pod"),
    ("bridge", "CNI"),
    ("vxlan", "overlay networks (Flannel, Calico, Cilium)"),
)
_SYSCTLS = (("net.ipv4.ip_forward", "1"), ("net.bridge.bridge-nf-call-iptables", "1"))
_PACKAGES = {
    **dict.fromkeys(("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"), "libc6"),
    **dict.fromkeys(("libresolv.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"), "libc6"),
    **dict.fromkeys(("libssl.so.3", "libcrypto.so.3"), "libssl3"),
    "libseccomp.so.2": "libseccomp2",
    "libnl-3.so.200": "libnl-3-200",
    "libnl-genl-3.so.200": "libnl-genl-3-200",
    "libnftnl.so.11": "libnftnl11",
    "libmnl.so.0": "libmnl0",
    "libsystemd.so.0": "libsystemd0",
    "libgcc_s.so.1": "libgcc-s1",
    "libpcre2-8.so.0": "libpcre2-8-0",
    **dict.fromkeys(("libglib-2.0.so.0", "libgio-2.0.so.0"), "libglib2.0-0"),
    **dict.fromkeys(("libnetsnmp.so.40", "libnetsnmpagent.so.40", "libnetsnmpmibs.so.40"), "libsnmp40"),
}


def host_requirements(kubernetes: Kubernetes, libraries: Mapping[str, Sequence[Library]]) -> dict[str, Any]:
    """Return what the host's own system must have, as the document that the tree carries.

    `libraries` has those of each program that is not static, by the program's path in the tree.
    """
    minor = int(kubernetes.version.split(".")[1])
    programs = list(_ALL) + (list(_KUBEADM) if kubernetes.distribution == "kubeadm" else [])
    if kubernetes.distribution == "kubeadm" and minor < 32:
        programs.append(_CONNTRACK)
    newest: dict[str, tuple[str, list[str]]] = {}
    for program, result in sorted(libraries.items()):
        for library in result:
            version, users = newest.get(library.name, ("", []))
            newest[library.name] = max(version, library.version, key=_newness), [*users, program]
    packages = {p.package for p in programs if p.needed} | {_PACKAGES[name] for name in newest if name in _PACKAGES}
    return {
        "apiVersion": "edgewright/v1",
        "kind": "HostRequirements",
        "system": [
            {"name": "systemd", "use": "process 1 of the host"},
            {"name": "cgroup v2", "use": "kubelet"} if minor >= 35 else {"name": "cgroup v1 or v2", "use": "kubelet"},
            {"name": "no swap, or swap off", "use": "kubelet"},
        ],
        "programs": [{"name": p.name, "use": p.use, "package": p.package, "needed": p.needed} for p in programs],
        "kernelModules": [{"name": name, "use": use} for name, use in _MODULES],
        "sysctls": [{"name": name, "value": value} for name, value in _SYSCTLS],
        "libraries": [
            {"name": name, "version": version, "package": _PACKAGES.get(name, ""), "users": users}
            for name, (version, users) in sorted(newest.items())
        ],
        "packages": sorted(packages),
    }


def lines_of(requirements: Mapping[str, Any]) -> list[str]:
    """Return the requirements as text: a line for each group."""

    def names(key: str, rows: Iterable[Mapping[str, Any]] | None = None) -> str:
        return ", ".join(str(row["name"]) for row in (requirements[key] if rows is None else rows))

    needed = [row for row in requirements["programs"] if row["needed"]]
    wanted = [row for row in requirements["programs"] if not row["needed"]]
    lines = [
        f"system           {names('system')}",
        f"programs         {names('programs', needed)}" + (f"; useful: {names('programs', wanted)}" if wanted else ""),
        f"kernel modules   {names('kernelModules')}",
        f"sysctls          {', '.join(str(row['name']) + '=' + str(row['value']) for row in requirements['sysctls'])}",
    ]
    for row in requirements["libraries"]:
        users = ", ".join(user.rpartition("/")[2] for user in row["users"])
        version = f" ({row['version']} or newer)" if row["version"] else ""
        unknown = "" if row["package"] else "; its package is not known"
        lines.append(f"library          {row['name']}{version} for {users}{unknown}")
    return [*lines, f"Debian packages  {', '.join(requirements['packages'])}"]


def as_file(document: Mapping[str, Any]) -> bytes:
    """Return a document as the tree carries it."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _newness(version: str) -> tuple[int, ...]:
    numbers = version.rpartition("_")[2].split(".")
    return tuple(map(int, numbers)) if all(number.isdigit() for number in numbers) else ()

"""The parts that are built with Go: Kubernetes as one program, the add-ons, and our own small programs."""

from __future__ import annotations

import re
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab.kubernetes import versions
from edgewright.lab.kubernetes.cache import Cache
from edgewright.lab.kubernetes.gomodule import KUBERNETES, Go, source, stamps, write_module

COMPONENTS = (
    "kubeadm",
    "kubelet",
    "kubectl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
)
PROGRAM = "kubernetes"
"""The program that is all components, each by its name."""

_BACKENDS = re.compile(r'^\s*_ "github\.com/flannel-io/flannel/pkg/backend/(alivpc|awsvpc|gce|tencentvpc|udp)"\n', re.M)
"""Backends of flannel that are left out: those of clouds (one lacks a module on the proxy) and one that needs C."""


def kubernetes(cache: Cache, go: Go, version: str, at: Path) -> Path:
    """Return the folder with Kubernetes as one program; `at` is its source."""
    code = source("kube.go")

    def make(folder: Path) -> None:
        module = cache.folder / "work" / f"kubernetes-{version}"
        write_module(module, at, version, {PROGRAM: code}, [f"{KUBERNETES}@{version}"], "edgewright.invalid/kubernetes")
        go.build(f"Kubernetes {version}", module, {PROGRAM: f"./{PROGRAM}"}, folder, stamps(version))

    recipe = {"version": version, "arch": go.arch, "main": code, "stamps": stamps(version)}
    return cache.part(f"kubernetes-{version}", recipe, make)


def etcd(cache: Cache, go: Go, version: str, at: Path, number: str) -> Path:
    """Return the folder with etcd and etcdctl.

    They are built with the requirements of Kubernetes, so that what both use is compiled once.
    """
    requires = [f"go.etcd.io/etcd/server/v3@{number}", f"go.etcd.io/etcd/etcdctl/v3@{number}"]
    code = source("etcd.go")

    def make(folder: Path) -> None:
        module = cache.folder / "work" / f"etcd-{number}"
        write_module(module, at, version, {"etcd": code}, requires, "edgewright.invalid/etcd")
        go.build(f"etcd {number}", module, {"etcd": "./etcd", "etcdctl": "go.etcd.io/etcd/etcdctl/v3"}, folder)

    return cache.part(f"etcd-{number}", {"kubernetes": version, "arch": go.arch, "requires": requires}, make)


def addons(cache: Cache, go: Go, version: str, at: Path, coredns: str) -> Path:
    """Return the folder with CoreDNS, flannel, local-path-provisioner and metrics-server.

    One module for all four starts from the requirements of Kubernetes; it has newer ones where one of them asks for it.
    """
    modules = {
        "github.com/coredns/coredns": coredns,
        "github.com/flannel-io/flannel": versions.FLANNEL,
        "github.com/rancher/local-path-provisioner": versions.LOCAL_PATH,
        "sigs.k8s.io/metrics-server": versions.METRICS_SERVER,
    }
    main = source("coredns.go")

    def make(folder: Path) -> None:
        module = cache.folder / "work" / f"addons-{version}"
        code = {"coredns": main, "flanneld": flanneld(go.fetch("github.com/flannel-io/flannel", versions.FLANNEL))}
        requires = [f"{name}@{number}" for name, number in modules.items()]
        write_module(module, at, version, code, requires, "edgewright.invalid/addons")
        programs = {
            "coredns": "./coredns",
            "flanneld": "./flanneld",
            "local-path-provisioner": "github.com/rancher/local-path-provisioner",
            "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
        }
        go.build("the add-ons", module, programs, folder)

    recipe = {"kubernetes": version, "arch": go.arch, "modules": modules, "coredns": main}
    return cache.part(f"addons-{version}", recipe, make)


def flanneld(at: Path) -> str:
    """Return flannel's main program without the backends of clouds. Raises `Failed` when it names none."""
    code, count = _BACKENDS.subn("", (at / "main.go").read_text("utf-8"))
    if not count:
        raise Failed("flannel's main program names its backends in another way.", "Choose a version that is proven.")
    return code


def small(cache: Cache, go: Go) -> Path:
    """Return the folder with our own programs: pause, the web application, the runtime of lab hosts, a plug-in."""
    mains = {name: source(f"{name}.go") for name in ("pause", "web", "runc-lab", "flannel-plugin")}

    def make(folder: Path) -> None:
        module = cache.folder / "work" / "small"
        for name, code in mains.items():
            (module / name).mkdir(parents=True, exist_ok=True)
            (module / name / "main.go").write_text(code)
        (module / "go.mod").write_text("module edgewright.invalid/small\n\ngo 1.21\n")
        go.build("pause, web, runc-lab and flannel-plugin", module, {name: f"./{name}" for name in mains}, folder)

    return cache.part("small", {"arch": go.arch, "mains": mains}, make)

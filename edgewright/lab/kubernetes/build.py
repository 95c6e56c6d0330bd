"""`lab kubernetes build`: all parts of one version, and the tree that is made of them."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import NotFound, UsageError
from edgewright.lab.kubernetes import debian, goparts, helm, images, pack, programs, versions
from edgewright.lab.kubernetes.cache import Cache, cache_folder, require_room, sums
from edgewright.lab.kubernetes.gomodule import KUBERNETES, Go
from edgewright.lab.kubernetes.images import Parts
from edgewright.lab.kubernetes.layout import Layout

ROOM = 8_000_000_000
"""Bytes that a first build takes: Go's caches 5 GB, parts and tree 1.5 GB."""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
_PLUGINS = ("bridge", "host-local", "loopback", "portmap")


class Built(NamedTuple):
    """What was built of a version: its tree (bin, cni, images, templates), and that tree as an artefact."""

    folder: Path
    artefact: Path
    version: str
    arch: str

    @property
    def runtime(self) -> Path:
        """Return the container runtime of lab hosts, a part of its own: it is not in the tree."""
        record = json.loads((self.folder / "part.json").read_text())
        return self.folder.parent / str(record["recipe"]["parts"]["small"]) / "runc-lab"

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        record = json.loads((self.folder / "part.json").read_text())
        return {
            "kubernetes": {"distribution": "kubeadm", "version": self.version},
            "architecture": self.arch,
            "folder": str(self.folder),
            "artefact": pack.artefact(self.artefact),
            "size": sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()),
            "images": self.images(),
            "components": record["recipe"]["components"],
        }

    def images(self) -> dict[str, str]:
        """Return its images: name -> digest of the manifest."""
        index = json.loads((self.folder / "images/index.json").read_bytes())
        return {entry["annotations"]["io.containerd.image.name"]: entry["digest"] for entry in index["manifests"]}


def architecture() -> str:
    """Return the architecture of this machine as images name it. Raises `UsageError`."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise UsageError(f"Kubernetes has no build for {machine}.", "Use a machine of x86_64 or aarch64.")
    return _MACHINES[machine]


def build(version: str, report: Callable[[str], None], verify: bool = False) -> Built:
    """Make what is missing of a version and return its tree. Raises `EdgewrightError`; what is ready stays cached.

    `verify`: first compare every file of the cache with its sha256, and make damaged parts again.
    """
    version, arch = versions.parse(version), architecture()
    cache = Cache(cache_folder(), report)
    for program in ("go", "apt-get", "dpkg-deb", "npm", "mmdebstrap", "docker-registry"):
        programs.require(program)
    if not any(built.version == version for built in trees()):
        require_room(cache.folder, ROOM)
    with cache.locked():
        for name in cache.damaged() if verify else []:
            report(f"{name}: damaged, removed")
        go = Go(cache.folder, arch, report)
        report(f"Kubernetes {version}: fetching its source")
        source = go.fetch(KUBERNETES, version)
        wanted = versions.constants(source)
        parts = Parts(
            kubernetes=goparts.kubernetes(cache, go, version, source),
            etcd=goparts.etcd(cache, go, version, source, wanted.etcd_version),
            addons=goparts.addons(cache, go, version, source, wanted.coredns),
            small=goparts.small(cache, go),
            new=debian.unpacked(cache, debian.NEW, debian.NEW_PACKAGES, arch),
            host=debian.unpacked(cache, debian.HOST, debian.HOST_PACKAGES, arch),
            base=debian.base_layer(cache, arch),
            helm=helm.helm(cache),
        )
        tree = _tree(cache, parts, version, arch, wanted)
        artefact = pack.packed(cache, tree, version, arch)
        shutil.rmtree(cache.folder / "work", ignore_errors=True)
        return Built(tree, artefact, version, arch)


def find(version: str) -> Built:
    """Return the newest tree of a version that was built. Raises `NotFound`."""
    version, arch = versions.parse(version), architecture()
    matches = [built for built in trees() if (built.version, built.arch) == (version, arch)]
    if not matches:
        raise NotFound(
            f"There is no tree of Kubernetes {version} in {cache_folder()}.",
            f"Build it: edgewright lab kubernetes build --version {shlex.quote(version)}",
        )
    return max(matches, key=lambda built: (built.artefact / "part.json").stat().st_mtime)


def trees() -> list[Built]:
    """Return the trees in the cache that are complete: packed, and with all of their parts."""
    result = []
    for record in sorted((cache_folder() / "parts").glob("artefact-*/part.json")):
        _, version, arch, _ = record.parent.name.split("-")
        tree = record.parent.parent / str(json.loads(record.read_text())["recipe"]["tree"])
        if (tree / "part.json").is_file():
            result.append(Built(tree, record.parent, version, arch))
    return result


def _tree(cache: Cache, parts: Parts, version: str, arch: str, wanted: versions.Constants) -> Path:
    def make(folder: Path) -> None:
        cache.report(f"tree of {version}: writing images")
        images.write(Layout(folder / "images", arch), parts, version, wanted)
        for path, source in _programs(parts).items():
            _place(folder / path, source)
        for name in goparts.COMPONENTS[:3]:
            (folder / "bin" / name).symlink_to(goparts.PROGRAM)
        (folder / "templates").mkdir()
        for name in ("containerd.toml",):
            text = resources.files("edgewright.lab.kubernetes").joinpath("files", name).read_text("utf-8")
            (folder / "templates" / name).write_text(text)
        (folder / "VERSIONS").write_text(
            "".join(f"{name} {value}\n" for name, value in _versions(parts, wanted).items())
        )
        lines = [f"{digest}  {name}\n" for name, digest in sums(folder).items() if not digest.startswith("->")]
        (folder / "SHA256SUMS").write_text("".join(lines))

    made_of = {name: path.name for name, path in parts._asdict().items()}
    code = resources.files("edgewright.lab.kubernetes").joinpath("files", "containerd.toml").read_text("utf-8")
    components = {
        **dict.fromkeys(goparts.COMPONENTS, version),
        "etcd": wanted.etcd_version,
        "coredns": wanted.coredns,
        "flannel": versions.FLANNEL,
        "local-path-provisioner": versions.LOCAL_PATH,
        "metrics-server": versions.METRICS_SERVER,
    }
    recipe = {"parts": made_of, "components": components, "template": code, "layout": 1}
    return cache.part(f"tree-{version}-{arch}", recipe, make)


def _versions(parts: Parts, wanted: versions.Constants) -> dict[str, str]:
    """Return the versions of the programs that do not have that of Kubernetes."""
    known: dict[str, str] = {}
    for part in (parts.new, parts.host, parts.helm):
        known |= dict(line.split(" ", 1) for line in (part / "VERSIONS").read_text().splitlines())
    result = {name: known[name] for name in ("containerd", "runc", "keepalived", "helm")}
    result |= dict.fromkeys(_CONTAINERD, known["containerd"])
    result |= dict.fromkeys(_PLUGINS, known["containernetworking-plugins"])
    return {**result, "etcdctl": wanted.etcd_version}


def _programs(parts: Parts) -> dict[str, Path]:
    """Return the programs of a tree: path in it -> file."""
    result = {f"bin/{goparts.PROGRAM}": parts.kubernetes / goparts.PROGRAM, "bin/helm": parts.helm / "helm"}
    result["bin/etcdctl"] = parts.etcd / "etcdctl"
    result |= {f"bin/{name}": parts.new / "usr/bin" / name for name in _CONTAINERD}
    result |= {f"bin/{name}": parts.host / "usr/sbin" / name for name in ("runc", "keepalived")}
    result |= {f"cni/{name}": parts.host / "usr/lib/cni" / name for name in _PLUGINS}
    return result


def _place(target: Path, source: Path) -> None:
    """Put a file into the tree; as a second name of the part where the disk allows it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

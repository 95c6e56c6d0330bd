"""What can be known of a file before it goes into an image: its sum, its machine, the version it names, its images."""

from __future__ import annotations

import hashlib
import json
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import Failed, InvalidInput
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers
from edgewright.forge.registry.reference import Kubernetes
from edgewright.oci import media

_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S.*?)\s*")
_MACHINES = {62: "amd64", 183: "arm64", 243: "riscv64"}
NEEDED_IMAGES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "coredns",
    "pause",
)
"""What kubeadm needs on a control plane (`kubeadm config images list`); the first four carry the version."""


class Checksums:
    """Lines of `SHA256  NAME`; a name is looked up as it was given, then by its last part."""

    def __init__(self, sums: dict[str, str], source: str) -> None:
        self._sums, self.source = sums, source

    def of(self, name: str) -> str | None:
        """Return the sum of a name, or None when it is not listed."""
        return self._sums.get(name) or self._sums.get(name.rpartition("/")[2])

    def check(self, name: str, result: str) -> None:
        """Raise `InvalidInput` when the sum of `name` is listed and another one was found."""
        wanted = self.of(name)
        if wanted is not None and wanted != result:
            raise InvalidInput(
                f"{name} is not the file that {self.source} names: its sha256 is {result}, and should be {wanted}.",
                "Fetch it again; if it stays so, do not use it.",
                "ChecksumMismatch",
            )


def read_checksums(path: Path | None) -> Checksums:
    """Read a file of sums (as sha256sum writes it). Raises `InvalidInput`."""
    if path is None:
        return Checksums({}, "")
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"The checksums {path} cannot be read.", "Give a file that sha256sum writes.") from None
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidInput(
                f"Line {number} of {path} does not have a sha256 and a name.", "Give a file that sha256sum writes."
            )
        name = match[2].removeprefix("./")
        sums[name] = sums[name.rpartition("/")[2]] = match[1].lower()
    return Checksums(sums, str(path))


def sha256(path: Path, job: Job) -> str:
    """Return the sha256 of a file, read piece by piece. Raises `Failed`."""
    seen, done = hashlib.sha256(), 0
    try:
        total = path.stat().st_size
        with path.open("rb") as stream:
            while data := stream.read(1 << 18):
                seen.update(data)
                done += len(data)
                job.at(done, total)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None
    return seen.hexdigest()


def machine(path: Path, arch: str) -> None:
    """Raise `InvalidInput` unless a file is a program for this architecture."""
    head = layers.magic(path)
    if not head.startswith(b"\x7fELF") or len(head) < 20:
        raise InvalidInput(f"{path} is not a program for Linux.", "Give the binary itself, not a script or an archive.")
    has = _MACHINES.get(int.from_bytes(head[18:20], "little" if head[5] == 1 else "big"), "another machine")
    if has != arch:
        raise InvalidInput(
            f"{path} is for {has}, not for {arch}.", f"Fetch the one for {arch}, or build with --arch {has}."
        )


def names_version(path: Path, kubernetes: Kubernetes, job: Job) -> bool:
    """Whether a program has the version written in it (as `kubeadm version` would print it)."""
    job.check()
    return written(path, kubernetes.full, rb"(?![0-9])")  # v1.36.3 is not v1.36.30


def written(path: Path, text: str, following: bytes = rb"(?![.-][0-9])") -> bool:
    """Whether a file has a text in it that what follows does not continue.

    Go puts strings one behind the other without an end, so that only what certainly continues a version is excluded:
    `3.10` is not in a program that has `3.10.2`. What the linker sets (-X, as the version is) ends with a zero byte.
    """
    if not path.stat().st_size:
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return re.search(re.escape(text.encode()) + following, data) is not None


class Archive(NamedTuple):
    """What an archive of images contains: the names (`registry.k8s.io/pause:3.10`)."""

    names: tuple[str, ...]


def archive(path: Path, job: Job) -> Archive:
    """Return the names of the images in an archive. Raises `InvalidInput` when it is none."""

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as stream:
            while data := stream.read(1 << 18):
                job.check()
                yield data

    matches: dict[str, Any] = {}
    with layers.opened(pieces()) as members:
        for info, tar in members:
            name = layers.name_of(info)
            if name in ("manifest.json", "index.json", "repositories") and info.size < layers.MAX_FILE:
                stream = tar.extractfile(info)
                try:
                    matches[name] = json.loads(stream.read()) if stream is not None else None
                except ValueError:
                    matches[name] = None
    if not matches:
        raise InvalidInput(
            f"{path} is not an archive of images.",
            "Write it with: skopeo copy docker://IMAGE docker-archive:FILE:IMAGE",
        )
    names: list[str] = []
    for entry in media.objects(matches.get("manifest.json")):
        tags = entry.get("RepoTags")
        names += map(str, tags) if isinstance(tags, list) else []
    index = matches.get("index.json")
    for entry in media.objects(media.object_(index).get("manifests")):
        reported = media.object_(entry.get("annotations"))
        full = reported.get("io.containerd.image.name") or reported.get("org.opencontainers.image.ref.name")
        names += [str(full)] if full else []
    return Archive(tuple(dict.fromkeys(names)))


def lacking_images(kubernetes: Kubernetes, names: list[str]) -> list[str]:
    """Return the images that kubeadm needs on a control plane and that are not there, as `NAME:VERSION`."""
    if kubernetes.distribution != "kubeadm":
        return []
    lacking = []
    for needed in NEEDED_IMAGES:
        version = kubernetes.full if needed.startswith("kube-") else ""
        have = [n.rpartition(":")[2] for n in names if n.rpartition(":")[0].rpartition("/")[2] == needed]
        if not have or (version and version not in have):
            lacking.append(f"{needed}:{version}" if version else needed)
    return lacking

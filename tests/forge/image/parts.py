"""Small things that provider images are made of in tests: programs, archives, bases."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
from pathlib import Path
from typing import Any

from edgewright.forge.image import media
from tests.forge.image.fake_registry import FakeRegistry, digest_of

CREATED = "2026-01-02T03:04:05Z"
RELEASE = 'KAIROS_NAME="test"\nKAIROS_VARIANT="core"\nKAIROS_IMAGE_LABEL="12-core-amd64-generic"\n'
STATUS = (
    "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\n"
)
SYSTEM = {
    "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "etc/kairos-release": RELEASE.encode(),
    "var/lib/dpkg/status": STATUS.encode(),
}


def program(name: str, version: str = "v1.36.3", machine: int = 62, size: int = 1000) -> bytes:
    """Return something that looks like a program for Linux: an ELF head, its name and version, and filling."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine)
    return head + f" stand-in {name} {version} ".encode() + bytes(range(256)) * (size // 256)


def programs(folder: Path, version: str = "v1.36.3") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("kubeadm", "kubelet", "kubectl"):
        (folder / name).write_bytes(program(name, version))
    return folder


def tar_of(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


def images_archive(*names: str) -> bytes:
    """Return an archive as `docker save` writes it, with these names."""
    listed = [{"Config": "c.json", "RepoTags": list(names), "Layers": []}]
    return tar_of({"c.json": b"{}", "manifest.json": json.dumps(listed).encode()})


def image_at(
    registry: FakeRegistry, repository: str, tag: str, layers: list[dict[str, bytes]], arch: str = "amd64"
) -> str:
    """Put an image into the registry and return its digest."""
    blobs = [gzip.compress(tar_of(files), mtime=0) for files in layers]
    config = {
        "created": CREATED,
        "architecture": arch,
        "os": "linux",
        "config": {"Cmd": ["/sbin/init"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar_of(files)) for files in layers]},
        "history": [{"created": CREATED} for _ in layers],
    }
    raw = json.dumps(config).encode()
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media.OCI_MANIFEST,
        "config": {"mediaType": media.OCI_CONFIG, "size": len(raw), "digest": registry.put_blob(repository, raw)},
        "layers": [
            {
                "mediaType": media.OCI_LAYER + "+gzip",
                "size": len(blob),
                "digest": registry.put_blob(repository, blob),
            }
            for blob in blobs
        ],
    }
    return registry.put_manifest(repository, tag, manifest)


def layer_files(registry: FakeRegistry, repository: str, tag: str, number: int = -1) -> dict[str, tarfile.TarInfo]:
    """Return the members of a layer of an image at the registry."""
    layer = registry.manifest(repository, tag)["layers"][number]
    data = gzip.decompress(registry.blobs[repository, layer["digest"]])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: info for info in tar.getmembers()}


def layer_file(registry: FakeRegistry, repository: str, tag: str, name: str) -> bytes:
    layer = registry.manifest(repository, tag)["layers"][-1]
    data = gzip.decompress(registry.blobs[repository, layer["digest"]])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()

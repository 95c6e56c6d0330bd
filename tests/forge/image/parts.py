"""Small things that provider images are made of in tests: programs, archives, bases."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import Spool
from edgewright.oci import media
from tests.oci.fake_registry import FakeRegistry, digest_of
from tests.support import missing

CREATED = "2026-01-02T03:04:05Z"
RELEASE = 'KAIROS_NAME="test"\nKAIROS_VARIANT="core"\nKAIROS_IMAGE_LABEL="12-core-amd64-generic"\n'
STATUS = (
    "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\n"
)
KERNEL = "6.1.0-1-amd64"


def kernel(version: str = KERNEL) -> bytes:
    """Return the head of a kernel for PCs with its version where the boot protocol has it."""
    head = bytearray(0x210)
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x100)
    return bytes(head) + bytes(0x300 - 0x210) + f"{version} (builder) #1".encode() + bytes(64)


ESSENTIAL = {
    "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": STATUS.encode(),
}
"""A root as mmdebstrap's variant `essential` makes it: no kernel, no init, no agent, no release file of Kairos."""
SYSTEM = {
    **ESSENTIAL,
    "etc/kairos-release": RELEASE.encode(),
    f"boot/vmlinuz-{KERNEL}": kernel(),
    f"boot/initrd.img-{KERNEL}": b"an initrd",
    f"usr/lib/modules/{KERNEL}/modules.dep": b"",
    "usr/lib/systemd/systemd": b"init",
    "usr/bin/kairos-agent": b"agent",
}
"""A root with all that a host needs: kernel, modules, initrd, init, agent."""


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
    registry: FakeRegistry,
    repository: str,
    tag: str,
    layers: list[dict[str, bytes]],
    arch: str = "amd64",
    labels: dict[str, str] | None = None,
) -> str:
    """Put an image into the registry and return its digest."""
    blobs = [gzip.compress(tar_of(files), mtime=0) for files in layers]
    config = {
        "created": CREATED,
        "architecture": arch,
        "os": "linux",
        "config": {"Cmd": ["/sbin/init"], **({"Labels": labels} if labels else {})},
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


KUBERNETES, SLOT = -2, -1
"""The layers that an appliance image has on top of its base."""


def layer_data(registry: FakeRegistry, repository: str, tag: str, number: int) -> bytes:
    """Return the tar of a layer."""
    layer = registry.manifest(repository, tag)["layers"][number]
    data = registry.blobs[repository, layer["digest"]]
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def layer_files(
    registry: FakeRegistry, repository: str, tag: str, number: int = KUBERNETES
) -> dict[str, tarfile.TarInfo]:
    """Return the members of a layer of an image at the registry."""
    with tarfile.open(fileobj=io.BytesIO(layer_data(registry, repository, tag, number))) as tar:
        return {info.name: info for info in tar.getmembers()}


def layer_file(registry: FakeRegistry, repository: str, tag: str, name: str, number: int = KUBERNETES) -> bytes:
    """Return a file of a layer."""
    with tarfile.open(fileobj=io.BytesIO(layer_data(registry, repository, tag, number))) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()


def stand_in_for_squashfs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let the root be listed instead of compressed; return the lists of paths, one a call. Skips without root."""
    from edgewright.forge.image import slot

    if os.geteuid() != 0:
        missing("e2e", "unpacking a root needs root")
    seen: list[list[str]] = []

    def squashed(folder: Path, spool: Spool, job: Job, epoch: int) -> Path:
        seen.append(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()))
        target = spool.fresh("rootfs.squashfs")
        target.write_text("\n".join(seen[-1]))
        return target

    monkeypatch.setattr(slot, "_squashed", squashed)
    return seen

"""Stand-ins for the parts of a Kubernetes tree: programs that are real ELF files, archives of images that are whole."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from pathlib import Path

from edgewright.forge.tree.parts import PARTS
from edgewright.oci import media

VERSION = "v1.36.3"
REPOSITORY = "registry.k8s.io"
TAGS = {"etcd": "3.6.8-0", "coredns/coredns": "v1.14.2", "pause": "3.10.2"}


def elf(text: str, machine: int = 62, libraries: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Return a 64-bit program with `text` in it; with libraries it has an interpreter and asks for symbol versions."""
    base, headers, size = 0x400000, 1 + 2 * bool(libraries), 56
    body = 64 + headers * size
    blob = text.encode() + bytes(-len(text.encode()) % 16)
    if libraries:
        interpreter = b"/lib64/ld-linux-x86-64.so.2\0"
        strings, offsets = b"\0", []
        for name, version in libraries:
            offsets.append((len(strings), len(strings) + len(name) + 1))
            strings += name.encode() + b"\0" + version.encode() + b"\0"
        at_interp = body + len(blob)
        at_strings = at_interp + len(interpreter)
        versions = b""
        for number, (file, symbol) in enumerate(offsets):
            last = number == len(offsets) - 1
            versions += struct.pack("<HHIII", 1, 1, file, 16, 0 if last else 32)
            versions += struct.pack("<IHHII", 0, 0, 2, symbol, 0)
        at_versions = at_strings + len(strings)
        tags = [(1, name) for name, _ in offsets]
        tags += [(5, base + at_strings), (10, len(strings)), (0x6FFFFFFE, base + at_versions)]
        dynamic = b"".join(struct.pack("<QQ", *tag) for tag in [*tags, (0x6FFFFFFF, len(offsets)), (0, 0)])
        at_dynamic = at_versions + len(versions)
        blob += interpreter + strings + versions + dynamic
        more = [(3, at_interp, len(interpreter)), (2, at_dynamic, len(dynamic))]
    else:
        more = []
    total = body + len(blob)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + body, 64, 0, 0, 64, size, headers, 0, 0, 0)
    table = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, total, total, 4096)
    for kind, offset, length in more:
        table += struct.pack("<IIQQQQQQ", kind, 4, offset, base + offset, base + offset, length, length, 8)
    return head + table + blob


def oci_archive(*names: str, arch: str = "amd64", lacks_layer: bool = False, damage: bool = False) -> bytes:
    """Return an OCI archive with an image of one small layer for each name."""
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(data: bytes) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        files[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    entries = []
    for name in names:
        layer = blob(f"layer of {name}".encode())
        config = blob(json.dumps({"architecture": arch, "os": "linux", "rootfs": {"diff_ids": ["x"]}}).encode())
        manifest = {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "config": {"mediaType": media.OCI_CONFIG, **config},
            "layers": [{"mediaType": media.OCI_LAYER, **layer}],
        }
        if lacks_layer:
            del files["blobs/" + str(layer["digest"]).replace(":", "/")]
        if damage:
            files["blobs/" + str(layer["digest"]).replace(":", "/")] = b"damaged"
        notes = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
        entries.append({"mediaType": media.OCI_MANIFEST, **blob(json.dumps(manifest).encode()), "annotations": notes})
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    return tar_of(files)


def docker_archive(name: str, arch: str = "amd64", damage: bool = False) -> bytes:
    """Return an archive as `docker save` writes it."""
    layer = b"a layer"
    diff = "sha256:" + hashlib.sha256(b"other" if damage else layer).hexdigest()
    config = json.dumps({"architecture": arch, "os": "linux", "rootfs": {"diff_ids": [diff]}}).encode()
    listed = [{"Config": "c.json", "RepoTags": [name], "Layers": ["l.tar"]}]
    return tar_of({"c.json": config, "l.tar": layer, "manifest.json": json.dumps(listed).encode()})


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def names(version: str = VERSION) -> list[str]:
    """Return the images that kubeadm asks for."""
    own = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    return [f"{REPOSITORY}/{name}:{version}" for name in own] + [f"{REPOSITORY}/{n}:{tag}" for n, tag in TAGS.items()]


def put(folder: Path, name: str, data: bytes, mode: int = 0o755) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def kubeadm_tree(folder: Path, version: str = VERSION) -> Path:
    """Return a folder with a whole tree of kubeadm."""
    parts = PARTS["kubeadm"]
    for name in (*parts.own, *parts.programs, "crictl"):
        put(folder, f"bin/{name}", elf(f"{name} {version} {' '.join(TAGS.values())}"))
    for name in parts.cni:
        put(folder, f"cni/{name}", elf(name))
    control, others = names(version)[:4], names(version)[4:]
    put(folder, "images/kube.tar", oci_archive(*control), 0o644)
    for name in others:
        put(folder, f"images/{name.rpartition('/')[2].partition(':')[0]}.tar", oci_archive(name), 0o644)
    return folder

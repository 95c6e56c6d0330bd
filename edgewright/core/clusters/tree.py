"""The Kubernetes tree: one OCI artefact with the programs, CNI plug-ins and images of one Kubernetes version.

The manifest has `artifactType` `ARTIFACT`; its configuration is `tree.json` (`Tree`), its layers are gzip tars with the
folders `bin/ cni/ images/ templates/`. `images/` is an OCI layout. The lab and the forge write trees, hosts read them.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from edgewright.core.errors import DocumentProblem, InvalidDocument

ARTIFACT = "application/vnd.edgewright.kubernetes.tree.v1"
CONFIG = "application/vnd.edgewright.kubernetes.tree.config.v1+json"
"""Media type of `tree.json`; another one is read too: a tree is known by its `artifactType`."""
LAYERS = ("application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip")
"""gzip only: Python reads zstd from 3.14 on."""
SCHEMA = 1
FOLDERS = ("bin", "cni", "images", "templates")
MAX_DOCUMENT = 256 * 1024
"""Bytes of `tree.json` at most."""
MAX_COMPONENTS, MAX_IMAGES, MAX_LAYERS, MAX_REQUIREMENTS = 64, 128, 32, 200
MAX_SIZE = 64 * 1024**3
"""Bytes of one image or layer at most."""
REQUIRED: Dict[str, Tuple[str, ...]] = {
    "kubeadm": ("kubeadm", "kubelet", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr"),
    "k3s": ("k3s",),
}
"""Components that a tree of a distribution always has. runc and keepalived may be programs of the host instead."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}", re.ASCII)
_VERSION = re.compile(r"v\d{1,4}\.\d{1,4}\.\d{1,4}([+-][0-9A-Za-z.+-]{1,40})?", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_REF = re.compile(r"[a-z0-9.-]+(:\d{1,5})?/[a-z0-9._/-]+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?", re.ASCII)
_PATH = re.compile(r"(bin|cni)(/[A-Za-z0-9_+][A-Za-z0-9_.+-]*)+", re.ASCII)


class Component(NamedTuple):
    """A program of a tree: its path below the tree and its own version."""

    name: str
    path: str
    version: str


class TreeImage(NamedTuple):
    """A container image of a tree; `digest` is that of its manifest in the layout `images/`, `size` its bytes."""

    ref: str
    digest: str
    size: int


class Requirements(NamedTuple):
    """What a tree needs of the host: sonames of shared libraries, names of programs, names of kernel modules."""

    libraries: Tuple[str, ...] = ()
    programs: Tuple[str, ...] = ()
    kernel: Tuple[str, ...] = ()


class Tree(NamedTuple):
    """The description of a tree, `tree.json`."""

    distribution: str
    version: str
    architecture: str
    components: Mapping[str, Component]
    images: Tuple[TreeImage, ...] = ()
    requirements: Requirements = Requirements()

    def document(self) -> Dict[str, Any]:
        """Return it as it is written into `tree.json`."""
        return {
            "schema": SCHEMA,
            "distribution": self.distribution,
            "version": self.version,
            "architecture": self.architecture,
            "components": {
                name: {"path": component.path, "version": component.version}
                for name, component in sorted(self.components.items())
            },
            "images": [image._asdict() for image in self.images],
            "requirements": {name: list(values) for name, values in self.requirements._asdict().items()},
        }


class Blob(NamedTuple):
    """A part of an artefact: its digest (`sha256:...`) and its size in bytes."""

    digest: str
    size: int


class Manifest(NamedTuple):
    """The parts of a tree: its configuration, and its layers in the order in which they are unpacked."""

    config: Blob
    layers: Tuple[Blob, ...]


def read_tree(data: bytes) -> Tree:
    """Return the tree that the bytes of `tree.json` describe. Raises `InvalidDocument` with all that is wrong."""
    document = _json(data, MAX_DOCUMENT, "tree.json")
    problems: List[DocumentProblem] = []
    if document.get("schema") != SCHEMA:
        problems.append(DocumentProblem("schema", f"{document.get('schema')!r} is not {SCHEMA}", "Update this host."))
    distribution = _text(document, "distribution", problems)
    if distribution and distribution not in REQUIRED:
        problems.append(DocumentProblem("distribution", f"{distribution!r} is not one of {', '.join(REQUIRED)}"))
    version = _text(document, "version", problems)
    if version and not _VERSION.fullmatch(version):
        problems.append(DocumentProblem("version", f"{version!r} is not a version such as v1.36.3"))
    architecture = _text(document, "architecture", problems)
    components = _components(document.get("components"), distribution, problems)
    images = _images(document.get("images", []), problems)
    requirements = _requirements(document.get("requirements", {}), problems)
    if problems:
        raise InvalidDocument("tree.json", problems)
    return Tree(distribution, version, architecture, components, images, requirements)


def read_manifest(data: bytes) -> Manifest:
    """Return the parts that the manifest of a tree names. Raises `InvalidDocument` for one that is not a tree."""
    document = _json(data, 4 * 1024 * 1024, "The manifest of the tree")
    problems: List[DocumentProblem] = []
    if document.get("artifactType") != ARTIFACT:
        text = f"{document.get('artifactType')!r} is not {ARTIFACT}"
        problems.append(DocumentProblem("artifactType", text, "Name the artefact of a Kubernetes tree."))
    config = _blob(document.get("config"), "config", problems)
    if config.size > MAX_DOCUMENT:
        problems.append(DocumentProblem("config.size", f"more than {MAX_DOCUMENT} bytes"))
    layers = document.get("layers")
    if not isinstance(layers, list) or not 1 <= len(layers) <= MAX_LAYERS:
        problems.append(DocumentProblem("layers", f"not a list of 1 to {MAX_LAYERS} layers"))
        layers = []
    blobs = []
    for at, layer in enumerate(layers):
        blobs.append(_blob(layer, f"layers[{at}]", problems))
        kind = layer.get("mediaType") if isinstance(layer, dict) else None
        if kind not in LAYERS:
            problems.append(DocumentProblem(f"layers[{at}].mediaType", f"{kind!r} is not a gzip tar", "Write gzip."))
    if problems:
        raise InvalidDocument("The manifest of the tree", problems)
    return Manifest(config, tuple(blobs))


def manifest_document(config: Blob, layers: List[Blob], annotations: Mapping[str, str]) -> Dict[str, Any]:
    """Return the manifest of a tree of these parts; its canonical JSON is what a registry stores."""
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": ARTIFACT,
        "config": {"mediaType": CONFIG, **config._asdict()},
        "layers": [{"mediaType": LAYERS[0], **layer._asdict()} for layer in layers],
        "annotations": dict(annotations),
    }


def _json(data: bytes, most: int, what: str) -> Dict[str, Any]:
    try:
        document = json.loads(data) if len(data) <= most else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        reason = "not a JSON object" if len(data) <= most else f"more than {most} bytes"
        raise InvalidDocument(what, [DocumentProblem("", reason)])
    return document


def _text(document: Mapping[str, Any], key: str, problems: List[DocumentProblem]) -> str:
    value = document.get(key)
    if isinstance(value, str) and 0 < len(value) <= 64:
        return value
    problems.append(DocumentProblem(key, "missing, or not a text of 1 to 64 characters"))
    return ""


def _components(value: Any, distribution: str, problems: List[DocumentProblem]) -> Dict[str, Component]:
    if not isinstance(value, dict) or not 1 <= len(value) <= MAX_COMPONENTS:
        problems.append(DocumentProblem("components", f"not an object of 1 to {MAX_COMPONENTS} programs"))
        return {}
    components: Dict[str, Component] = {}
    for name, item in value.items():
        key = f"components.{name}"
        path = item.get("path") if isinstance(item, dict) else None
        version = item.get("version") if isinstance(item, dict) else None
        if not _NAME.fullmatch(name):
            problems.append(DocumentProblem(key, "not a name of lower-case letters, digits, '.' and '-'"))
        elif not isinstance(path, str) or len(path) > 200 or not _PATH.fullmatch(path):
            problems.append(DocumentProblem(f"{key}.path", f"{path!r} is not a path below bin/ or cni/"))
        elif not isinstance(version, str) or not 0 < len(version) <= 64:
            problems.append(DocumentProblem(f"{key}.version", "missing, or not a text of 1 to 64 characters"))
        else:
            components[name] = Component(name, path, version)
    for name in REQUIRED.get(distribution, ()):
        if name not in value:
            problems.append(DocumentProblem(f"components.{name}", f"missing: a tree of {distribution} needs it"))
    return components


def _images(value: Any, problems: List[DocumentProblem]) -> Tuple[TreeImage, ...]:
    if not isinstance(value, list) or len(value) > MAX_IMAGES:
        problems.append(DocumentProblem("images", f"not a list of at most {MAX_IMAGES} images"))
        return ()
    images: List[TreeImage] = []
    for at, item in enumerate(value):
        key = f"images[{at}]"
        ref = item.get("ref") if isinstance(item, dict) else None
        if not isinstance(ref, str) or len(ref) > 400 or not _REF.fullmatch(ref):
            problems.append(DocumentProblem(f"{key}.ref", f"{ref!r} is not REGISTRY/REPOSITORY:TAG"))
        blob = _blob(item, key, problems)
        images.append(TreeImage(str(ref), blob.digest, blob.size))
    refs = [image.ref for image in images]
    for ref in sorted({ref for ref in refs if refs.count(ref) > 1}):
        problems.append(DocumentProblem("images", f"{ref} is listed twice"))
    return tuple(images)


def _requirements(value: Any, problems: List[DocumentProblem]) -> Requirements:
    if not isinstance(value, dict):
        problems.append(DocumentProblem("requirements", "not an object"))
        return Requirements()
    lists: Dict[str, Tuple[str, ...]] = {}
    for name in Requirements._fields:
        items = value.get(name, [])
        valid = isinstance(items, list) and len(items) <= MAX_REQUIREMENTS
        if not valid or not all(isinstance(item, str) and 0 < len(item) <= 200 for item in items):
            problems.append(DocumentProblem(f"requirements.{name}", f"not a list of at most {MAX_REQUIREMENTS} texts"))
            items = []
        lists[name] = tuple(items)
    return Requirements(**lists)


def _blob(value: Any, key: str, problems: List[DocumentProblem]) -> Blob:
    digest = value.get("digest") if isinstance(value, dict) else None
    size = value.get("size") if isinstance(value, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        problems.append(DocumentProblem(f"{key}.digest", f"{digest!r} is not sha256: and 64 hex digits"))
        digest = ""
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MAX_SIZE:
        problems.append(DocumentProblem(f"{key}.size", f"{size!r} is not a number of bytes"))
        size = 0
    return Blob(digest, size)

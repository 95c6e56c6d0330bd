"""The description of a Kubernetes tree: what is read is what was written, and everything wrong is named at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgewright.core.clusters import tree
from edgewright.core.errors import InvalidDocument

DIGEST = "sha256:" + "a" * 64


def document() -> dict[str, Any]:
    names = tree.REQUIRED["kubeadm"]
    return {
        "schema": 1,
        "distribution": "kubeadm",
        "version": "v1.36.3",
        "architecture": "amd64",
        "components": {name: {"path": f"bin/{name}", "version": "v1.36.3"} for name in names},
        "images": [{"ref": "registry.k8s.io/pause:3.10.2", "digest": DIGEST, "size": 300}],
        "requirements": {"libraries": ["libnl-3.so.200"], "programs": ["ip"], "kernel": ["overlay"]},
    }


def test_a_tree_is_read_as_it_was_written() -> None:
    read = tree.read_tree(json.dumps(document()).encode())
    assert read.version == "v1.36.3" and read.components["kubelet"].path == "bin/kubelet"
    assert read.images[0].digest == DIGEST and read.requirements.libraries == ("libnl-3.so.200",)
    assert tree.read_tree(json.dumps(read.document()).encode()) == read
    assert read.document() == document()


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("schema", 2, "schema"),
        ("distribution", "minikube", "distribution"),
        ("version", "1.36", "version"),
        ("architecture", None, "architecture"),
        ("components", {}, "components"),
        ("components", {"kubelet": {"path": "../etc/passwd", "version": "1"}}, "components.kubelet.path"),
        ("components", {"kubelet": {"path": "bin/../../x", "version": "1"}}, "components.kubelet.path"),
        ("components", {"kubelet": {"path": "bin/kubelet", "version": "1"}}, "components.kubeadm"),
        ("images", [{"ref": "pause", "digest": DIGEST, "size": 1}], "images[0].ref"),
        ("images", [{"ref": "a.b/c:1", "digest": "sha256:1", "size": 1}], "images[0].digest"),
        ("images", [{"ref": "a.b/c:1", "digest": DIGEST, "size": True}], "images[0].size"),
        ("images", [{"ref": "a.b/c:1", "digest": DIGEST, "size": 1}] * 2, "images"),
        ("requirements", {"kernel": [1]}, "requirements.kernel"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(key: str, value: Any, where: str) -> None:
    with pytest.raises(InvalidDocument) as raised:
        tree.read_tree(json.dumps({**document(), key: value}).encode())
    assert where in {problem.key for problem in raised.value.problems}


def test_all_problems_are_named_at_once_and_bytes_that_are_no_object_are_refused() -> None:
    with pytest.raises(InvalidDocument) as raised:
        tree.read_tree(json.dumps({**document(), "version": "x", "architecture": 1}).encode())
    assert len(raised.value.problems) == 2
    for data in (b"[]", b"{", b"[" * 100_000, b" " * (tree.MAX_DOCUMENT + 1)):
        with pytest.raises(InvalidDocument):
            tree.read_tree(data)


def test_a_manifest_gives_the_parts_in_order_and_anything_else_is_refused() -> None:
    config, layers = tree.Blob(DIGEST, 10), [tree.Blob("sha256:" + "b" * 64, 20), tree.Blob("sha256:" + "c" * 64, 30)]
    made = tree.manifest_document(config, layers, {"org.opencontainers.image.version": "v1.36.3"})
    read = tree.read_manifest(json.dumps(made).encode())
    assert read.config == config and read.layers == tuple(layers)
    zstd = [{**made["layers"][0], "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"}]
    changes: list[dict[str, Any]] = [
        {"artifactType": "application/x"},
        {"layers": []},
        {"layers": zstd},
        {"config": {"digest": DIGEST}},
    ]
    for change in changes:
        with pytest.raises(InvalidDocument):
            tree.read_manifest(json.dumps({**made, **change}).encode())

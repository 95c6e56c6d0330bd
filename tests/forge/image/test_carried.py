"""A Kubernetes tree inside an appliance image: complete, in the squashfs of the slot too, and of the right version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgewright.agent.clusters import paths
from edgewright.core.clusters import tree as contract
from edgewright.core.errors import InvalidDocument, InvalidInput
from edgewright.forge.image.build import Request, build
from edgewright.forge.progress import Job
from edgewright.forge.registry import reference
from edgewright.forge.tree import carried
from edgewright.forge.tree import tree as trees
from edgewright.forge.tree.inputs import Sources
from tests.forge.image import parts
from tests.forge.image import tree_stand_ins as made
from tests.oci.fake_registry import FakeRegistry

TREE = "edge/tree"
REPO, TAG = "edge/debian", "kubeadm-1.36.3-v4.10.0"


@pytest.fixture
def request_(registry: FakeRegistry, tmp_path: Path, quick_squashfs: list[list[str]]) -> Request:
    """An appliance on a small base, that carries a tree which the forge made."""
    (tmp_path / "temp").mkdir()
    kubernetes = reference.kubernetes("kubeadm:1.36.3")
    name = reference.tree_name(f"{registry.host}/{TREE}", kubernetes, "amd64")
    trees.build(trees.TreeRequest(name, Sources(made.kubeadm_tree(tmp_path / "tree")), temp=tmp_path / "temp"), Job())
    parts.image_at(registry, "base/debian", "12", [parts.SYSTEM])
    own = reference.name(f"{registry.host}/{REPO}", kubernetes, "v4.10.0")
    return Request(f"{registry.host}/base/debian:12", own, tree=str(name.reference), temp=tmp_path / "temp")


def test_the_tree_is_in_the_image_and_in_the_slot(
    registry: FakeRegistry, request_: Request, quick_squashfs: list[list[str]]
) -> None:
    result = build(request_, Job())
    manifest = json.dumps(registry.manifest(TREE, "tree-kubeadm-1.36.3-amd64")).encode()
    parsed = contract.read_manifest(manifest)
    files = parts.layer_files(registry, REPO, TAG, parts.KUBERNETES)
    blobs = {name.rpartition("/")[2] for name in files if name.startswith(f"{carried.CONTENT}/blobs/sha256/")}
    own = {part.digest[7:] for part in (parsed.config, *parsed.layers)}
    assert own < blobs and len(blobs) == len(own) + 1, "description, layers, and the manifest"
    for name in blobs:
        data = parts.layer_file(registry, REPO, TAG, f"{carried.CONTENT}/blobs/sha256/{name}")
        assert hashlib.sha256(data).hexdigest() == name
    index = json.loads(parts.layer_file(registry, REPO, TAG, f"{carried.CONTENT}/index.json"))
    assert index["manifests"][0]["digest"] == result.document["tree"]["digest"]
    assert index["manifests"][0]["artifactType"] == contract.ARTIFACT
    assert any(f"{carried.CONTENT}/index.json" in path for path in quick_squashfs[-1])
    assert not any("/usr/bin/kubeadm" in warning or "No images" in warning for warning in result.warnings)


def test_hosts_look_where_the_forge_writes() -> None:
    assert f"/{carried.CONTENT}" == paths.CARRIED


def test_a_tree_of_another_version_or_architecture_is_refused(request_: Request) -> None:
    assert request_.temp is not None
    other = reference.name(request_.name.reference.registry + "/x/y", reference.kubernetes("kubeadm:1.36.4"), "v4.10.0")
    with pytest.raises(InvalidInput, match=r"is kubeadm v1\.36\.3 for amd64, not kubeadm v1\.36\.4 for amd64"):
        build(replace(request_, name=other), Job())
    assert not list(request_.temp.iterdir()), "nothing may be left behind"


def test_what_is_not_a_tree_is_refused(registry: FakeRegistry, request_: Request) -> None:
    with pytest.raises(InvalidDocument, match="manifest of the tree"):
        build(replace(request_, tree=f"{registry.host}/base/debian:12"), Job())

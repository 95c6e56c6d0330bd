"""Content that no document names is removed; what is wanted, active or still arriving for this document stays."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content import fetch
from edgewright.agent.clusters.content.store import ContentStore, resolved
from edgewright.agent.clusters.content.sweep import sweep, sweep_once, sweep_trees, wanted
from edgewright.core.clusters import model, tree
from tests.agent.clusters.support import FakeHost, cluster, context


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def image(store: ContentStore, text: bytes) -> tuple[str, list[str]]:
    """Store an image; return the digest of its manifest and those of its parts."""
    parts = [store.add(b"{}" + text), store.add(b"layer " + text)]
    body = {"config": {"digest": parts[0], "size": 1}, "layers": [{"digest": parts[1], "size": 1}]}
    return store.add(json.dumps(body).encode()), parts


def index(store: ContentStore, *manifests: str) -> str:
    return store.add(json.dumps({"manifests": [{"digest": digest} for digest in manifests]}).encode())


def test_only_what_the_document_names_stays(host: FakeHost) -> None:
    store = ContentStore(host)
    first, parts = image(store, b"one")
    second, others = image(store, b"two")
    listed = index(store, second)
    old, old_parts = image(store, b"old")
    store.name_images({"r/a:1": first, "r/b:1": second, "r/old:1": old})
    Path(store.part("sha256:" + "7" * 64)).parent.mkdir(parents=True, exist_ok=True)
    Path(store.part("sha256:" + "7" * 64)).write_bytes(b"a fetch that was cancelled")
    work = context(host, cluster(images=(model.Image("r/a:1", first), model.Image("r/b:1", listed))))
    assert wanted(work) == {first, *parts, listed, second, *others, work.document.tree.digest}
    assert sweep(work) > 0
    assert not any(store.has(digest) for digest in (old, *old_parts)) and host.names(f"{paths.CONTENT}/partial") == []
    assert all(store.has(digest) for digest in (first, *parts, listed, second, *others))
    assert store.images() == {"r/a:1": first, "r/b:1": second}


def test_parts_of_the_tree_stay_until_it_is_unpacked_also_incomplete_ones(host: FakeHost) -> None:
    store = ContentStore(host)
    config, layer = store.add(b"{}"), "sha256:" + "5" * 64
    body = {
        "artifactType": tree.ARTIFACT, "config": {"digest": config, "size": 2},
        "layers": [{"mediaType": tree.LAYERS[0], "digest": layer, "size": 9}],
    }  # fmt: skip
    digest = store.add(json.dumps(body).encode())
    Path(store.part(layer)).parent.mkdir(parents=True, exist_ok=True)
    Path(store.part(layer)).write_bytes(b"half")
    work = context(host, cluster(tree=model.Artefact("r/tree:1", digest)))
    assert sweep(work) == 0 and store.have(layer) == 4, "it is continued where it broke off"
    host.write(f"{work.tree_folder}/.complete", b"")
    assert sweep(work) > 0 and not store.has(digest) and store.have(layer) == 0, "unpacked: it would be there twice"
    host.write(f"{work.tree_folder}/tree.json", json.dumps(description()).encode())
    assert fetch.missing_parts(work) == [], "and it is not fetched again"


def description() -> dict[str, object]:
    names = tree.REQUIRED["kubeadm"]
    components = {name: {"path": f"bin/{name}", "version": "1"} for name in names}
    return {"schema": 1, "distribution": "kubeadm", "version": "v1.36.3", "architecture": "amd64",
            "components": components, "images": []}  # fmt: skip


def test_the_active_tree_and_those_that_links_lead_to_are_never_removed(host: FakeHost) -> None:
    new, active, linked, old = (character * 64 for character in "abcd")
    for name in (new, active, linked, old, f"{old}.tmp", f"{new}.tmp"):
        host.write(f"{paths.TREES}/{name}/bin/kubelet", b"x")
    host.write(paths.APPLIED, json.dumps({"tree": f"sha256:{active}"}).encode())
    host.link(paths.component("kubelet"), f"{paths.TREES}/{linked}/bin/kubelet")
    sweep_trees(context(host, cluster(tree=model.Artefact("r/tree:1", f"sha256:{new}"))))
    assert host.names(paths.TREES) == [new, f"{new}.tmp", active, linked]


def test_it_is_done_once_for_each_content(host: FakeHost) -> None:
    store = ContentStore(host)
    work = context(host, cluster())
    sweep_once(work)
    unknown = store.add(b"arrived later")
    sweep_once(work)
    assert store.has(unknown), "a look that finds nothing new reads no disk"
    first, _ = image(store, b"one")
    sweep_once(context(host, dataclasses.replace(work.document, images=(model.Image("r/a:1", first),))))
    assert not store.has(unknown) and store.has(first)


def test_another_digest_under_the_same_name_is_another_image(host: FakeHost) -> None:
    """The name alone would let a host use the image of the document before."""
    store = ContentStore(host)
    first, _ = image(store, b"one")
    second, _ = image(store, b"two")
    store.name_images({"r/a:1": first})
    assert resolved(store, "r/a:1", first) == first and resolved(store, "r/a:1", index(store, first)) == first
    assert resolved(store, "r/a:1", second) == second and resolved(store, "r/a:1", index(store, second)) != first
    work = context(host, cluster(images=(model.Image("r/a:1", "sha256:" + "6" * 64),)))
    host.write(f"{work.tree_folder}/.complete", b"")
    host.write(f"{work.tree_folder}/tree.json", json.dumps(description()).encode())
    assert fetch.missing_parts(work) == [("image", "sha256:" + "6" * 64)]


def test_an_index_may_name_manifests_by_a_digest_that_the_store_cannot_have(host: FakeHost) -> None:
    """SHA-512 is a digest of OCI too, and an entry may lack one: neither ends the reconciler."""
    store = ContentStore(host)
    first, parts = image(store, b"one")
    listed = index(store, "sha512:" + "a" * 128, "", first)
    work = context(host, cluster(images=(model.Image("r/a:1", listed),)))
    sweep_once(work)
    assert all(store.has(digest) for digest in (listed, first, *parts))

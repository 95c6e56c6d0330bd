"""Content on a host: resumed, checked, from the next source; the local registry serves what is there and no more."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content import server, sources
from edgewright.agent.clusters.content.fetch import Fetch
from edgewright.agent.clusters.content.server import make_server
from edgewright.agent.clusters.content.sources import sources_for
from edgewright.agent.clusters.content.store import ContentStore, complete
from edgewright.agent.clusters.machine.runtime import read_images, write_archive
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import model, tree
from edgewright.core.clusters.host_slice import HostSlice, RegistryLogin, Sealed, Source
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput
from edgewright.oci import reference
from edgewright.oci.registry import Registry
from tests.agent.clusters.support import FakeHost, cluster, context
from tests.oci.fake_registry import FakeRegistry, clean_home, digest_of


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    clean_home(tmp_path, monkeypatch)
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def image(registry: FakeRegistry, repository: str, data: bytes) -> tuple[str, dict[str, Any]]:
    parts = [registry.put_blob(repository, b"{}" + data), registry.put_blob(repository, data)]
    sizes = [len(data) + 2, len(data)]
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": parts[0], "size": sizes[0]},
        "layers": [{"digest": parts[1], "size": sizes[1]}],
    }
    return registry.put_manifest(repository, "1", document), document


def test_a_blob_continues_where_it_broke_off_also_after_a_restart(host: FakeHost) -> None:
    data = bytes(range(256)) * 100
    digest, asked = digest_of(data), []

    def broken(done: int) -> Iterator[bytes]:
        asked.append(done)
        yield data[done : done + 1000]
        raise Failed("The link broke.")

    for _ in range(2):
        with pytest.raises(Failed):
            ContentStore(host).fill(digest, len(data), broken)
    assert asked == [0, 1000] and ContentStore(host).have(digest) == 2000 and not ContentStore(host).has(digest)
    ContentStore(host).fill(digest, len(data), lambda done: iter([data[done:]]))
    assert Path(ContentStore(host).path(digest)).read_bytes() == data and ContentStore(host).has(digest)


def test_other_content_never_gets_the_name_and_damage_is_removed_when_it_is_read(host: FakeHost) -> None:
    store = ContentStore(host)
    with pytest.raises(Failed, match="another content"):
        store.fill(digest_of(b"right"), 5, lambda done: iter([b"wrong"]))
    assert store.have(digest_of(b"right")) == 0
    digest = store.add(b"small")
    Path(store.path(digest)).write_bytes(b"smalL")
    with pytest.raises(Failed, match="damaged"):
        store.read(digest)
    assert not store.has(digest)
    with pytest.raises(ValueError, match="not a digest"):
        store.path("sha256:../../etc/passwd")


def test_content_that_would_fill_the_disk_is_not_begun(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def rest(done: int) -> Iterator[bytes]:
        asked.append(done)
        yield b""

    with pytest.raises(Failed, match="stay free for Kubernetes"):
        ContentStore(host).fill(digest_of(b"x"), 10**15, rest)
    assert asked == []


def test_sources_are_asked_in_order_and_the_registry_of_the_reference_last() -> None:
    part = HostSlice(
        Sealed(registry_auth=(RegistryLogin("mirror:5000", "u", "p"),)),
        (Source("registry", "https://mirror:5000", "PEM", "edge"), Source("blobs", "https://plane"),
         Source("registry", "http://10.0.0.9:5000")),
    )  # fmt: skip
    ref = reference.parse("docker.io/library/busybox:1")
    first, second, own = sources_for(ref, part)
    assert (first.host, first.repository(ref), first.user, first.ca) == (
        "mirror:5000",
        "edge/library/busybox",
        "u",
        "PEM",
    )
    assert (second.host, second.insecure, own.host, own.repository(ref)) == (
        "10.0.0.9:5000", True, "docker.io", "library/busybox",
    )  # fmt: skip
    assert "p" not in repr(first).replace("repr", "").split("Source")[1].replace("edge", "").replace("mirror", "")


def test_fetch_brings_tree_and_images_and_is_done_by_what_is_on_the_disk(
    host: FakeHost, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "pause", lambda *arguments: None)
    description = json.dumps(tree_document([])).encode()
    config, layer = registry.put_blob("tree", description), registry.put_blob("tree", b"layer" * 1000)
    made = tree.manifest_document(tree.Blob(config, len(description)), [tree.Blob(layer, 5000)], {})
    digest = registry.put_manifest("tree", "v1", made)
    web, _ = image(registry, "web", b"web" * 100)
    document = cluster(
        tree=model.Artefact(f"{registry.host}/tree:v1", digest),
        images=(model.Image(f"{registry.host}/web:1", web),),
    )
    host.answers.append(lambda command: machine() if command[0] == "uname" else None)
    step, work = Fetch(), context(host, document)
    assert step.seen(work)[0] is Seen.NOT_DONE and step.percent(work) == 0
    registry.cut_reads = [10, 10]
    step.act(work)
    assert step.seen(work)[0] is Seen.DONE
    assert work.store.images() == {f"{registry.host}/web:1": web} and complete([work.store], web)
    before = len(registry.requests)
    step.act(work)
    assert len(registry.requests) == before, "what is here is not asked for again"


@pytest.mark.parametrize("active", [False, True])
def test_a_fetch_unpacks_the_tree_of_a_host_that_has_none(host: FakeHost, registry: FakeRegistry, active: bool) -> None:
    """It runs beside the preflight; what cannot be unpacked is left to `activate`, whose error has the reason."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("bin/kubeadm")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"text"))
    description = json.dumps(tree_document([])).encode()
    config, layer = registry.put_blob("tree", description), registry.put_blob("tree", file.getvalue())
    made = tree.manifest_document(tree.Blob(config, len(description)), [tree.Blob(layer, len(file.getvalue()))], {})
    digest = registry.put_manifest("tree", "v1", made)
    work = context(host, cluster(tree=model.Artefact(f"{registry.host}/tree:v1", digest), images=()))
    if active:
        host.write(paths.APPLIED, b'{"tree": "another"}')
    Fetch().act(work)
    assert host.has(f"{work.tree_folder}/.complete") is not active
    assert host.has(f"{work.tree_folder}/bin/kubeadm") is not active and Fetch().seen(work)[0] is Seen.DONE


@pytest.mark.parametrize("damaged", [False, True])
def test_content_that_came_with_the_appliance_is_taken_before_a_registry_is_asked(
    host: FakeHost, registry: FakeRegistry, damaged: bool
) -> None:
    """A damaged part is no reason to stop: the registry has it."""
    description, layer = json.dumps(tree_document([])).encode(), b"layer" * 1000
    config = registry.put_blob("tree", description)
    blob = registry.put_blob("tree", layer)
    made = tree.manifest_document(tree.Blob(config, len(description)), [tree.Blob(blob, len(layer))], {})
    digest = registry.put_manifest("tree", "v1", made)
    manifest = registry.blobs.get(("tree", digest)) or json.dumps(made).encode()
    carried = Path(ContentStore(host, paths.CARRIED).path(digest)).parent
    carried.mkdir(parents=True)
    for name, data in ((config, description), (blob, b"LAYER" * 1000 if damaged else layer)):
        (carried / name[7:]).write_bytes(data)
    if digest_of(manifest) == digest:
        (carried / digest[7:]).write_bytes(manifest)
    host.answers.append(lambda command: machine() if command[0] == "uname" else None)
    work = context(host, cluster(tree=model.Artefact(f"{registry.host}/tree:v1", digest), images=()))
    Fetch().act(work)
    assert Path(work.store.path(blob)).read_bytes() == layer
    asked = [request for request in registry.requests if "/blobs/" in str(request)]
    assert bool(asked) is damaged
    assert (carried / blob[7:]).is_file(), "what came with the system is only read"


def test_fetch_waits_for_the_content_of_layers_that_the_link_brings(host: FakeHost) -> None:
    layer = model.Layer("cni", 1, model.MANIFEST, ("a" * 64,), values="")
    work = context(host, cluster(layers=(layer,)))
    assert Fetch().waits_for(work) == "content: 1 blob of 1 not here yet"
    Path(work.data, "blobs").mkdir(parents=True)
    Path(work.data, "blobs", "a" * 64).write_bytes(b"[]")
    assert Fetch().waits_for(work) == ""


def test_a_source_that_fails_is_followed_by_the_next_one(
    host: FakeHost, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "pause", lambda *arguments: None)
    web, _ = image(registry, "web", b"w" * 50)
    document = cluster(images=(model.Image("registry.invalid/web:1", web),))
    work = context(host, document)
    work.slice = HostSlice(
        sources=(Source("registry", "http://127.0.0.1:1"), Source("registry", f"http://{registry.host}"))
    )
    from edgewright.agent.clusters.content.sources import Puller
    from edgewright.oci.work import Unwatched

    with Puller(work.store, "registry.invalid/web:1", web, work.slice, Unwatched()) as puller:
        assert puller.image("amd64") == web
    assert complete([work.store], web)
    missing = "sha256:" + "0" * 64
    refused = pytest.raises(EdgewrightError, match=r"127\.0\.0\.1:1: .*; 127\.0\.0\.1:")
    with Puller(work.store, "registry.invalid/web:1", missing, work.slice, Unwatched()) as puller, refused:
        puller.image("amd64")


def test_the_archive_for_containerd_is_an_oci_layout_with_the_complete_name(
    host: FakeHost, registry: FakeRegistry
) -> None:
    web, document = image(registry, "web", b"w" * 50)
    store = ContentStore(host)
    for (_, _), data in registry.blobs.items():
        store.add(data)
    store.add(registry.manifests["web", "1"][0])
    file = io.BytesIO()
    write_archive(file, store, {"docker.io/library/web:1": web})
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as archive:
        names = set(archive.getnames())
        stored = archive.extractfile("index.json")
        assert stored is not None
        index = json.load(stored)
    assert {"oci-layout", "index.json", f"blobs/sha256/{web[7:]}"} < names and len(names) == 5
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": "docker.io/library/web:1"}
    assert document["config"]["digest"][7:] in {name.rpartition("/")[2] for name in names}


def test_images_of_containerd_are_read_with_their_labels() -> None:
    output = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"
    output += f"registry.k8s.io/pause:3.10 application/vnd.oci.image.manifest.v1+json sha256:{'a' * 64} 300.0 KiB "
    output += "linux/amd64 io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned\n"
    output += f"docker.io/library/web:1 application/x sha256:{'b' * 64} 1 MiB linux/amd64 -\n"
    read = read_images(output)
    assert read["registry.k8s.io/pause:3.10"][1]["io.cri-containerd.pinned"] == "pinned"
    assert read["docker.io/library/web:1"][0] == "sha256:" + "b" * 64
    assert "io.cri-containerd.pinned" not in read["docker.io/library/web:1"][1]


def test_the_local_registry_has_a_number_of_connections(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OPEN", 2)
    made = make_server(host, 0)
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    address = ("127.0.0.1", int(made.server_address[1]))
    idle = [socket.create_connection(address, timeout=3) for _ in range(2)]
    for link in idle:
        link.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 200")
    with socket.create_connection(address, timeout=3) as link:
        assert link.recv(100) == b""
    idle.pop().close()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        with socket.create_connection(address, timeout=3) as link:
            link.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
            if link.recv(100).startswith(b"HTTP/1.1 200"):
                break
    else:
        raise AssertionError("a place that is free again is used")
    made.shutdown()
    made.server_close()


def test_a_manifest_with_what_is_not_a_digest_is_refused_in_a_sentence() -> None:
    odd = {"config": {"digest": "sha256:../../etc/passwd", "size": 1}}
    with pytest.raises(InvalidInput, match="without digest and size"):
        sources.parts(odd)
    index = {"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]}
    with pytest.raises(InvalidInput, match="has no image for linux/amd64"):
        sources._platform(index, "amd64", "x")


def test_the_local_registry_serves_what_is_here_by_name_digest_and_range(host: FakeHost) -> None:
    store = ContentStore(host)
    blob = store.add(b"0123456789")
    manifest = store.add(json.dumps({"mediaType": "application/x", "layers": []}).encode())
    store.name_images({"docker.io/library/web:1": manifest})
    server = make_server(host, 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"

    def get(path: str, span: str = "", method: str = "GET") -> tuple[int, bytes]:
        request = urllib.request.Request(base + path, headers={"Range": span} if span else {}, method=method)
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, b""

    try:
        assert get("/v2/")[0] == 200
        assert get("/v2/library/web/manifests/1?ns=docker.io")[0] == 200
        assert (
            get("/v2/library/web/manifests/1")[0] == 404 and get("/v2/library/web/manifests/2?ns=docker.io")[0] == 404
        )
        assert get(f"/v2/library/web/manifests/{manifest}?ns=docker.io", method="HEAD") == (200, b"")
        assert get(f"/v2/library/web/blobs/{blob}") == (200, b"0123456789")
        assert get(f"/v2/library/web/blobs/{blob}", "bytes=4-") == (206, b"456789")
        assert get(f"/v2/library/web/blobs/{blob}", "bytes=90-")[0] == 416
        assert get("/v2/library/web/blobs/sha256:" + "0" * 64)[0] == 404
        assert get("/v2/x/blobs/../../../../etc/passwd")[0] == 404 and get("/etc/passwd")[0] == 404
        assert get("/v2/library/web/manifests/1?ns=docker.io", method="DELETE")[0] == 501
    finally:
        server.shutdown()
        server.server_close()


def tree_document(images: list[dict[str, Any]]) -> dict[str, Any]:
    names = tree.REQUIRED["kubeadm"]
    components = {name: tree.Component(name, f"bin/{name}", "v1") for name in names}
    return {**tree.Tree("kubeadm", "v1.36.3", "amd64", components).document(), "images": images}


def machine() -> Any:
    from edgewright.agent.clusters.host import Ended

    return Ended(0, "x86_64\n")


def layer_of(files: dict[str, bytes], **links: str) -> bytes:
    """Return a gzip tar of these files; `links` are symbolic links."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o4755
            archive.addfile(entry, io.BytesIO(data))
        for name, target in links.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return gzip.compress(raw.getvalue())


__all__ = ["hashlib", "layer_of", "paths", "tree_document"]

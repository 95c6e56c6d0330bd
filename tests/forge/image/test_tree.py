"""Kubernetes trees: what must be in one, all that is wrong at once, what hosts must have, and the same digest."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.clusters import tree as contract
from edgewright.core.errors import (
    Cancelled,
    Conflict,
    EdgewrightError,
    InvalidDocument,
    InvalidInput,
    NotFound,
    UsageError,
)
from edgewright.forge.image import kinds
from edgewright.forge.image.build import Result
from edgewright.forge.progress import Job
from edgewright.forge.registry import reference, store
from edgewright.forge.tree import images as tree_images
from edgewright.forge.tree.inputs import Sources
from edgewright.forge.tree.parts import PARTS, host_requirements, lines_of
from edgewright.forge.tree.tree import TreeRequest, build, check
from edgewright.oci import media
from tests.forge.image import parts
from tests.forge.image import tree_stand_ins as made
from tests.oci.fake_registry import FakeRegistry

REPO, TAG = "edge/tree", "tree-kubeadm-1.36.3-amd64"


@pytest.fixture
def request_(registry: FakeRegistry, tmp_path: Path) -> TreeRequest:
    folder = made.kubeadm_tree(tmp_path / "tree")
    name = reference.tree_name(f"{registry.host}/{REPO}", reference.kubernetes("kubeadm:1.36.3"), "amd64")
    (tmp_path / "temp").mkdir()
    return TreeRequest(name, Sources(folder), temp=tmp_path / "temp")


def built(request: TreeRequest, **changes: Any) -> Result:
    assert request.temp is not None
    try:
        return build(replace(request, **changes), Job())
    finally:
        assert not list(request.temp.iterdir()), "nothing may be left behind"


def problems(request: TreeRequest) -> dict[str, str]:
    """Return what is wrong by key, the same in the plan as in the build."""
    with pytest.raises(InvalidDocument) as caught:
        built(request)
    found = {problem.key: problem.sentence() for problem in caught.value.problems}
    assert all(problem.hint for problem in caught.value.problems)
    return found


def folder_of(request: TreeRequest) -> Path:
    assert request.sources.folder is not None
    return request.sources.folder


def configuration(registry: FakeRegistry) -> dict[str, Any]:
    digest = registry.manifest(REPO, TAG)["config"]["digest"]
    document: dict[str, Any] = json.loads(registry.blobs[REPO, digest])
    return document


def test_what_is_in_a_tree(registry: FakeRegistry, request_: TreeRequest) -> None:
    result = built(request_)
    manifest = registry.manifest(REPO, TAG)
    folders = [layer["annotations"]["edgewright.layer"] for layer in manifest["layers"]]
    assert folders == ["bin", "cni", "images", "templates", "documents"]
    files = parts.layer_files(registry, REPO, TAG, 0)
    assert {name for name, info in files.items() if info.isreg()} == {
        f"bin/{name}" for name in (*PARTS["kubeadm"].own, *PARTS["kubeadm"].programs, "crictl")
    }
    assert all(info.mode == 0o755 for info in files.values())
    templates = parts.layer_files(registry, REPO, TAG, 3)
    assert {name for name, info in templates.items() if info.isreg()} == {
        f"templates/{name}" for name in ("containerd.service", "containerd.toml", "keepalived.conf", "kubelet.service")
    }
    tree = json.loads(parts.layer_file(registry, REPO, TAG, "tree.json", 4))
    assert (tree["schema"], tree["distribution"], tree["version"]) == (1, "kubeadm", "v1.36.3")
    assert tree["imageRepository"] == "registry.k8s.io" and tree["pause"] == "registry.k8s.io/pause:3.10.2"
    assert {image["ref"] for image in tree["images"]} == set(made.names())
    kubelet = next(row for row in tree["files"] if row["path"] == "bin/kubelet")
    assert kubelet["sha256"] == hashlib.sha256((folder_of(request_) / "bin/kubelet").read_bytes()).hexdigest()
    assert result.document["digest"].startswith("sha256:") and not result.warnings


def test_hosts_can_read_it(registry: FakeRegistry, request_: TreeRequest) -> None:
    """The artefact is what `core.clusters.tree` reads: the configuration is `tree.json`, byte for byte."""
    folder = folder_of(request_)
    libraries = (("libc.so.6", "GLIBC_2.34"), ("libseccomp.so.2", ""))
    made.put(folder, "bin/runc", made.elf("runc", libraries=libraries))
    (folder / "VERSIONS").write_text("containerd 2.1.9\nruns 1\n")
    built(request_)
    manifest = registry.manifest(REPO, TAG)
    parsed = contract.read_manifest(json.dumps(manifest).encode())
    config = registry.blobs[REPO, parsed.config.digest]
    assert parts.layer_file(registry, REPO, TAG, "tree.json", 4) == config
    assert manifest["annotations"]["edgewright.image.for"] == "tree"
    assert manifest["annotations"]["edgewright.kubernetes.version"] == "v1.36.3"
    tree = contract.read_tree(config)
    assert (tree.distribution, tree.version, tree.architecture) == ("kubeadm", "v1.36.3", "amd64")
    assert tree.components["kubelet"] == contract.Component("kubelet", "bin/kubelet", "v1.36.3")
    assert tree.components["containerd"].version == "2.1.9" and tree.components["helm"].version == "unknown"
    assert tree.components["portmap"].path == "cni/portmap"
    assert {image.ref for image in tree.images} == set(made.names()) and all(image.size > 0 for image in tree.images)
    assert tree.requirements.libraries == ("libc.so.6", "libseccomp.so.2")
    assert "ip" in tree.requirements.programs and "overlay" in tree.requirements.kernel


def test_a_tree_is_no_base_of_an_appliance(registry: FakeRegistry, request_: TreeRequest) -> None:
    built(request_)
    with pytest.raises(InvalidInput, match="is a Kubernetes tree"):
        kinds.check_base("x", configuration(registry))


def test_versions_of_another_form_are_refused(request_: TreeRequest) -> None:
    (folder_of(request_) / "VERSIONS").write_text("containerd\n")
    assert "containerd 2.1.9" in problems(request_)["VERSIONS"]


def test_the_same_parts_give_the_same_digest(registry: FakeRegistry, request_: TreeRequest) -> None:
    first = built(request_)
    for path in folder_of(request_).rglob("*"):
        os.utime(path, (5, 5))
    again = built(request_, replace=True)
    assert again.document["digest"] == first.document["digest"] and again.sbom == first.sbom
    with pytest.raises(Conflict):
        built(request_)


def test_everything_that_is_wrong_is_named_at_once(request_: TreeRequest) -> None:
    folder = folder_of(request_)
    (folder / "bin/helm").unlink()
    (folder / "cni/loopback").unlink()
    (folder / "images/etcd.tar").unlink()
    (folder / "bin/kubectl").chmod(0o644)
    made.put(folder, "bin/kubeadm", made.elf(f"kubeadm v1.35.1 {' '.join(made.TAGS.values())}"))
    made.put(folder, "bin/kubelet", made.elf(f"kubelet {made.VERSION}", libraries=(("libc.so.6", "GLIBC_2.34"),)))
    made.put(folder, "bin/runc", made.elf("runc", machine=183))
    made.put(folder, "bin/ctr", b"#!/bin/sh\n")
    made.put(folder, "images/coredns.tar", made.oci_archive("registry.k8s.io/coredns/coredns:v1.0.0"))
    made.put(folder, "images/broken.tar", made.oci_archive("example.org/app:1", lacks_layer=True))
    made.put(folder, "images/other.tar", made.oci_archive("example.org/other:1", arch="arm64"))
    made.put(folder, "images/no.tar", made.tar_of({"x": b""}))
    found = problems(request_)
    assert set(found) == {
        *("bin/helm", "cni/loopback", "bin/kubectl", "bin/kubeadm", "bin/kubelet", "bin/runc", "bin/ctr"),
        *("images/etcd", "images/coredns", "images/broken.tar", "images/other.tar", "images/no.tar"),
    }
    assert "It is missing" in found["bin/helm"] and "github.com/helm/helm" in found["bin/helm"]
    assert "not executable" in found["bin/kubectl"] and "chmod 755" in found["bin/kubectl"]
    assert "v1.36.3" in found["bin/kubeadm"] and "not static" in found["bin/kubelet"]
    assert "for arm64, not for amd64" in found["bin/runc"] and "not a program" in found["bin/ctr"]
    assert "v1.0.0" in found["images/coredns"] and "skopeo" in found["images/no.tar"]
    with pytest.raises(InvalidDocument) as caught:
        check(request_)
    assert {problem.key for problem in caught.value.problems} == set(found), "the plan tells the same"


def test_an_empty_folder_lists_every_part(request_: TreeRequest, tmp_path: Path) -> None:
    (tmp_path / "empty/bin").mkdir(parents=True)
    found = problems(replace(request_, sources=Sources(tmp_path / "empty")))
    needed = PARTS["kubeadm"]
    assert set(found) == {
        *(f"bin/{name}" for name in (*needed.own, *needed.programs)),
        *(f"cni/{name}" for name in needed.cni),
        *(f"images/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy",
                                        "etcd", "coredns", "pause")),
    }  # fmt: skip


def test_a_longer_version_is_another_one(request_: TreeRequest) -> None:
    folder = folder_of(request_)
    for program in PARTS["kubeadm"].own:
        made.put(folder, f"bin/{program}", made.elf(f"{program} v1.36.30 {' '.join(made.TAGS.values())}"))
    made.put(folder, "images/pause.tar", made.oci_archive("registry.k8s.io/pause:3.10"))  # kubeadm has 3.10.2
    assert set(problems(request_)) == {"bin/kubeadm", "bin/kubelet", "bin/kubectl", "images/pause"}


def test_images_of_two_repositories_are_refused(request_: TreeRequest) -> None:
    made.put(folder_of(request_), "images/pause.tar", made.oci_archive("example.org/pause:3.10.2"))
    assert "several repositories: example.org, registry.k8s.io" in problems(request_)["images"]


def test_images_of_a_repository_of_ones_own_are_taken(registry: FakeRegistry, request_: TreeRequest) -> None:
    folder = folder_of(request_)
    for path in (folder / "images").iterdir():
        path.unlink()
    own = [name.replace("registry.k8s.io/coredns/", "example.org/k8s/").replace("registry.k8s.io", "example.org/k8s")
           for name in made.names()]  # fmt: skip
    made.put(folder, "images/all.tar", made.oci_archive(*own))
    built(request_)
    tree = json.loads(parts.layer_file(registry, REPO, TAG, "tree.json", 4))
    assert tree["imageRepository"] == "example.org/k8s"


@pytest.mark.parametrize("form", ["docker", "gzip", "layout"])
def test_archives_of_other_forms_are_taken(registry: FakeRegistry, request_: TreeRequest, form: str) -> None:
    folder = folder_of(request_)
    if form == "docker":
        made.put(folder, "images/pause.tar", made.docker_archive("registry.k8s.io/pause:3.10.2"))
    elif form == "gzip":
        data = (folder / "images/pause.tar").read_bytes()
        (folder / "images/pause.tar").unlink()
        made.put(folder, "images/pause.tar.gz", gzip.compress(data))
    else:
        import io
        import tarfile

        for path in (folder / "images").iterdir():
            path.unlink()
        with tarfile.open(fileobj=io.BytesIO(made.oci_archive(*made.names()))) as tar:
            tar.extractall(folder / "images", filter="data")
    built(request_)
    files = parts.layer_files(registry, REPO, TAG, 2)
    assert not [name for name in files if name.endswith(".tar")], "hosts read one OCI layout"
    index = json.loads(parts.layer_file(registry, REPO, TAG, "images/index.json", 2))
    tree = json.loads(parts.layer_file(registry, REPO, TAG, "tree.json", 4))
    known = {entry["annotations"]["io.containerd.image.name"]: entry["digest"] for entry in index["manifests"]}
    assert known == {image["ref"]: image["digest"] for image in tree["images"]} and set(known) == set(made.names())
    for digest in known.values():
        data = parts.layer_file(registry, REPO, TAG, f"images/blobs/sha256/{digest[7:]}", 2)
        assert media.digest(data) == digest
        manifest = json.loads(data)
        for blob in (manifest["config"], *manifest["layers"]):
            data = parts.layer_file(registry, REPO, TAG, f"images/blobs/sha256/{blob['digest'][7:]}", 2)
            assert (media.digest(data), len(data)) == (blob["digest"], blob["size"])


@pytest.mark.parametrize(
    "damaged",
    [
        lambda: made.docker_archive("registry.k8s.io/pause:3.10.2", damage=True),
        lambda: made.oci_archive("registry.k8s.io/pause:3.10.2", damage=True),
    ],
)
def test_a_damaged_layer_is_found(request_: TreeRequest, damaged: Callable[[], bytes]) -> None:
    made.put(folder_of(request_), "images/pause.tar", damaged())
    assert "damaged" in problems(request_)["images/pause.tar"]


def test_one_program_behind_many_names_stays_one(registry: FakeRegistry, request_: TreeRequest) -> None:
    folder = folder_of(request_) / "bin"
    made.put(folder, "kall", made.elf(f"all {made.VERSION} {' '.join(made.TAGS.values())}"))
    for name in PARTS["kubeadm"].own:
        (folder / name).unlink()
        (folder / name).symlink_to("kall")
    built(request_)
    files = parts.layer_files(registry, REPO, TAG, 0)
    assert files["bin/kubelet"].linkname == "kall" and files["bin/kall"].isreg()


def test_what_hosts_must_have_is_in_the_tree_and_names_libraries(registry: FakeRegistry, request_: TreeRequest) -> None:
    libraries = (("libc.so.6", "GLIBC_2.34"), ("libseccomp.so.2", ""))
    made.put(folder_of(request_), "bin/runc", made.elf("runc", libraries=libraries))
    made.put(folder_of(request_), "bin/keepalived", made.elf("k", libraries=(("libc.so.6", "GLIBC_2.4"),)))
    result = built(request_)
    document = json.loads(parts.layer_file(registry, REPO, TAG, "host-requirements.json", 4))
    assert document == result.document["hostRequirements"]
    found = {row["name"]: row for row in document["libraries"]}
    assert found["libc.so.6"]["version"] == "GLIBC_2.34", "the newest of all"
    assert found["libc.so.6"]["users"] == ["bin/keepalived", "bin/runc"]
    assert {"libc6", "libseccomp2", "openssl", "iproute2"} <= set(document["packages"])
    assert {"overlay", "br_netfilter"} <= {row["name"] for row in document["kernelModules"]}
    text = "\n".join(lines_of(document))
    assert "GLIBC_2.34 or newer) for keepalived, runc" in text and "openssl" in text
    assert any("Not static" in warning and "keepalived, runc" in warning for warning in result.warnings)


def test_the_requirements_follow_the_version() -> None:
    def programs(version: str) -> set[str]:
        return {row["name"] for row in host_requirements(reference.kubernetes(version), {})["programs"]}

    assert "conntrack" in programs("kubeadm:1.31.4") and "conntrack" not in programs("kubeadm:1.36.3")
    assert "iptables" not in programs("k3s:1.32.3+k3s1")
    system = host_requirements(reference.kubernetes("kubeadm:1.36.3"), {})["system"]
    assert "cgroup v2" in {row["name"] for row in system}


def test_parts_may_come_from_separate_folders(registry: FakeRegistry, request_: TreeRequest, tmp_path: Path) -> None:
    first = built(request_)
    folder = folder_of(request_)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/containerd.toml").write_text("version = 3\n")
    sources = Sources(binaries=folder, cni=folder / "cni", images=(str(folder / "images"),), templates=tmp_path / "own")
    result = built(request_, sources=sources, replace=True)
    layers = {row["folder"]: row["digest"] for row in result.document["layers"]}
    assert {row["folder"] for row in first.document["layers"] if layers[row["folder"]] == row["digest"]} == {
        "bin",
        "cni",
        "images",
    }, "what is the same is the same blob"
    assert parts.layer_file(registry, REPO, TAG, "templates/containerd.toml", 3) == b"version = 3\n"


def test_sums_in_the_folder_are_checked(request_: TreeRequest) -> None:
    (folder_of(request_) / "SHA256SUMS").write_text("0" * 64 + "  bin/kubelet\n")
    assert "is not the file" in problems(request_)["bin/kubelet"]


def test_k3s_needs_its_own_parts(registry: FakeRegistry, request_: TreeRequest, tmp_path: Path) -> None:
    folder = tmp_path / "k3s"
    for program in ("k3s", "helm", "keepalived"):
        made.put(folder, f"bin/{program}", made.elf(f"{program} v1.32.3+k3s1"))
    made.put(folder, "images/k3s-airgap-images-amd64.tar", made.oci_archive("docker.io/rancher/mirrored-pause:3.6"))
    name = reference.tree_name(f"{registry.host}/{REPO}", reference.kubernetes("k3s:1.32.3+k3s1"), "amd64")
    result = built(request_, name=name, sources=Sources(folder))
    assert result.document["reference"].endswith(":tree-k3s-1.32.3-k3s1-amd64")
    tree = json.loads(parts.layer_file(registry, REPO, "tree-k3s-1.32.3-k3s1-amd64", "tree.json", -1))
    assert tree["pause"] == "docker.io/rancher/mirrored-pause:3.6"
    (folder / "bin/k3s").unlink()
    assert set(problems(replace(request_, name=name, sources=Sources(folder), replace=True))) == {"bin/k3s"}


def test_the_places_are_looked_at_first(request_: TreeRequest, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(InvalidInput, match="none of bin/"):
        check(replace(request_, sources=Sources(tmp_path / "none")))
    with pytest.raises(NotFound, match="--cni"):
        check(replace(request_, sources=Sources(folder_of(request_), cni=Path("/nowhere"))))
    for other in ("zstd", "none"):
        with pytest.raises(UsageError, match=f"{other}: hosts unpack gzip only"):
            check(replace(request_, compression=other))
    assert len(check(request_).images) == 7


@pytest.mark.parametrize("step", ["checking bin/kubelet", "packing images", "pushing layer 3"])
def test_a_cancelled_build_leaves_nothing(registry: FakeRegistry, request_: TreeRequest, step: str) -> None:
    job = Job(lambda progress: job.cancel() if progress.step.startswith(step) else None)
    with pytest.raises(Cancelled):
        build(request_, job)
    assert request_.temp is not None and not list(request_.temp.iterdir())
    assert (REPO, TAG) not in registry.manifests


@pytest.mark.parametrize("whole", [made.oci_archive("example.org/a:1"), made.docker_archive("example.org/a:1")])
def test_damaged_archives_end_in_a_sentence(tmp_path: Path, whole: bytes) -> None:
    dice = random.Random(8)
    for number in range(150):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.choice(b'{}[]":,0 x\xff')
        path = made.put(tmp_path, f"{number}.tar", bytes(data))
        try:
            for image in tree_images.read(store.Tar(path), "a.tar", "amd64", Job(), deep=bool(number % 2)):
                assert image.name
        except EdgewrightError as error:
            assert error.message.endswith(".")

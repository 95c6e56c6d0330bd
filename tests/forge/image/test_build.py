"""Provider images built against a fake registry: what is in them, what is refused, and what is left behind."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import (
    Cancelled,
    Conflict,
    EdgewrightError,
    Failed,
    InvalidInput,
    NotFound,
    Unreachable,
    UsageError,
)
from edgewright.forge.image.build import Request, Result, build
from edgewright.forge.progress import Job
from edgewright.forge.registry import reference, spool
from edgewright.oci import media
from edgewright.oci.registry import Registry
from tests import spdx_rules
from tests.forge.image import parts
from tests.oci.fake_registry import FakeRegistry, digest_of

TAG = "kubeadm-1.36.3-v4.10.0-demo"
REPO = "edge/debian"


@pytest.fixture
def request_(registry: FakeRegistry, tmp_path: Path, quick_squashfs: list[list[str]]) -> Request:
    parts.image_at(registry, "base/debian", "12", [parts.SYSTEM, {"opt/a": b"a"}])
    folder = parts.programs(tmp_path / "kube/bin").parent
    (folder / "images").mkdir()
    (folder / "images/pause.tar").write_bytes(parts.images_archive("registry.k8s.io/pause:3.10"))
    name = reference.name(f"{registry.host}/{REPO}", reference.kubernetes("kubeadm:1.36.3"), "v4.10.0", "demo")
    (tmp_path / "temp").mkdir()
    return Request(f"{registry.host}/base/debian:12", name, binaries=str(folder), temp=tmp_path / "temp")


def built(request: Request, **changes: Any) -> Result:
    assert request.temp is not None
    try:
        return build(replace(request, **changes), Job())
    finally:
        assert not list(request.temp.iterdir()), "nothing may be left behind"


def test_what_is_in_the_image(registry: FakeRegistry, request_: Request) -> None:
    result = built(request_)
    files = parts.layer_files(registry, REPO, TAG)
    assert [name for name in files if files[name].isreg()] == [
        "etc/kairos-release",
        "opt/content/images/pause.tar",
        "usr/bin/kubeadm",
        "usr/bin/kubectl",
        "usr/bin/kubelet",
        "usr/lib/edgewright/provider-image.json",
    ]
    assert files["usr/bin/kubelet"].mode == 0o755
    assert parts.layer_file(registry, REPO, TAG, "usr/bin/kubelet") == parts.program("kubelet")
    release = parts.layer_file(registry, REPO, TAG, "etc/kairos-release").decode().splitlines()
    assert release == [
        'KAIROS_NAME="test"',
        'KAIROS_VARIANT="standard"',
        'KAIROS_IMAGE_LABEL="12-standard-amd64-generic"',
        'KAIROS_SOFTWARE_VERSION="v1.36.3"',
        'KAIROS_SOFTWARE_VERSION_PREFIX="kubeadm"',
    ]
    marker = json.loads(parts.layer_file(registry, REPO, TAG, "usr/lib/edgewright/provider-image.json"))
    assert marker["kubernetes"] == {"distribution": "kubeadm", "version": "v1.36.3"}
    assert result.document["digest"] == digest_of(registry.manifests[REPO, TAG][0])
    assert result.document["pushed"]["mounted"] == 2


def test_the_image_is_whole(registry: FakeRegistry, request_: Request) -> None:
    built(request_)
    manifest = registry.manifest(REPO, TAG)
    config = json.loads(registry.blobs[REPO, manifest["config"]["digest"]])
    diffs = []
    for layer in manifest["layers"]:
        data = registry.blobs[REPO, layer["digest"]]
        assert len(data) == layer["size"]
        plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        diffs.append("sha256:" + hashlib.sha256(plain).hexdigest())
    assert config["rootfs"]["diff_ids"] == diffs
    assert len(config["history"]) == 4 and config["config"]["Cmd"] == ["/sbin/init"]
    assert config["created"] == "2026-01-02T03:04:05.000Z"


def test_the_same_inputs_give_the_same_digest(registry: FakeRegistry, request_: Request) -> None:
    first = built(request_)
    for path in Path(request_.binaries).rglob("*"):
        os.utime(path, (1, 1))
    again = built(request_, replace=True)
    assert again.document["digest"] == first.document["digest"] == again.document["replaced"]
    assert again.sbom == first.sbom
    assert again.document["pushed"]["sent"] == 0


def test_a_tag_that_exists_is_left_alone(registry: FakeRegistry, request_: Request) -> None:
    old = registry.put_manifest(REPO, TAG, {"schemaVersion": 2, "mediaType": media.OCI_MANIFEST})
    with pytest.raises(Conflict, match=old):
        built(request_)
    assert registry.count("POST ") == registry.count("PUT ") == 0
    assert built(request_, replace=True).document["replaced"] == old


def test_an_index_gives_the_one_for_the_machine(registry: FakeRegistry, request_: Request) -> None:
    digests = {
        arch: parts.image_at(registry, "base/many", arch, [parts.SYSTEM], arch=arch) for arch in ("arm64", "amd64")
    }
    entries = [
        {
            "mediaType": media.OCI_MANIFEST,
            "digest": digest,
            "size": 1,
            "platform": {"os": "linux", "architecture": arch},
        }
        for arch, digest in digests.items()
    ]
    registry.put_manifest("base/many", "1", {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries})
    result = built(request_, base=f"{registry.host}/base/many:1")
    assert result.document["base"]["digest"] == digests["amd64"]
    with pytest.raises(NotFound, match="linux/riscv64") as caught:
        built(request_, base=f"{registry.host}/base/many:1", arch="riscv64", replace=True)
    assert "linux/amd64, linux/arm64" in caught.value.hint


def test_a_base_of_dockers_family_is_carried_on(registry: FakeRegistry, request_: Request) -> None:
    manifest = registry.manifest("base/debian", "12")
    manifest["mediaType"] = media.DOCKER_MANIFEST
    manifest["config"]["mediaType"] = media.DOCKER_CONFIG
    for layer in manifest["layers"]:
        layer["mediaType"] = media.DOCKER_LAYER + ".gzip"
    registry.put_manifest("base/debian", "12", manifest)
    built(request_)
    kinds = {layer["mediaType"] for layer in registry.manifest(REPO, TAG)["layers"]}
    assert kinds == {media.OCI_LAYER + "+gzip", media.OCI_LAYER}


def test_a_base_of_another_registry_is_copied(registry: FakeRegistry, request_: Request) -> None:
    other = FakeRegistry()
    try:
        parts.image_at(other, "base/debian", "12", [parts.SYSTEM])
        result = built(request_, base=f"{other.host}/base/debian:12")
        assert result.document["pushed"]["mounted"] == 0 and result.document["pushed"]["sent"] == 4
        assert other.count("GET /v2/base/debian/blobs/") == 2, "the configuration and the layer, each fetched once"
    finally:
        other.close()


def test_a_registry_that_drops_the_line_leaves_no_tag(
    registry: FakeRegistry, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.can_mount = False
    registry.cut_after = [0] * 100
    monkeypatch.setattr(Registry, "pause", lambda self, attempt, wish="": None)
    with pytest.raises(Unreachable, match="broke the connection off"):
        built(request_)
    assert (REPO, TAG) not in registry.manifests


def test_a_cancelled_build_leaves_no_tag(registry: FakeRegistry, request_: Request) -> None:
    job = Job(lambda progress: job.cancel() if progress.step.startswith("pushing layer 3") else None)
    with pytest.raises(Cancelled):
        build(request_, job)
    assert request_.temp is not None and not list(request_.temp.iterdir())
    assert (REPO, TAG) not in registry.manifests and not registry.uploads


def test_a_full_disk_is_told(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool.LayerWriter, "write", full)
    monkeypatch.setattr(spool.LayerWriter, "close", lambda self: None)
    with pytest.raises(Failed) as caught:
        built(request_)
    assert caught.value.code == "DiskFull" and str(request_.temp) in caught.value.message


def test_too_little_room_is_told_before_work(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(Failed, match=r"10 B free, \d+ B too few for a layer"):
        built(request_)


def test_a_wrong_checksum_names_the_file_and_both_sums(request_: Request, tmp_path: Path) -> None:
    (Path(request_.binaries) / "SHA256SUMS").write_text("0" * 64 + "  bin/kubelet\n")
    with pytest.raises(InvalidInput) as caught:
        built(request_)
    found = hashlib.sha256(parts.program("kubelet")).hexdigest()
    assert caught.value.code == "ChecksumMismatch"
    assert all(word in caught.value.message for word in ("kubelet", "0" * 64, found))


def test_programs_for_another_machine_are_refused(request_: Request) -> None:
    (Path(request_.binaries) / "bin/kubelet").write_bytes(parts.program("kubelet", machine=183))
    with pytest.raises(InvalidInput, match="kubelet is for arm64, not for amd64"):
        built(request_)


def test_a_program_that_lacks_is_named(request_: Request) -> None:
    (Path(request_.binaries) / "bin/kubectl").unlink()
    with pytest.raises(NotFound, match="has no kubectl"):
        built(request_)


def test_another_version_and_lacking_images_are_noted(request_: Request) -> None:
    (Path(request_.binaries) / "bin/kubelet").write_bytes(parts.program("kubelet", "v1.35.0"))
    warnings = built(request_).warnings
    assert any(w.startswith("kubelet does not have v1.36.3") for w in warnings)
    assert any("kube-apiserver:v1.36.3" in w and "pause" not in w for w in warnings)


def test_one_program_of_many_names_stays_one(registry: FakeRegistry, request_: Request) -> None:
    folder = Path(request_.binaries) / "bin"
    (folder / "kubernetes").write_bytes(parts.program("all"))
    for name in ("kubeadm", "kubelet", "kubectl"):
        (folder / name).unlink()
        (folder / name).symlink_to("kubernetes")
    built(request_)
    files = parts.layer_files(registry, REPO, TAG)
    assert files["usr/bin/kubernetes"].isreg()
    assert {files[f"usr/bin/{name}"].linkname for name in ("kubeadm", "kubelet", "kubectl")} == {"kubernetes"}


def test_k3s_lies_where_the_persistent_partition_does_not_hide_it(
    registry: FakeRegistry, request_: Request, tmp_path: Path
) -> None:
    folder = tmp_path / "k3s"
    folder.mkdir()
    (folder / "k3s").write_bytes(parts.program("k3s", "v1.32.3+k3s1"))
    (folder / "k3s-images.tar.gz").write_bytes(gzip.compress(parts.images_archive("rancher/pause:3.6")))
    name = reference.name(f"{registry.host}/{REPO}", reference.kubernetes("k3s:1.32.3+k3s1"), "v4.10.0")
    result = built(request_, name=name, binaries=str(folder), images=(str(folder / "k3s-images.tar.gz"),))
    files = parts.layer_files(registry, REPO, "k3s-1.32.3-v4.10.0")
    assert files["usr/bin/k3s"].isreg() and files["usr/bin/kubectl"].linkname == "k3s"
    assert files["opt/content/images/k3s-images.tar"].isreg()
    assert not result.warnings


def test_programs_come_out_of_an_image(registry: FakeRegistry, request_: Request) -> None:
    layer = {f"usr/local/bin/{name}": parts.program(name) for name in ("kubeadm", "kubelet", "kubectl")}
    parts.image_at(registry, "tools/kube", "1", [layer])
    built(request_, binaries=f"image:{registry.host}/tools/kube:1")
    assert parts.layer_file(registry, REPO, TAG, "usr/bin/kubeadm") == parts.program("kubeadm")


def test_what_the_user_brings_wins(registry: FakeRegistry, request_: Request, tmp_path: Path) -> None:
    (tmp_path / "over/etc").mkdir(parents=True)
    (tmp_path / "over/etc/kairos-release").write_text("OWN=1\n")
    (tmp_path / "over/etc/link").symlink_to("kairos-release")
    built(request_, overlay=tmp_path / "over")
    assert parts.layer_file(registry, REPO, TAG, "etc/kairos-release") == b"OWN=1\n"
    assert parts.layer_files(registry, REPO, TAG)["etc/link"].linkname == "kairos-release"


def test_without_programs_there_is_nothing_to_build(request_: Request) -> None:
    with pytest.raises(UsageError, match="Nothing brings"):
        built(request_, binaries="")


@pytest.mark.parametrize("referrers", [True, False])
def test_the_sbom_stands_beside_the_image(registry: FakeRegistry, request_: Request, referrers: bool) -> None:
    registry.referrers = referrers
    result = built(request_)
    bill = json.loads(result.sbom)
    assert spdx_rules.problems(bill) == []
    names = {package["name"]: package for package in bill["packages"]}
    assert bill["spdxVersion"] == "SPDX-2.3" and "libc6" in names and "gone" not in names
    assert names["kubelet"]["checksums"][0]["checksumValue"] == hashlib.sha256(parts.program("kubelet")).hexdigest()
    digest = result.document["digest"]
    attached = registry.manifest(REPO, digest.replace(":", "-") + ".sbom")
    assert attached["subject"]["digest"] == digest
    assert registry.blobs[REPO, attached["layers"][0]["digest"]] == result.sbom
    assert ((REPO, digest.replace(":", "-")) in registry.manifests) is not referrers


def test_a_url_needs_its_checksum(request_: Request, registry: FakeRegistry, tmp_path: Path) -> None:
    where = f"http://{registry.host}/v2/files/blobs"
    with pytest.raises(InvalidInput) as caught:
        built(request_, binaries=where)
    assert caught.value.code == "NoChecksum" and "kubeadm" in caught.value.message
    sums = tmp_path / "sums"
    lines = []
    for name in ("kubeadm", "kubelet", "kubectl"):
        registry.blobs["files", name] = parts.program(name)
        lines.append(f"{hashlib.sha256(parts.program(name)).hexdigest()}  {name}")
    sums.write_text("\n".join(lines))
    built(request_, binaries=where, checksums=sums)
    registry.blobs["files", "kubelet"] = parts.program("kubelet", "v1.0.0")
    with pytest.raises(InvalidInput, match="kubelet is not the file"):
        built(request_, binaries=where, checksums=sums, replace=True)
    del registry.blobs["files", "kubelet"]
    with pytest.raises(NotFound, match="/kubelet"):
        built(request_, binaries=where, checksums=sums, replace=True)


@pytest.mark.parametrize(
    "manifest",
    [b"no json", b"[]", b"{}", json.dumps({"schemaVersion": 1, "mediaType": "application/x"}).encode()],
)
def test_a_base_that_is_no_image_is_told(registry: FakeRegistry, request_: Request, manifest: bytes) -> None:
    registry.manifests["base/debian", "12"] = manifest, "application/x"
    with pytest.raises(EdgewrightError) as caught:
        built(request_)
    assert caught.value.message.endswith(".")

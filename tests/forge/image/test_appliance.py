"""Images for appliances: what a root must have, the files of a slot, and the labels that tell what an image is."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Cancelled, InvalidDocument, InvalidInput, NotFound, Refused, UsageError
from edgewright.forge.image import kinds, slot
from edgewright.forge.image import root as roots
from edgewright.forge.image.build import Request, Result, build
from edgewright.forge.progress import Job
from edgewright.forge.registry import reference
from edgewright.oci import media
from tests.forge.image import parts
from tests.forge.isos import look_alike
from tests.oci.fake_registry import FakeRegistry
from tests.support import missing

REPO, TAG = "edge/debian", "kubeadm-1.36.3-v4.10.0"
PLACE = "usr/lib/edgewright/slot"


@pytest.fixture
def request_(registry: FakeRegistry, tmp_path: Path) -> Request:
    parts.image_at(registry, "base/debian", "12", [parts.SYSTEM])
    name = reference.name(f"{registry.host}/{REPO}", reference.kubernetes("kubeadm:1.36.3"), "v4.10.0")
    (tmp_path / "temp").mkdir()
    return Request(
        f"{registry.host}/base/debian:12", name, binaries=str(parts.programs(tmp_path / "kube")), temp=tmp_path / "temp"
    )


def built(request: Request, **changes: Any) -> Result:
    assert request.temp is not None
    try:
        return build(replace(request, **changes), Job())
    finally:
        assert not list(request.temp.iterdir()), "nothing may be left behind"


def based_on(registry: FakeRegistry, request: Request, files: dict[str, bytes]) -> Request:
    parts.image_at(registry, "base/other", "1", [files])
    return replace(request, base=f"{registry.host}/base/other:1")


def configuration(registry: FakeRegistry) -> dict[str, Any]:
    digest = registry.manifest(REPO, TAG)["config"]["digest"]
    document: dict[str, Any] = json.loads(registry.blobs[REPO, digest])
    return document


def medium(folder: Path, root: dict[str, bytes], **files: bytes) -> Path:
    """Return an ISO of our layout: a squashfs of `root`, and in /boot what is given."""
    if shutil.which("mksquashfs") is None:
        missing("e2e", "mksquashfs is not installed")
    for name, data in root.items():
        (folder / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "root" / name).write_bytes(data)
    squashfs = folder / "rootfs.squashfs"
    subprocess.run(
        ["mksquashfs", str(folder / "root"), str(squashfs), "-noappend", "-quiet", "-no-progress"], check=True
    )
    boot = {f"/boot/{name}": data for name, data in files.items()}
    return look_alike(folder, "base.iso", {"/rootfs.squashfs": squashfs.read_bytes(), **boot})


WITHOUT_BOOT = {name: data for name, data in parts.SYSTEM.items() if not name.startswith("boot/")}


def test_a_root_without_kernel_init_and_agent_is_refused_with_all_that_is_missing(
    registry: FakeRegistry, request_: Request
) -> None:
    """The root that mmdebstrap's `essential` makes was pushed as a provider image, with an invented release file."""
    with pytest.raises(InvalidDocument) as caught:
        built(based_on(registry, request_, parts.ESSENTIAL))
    assert [problem.key for problem in caught.value.problems] == ["kernel", "kernel modules", "initrd", "init", "agent"]
    assert all(problem.hint for problem in caught.value.problems) and caught.value.exit_code == 7
    assert "--for tree" in caught.value.hint
    assert registry.count("POST ") == registry.count("PUT ") == 0 and (REPO, TAG) not in registry.manifests


@pytest.mark.parametrize(
    ("without", "says"),
    [("boot/vmlinuz", "kernel"), ("usr/lib/modules", "kernel modules"), ("boot/initrd", "initrd"),
     ("usr/lib/systemd", "init"), ("usr/bin/kairos-agent", "agent")],
)  # fmt: skip
def test_each_part_is_asked_for(registry: FakeRegistry, request_: Request, without: str, says: str) -> None:
    files = {name: data for name, data in parts.SYSTEM.items() if not name.startswith(without)}
    with pytest.raises(InvalidDocument) as caught:
        built(based_on(registry, request_, files))
    assert [problem.key for problem in caught.value.problems] == [says]


@pytest.mark.parametrize(
    "names",
    [
        ["boot/kernel", "boot/initrd", "lib/modules/6.8/modules.dep", "sbin/init", "usr/bin/kairos-agent"],
        ["usr/lib/modules/6.8/vmlinuz", "boot/initramfs-6.8.img", "usr/sbin/init", "usr/sbin/kairos-agent"],
        ["boot/vmlinuz-6.8", "boot/initrd.img-6.8", "lib/modules/6.8/modules.order", "lib/systemd/systemd",
         "usr/lib/edgewright/edgewright-agent.pyz", "usr/lib/systemd/system/edgewright-agent.service"],
    ],
)  # fmt: skip
def test_roots_of_other_makers_are_known(names: list[str]) -> None:
    assert all(roots.noted(name) for name in names)
    found = roots.read(names)
    assert found.kernel and found.initrd and found.init and found.agent and found.modules == ("6.8",)


def test_of_two_kernels_the_initrd_of_the_same_version_is_taken() -> None:
    versions = ("6.1.0-1", "6.1.0-2")
    names = [f"boot/vmlinuz-{v}" for v in versions] + [f"boot/initrd.img-{v}" for v in versions]
    names += [f"lib/modules/{v}/modules.dep" for v in versions]
    found = roots.read(names)
    assert (found.kernel, found.initrd) == ("boot/vmlinuz-6.1.0-2", "boot/initrd.img-6.1.0-2")


def test_the_three_files_of_a_slot_are_a_layer_of_their_own(
    registry: FakeRegistry, request_: Request, quick_squashfs: list[list[str]]
) -> None:
    result = built(request_)
    files = parts.layer_files(registry, REPO, TAG, parts.SLOT)
    assert [name for name in files if files[name].isreg()] == [
        f"{PLACE}/{name}" for name in ("initrd", "kernel", "rootfs.squashfs")
    ]
    assert parts.layer_file(registry, REPO, TAG, f"{PLACE}/kernel", parts.SLOT) == parts.kernel()
    assert parts.layer_file(registry, REPO, TAG, f"{PLACE}/initrd", parts.SLOT) == b"an initrd"
    layer = registry.manifest(REPO, TAG)["layers"][-1]
    assert layer["mediaType"] == media.OCI_LAYER and layer["annotations"] == {"edgewright.layer": "slot"}
    assert quick_squashfs == [sorted(parts.SYSTEM)], "Kubernetes is not part of the slot's system"
    assert result.document["slot"]["kernelVersion"] == parts.KERNEL and result.document["slot"]["agent"] == "kairos"
    marker = json.loads(parts.layer_file(registry, REPO, TAG, "usr/lib/edgewright/provider-image.json"))
    assert marker["for"] == "appliance" and marker["slot"]["path"] == f"/{PLACE}"


def test_the_labels_tell_kind_versions_and_digests(
    registry: FakeRegistry, request_: Request, quick_squashfs: list[list[str]]
) -> None:
    built(request_)
    labels = configuration(registry)["config"]["Labels"]
    for name in kinds.SLOT_FILES:
        data = parts.layer_file(registry, REPO, TAG, f"{PLACE}/{name}", parts.SLOT)
        assert labels[f"edgewright.slot.{name}"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert labels["edgewright.image.for"] == "appliance" and labels["edgewright.agent"] == "kairos"
    assert labels["edgewright.kernel.version"] == parts.KERNEL and labels["edgewright.os"] == "debian 12"
    assert labels["edgewright.slot.layer"] == registry.manifest(REPO, TAG)["layers"][-1]["digest"]
    assert registry.manifest(REPO, TAG)["annotations"]["edgewright.image.for"] == "appliance"


def test_no_release_file_is_made_up(registry: FakeRegistry, request_: Request, quick_squashfs: list[list[str]]) -> None:
    files = {name: data for name, data in parts.SYSTEM.items() if name != "etc/kairos-release"}
    result = built(based_on(registry, request_, files))
    assert "etc/kairos-release" not in parts.layer_files(registry, REPO, TAG)
    assert any("no /etc/kairos-release" in warning for warning in result.warnings)
    assert any("kairos-init" in warning for warning in result.warnings)


def test_what_is_laid_over_the_root_is_in_the_slot(
    registry: FakeRegistry, request_: Request, tmp_path: Path, quick_squashfs: list[list[str]]
) -> None:
    (tmp_path / "over/etc").mkdir(parents=True)
    (tmp_path / "over/etc/motd").write_text("welcome")
    built(request_, overlay=tmp_path / "over")
    assert quick_squashfs == [sorted([*parts.SYSTEM, "etc/motd"])]


def test_a_kernel_without_its_modules_is_refused(
    registry: FakeRegistry, request_: Request, quick_squashfs: list[list[str]]
) -> None:
    files = {**parts.SYSTEM, f"boot/vmlinuz-{parts.KERNEL}": parts.kernel("5.10.0-9")}
    with pytest.raises(InvalidInput, match=rf"5\.10\.0-9.*{re.escape(parts.KERNEL)}"):
        built(based_on(registry, request_, files))


def test_a_tree_is_no_base(registry: FakeRegistry, request_: Request) -> None:
    parts.image_at(registry, "base/tree", "1", [{"bin/kubelet": b""}], labels={"edgewright.image.for": "tree"})
    with pytest.raises(InvalidInput) as caught:
        built(request_, base=f"{registry.host}/base/tree:1")
    assert caught.value.code == "WrongKind" and "Kubernetes tree" in caught.value.message


def test_a_root_in_a_folder_is_a_base(
    registry: FakeRegistry, request_: Request, tmp_path: Path, quick_squashfs: list[list[str]]
) -> None:
    for name, data in {**parts.SYSTEM, "proc/1/stat": b"live", "tmp/x": b"live"}.items():
        (tmp_path / "debian" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "debian" / name).write_bytes(data)
    first = built(request_, base=f"root:{tmp_path / 'debian'}")
    assert (
        built(request_, base=f"root:{tmp_path / 'debian'}", replace=True).document["digest"] == first.document["digest"]
    )
    assert quick_squashfs[0] == sorted(parts.SYSTEM) and first.document["layers"] == 3
    with pytest.raises(NotFound, match="no directory"):
        built(request_, base="root:/nowhere", replace=True)


def test_the_files_of_an_iso_are_carried_byte_for_byte(
    registry: FakeRegistry, request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **words: object) -> Path:
        raise AssertionError("the ISO has a squashfs")

    iso = medium(tmp_path, WITHOUT_BOOT, kernel=parts.kernel(), initrd=b"initrd of the medium")
    monkeypatch.setattr(slot, "_squashed", never)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = built(request_, base=f"appliance:{iso}")
    for name, data in (("rootfs.squashfs", (tmp_path / "rootfs.squashfs").read_bytes()), ("kernel", parts.kernel()),
                       ("initrd", b"initrd of the medium")):  # fmt: skip
        assert parts.layer_file(registry, REPO, TAG, f"{PLACE}/{name}", parts.SLOT) == data
    assert {file["source"] for file in result.document["slot"]["files"]} == {"base.iso"}
    again = built(request_, base=f"appliance:{iso}", replace=True)
    assert again.document["digest"] == result.document["digest"]
    (tmp_path / "over").mkdir()
    (tmp_path / "over/motd").write_text("x")
    with pytest.raises(Refused, match="Only root"):
        built(request_, base=f"appliance:{iso}", overlay=tmp_path / "over", replace=True)


def test_an_iso_without_kernel_and_agent_is_refused(request_: Request, tmp_path: Path) -> None:
    iso = medium(tmp_path, parts.ESSENTIAL, initrd=b"i")
    with pytest.raises(InvalidDocument) as caught:
        built(request_, base=f"appliance:{iso}")
    assert {problem.key for problem in caught.value.problems} >= {"kernel", "init", "agent"}


def test_a_squashfs_made_here_is_the_same_each_time_and_can_be_read(
    registry: FakeRegistry, request_: Request, tmp_path: Path
) -> None:
    if os.geteuid() or shutil.which("mksquashfs") is None or shutil.which("unsquashfs") is None:
        missing("e2e", "root, mksquashfs and unsquashfs are needed")
    first = built(request_)
    assert built(request_, replace=True).document["digest"] == first.document["digest"]
    (tmp_path / "s").write_bytes(parts.layer_file(registry, REPO, TAG, f"{PLACE}/rootfs.squashfs", parts.SLOT))
    words = ["unsquashfs", "-no-progress", "-d", str(tmp_path / "got"), str(tmp_path / "s")]
    subprocess.run(words, check=True, capture_output=True)
    found = {
        p.relative_to(tmp_path / "got").as_posix(): p.read_bytes() for p in (tmp_path / "got").rglob("*") if p.is_file()
    }
    assert found == parts.SYSTEM


@pytest.mark.parametrize("step", ["unpacking layer 1", "compressing the root file system", "packing the files"])
def test_a_cancelled_build_leaves_nothing(registry: FakeRegistry, request_: Request, step: str) -> None:
    if os.geteuid() or shutil.which("mksquashfs") is None:
        missing("e2e", "root and mksquashfs are needed")
    job = Job(lambda progress: job.cancel() if progress.step.startswith(step) else None)
    with pytest.raises(Cancelled):
        build(request_, job)
    assert request_.temp is not None and not list(request_.temp.iterdir())
    assert (REPO, TAG) not in registry.manifests


def test_the_kind_is_chosen_by_name_or_by_a_base() -> None:
    choose: Callable[..., str] = kinds.choose
    assert choose("tree", base=False, tree=True) == "tree"
    assert choose(None, base=True, tree=False) == "appliance", "what the first release built"
    for given in ({"base": False, "tree": False}, {"base": False, "tree": True}, {"base": True, "tree": True}):
        with pytest.raises(UsageError) as caught:
            choose(None, **given)
        assert "--for appliance" in caught.value.hint and "--for tree" in caught.value.hint

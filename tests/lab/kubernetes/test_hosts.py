"""Hosts and registry of a lab with Kubernetes: what is written on a disk, and where the tree is."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Failed, UsageError
from edgewright.lab import cli, faults
from edgewright.lab.kubernetes import hosts, registry, settings
from edgewright.lab.state import REGISTRY, Folder, LabState, Member


def disk(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for folder in ("etc/systemd/system", "etc/ssl/certs", "usr/local/share/ca-certificates"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("others\n")
    return root


def test_what_is_written_on_a_disk(tmp_path: Path) -> None:
    root = disk(tmp_path)
    (tmp_path / "runc-lab").write_bytes(b"program")
    (tmp_path / "ca.crt").write_text("our ca\n")
    for _ in range(2):  # a second time changes nothing
        hosts.write(root, tmp_path / "runc-lab", tmp_path / "ca.crt", "10.66.7.1")
    script = root / "usr/local/sbin/lab-kubernetes"
    subprocess.run(["sh", "-n", script], check=True)
    text = script.read_text()
    assert all(f"/proc/sys/{name}" in text for name in hosts.SYSCTLS)
    assert os.access(script, os.X_OK) and (root / "usr/local/sbin/runc-lab").read_bytes() == b"program"
    assert (root / "etc/systemd/system/sysinit.target.wants" / hosts.UNIT).is_symlink()
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text() == "others\nour ca\n"
    assert "10.66.7.1" in (root / "etc/resolv.conf").read_text()


def test_var_lib_and_opt_are_on_the_own_disk_of_the_machine(tmp_path: Path) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    for folder in (root / "var/lib/edgewright", root / "opt", home):
        folder.mkdir(parents=True)
    (root / "var/lib/edgewright/token").write_text("first")
    hosts.own_folders(home, root)
    (home / "var-lib/edgewright/token").write_text("changed by the host")
    hosts.own_folders(home, root)  # the next boot
    assert (home / "var-lib/edgewright/token").read_text() == "changed by the host"
    options = hosts.nspawn_options(home)
    assert f"--bind={home}/var-lib:/var/lib" in options and f"--bind={home}/opt:/opt" in options


def test_a_machine_with_too_few_inotify_instances_is_named(tmp_path: Path) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n")
    hosts.check_machine(1, limit)
    with pytest.raises(Failed, match="allows 128 inotify instances, and 3 hosts with Kubernetes need 256") as caught:
        hosts.check_machine(3, limit)
    assert "sysctl -w fs.inotify.max_user_instances=1024" in caught.value.hint
    limit.write_text("1024\n")
    hosts.check_machine(3, limit)


def test_settings_of_the_lab_are_what_a_layer_takes() -> None:
    config = settings.cluster_config()
    assert config["kubeletConfiguration"]["featureGates"] == {"KubeletInUserNamespace": True}
    assert config["initConfiguration"] == config["joinConfiguration"]
    json.dumps(config)


def test_the_values_of_the_layer_name_the_tree_of_the_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed() -> dict[str, Any]:
        assert cli.main(["kubernetes", "settings", "--dir", str(tmp_path)]) == 0
        values: dict[str, Any] = json.loads(capsys.readouterr().out)
        return values

    assert printed() == {"cluster": {"config": settings.cluster_config()}}
    folder = Folder(tmp_path)
    folder.save(LabState(folder.name, "10.66.7", "", registry=Member(REGISTRY, "10.66.7.3"), kubernetes="v1.36.3"))
    registry.home(folder).mkdir()
    known = {"repository": registry.REPOSITORY, "tag": "tree-1", "digest": "sha256:0"}
    (registry.home(folder) / "artefact.json").write_text(json.dumps(known))
    assert printed()["tree"] == {"ref": "10.66.7.3:5000/edgewright/kubernetes:tree-1", "digest": "sha256:0"}


@pytest.mark.skipif(shutil.which("openssl") is None or shutil.which("docker-registry") is None, reason="no openssl")
def test_the_registry_has_a_certificate_of_the_lab(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    (packed / "storage/docker").mkdir(parents=True)
    (packed / "storage/docker/data").write_bytes(b"x" * 100_000)
    (packed / "storage/docker/link").write_bytes(b"small")
    known = {"repository": registry.REPOSITORY, "tag": "tree-1", "digest": "sha256:0", "size": 3}
    (packed / "artefact.json").write_text(json.dumps(known))
    folder, member = Folder(tmp_path / "lab"), Member(REGISTRY, "10.66.7.3")
    registry.prepare(folder, member, packed)
    at = registry.home(folder)
    subprocess.run(["openssl", "verify", "-CAfile", at / "ca.crt", at / "tls.crt"], check=True, capture_output=True)
    shown = subprocess.run(["openssl", "x509", "-in", at / "tls.crt", "-noout", "-ext", "subjectAltName"],
                           check=True, capture_output=True, text=True).stdout  # fmt: skip
    assert "10.66.7.3" in shown
    ssl.create_default_context(cafile=str(registry.ca_file(folder)))
    assert (at / "tls.key").stat().st_mode & 0o777 == 0o600 == (at / "ca.key").stat().st_mode & 0o777
    assert (at / "data/docker/data").stat().st_ino == (packed / "storage/docker/data").stat().st_ino
    assert (at / "data/docker/link").stat().st_ino != (packed / "storage/docker/link").stat().st_ino
    assert registry.contents(folder, member) == {
        "host": "10.66.7.3:5000",
        "repository": "edgewright/kubernetes",
        "tag": "tree-1",
        "digest": "sha256:0",
        "tree": "10.66.7.3:5000/edgewright/kubernetes:tree-1",
    }


def test_the_registry_is_a_member_that_faults_reach(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    state = LabState(folder.name, "10.66.7", "", registry=Member(REGISTRY, "10.66.7.3"), kubernetes="v1.36.3")
    state.hosts["edge1"] = Member("edge1", "10.66.7.11")
    folder.save(state)
    assert folder.load() == state
    assert [member.name for member in faults.chosen(state, "registry")] == ["registry"]
    assert [member.name for member in faults.chosen(state, "all")] == ["edge1"]
    member = state.registry
    assert member is not None
    with pytest.raises(UsageError, match="registry"):
        faults.reboot(member)
    with pytest.raises(UsageError, match="registry"):
        faults.set_clock(folder, member, "+1d")

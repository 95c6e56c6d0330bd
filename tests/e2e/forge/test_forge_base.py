"""The reference appliance built for real: its layout, nothing of the builder in it, same hash twice, Secure Boot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewright.agent.install import archive
from edgewright.forge.iso.facts import Base
from edgewright.forge.iso.identify import identify
from edgewright.forge.manifest import read_manifest
from edgewright.forge.proof.guest import Guest
from edgewright.forge.proof.log_patterns import Reader
from edgewright.forge.proof.machine import Machine, command, uefi_files
from tests.e2e.forge.forge_base import CACHE, base_iso, forge_base, lock_words
from tests.support import ROOT

pytestmark = [pytest.mark.e2e]

LIMIT = float(os.environ.get("EDGEWRIGHT_PROOF_LIMIT", "540"))


@pytest.fixture(scope="module")
def base() -> Base:
    return identify(base_iso())


def unsquash(base: Base, *words: str) -> str:
    offset = str(base.squashfs_offset)
    done = subprocess.run(["unsquashfs", "-o", offset, *words], capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.core
def test_it_has_kairos_layout_and_boots_in_every_way(base: Base) -> None:
    assert base.refuse == "" and base.volume_id == "COS_LIVE"
    assert base.bios_cd and base.bios_usb and base.uefi_cd and base.uefi_usb
    assert base.joliet and base.gpt and base.partition_broken == ""
    assert base.squashfs == "/rootfs.squashfs"
    assert base.placeholder is not None and base.placeholder.size == 65536
    assert base.kairos_release["KAIROS_FLAVOR"] == "debian"
    assert "%admin ALL=(ALL) NOPASSWD: ALL" in unsquash(base, "-cat", str(base.path), "etc/sudoers.d/10-edgewright")
    assert base.size < 500_000_000


@pytest.mark.core
def test_what_lies_beside_it_is_about_these_bytes(base: Base) -> None:
    digest = hashlib.sha256(base.path.read_bytes()).hexdigest()
    manifest = read_manifest(base.path)
    assert manifest is not None and manifest["iso"]["sha256"] == digest and manifest["label"] == "unproven"
    assert Path(f"{base.path}.sha256").read_text().split() == [digest, base.path.name]
    spdx = json.loads(Path(f"{base.path}.spdx.json").read_text())
    inside = unsquash(base, "-cat", str(base.path), "var/lib/dpkg/status")
    installed = {line.split()[1] for line in inside.splitlines() if line.startswith("Package: ")}
    listed = {entry["name"] for entry in spdx["packages"]}
    assert "systemd" in installed and installed == listed - {base.path.name, "edgewright-agent"}


@pytest.mark.core
def test_nothing_in_it_is_of_the_machine_that_built_it(base: Base) -> None:
    files = unsquash(base, "-lls", str(base.path))
    assert "squashfs-root/usr/lib/edgewright/edgewright-agent.pyz" in files
    assert "squashfs-root/etc/systemd/system/sysinit.target.wants/edgewright-boot.service" in files
    for trace in (
        "ssh_host_",
        "var/lib/systemd/random-seed",
        "/var/log/dpkg.log",
        "/var/lib/apt/lists/",
        "squashfs-root/boot/vmlinuz",
    ):
        assert trace not in files
    assert unsquash(base, "-cat", str(base.path), "etc/machine-id") == ""
    hashes = [line.split(":")[1] for line in unsquash(base, "-cat", str(base.path), "etc/shadow").splitlines()]
    assert hashes and all(word in ("*", "!", "!*", "!!") for word in hashes)  # no account can log in by a password


def test_the_same_lock_and_agent_give_the_same_bytes_from_another_system(tmp_path: Path, base: Base) -> None:
    agent = tmp_path / "agent.pyz"
    archive.build(str(agent), str(ROOT / "edgewright"))
    digests = []
    for turn in ("one", "two"):
        # the packages are shared, the system is installed anew
        cache = tmp_path / turn
        shutil.copytree(Path(CACHE, "packages"), cache / "packages", copy_function=os.link)
        words = ["-o", str(tmp_path / f"{turn}.iso"), "--fast", "--offline", "--agent", str(agent), *lock_words()]
        done = subprocess.run(
            [sys.executable, "-m", "edgewright", "forge", "base", *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "EDGEWRIGHT_FORGE_CACHE": str(cache)},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        digests.append(hashlib.sha256((tmp_path / f"{turn}.iso").read_bytes()).hexdigest())
        shutil.rmtree(cache)
    assert digests[0] == digests[1]


def test_a_build_that_is_stopped_leaves_no_mount_and_no_file(tmp_path: Path, base: Base) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(Path(CACHE, "packages"), cache / "packages", copy_function=os.link)
    mounts = Path("/proc/self/mountinfo").read_text()
    build = subprocess.Popen(
        [sys.executable, "-m", "edgewright", "forge", "base", "-o", str(tmp_path / "x.iso"), *lock_words()],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "EDGEWRIGHT_FORGE_CACHE": str(cache)},
    )
    assert build.stderr is not None
    for line in build.stderr:
        if b"installing packages  " in line:
            break
    time.sleep(1)
    build.send_signal(signal.SIGINT)
    build.communicate(timeout=60)
    assert build.returncode == 130
    assert [path.name for path in cache.iterdir()] == ["packages"]
    assert not list(tmp_path.glob("x.iso*"))
    assert Path("/proc/self/mountinfo").read_text() == mounts


def test_offline_without_the_packages_names_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "edgewright",
            "forge",
            "base",
            "-o",
            str(tmp_path / "x.iso"),
            "--offline",
            *lock_words(),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "EDGEWRIGHT_FORGE_CACHE": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 3 and "adduser" in done.stderr and "Traceback" not in done.stderr


def test_a_version_that_the_mirror_no_longer_has_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "old.json"
    text = Path(lock_words()[1]).read_text()
    wrong = hashlib.sha256(b"gone").hexdigest()
    first = json.loads(text)["packages"][0]
    lock.write_text(text.replace(first["path"], first["path"] + ".gone").replace(first["sha256"], wrong))
    done = forge_base("-o", str(tmp_path / "x.iso"), "--lock", str(lock))
    assert done.returncode == 3, done.stderr
    assert f"no longer has {first['name']} {first['version']}" in done.stderr and "--refresh-lock" in done.stderr


def test_it_boots_under_secure_boot(tmp_path: Path, base: Base) -> None:
    files = uefi_files(True)
    variables, disk = tmp_path / "vars.fd", tmp_path / "disk.img"
    shutil.copyfile(files.variables, variables)
    with disk.open("wb") as file:
        file.truncate(1 << 30)
    machine = Machine(
        base.path, disk, firmware="uefi", secure_boot=True, medium="cd", code=files.code, variables=variables
    )
    seen: set[str] = set()
    reader, end = Reader(), time.monotonic() + LIMIT
    with Guest(command(machine)) as guest:
        while not {"secure-boot", "live"} <= seen and not guest.ended and time.monotonic() < end:
            seen |= {sign.key for _, sign in reader.feed(guest.read()) if sign is not None}
    assert {"secure-boot", "live"} <= seen, reader.last(30)

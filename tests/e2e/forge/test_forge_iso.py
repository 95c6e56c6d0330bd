"""The ISO engine on real block devices and a real full disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.core.errors import Conflict, Failed
from edgewright.forge.flash.disks import Disk
from edgewright.forge.flash.write import write
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.write import make_iso
from edgewright.forge.progress import Job
from tests.forge.conftest import base_iso
from tests.forge.isos import USER_DATA
from tests.support import missing

__all__ = ["base_iso"]
pytestmark = [pytest.mark.e2e, pytest.mark.core]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted tmpfs of 3 MB."""
    if os.geteuid() != 0:
        missing("e2e", "mounting a small disk needs root")
    place = tmp_path / "small"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        missing("e2e", "no tmpfs can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Disk]:
    """A loop device of 12 MB: a real block device that stands in for a stick."""
    if os.geteuid() != 0:
        missing("e2e", "a loop device needs root")
    backing = tmp_path / "backing"
    backing.write_bytes(b"\xff" * 12_000_000)
    done = subprocess.run(["losetup", "-f", "--show", str(backing)], capture_output=True, text=True, check=False)
    if done.returncode:
        missing("e2e", f"no loop device: {done.stderr.strip()}")
    path = Path(done.stdout.strip())
    number = path.stat().st_rdev
    size = 12_000_000 // 512 * 512
    yield Disk(path.name, path, f"{os.major(number)}:{os.minor(number)}", "Loop", "", size, True, True, False, ())
    subprocess.run(["losetup", "-d", str(path)], check=True)


@pytest.mark.parametrize("longer", [False, True], ids=["placeholder", "rewrite"])
def test_a_full_disk_is_told_before_and_leaves_nothing(base_iso: Path, small_disk: Path, longer: bool) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 2_000_000)
    text = USER_DATA + b"# more\n" * 20_000 if longer else USER_DATA
    with pytest.raises(Failed, match=r"is full: \d+ [kM]B more are needed for out\.iso"):
        make_iso(base_iso, text, small_disk / "out.iso", Job())
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.mark.parametrize("longer", [False, True], ids=["placeholder", "rewrite"])
def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    base_iso: Path, small_disk: Path, longer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program takes the room after it was asked for."""
    from edgewright.forge.iso import partfile

    (small_disk / "filler").write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(partfile, "require_room", lambda target, needed: None)
    text = USER_DATA + b"# more\n" * 20_000 if longer else USER_DATA
    with pytest.raises(Failed) as caught:
        make_iso(base_iso, text, small_disk / "out.iso", Job())
    assert caught.value.code == "NoSpace"
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_a_real_block_device(base_iso: Path, loop: Disk) -> None:
    done = write(base_iso, loop, Job())
    assert done.sha256 == hashlib.sha256(base_iso.read_bytes()).hexdigest()
    found = identify(loop.path)  # the device itself is the installer now
    assert found.boot_modes == identify(base_iso).boot_modes and found.refuse == ""


def test_a_block_device_that_is_in_use(base_iso: Path, loop: Disk, tmp_path: Path) -> None:
    if shutil.which("mkfs.ext4", path="/usr/sbin:/sbin") is None:
        missing("e2e", "mkfs.ext4 is not installed")
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", str(loop.path)], check=True)
    place = tmp_path / "mounted"
    place.mkdir()
    if subprocess.run(["mount", str(loop.path), str(place)], capture_output=True, check=False).returncode:
        missing("e2e", "nothing can be mounted from a loop device here")
    try:
        with pytest.raises(Conflict, match="is in use"):
            write(base_iso, loop, Job())
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_another_device_under_the_same_name(base_iso: Path, loop: Disk) -> None:
    with pytest.raises(Conflict, match="another disk now"):
        write(base_iso, loop._replace(number="8:16"), Job())

"""What verifying an installer catches."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.verify import verify_iso
from edgewright.forge.iso.write import make_iso
from edgewright.forge.progress import Job
from tests.forge.isos import USER_DATA


@pytest.fixture(scope="module")
def good(base_iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("good") / "out.iso"
    make_iso(base_iso, USER_DATA, out, Job())
    return out


def wrong(path: Path, user_data: bytes = USER_DATA, base: Path | None = None) -> dict[str, str]:
    """Return the checks that failed, with what they say."""
    known = identify(base, look_inside=False) if base else None
    return {check.name: check.detail for check in verify_iso(path, user_data, known) if not check.ok}


def changed(good: Path, tmp_path: Path, offset: int, data: bytes) -> Path:
    copy = tmp_path / "changed.iso"
    shutil.copy(good, copy)
    with copy.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    return copy


def xorriso(iso: Path, out: Path, *words: str) -> None:
    command = ["xorriso", "-no_rc", "-indev", str(iso), "-outdev", str(out), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_good_one(good: Path, base_iso: Path) -> None:
    assert wrong(good, base=base_iso) == {}
    assert [check.name for check in verify_iso(good, USER_DATA)] == [
        "readable", "config", "squashfs", "one config", "boot records", "partitions", "usb",
    ]  # fmt: skip


def test_the_injection_in_place_is_caught(good: Path, base_iso: Path, tmp_path: Path) -> None:
    copy = tmp_path / "inplace.iso"
    shutil.copy(good, copy)
    (tmp_path / "user-data").write_bytes(USER_DATA)
    map_it = ["-joliet", "on", "-map", str(tmp_path / "user-data"), "/config.yaml", "-boot_image", "any", "replay"]
    xorriso(copy, copy, *map_it)
    found = wrong(copy, base=base_iso)
    assert "according to its superblock" in found["usb"] and "partitions" in found
    assert "usb" in wrong(copy)  # also where the base is not known


def test_another_config(good: Path) -> None:
    assert "is not the user-data" in wrong(good, USER_DATA + b"x: y\n")["config"]
    assert "is not the user-data" in wrong(good, USER_DATA[:-9])["config"]


def test_a_config_that_only_the_usb_tree_has_old(good: Path, base_iso: Path, tmp_path: Path) -> None:
    """An editor that knows one tree only leaves the other pointing at the old bytes."""
    base = identify(good)
    data = bytearray(good.read_bytes())
    record = (65536).to_bytes(4, "little") + (65536).to_bytes(4, "big")
    places = [n for n in range(len(data)) if data[n : n + 8] == record] if len(data) < 8_000_000 else []
    assert len(places) == 4 and base.trees == 2
    copy = changed(good, tmp_path, places[-1], (60).to_bytes(4, "little") + (60).to_bytes(4, "big"))
    assert "directory tree" in wrong(copy, base=base_iso)["config"]


def test_a_second_config(good: Path, base_iso: Path, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_bytes(b"#cloud-config\nname: more\n")
    out = tmp_path / "two.iso"
    xorriso(
        good, out, "-joliet", "on", "-map", str(tmp_path / "more.yaml"), "/more.yaml", "-boot_image", "any", "replay"
    )
    assert wrong(out, base=base_iso) == {"one config": "/config.yaml, /more.yaml"}


def test_lost_boot_records_and_joliet(good: Path, base_iso: Path, tmp_path: Path) -> None:
    out = tmp_path / "lost.iso"
    xorriso(good, out, "-joliet", "off", "-volid", "OTHER", "-boot_image", "any", "discard")
    found = wrong(out, base=base_iso)
    assert "boot record" in found["readable"]
    copy = changed(good, tmp_path, 0, bytes(440))  # the boot code that a BIOS runs from USB
    assert wrong(copy, base=base_iso) == {"partitions": "the boot code of the MBR or the GPT was lost"}
    xorriso(good, out.with_name("nojoliet.iso"), "-joliet", "off", "-volid", "OTHER", "-boot_image", "any", "replay")
    found = wrong(out.with_name("nojoliet.iso"), base=base_iso)
    assert found["names"] == "Rock Ridge instead of Rock Ridge, Joliet"
    assert found["volume id"] == "'OTHER' instead of 'COS_LIVE'"


def test_a_damaged_squashfs(good: Path, base_iso: Path, tmp_path: Path) -> None:
    known = identify(good)
    copy = changed(good, tmp_path, known.squashfs_offset, b"\0\0\0\0")
    assert wrong(copy, base=base_iso)["squashfs"] == "/rootfs.squashfs no longer exists"
    copy = changed(good, tmp_path, known.squashfs_offset + known.squashfs_size - 10, b"changed")
    assert "differs from that of the base" in wrong(copy, base=base_iso)["squashfs"]


def test_a_cut_off_one(good: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.iso"
    cut.write_bytes(good.read_bytes()[:-100_000])
    assert "is cut off" in wrong(cut)["readable"]

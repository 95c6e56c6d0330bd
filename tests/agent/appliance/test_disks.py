"""Which disk is taken, by rule and by name, and what is never taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.agent.appliance.disks import Disk, choose, find_disks, mounted_from
from edgewright.core.errors import InvalidInput, NotFound, Refused

GIB = 1 << 30


def a_sys(tmp_path: Path, **disks: tuple[int, str]) -> Path:
    """Make a /sys: name -> (GiB, where its device hangs)."""
    (tmp_path / "block").mkdir(parents=True)
    (tmp_path / "class/block").mkdir(parents=True)
    for name, (gib, bus) in disks.items():
        folder = tmp_path / "devices" / bus / name
        (folder / "device").mkdir(parents=True)
        (folder / "size").write_text(f"{gib * GIB // 512}\n")
        (folder / "removable").write_text("1\n" if bus.endswith("stick") else "0\n")
        (folder / "ro").write_text("0\n")
        (folder / "device/model").write_text("Disk " + name)
        (tmp_path / "block" / name).symlink_to(folder)
        (folder / (name + "1")).mkdir()
        (tmp_path / "class/block" / name).symlink_to(folder)
        (tmp_path / "class/block" / (name + "1")).symlink_to(folder / (name + "1"))
    return tmp_path


def test_the_largest_fixed_disk_is_taken(tmp_path: Path) -> None:
    sys = a_sys(
        tmp_path,
        vda=(1, "pci"),
        vdb=(64, "pci"),
        vdc=(500, "pci"),
        vdd=(500, "pci"),
        sdz=(900, "pci/usb1/stick"),
        zram0=(8, "x"),
    )
    disks = find_disks(str(sys))
    assert [disk.name for disk in disks] == ["sdz", "vda", "vdb", "vdc", "vdd"]
    assert choose(disks, "", 8 * GIB).path == "/dev/vdc"


def test_the_live_medium_is_not_taken_even_when_it_looks_like_a_fixed_disk(tmp_path: Path) -> None:
    disks = find_disks(str(a_sys(tmp_path, vda=(16, "pci"), vdb=(64, "pci"))), "/dev/vda1")
    assert choose(disks, "", 8 * GIB).path == "/dev/vdb"
    with pytest.raises(Refused, match="medium that this system runs from"):
        choose(disks, "/dev/vda", 0)


def test_when_none_fits_each_is_named_with_its_reason(tmp_path: Path) -> None:
    disks = find_disks(str(a_sys(tmp_path, vda=(1, "pci"), sda=(64, "pci/usb2"))))
    with pytest.raises(NotFound) as caught:
        choose(disks, "", 8 * GIB)
    assert "/dev/vda (1.0 GiB, Disk vda): too small, 7168 MiB are missing" in caught.value.message
    assert "/dev/sda (64.0 GiB, Disk sda): it can be pulled out" in caught.value.message


def test_no_disk_at_all_is_told() -> None:
    with pytest.raises(NotFound, match="shows no disk"):
        choose([], "", 1)


def test_a_named_disk_must_be_there_whole_and_writable() -> None:
    disks = [Disk("sda", 64 * GIB, usb=True), Disk("sdb", GIB, read_only=True)]
    assert choose(disks, "/dev/sda", 0).path == "/dev/sda"  # a person who names a USB disk means it
    with pytest.raises(Refused, match="read-only"):
        choose(disks, "/dev/sdb", 0)
    with pytest.raises(NotFound, match="not here"):
        choose(disks, "/dev/sdq", 0)
    with pytest.raises(InvalidInput, match="not a disk"):
        choose(disks, "/dev/null", 0)


def test_the_medium_is_found_in_the_mounts() -> None:
    text = "proc /proc proc rw 0 0\n/dev/sr0 /run/initramfs/live iso9660 ro 0 0\n"
    assert mounted_from(text) == "/dev/sr0" and mounted_from("") == ""

"""Which disks are offered: from a stand-in sysfs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edgewright.core.errors import NotFound, Refused
from edgewright.forge.flash.disks import Disks


class Machine:
    """A stand-in for /sys, /proc and /run/udev."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts: list[str] = []
        self.write("proc/swaps", "Filename Type Size Used Priority\n")
        self.write("proc/self/mountinfo", "")

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def disk(
        self, name: str, number: int, gigabytes: float, *, usb: bool = False, files: Mapping[str, str] | None = None
    ) -> str:
        bus = "pci0/usb1/1-1" if usb else "pci0/ata1"
        folder = f"sys/devices/{bus}/block/{name}"
        told = {"removable": "1" if usb else "0", "ro": "0", "device/model": "Model X", "device/vendor": "ACME"}
        for key, value in {**told, **(files or {})}.items():
            self.write(f"{folder}/{key}", value + "\n")
        self.write(f"{folder}/size", f"{int(gigabytes * 1e9) // 512}\n")
        self.write(f"{folder}/dev", f"8:{number}\n")
        link = self.root / "sys/block" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / folder)
        return folder

    def part(self, folder: str, name: str, number: int, kind: str = "", label: str = "", mount: str = "") -> None:
        self.write(f"{folder}/{name}/partition", "1\n")
        self.write(f"{folder}/{name}/dev", f"8:{number}\n")
        self.write(f"{folder}/{name}/size", "2000000\n")
        self.write(f"run/udev/data/b8:{number}", f"E:ID_FS_TYPE={kind}\nE:ID_FS_LABEL={label}\n")
        if mount:
            self.mounts.append(f"30 1 8:{number} / {mount} rw - {kind} /dev/{name} rw")
            self.write("proc/self/mountinfo", "\n".join(self.mounts) + "\n")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    system = found.disk("sda", 0, 500)
    found.part(system, "sda1", 1, "vfat", "EFI", "/boot/efi")
    found.part(system, "sda2", 2, "ext4", "root", "/")
    stick = found.disk("sdb", 16, 32, usb=True)
    found.part(stick, "sdb1", 17, "vfat", "PHOTOS")
    mounted = found.disk("sdc", 32, 8, usb=True)
    found.part(mounted, "sdc1", 33, "exfat", "DATA", "/media/me/DA\\040TA")
    found.disk("sdd", 48, 0, usb=True)
    found.disk("sde", 64, 8, usb=True, files={"ro": "1"})
    found.disk("loop0", 70, 1)
    found.disk("sr0", 71, 1, files={"removable": "1"})
    found.disk("mmcblk0", 80, 16, files={"device/type": "SD", "device/name": "SD16G", "device/model": ""})
    found.disk("mmcblk1", 81, 16, files={"device/type": "MMC", "device/name": "EMMC"})
    return found


def test_only_what_can_be_pulled_out_is_offered(machine: Machine) -> None:
    disks = Disks(machine.root)
    assert [disk.name for disk in disks.all()] == ["mmcblk0", "mmcblk1", "sda", "sdb", "sdc", "sdd", "sde"]
    assert [disk.name for disk in disks.removable()] == ["mmcblk0", "sdb", "sdc", "sdd", "sde"]


def test_what_a_person_sees(machine: Machine) -> None:
    disk = Disks(machine.root).named("sdb")
    assert str(disk) == "sdb ACME Model X 32.0 GB (USB)"
    assert [str(part) for part in disk.parts] == ['sdb1 1.0 GB vfat "PHOTOS"']
    assert str(Disks(machine.root).named("sdc").parts[0]) == 'sdc1 1.0 GB exfat "DATA", mounted at /media/me/DA TA'


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sda", "contains the system of this machine (mounted at /boot/efi, /)"),
        ("sdb", ""),
        ("sdc", "is in use: mounted at /media/me/DA TA"),
        ("sdd", "There is no medium in sdd"),
        ("sde", "is write-protected"),
        ("mmcblk0", ""),
        ("mmcblk1", "is not a removable disk"),
    ],
)
def test_what_is_refused(machine: Machine, name: str, words: str) -> None:
    reason = Disks(machine.root).named(name).reason_against(1_000_000_000)
    assert words in reason and bool(reason) == bool(words)


def test_a_disk_that_is_too_small(machine: Machine) -> None:
    assert Disks(machine.root).named("sdb").reason_against(40_000_000_000) == "sdb has 32.0 GB, 8.0 GB too little."


def test_swap_and_holders(machine: Machine) -> None:
    machine.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n")
    assert Disks(machine.root).named("sdb").reason_against() == "sdb is in use as swap space."
    machine.write("proc/swaps", "Filename\n")
    machine.write("sys/devices/pci0/usb1/1-1/block/sdb/sdb1/holders/dm-0", "")
    assert Disks(machine.root).named("sdb").reason_against() == "sdb is in use by dm-0."


def test_names(machine: Machine) -> None:
    disks = Disks(machine.root)
    assert disks.named("/dev/sdb").name == "sdb"
    with pytest.raises(Refused, match="sdb1 is a partition"):
        disks.named("/dev/sdb1")
    with pytest.raises(NotFound, match="no disk sdz") as caught:
        disks.named("sdz")
    assert caught.value.hint == "Removable disks: mmcblk0, sdb, sdc, sdd, sde"


def test_a_machine_without_sysfs(tmp_path: Path) -> None:
    assert Disks(tmp_path).all() == []


def test_a_block_device_that_is_no_disk_is_named_for_what_it_is(machine: Machine) -> None:
    disks = Disks(machine.root)
    with pytest.raises(Refused, match=r"^loop0 is not a removable disk \(loop device\)\.$") as caught:
        disks.named("/dev/loop0")
    assert caught.value.hint.startswith("Removable disks: mmcblk0, sdb")
    with pytest.raises(Refused, match=r"^sr0 is not a removable disk \(CD drive\)\.$"):
        disks.named("sr0")
    with pytest.raises(NotFound, match=r"There is no disk /dev/loop9\."):
        disks.named("/dev/loop9")

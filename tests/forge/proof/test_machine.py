"""The command line of QEMU for each firmware and medium, and the disk that the user-data's rule finds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from edgewright.core.errors import NotFound
from edgewright.forge.proof.machine import Machine, command, disk_bus, medium_text, uefi_files

ALL = list(itertools.product(("bios", "uefi"), ("usb", "cd"), ("pc", "virtio"), (False, True)))


def machine(firmware: str, medium: str, devices: str, *, secure: bool = False) -> Machine:
    return Machine(
        Path("/isos/a.iso"), Path("/tmp/d"), firmware=firmware, medium=medium, devices=devices, secure_boot=secure,  # type: ignore[arg-type]
        code=Path("/fw/CODE.fd"), variables=Path("/tmp/VARS.fd"), uuid="8d3b2b4e-0000-4000-8000-000000000001",
    )  # fmt: skip


def after(words: list[str], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == option]


@pytest.mark.parametrize(("firmware", "medium", "devices", "disk_first"), ALL)
def test_every_machine(firmware: str, medium: str, devices: str, disk_first: bool) -> None:
    words = command(machine(firmware, medium, devices)._replace(disk_first=disk_first))
    drives, parts = after(words, "-drive"), after(words, "-device")
    assert "-no-reboot" in words
    assert after(words, "-accel") == ["tcg"]
    assert after(words, "-uuid") == ["8d3b2b4e-0000-4000-8000-000000000001"]
    the_medium = next(part for part in parts if "drive=medium" in part)
    the_disk = next(part for part in parts if "drive=disk" in part)
    assert f"bootindex={int(disk_first)}" in the_medium
    assert f"bootindex={int(not disk_first)}" in the_disk
    assert next(drive for drive in drives if "id=medium" in drive).count("readonly=on") == 1
    assert sum("if=pflash" in drive for drive in drives) == (2 if firmware == "uefi" else 0)
    kinds = {("usb", "pc"): "usb-storage", ("usb", "virtio"): "virtio-blk-pci",
             ("cd", "pc"): "ide-cd", ("cd", "virtio"): "scsi-cd"}  # fmt: skip
    assert the_medium.startswith(kinds[medium, devices])


def test_no_machine_of_less_than_registered_reaches_the_network() -> None:
    assert after(command(machine("bios", "usb", "pc")), "-netdev") == ["user,id=net,restrict=on"]
    assert after(command(machine("bios", "usb", "pc")._replace(network="on")), "-netdev") == ["user,id=net"]


def test_secure_boot_needs_smm_and_a_locked_flash() -> None:
    words = command(machine("uefi", "cd", "pc", secure=True))
    assert "smm=on" in after(words, "-machine")[0]
    assert "driver=cfi.pflash01,property=secure,value=on" in after(words, "-global")


def test_a_comma_in_a_path_is_no_new_option() -> None:
    words = command(machine("bios", "usb", "pc")._replace(medium_file=Path("/a,format=qcow2.iso")))
    assert any(drive.endswith("file=/a,,format=qcow2.iso") for drive in after(words, "-drive"))


def test_a_stand_in_for_a_stick_is_called_one() -> None:
    assert "in place of" in medium_text(machine("bios", "usb", "virtio"))
    assert "usb-storage" in medium_text(machine("bios", "usb", "pc"))


@pytest.mark.parametrize(
    ("device", "bus"),
    [("", "sata"), ("auto", "sata"), ("/dev/sda", "sata"), ("/dev/vda", "virtio"), ("/dev/nvme0n1", "nvme")],
)
def test_the_disk_is_one_that_the_rule_finds(device: str, bus: str) -> None:
    assert disk_bus(device, "pc") == bus
    assert "drive=disk,bootindex=1" in " ".join(command(machine("bios", "cd", "pc")._replace(disk_bus=bus)))


def test_firmware_that_is_not_there_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as told:
        uefi_files(True, (str(tmp_path),))
    assert "Secure Boot" in told.value.message
    assert "ovmf" in told.value.hint
    for name in ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"):
        (tmp_path / name).touch()
    assert uefi_files(False, (str(tmp_path),)).code == tmp_path / "OVMF_CODE_4M.fd"

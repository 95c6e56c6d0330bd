"""The machine that an installer is booted in, as a command line of QEMU. Pure, but for looking for the firmware."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Literal, NamedTuple

from edgewright.core.errors import NotFound

Firmware = Literal["bios", "uefi"]
Medium = Literal["usb", "cd"]
Accel = Literal["kvm", "tcg"]
Devices = Literal["pc", "virtio"]

QEMU = "qemu-system-x86_64"
FOLDERS = ("/usr/share/OVMF", "/usr/share/edk2/x64", "/usr/share/edk2/ovmf", "/usr/share/qemu")


class UefiFiles(NamedTuple):
    """The firmware's code (read only) and the variables that a machine begins with."""

    code: Path
    variables: Path


class Machine(NamedTuple):
    """Everything that the command line needs. Sizes in MiB; `network` is off, cut (DHCP and nothing behind), or on."""

    medium_file: Path
    disk: Path
    firmware: Firmware = "uefi"
    secure_boot: bool = False
    medium: Medium = "usb"
    devices: Devices = "pc"
    accel: Accel = "tcg"
    memory: int = 2048
    cpus: int = 1
    disk_bus: Literal["sata", "virtio", "nvme"] = "sata"
    network: Literal["cut", "on"] = "cut"
    code: Path | None = None
    variables: Path | None = None
    uuid: str = ""
    disk_first: bool = False


def uefi_files(secure_boot: bool, folders: tuple[str, ...] = FOLDERS) -> UefiFiles:
    """Return the UEFI firmware, with Microsoft's keys enrolled for Secure Boot. Raises `NotFound`."""
    pairs = (
        (("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"), ("OVMF_CODE.ms.fd", "OVMF_VARS.ms.fd"))
        if secure_boot
        else (
            ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
            ("OVMF_CODE.fd", "OVMF_VARS.fd"),
            ("OVMF_CODE.4m.fd", "OVMF_VARS.4m.fd"),
        )
    )
    for folder in folders:
        for code, variables in pairs:
            result = UefiFiles(Path(folder, code), Path(folder, variables))
            if result.code.is_file() and result.variables.is_file():
                return result
    what = "UEFI firmware with Secure Boot keys" if secure_boot else "UEFI firmware"
    raise NotFound(f"There is no {what} for QEMU here.", "Install it (Debian: apt-get install ovmf).", "NoFirmware")


def command(machine: Machine) -> list[str]:
    """Return the words that start the machine: serial console on standard output, no screen, ends at a reset."""
    arguments = [QEMU, "-name", "edgewright-proof", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    smm = ",smm=on" if machine.secure_boot else ""
    arguments += ["-machine", f"q35,graphics=off,hpet=off{smm}", "-accel", machine.accel]
    arguments += ["-cpu", "host" if machine.accel == "kvm" else "max"]
    arguments += ["-smp", str(machine.cpus), "-m", str(machine.memory), "-rtc", "base=utc"]
    arguments += ["-uuid", machine.uuid or str(uuid.uuid4())]
    arguments += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    arguments += ["-device", "virtio-rng-pci"]
    if machine.firmware == "uefi":
        arguments += _uefi(machine)
    arguments += _disk(machine) + _medium(machine)
    cut = ",restrict=on" if machine.network == "cut" else ""
    arguments += ["-netdev", f"user,id=net{cut}", "-device", "virtio-net-pci,netdev=net,romfile="]
    return arguments


def medium_text(machine: Machine) -> str:
    """Return what the medium was in this machine, honestly."""
    if machine.medium == "usb":
        return "USB stick (usb-storage on xhci)" if machine.devices == "pc" else "a virtio disk in place of a USB stick"
    return "SATA CD drive" if machine.devices == "pc" else "virtio-scsi CD drive"


def disk_bus(device: str, devices: Devices) -> Literal["sata", "virtio", "nvme"]:
    """Return what disk makes `install.device` (empty or `auto`: any) exist in the machine."""
    name = device.removeprefix("/dev/")
    if name.startswith("nvme"):
        return "nvme"
    if name.startswith("vd"):
        return "virtio"
    if name.startswith("sd"):
        return "sata"
    return "sata" if devices == "pc" else "virtio"


def _uefi(machine: Machine) -> list[str]:
    assert machine.code is not None and machine.variables is not None
    parts = ["-global", "driver=cfi.pflash01,property=secure,value=on"] if machine.secure_boot else []
    parts += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={_quoted(machine.code)}"]
    return [*parts, "-drive", f"if=pflash,unit=1,format=raw,file={_quoted(machine.variables)}"]


def _disk(machine: Machine) -> list[str]:
    index = 0 if machine.disk_first else 1
    drive = f"if=none,id=disk,format=raw,cache=unsafe,discard=unmap,file={_quoted(machine.disk)}"
    device = {
        "sata": f"ide-hd,bus=ide.0,drive=disk,bootindex={index},serial=proof",
        "virtio": f"virtio-blk-pci,drive=disk,bootindex={index},serial=proof",
        "nvme": f"nvme,drive=disk,bootindex={index},serial=proof",
    }[machine.disk_bus]
    return ["-drive", drive, "-device", device]


def _medium(machine: Machine) -> list[str]:
    index = 1 if machine.disk_first else 0
    kind = ",media=cdrom" if machine.medium == "cd" else ""
    drive = f"if=none,id=medium,format=raw,readonly=on{kind},file={_quoted(machine.medium_file)}"
    place = f"drive=medium,bootindex={index}"
    if machine.medium == "cd":
        if machine.devices == "pc":
            return ["-drive", drive, "-device", f"ide-cd,bus=ide.1,{place}"]
        return ["-device", "virtio-scsi-pci,id=scsi", "-drive", drive, "-device", f"scsi-cd,bus=scsi.0,{place}"]
    if machine.devices == "pc":
        return ["-device", "qemu-xhci,id=xhci", "-drive", drive, "-device", f"usb-storage,bus=xhci.0,{place}"]
    return ["-drive", drive, "-device", f"virtio-blk-pci,{place}"]


def _quoted(path: Path) -> str:
    """Return a path for QEMU's option lists, where a comma is doubled."""
    return str(path).replace(",", ",,")

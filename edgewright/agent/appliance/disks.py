"""The disks of the box, and the rule for `install.auto`: the largest fixed disk, as Kairos has it.

Not taken by itself: what can be pulled out (removable, USB), what is read-only, what the live system runs from, what
is too small. Equal ones go by name. A named device is taken as it is, but never the medium.
"""

from __future__ import annotations

import os
from typing import Dict, List, NamedTuple, Sequence

from edgewright.agent.appliance.paths import LIVE
from edgewright.agent.appliance.runner import read_text
from edgewright.core.errors import InvalidInput, NotFound, Refused
from edgewright.core.text import clean

_NEVER = ("loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd", "mtdblock")


class Disk(NamedTuple):
    """A disk: its device name without /dev/, size in bytes, and what speaks against it."""

    name: str
    size: int
    model: str = ""
    removable: bool = False
    usb: bool = False
    read_only: bool = False
    live: bool = False
    """The live system runs from it."""

    @property
    def path(self) -> str:
        """Return the device path."""
        return "/dev/" + self.name

    @property
    def label(self) -> str:
        """Return the disk as an operator knows it: path, size in GiB, model."""
        return f"{self.path} ({self.size / (1 << 30):.1f} GiB{', ' + self.model if self.model else ''})"


def find_disks(sys: str = "/sys", live: str = "") -> List[Disk]:
    """Return the disks below /sys/block by name; `live` is the device (disk or partition) of the live medium."""
    matches = []
    base = os.path.join(sys, "block")
    try:
        names = sorted(os.listdir(base))
    except OSError:
        return []
    medium = disk_of(live, sys) if live else ""
    for name in names:
        if name.startswith(_NEVER) or "boot" in name or "rpmb" in name:
            continue
        folder = os.path.join(base, name)
        size = read_text(os.path.join(folder, "size")).strip()
        if not size.isdigit() or size == "0":
            continue
        matches.append(
            Disk(
                name,
                int(size) * 512,
                clean(read_text(os.path.join(folder, "device/model")).strip(), 40),
                read_text(os.path.join(folder, "removable")).strip() == "1",
                "/usb" in os.path.realpath(folder),
                read_text(os.path.join(folder, "ro")).strip() == "1",
                name == medium,
            )
        )
    return matches


def disk_of(device: str, sys: str = "/sys") -> str:
    """Return the name of the disk that a device path is, or is a partition of; empty when it is neither."""
    name = os.path.basename(os.path.realpath(device)) if device.startswith("/dev/") else device
    if os.path.isdir(os.path.join(sys, "block", name)):
        return name
    at = os.path.realpath(os.path.join(sys, "class/block", name))
    parent = os.path.basename(os.path.dirname(at))
    return parent if os.path.isdir(os.path.join(sys, "block", parent)) else ""


def mounted_from(mounts: str, folder: str = LIVE) -> str:
    """Return the device that is mounted at a folder, from the text of /proc/mounts; empty when none is."""
    device = ""
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[1] == folder:
            device = parts[0]
    return device


def choose(disks: Sequence[Disk], device: str, required: int) -> Disk:
    """Return the disk for an installation that needs `required` bytes; `device` empty means by rule.

    Raises `NotFound`, `Refused` or `InvalidInput` with what speaks against each.
    """
    if device:
        return _named(disks, device)
    reasons: Dict[str, str] = {disk.path: _against(disk, required) for disk in disks}
    fit = [disk for disk in disks if not reasons[disk.path]]
    if not fit:
        why = "; ".join(f"{disk.label}: {reasons[disk.path]}" for disk in disks) or "this machine shows no disk"
        raise NotFound(f"No disk fits: {why}.", "Add a disk, or name one with install.device.", code="NoDisk")
    return min(fit, key=lambda disk: (-disk.size, disk.name))


def _named(disks: Sequence[Disk], device: str) -> Disk:
    name = os.path.basename(os.path.realpath(device))
    for disk in disks:
        if disk.name != name:
            continue
        if disk.live:
            raise Refused(f"{disk.path} is the medium that this system runs from.", "Name another disk.")
        if disk.read_only:
            raise Refused(f"{disk.path} is read-only.", "Name another disk.")
        return disk
    there = ", ".join(disk.path for disk in disks) or "none"
    if os.path.exists(device):
        raise InvalidInput(f"install.device {clean(device, 80)} is not a disk.", f"The disks here: {there}.")
    raise NotFound(f"The disk {clean(device, 80)} of install.device is not here.", f"The disks here: {there}.")


def _against(disk: Disk, required: int) -> str:
    if disk.live:
        return "the live system runs from it"
    if disk.removable or disk.usb:
        return "it can be pulled out"
    if disk.read_only:
        return "it is read-only"
    if disk.size < required:
        return f"too small, {-(-(required - disk.size) // (1 << 20))} MiB are missing"
    return ""

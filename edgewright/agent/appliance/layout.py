"""The plan of the target disk: which partitions, how large, and the text that `sfdisk` makes them from.

Sizes are MiB. The rule follows Kairos (an EFI partition of 64, OEM 64, recovery twice a system plus 200, state three
systems plus 1000, persistent the rest; a system is 3072), but a disk on which that would leave less than a half for
persistent data gets room for systems of twice what the medium's own needs: a small box is the usual one.
"""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Tuple

from edgewright.agent.appliance.install_spec import InstallSpec, Part
from edgewright.agent.appliance.paths import L_GRUB, L_OEM, L_PERSISTENT, L_RECOVERY, L_STATE
from edgewright.core.errors import InvalidInput, Refused

MIB = 1 << 20
BIOS, EFI, OEM, SYSTEM = 1, 64, 64, 3072
LEAST_PERSISTENT = 512
LEAST_SYSTEM = 256
EDGES = 2
"""MiB at both ends of the disk that belong to the partition tables."""

TYPE_BIOS = "21686148-6449-6E6F-744E-656564454649"
TYPE_EFI = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
TYPE_LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


class Planned(NamedTuple):
    """One partition: its number from 1, size in MiB (the last one: what is left), type, label and file system."""

    number: int
    name: str
    size: int
    type: str
    label: str
    fs: str
    last: bool = False


def plan(spec: InstallSpec, disk_bytes: int, slot_bytes: int) -> Tuple[Planned, ...]:
    """Return the partitions for a disk, the last one taking the rest.

    Raises `Refused` with how much is missing when the disk is too small, `InvalidInput` when the settings contradict.
    """
    room = disk_bytes // MIB - EDGES
    system = _system(spec, room, slot_bytes)
    asked: Mapping[str, Part] = {
        name: spec.parts.get(name, Part()) for name in ("oem", "recovery", "state", "persistent")
    }
    sizes = {
        "oem": asked["oem"].size or OEM,
        "recovery": asked["recovery"].size or 2 * system + 200,
        "state": asked["state"].size or 3 * system + 1000,
        "persistent": asked["persistent"].size,
    }
    _check_slots(sizes, slot_bytes)
    parts: List[Planned] = [
        Planned(1, "bios_grub", BIOS, TYPE_BIOS, "", ""),
        Planned(2, "efi", EFI, TYPE_EFI, L_GRUB, "vfat"),
        Planned(3, "oem", sizes["oem"], TYPE_LINUX, L_OEM, asked["oem"].fs),
        Planned(4, "recovery", sizes["recovery"], TYPE_LINUX, L_RECOVERY, asked["recovery"].fs),
        Planned(5, "state", sizes["state"], TYPE_LINUX, L_STATE, asked["state"].fs),
        Planned(6, "persistent", sizes["persistent"], TYPE_LINUX, L_PERSISTENT, asked["persistent"].fs),
    ]
    for at, part in enumerate(spec.extra):
        parts.append(Planned(7 + at, part.name, part.size, TYPE_LINUX, part.label, part.fs))
    return _fit(parts, room)


def _system(spec: InstallSpec, room: int, slot_bytes: int) -> int:
    if spec.system_size:
        return spec.system_size
    large = BIOS + EFI + OEM + 2 * SYSTEM + 200 + 3 * SYSTEM + 1000
    stored = sum(part.size for part in [spec.parts.get("persistent", Part()), *spec.extra]) + LEAST_PERSISTENT
    if room >= large + max(large, stored):
        return SYSTEM
    required = -(-slot_bytes // MIB)
    return max(LEAST_SYSTEM, -(-2 * required // 64) * 64)


def _check_slots(sizes: Mapping[str, int], slot_bytes: int) -> None:
    required = -(-slot_bytes // MIB)
    for name, copies in (("state", 2), ("recovery", 1)):
        least = copies * required + copies * required // 10 + 64
        if sizes[name] < least:
            raise InvalidInput(
                f"install.partitions.{name}.size is {sizes[name]} MiB, and the system needs {least} MiB there.",
                f"Give it {least} or more.",
            )


def _fit(parts: List[Planned], room: int) -> Tuple[Planned, ...]:
    open_ended = [part for part in parts if not part.size]
    if len(open_ended) > 1:
        names = " and ".join(part.name for part in open_ended)
        raise InvalidInput(
            f"The partitions {names} have no size, and only one can take the rest of the disk.",
            "Give install.partitions.persistent.size, or a size to each extra partition.",
        )
    fixed = sum(part.size for part in parts)
    least = fixed + (LEAST_PERSISTENT if open_ended else 0)
    if least > room:
        raise Refused(
            f"The disk is too small: {least + EDGES} MiB are needed and it has {room + EDGES}; "
            f"{least - room} MiB are missing.",
            "Use a larger disk, or give smaller sizes in install.partitions.",
            code="DiskTooSmall",
        )
    # what is open takes the rest; when nothing is, the last one defined does (what Palette's installer does)
    grows = open_ended[0] if open_ended else parts[-1]
    rest = room - (fixed - grows.size)
    return tuple(part._replace(size=rest, last=True) if part is grows else part for part in parts)


def sfdisk_text(parts: Tuple[Planned, ...]) -> str:
    """Return what `sfdisk` reads: a GPT with every partition at a full MiB."""
    lines, start = ["label: gpt", "unit: sectors", "sector-size: 512", ""], 1
    for part in parts:
        terms = [f"start={start * 2048}", f"size={part.size * 2048}", f"type={part.type}", f'name="{_name(part.name)}"']
        lines.append(f"{part.number} : " + ", ".join(terms))
        start += part.size
    return "\n".join(lines) + "\n"


def _name(name: str) -> str:
    return "".join(character for character in name if character.isalnum() or character in "-_.")[:36] or "extra"


def partition_path(device: str, number: int) -> str:
    """Return the device of a partition: `/dev/sda3`, `/dev/nvme0n1p3`."""
    return f"{device}{'p' if device[-1:].isdigit() else ''}{number}"


def mkfs_arguments(part: Planned, path: str) -> List[str]:
    """Return the command that makes the file system of a partition."""
    if part.fs == "vfat":
        return ["mkfs.vfat", "-n", part.label, path]
    if part.fs == "xfs":
        return ["mkfs.xfs", "-q", "-f", "-L", part.label, path]
    return [f"mkfs.{part.fs}", "-q", "-F", "-L", part.label, path]

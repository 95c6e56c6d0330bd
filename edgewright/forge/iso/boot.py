"""What firmware finds in an ISO: the El Torito catalog on a CD, MBR, GPT and APM on a USB disk."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from edgewright.forge.iso.facts import BootEntry, Partition
from edgewright.forge.iso.image import SECTOR, Broken, Image

PLATFORMS = {0x00: "bios", 0x01: "ppc", 0x02: "mac", 0xEF: "uefi"}
KINDS = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "efi",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "data",
    "21686148-6449-6e6f-744e-656564454649": "bios-boot",
    "48465300-0000-11aa-aa11-00306543ecac": "hfs+",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "linux",
}
MOST_PARTITIONS = 128


class Tables(NamedTuple):
    """The partition tables: which there are, whether the MBR has code that a BIOS runs, and the partitions."""

    mbr: bool
    code: bool
    gpt: bool
    apm: bool
    hfsplus: bool
    partitions: tuple[Partition, ...]


def catalog(image: Image, block: int) -> tuple[BootEntry, ...]:
    """Return the boot images of the El Torito catalog at `block` (0: none). Raises `Broken`."""
    if not block:
        return ()
    data = image.sectors(block)
    parts = [int.from_bytes(data[at : at + 2], "little") for at in range(0, 32, 2)]
    if data[0] != 1 or data[30:32] != b"\x55\xaa" or sum(parts) & 0xFFFF:
        raise Broken("its boot catalog is damaged")
    platform = data[1]
    matches = [_entry(data[32:64], platform)]
    at = 64
    while at + 32 <= SECTOR and data[at] in (0x90, 0x91):
        platform, count = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "little")
        last = data[at] == 0x91
        at += 32
        while count and at + 32 <= SECTOR:
            if data[at] != 0x44:  # 0x44 continues the entry before it
                matches.append(_entry(data[at : at + 32], platform))
                count -= 1
            at += 32
        if last:
            break
    return tuple(matches)


def _entry(data: bytes, platform: int) -> BootEntry:
    return BootEntry(
        PLATFORMS.get(platform, f"0x{platform:02x}"),
        data[0] == 0x88,
        data[1] & 0x0F,
        int.from_bytes(data[6:8], "little"),
        int.from_bytes(data[8:12], "little"),
    )


def tables(image: Image) -> Tables:
    """Return the partition tables in the first 32 KiB. Raises `Broken` when the file is shorter than that."""
    area = image.read(0, 16 * SECTOR)
    mbr = area[510:512] == b"\x55\xaa"
    gpt = mbr and area[512:520] == b"EFI PART"
    apple = _apple(area)
    partitions = _gpt(image, area[512:1024]) if gpt else _mbr(area) if mbr else ()
    hfsplus = any(part.kind == "hfs+" for part in partitions) or b"Apple_HFS" in apple
    return Tables(mbr, mbr and any(area[:440]), gpt, bool(apple), hfsplus, partitions)


def _apple(area: bytes) -> tuple[bytes, ...]:
    """Return the types in an Apple partition map; its blocks are of 512 or of 2048 bytes."""
    for step in (512, 2048):
        kinds = [
            area[at + 48 : at + 80].rstrip(b"\0") for at in range(step, 16 * 512, step) if area[at : at + 2] == b"PM"
        ]
        if kinds:
            return tuple(kinds)
    return ()


def _mbr(area: bytes) -> tuple[Partition, ...]:
    matches = []
    for at in range(446, 510, 16):
        kind, first, count = area[at + 4], *(int.from_bytes(area[at + k : at + k + 4], "little") for k in (8, 12))
        if kind and count:
            name = {0xEF: "efi", 0xAF: "hfs+"}.get(kind, f"0x{kind:02x}")
            matches.append(Partition("mbr", name, first, first + count - 1))
    return tuple(matches)


def _gpt(image: Image, header: bytes) -> tuple[Partition, ...]:
    """Return the partitions of a GPT (UEFI specification 5.3)."""
    start, count, step = (
        int.from_bytes(header[72:80], "little"),
        int.from_bytes(header[80:84], "little"),
        int.from_bytes(header[84:88], "little"),
    )
    if not 128 <= step <= 4096:
        raise Broken("its GPT is damaged")
    matches = []
    for number in range(min(count, MOST_PARTITIONS)):
        data = image.read(start * 512 + number * step, 128)
        if not any(data[:16]):
            continue
        kind = str(uuid.UUID(bytes_le=data[:16]))
        first, last = int.from_bytes(data[32:40], "little"), int.from_bytes(data[40:48], "little")
        name = data[56:128].decode("utf-16-le", "replace").split("\0")[0]
        matches.append(Partition("gpt", KINDS.get(kind, kind), first, last, name))
    return tuple(matches)

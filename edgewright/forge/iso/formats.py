"""What a file is that is not an ISO: compressed, a disk image of a virtual machine, a raw disk; by its first bytes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from edgewright.forge.iso.image import SECTOR, Broken, Image
from edgewright.forge.iso.volume import descriptors


class Format(NamedTuple):
    """What it is, as the rest of a sentence `NAME is ...`, and the next step."""

    what: str
    hint: str


ANOTHER = "Take an ISO of Kairos's layout, e.g. of `edgewright forge base`."
_DISK = "An installer is made from an ISO, not from an installed disk. " + ANOTHER

# (offset, bytes, what, how to unpack it: {} is the file)
_COMPRESSED: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x1f\x8b", "compressed (gzip)", "gunzip < {} > base.iso"),
    (0, b"\xfd7zXZ\0", "compressed (xz)", "unxz < {} > base.iso"),
    (0, b"\x28\xb5\x2f\xfd", "compressed (zstd)", "unzstd < {} > base.iso"),
    (0, b"BZh", "compressed (bzip2)", "bunzip2 < {} > base.iso"),
    (0, b"\x04\x22\x4d\x18", "compressed (lz4)", "unlz4 < {} > base.iso"),
    (0, b"PK\x03\x04", "a zip archive", "unzip {}"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x {}"),
)
_DISKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"QFI\xfb", "a disk image of QEMU (qcow2)"),
    (0, b"KDMV", "a disk image of VMware (vmdk)"),
    (0, b"# Disk DescriptorFile", "the description of a VMware disk (vmdk)"),
    (0, b"vhdxfile", "a disk image of Hyper-V (vhdx)"),
    (0, b"conectix", "a disk image of Hyper-V (vhd)"),
    (64, b"\x7f\x10\xda\xbe", "a disk image of VirtualBox (vdi)"),
    (512, b"EFI PART", "a raw disk image (GPT)"),
    (510, b"\x55\xaa", "a raw disk image (MBR)"),
)
_OTHERS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"hsqs", "a bare squashfs", ANOTHER),
    (257, b"ustar", "a tar archive", "A container image becomes an ISO with AuroraBoot; then take that."),
    (0, b"#cloud-config", "user-data, not an ISO", "Give it with --user-data; --base takes an ISO."),
    (0, b"MZ", "an EFI or Windows program", ANOTHER),
    (0, b"<", "a web page, as a download that needs a login gives one", "Download the ISO again."),
)


def format_of(image: Image) -> Format | None:
    """Return what a file is by its first bytes, None when it is nothing that is known here."""
    if not image.size:
        return Format("empty", "Copy it again.")
    try:
        head = image.read(0, min(image.size, 1024))
    except Broken:
        return None
    file = shlex.quote(str(image.path))
    for at, magic, what, unpack in _COMPRESSED:
        if head[at : at + len(magic)] == magic:
            return Format(what, f"Unpack it first: {unpack.format(file)}")
    for at, magic, what in _DISKS:
        if head[at : at + len(magic)] == magic:
            return Format(what, _DISK)
    for at, magic, what, hint in _OTHERS:
        if head[at : at + len(magic)].lower() == magic.lower():
            return Format(what, hint)
    return None


def hint_for(path: Path) -> str:
    """Return the next step for a file that is not a usable base. Raises as `Image`."""
    with Image(path) as image:
        try:
            volume = next(v for v in descriptors(image).volumes if not v.joliet)
        except Broken:
            result = format_of(image)
            return result.hint if result is not None else ANOTHER
        if volume.blocks * SECTOR > image.size:
            return "Download or copy it again."
    return ANOTHER  # an ISO that also boots from a stick begins as a disk does

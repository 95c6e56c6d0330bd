"""Whether a finished ISO contains what it should and will boot from where its base did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgewright.core.text import amount
from edgewright.forge.iso import identify as identifying
from edgewright.forge.iso.configs import read_file, target_of
from edgewright.forge.iso.extras import Piece
from edgewright.forge.iso.facts import Base, Check
from edgewright.forge.iso.image import SECTOR, Broken, Image
from edgewright.forge.iso.tree import Tree
from edgewright.forge.iso.volume import descriptors


def verify_iso(path: Path, user_data: bytes, base: Base | None = None, pieces: Sequence[Piece] = ()) -> list[Check]:
    """Return every check with its verdict; `base` is what it was made from, where that is known.

    Reads directories, boot records and the config, never the complete file. Raises `NotFound` and `Failed` as
    `identify`.
    """
    result = identifying.identify(path, look_inside=False)
    if result.refuse and not result.boots:
        return [Check("readable", False, result.refuse)]
    checks = [Check("readable", not result.refuse, result.refuse or f"a complete ISO of {result.size} bytes")]
    with Image(path) as image:
        trees = _trees(image)
        checks.append(_config(image, trees, target_of(result.configs), user_data))
        checks.append(_squashfs(image, result, base))
        if pieces:
            checks.append(_pieces(trees, pieces))
    names = [config.path for config in result.configs]
    checks.append(Check("one config", len(names) == 1, ", ".join(names) or "there is none"))
    checks.append(_boot_records(result, base))
    checks.append(_partitions(result, base))
    checks.append(Check("usb", not result.partition_broken, result.partition_broken or _usb(result)))
    if base is not None:
        same = result.volume_id == base.volume_id
        reported = result.volume_id if same else f"{result.volume_id!r} instead of {base.volume_id!r}"
        checks.append(Check("volume id", same, reported))
        stored = (result.joliet or not base.joliet) and (result.rock_ridge or not base.rock_ridge)
        checks.append(
            Check("names", stored, _names(result) if stored else f"{_names(result)} instead of {_names(base)}")
        )
    return checks


def _trees(image: Image) -> list[Tree]:
    """Return all directory trees of the disk and of its partition."""
    main = descriptors(image)
    return [Tree(image, volume) for volume in (*main.volumes, *identifying.second_volumes(image))]


def _config(image: Image, trees: Sequence[Tree], path: str, user_data: bytes) -> Check:
    """Read the config back from every tree: from USB another tree may be mounted than from CD."""
    for number, tree in enumerate(trees, 1):
        where = f"in directory tree {number} of {len(trees)}"
        try:
            node = tree.find(path)
            text = b"" if node is None else read_file(image, node)
        except Broken as error:
            return Check("config", False, f"{path} {where}: {error}")
        if node is None:
            return Check("config", False, f"{path} is missing {where}")
        if text[: len(user_data)] != user_data or text[len(user_data) :].strip(b"\n"):
            return Check("config", False, f"{path} {where} is not the user-data that was given")
    return Check("config", True, f"{path} is byte-equal in {amount(len(trees), 'directory tree')}")


def _squashfs(image: Image, result: Base, base: Base | None) -> Check:
    if not result.squashfs:
        there = base is not None and bool(base.squashfs)
        return Check("squashfs", not there, f"{base.squashfs} no longer exists" if base and there else "there is none")
    end = result.squashfs_offset + result.squashfs_size
    if end > image.size:
        return Check("squashfs", False, f"{result.squashfs} ends at {end}, beyond the end of the file")
    if base is not None and base.squashfs:
        if (result.squashfs, result.squashfs_size) != (base.squashfs, base.squashfs_size):
            return Check("squashfs", False, f"{result.squashfs} is not {base.squashfs} of {base.squashfs_size} bytes")
        with Image(base.path) as other:
            for at in {0, result.squashfs_size // 2, max(0, result.squashfs_size - 65536)}:
                length = min(65536, result.squashfs_size - at)
                if image.read(result.squashfs_offset + at, length) != other.read(base.squashfs_offset + at, length):
                    return Check("squashfs", False, f"{result.squashfs} differs from that of the base at {at}")
    return Check("squashfs", True, f"{result.squashfs}, {result.squashfs_size} bytes")


def _pieces(trees: Sequence[Tree], pieces: Sequence[Piece]) -> Check:
    sizes = {node.path: node.size for tree in trees if not tree.volume.joliet for node in tree.walk()}
    for piece in pieces:
        if sizes.get(piece.path) != piece.length:
            return Check("extras", False, f"{piece.path} has {sizes.get(piece.path)} bytes instead of {piece.length}")
    return Check("extras", True, f"{amount(len(pieces), 'file')}, {sum(piece.length for piece in pieces)} bytes")


def _boot_records(result: Base, base: Base | None) -> Check:
    reported = ", ".join(f"{entry.platform}" for entry in result.boots if entry.bootable)
    outside = [entry for entry in result.boots if entry.block * SECTOR + entry.load_sectors * 512 > result.size]
    if outside:
        return Check("boot records", False, f"{outside[0].platform} is loaded from beyond the end of the file")
    if base is not None:
        now = [(entry.platform, entry.bootable, entry.emulation) for entry in result.boots]
        was = [(entry.platform, entry.bootable, entry.emulation) for entry in base.boots]
        if now != was:
            return Check("boot records", False, f"{reported or 'none'} instead of those of the base")
    return Check("boot records", bool(reported), f"El Torito: {reported}" if reported else "there is none")


def _partitions(result: Base, base: Base | None) -> Check:
    reported = ", ".join(part.what for part in result.partitions) or "none"
    outside = [part for part in result.partitions if (part.last + 1) * 512 > result.size and part.kind != "0xee"]
    if outside:
        return Check("partitions", False, f"{outside[0].what} ends beyond the end of the file")
    if base is not None:
        if [part.what for part in result.partitions] != [part.what for part in base.partitions]:
            was = ", ".join(part.what for part in base.partitions) or "none"
            return Check("partitions", False, f"{reported} instead of {was}")
        if (result.mbr, result.gpt, result.bios_usb) != (
            base.mbr,
            base.gpt,
            base.bios_usb,
        ) and not base.partition_broken:
            return Check("partitions", False, "the boot code of the MBR or the GPT was lost")
    return Check("partitions", True, reported)


def _usb(base: Base) -> str:
    modes = [mode.removesuffix(" from USB") for mode in base.boot_modes if mode.endswith("USB")]
    return f"boots from USB with {' and '.join(modes)}" if modes else "it has no partition to boot from, as its base"


def _names(base: Base) -> str:
    there = [name for name, there in (("Rock Ridge", base.rock_ridge), ("Joliet", base.joliet)) if there]
    return ", ".join(there) or "plain ISO 9660"

"""What an ISO is: read from its own bytes, without mounting it and without root."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewright.core.text import clean
from edgewright.forge.iso import boot, configs, inside, layout
from edgewright.forge.iso.facts import Base, Config
from edgewright.forge.iso.formats import format_of
from edgewright.forge.iso.image import SECTOR, Broken, Image
from edgewright.forge.iso.tree import Tree
from edgewright.forge.iso.volume import Descriptors, Volume, descriptors

PARTITION_TREE = 32
"""The sector of the second superblock where partition 1 begins at sector 16 (partition_offset=16)."""


def identify(path: Path, *, look_inside: bool = True) -> Base:
    """Return what is known about an ISO; `look_inside=False` leaves its squashfs closed.

    A file that is not an ISO gives a `Base` with `refuse` set. Raises `NotFound` when there is no such file and
    `Failed` when it cannot be read.
    """
    with Image(path) as image:
        try:
            main = descriptors(image)
        except Broken as error:
            form = format_of(image)
            if form is not None:
                return Base(path, image.size, iso=False, what=form.what, refuse=f"{path.name} is {form.what}.")
            return Base(path, image.size, iso=False, refuse=f"{path.name} is not an ISO: {error}.")
        try:
            return _identify(image, main, look_inside=look_inside)
        except Broken as error:
            return Base(path, image.size, refuse=f"{path.name} is damaged: {error}.")


def _identify(image: Image, main: Descriptors, *, look_inside: bool) -> Base:
    tables = boot.tables(image)
    second = second_volumes(image)
    trees = [Tree(image, volume) for volume in (*main.volumes, *second)]
    primary = next(tree for tree in trees if not tree.volume.joliet)
    joliet = next((tree for tree in trees if tree.volume.joliet), None)
    best = joliet if joliet is not None and not primary.rock_ridge else primary
    matches: dict[str, Any] = {
        "volume_id": clean(primary.volume.volume_id, 64),
        "created": primary.volume.created,
        "rock_ridge": primary.rock_ridge,
        "joliet": joliet is not None,
        "mbr": tables.mbr,
        "gpt": tables.gpt,
        "apm": tables.apm,
        "hfsplus": tables.hfsplus,
        "partitions": tables.partitions,
        "trees": 2 if second else 1,
    }
    blocks = primary.volume.blocks
    if blocks * SECTOR > image.size:
        short = blocks * SECTOR - image.size
        reason = f"{image.path.name} is cut off: {short} of its {blocks * SECTOR} bytes are missing."
        return Base(image.path, image.size, **matches, refuse=reason)
    boots = boot.catalog(image, main.catalog)
    bios = any(entry.platform == "bios" and entry.bootable for entry in boots)
    uefi = any(entry.platform == "uefi" and entry.bootable for entry in boots)
    esp = any(part.kind == "efi" for part in tables.partitions)
    broken = partition_rule(image, main)
    matches |= {
        "boots": boots,
        "bios_cd": bios,
        "uefi_cd": uefi,
        "bios_usb": tables.mbr and tables.code and not broken,
        "uefi_usb": esp and not broken,
        "partition_broken": broken,
    }
    listed = _files(image, best)
    matches |= {"configs": listed.configs, "placeholder": configs.placeholder_of(image, listed.configs, trees)}
    notes = [f"It boots from CD only: {broken}."] if broken else []
    if listed.squashfs is not None:
        name, offset, size = listed.squashfs
        matches |= {"squashfs": name, "squashfs_offset": offset, "squashfs_size": size}
        if look_inside:
            release, system, note = inside.release_of(image.path, offset)
            matches |= {"kairos_release": release, "os": system}
            notes += [note] if note else []
    name, refuse = image.path.name, _refusal(image.path.name, matches)
    shape = layout.layout_of(
        listed.names, str(matches["volume_id"]), matches.get("kairos_release", {}), udf=layout.has_udf(image)
    )
    other = layout.foreign(name, shape) if boots else ""
    return Base(image.path, image.size, **matches, notes=tuple(notes), refuse=refuse, what=shape.other, foreign=other)


class _Listed:
    def __init__(self) -> None:
        self.configs: tuple[Config, ...] = ()
        self.squashfs: tuple[str, int, int] | None = None
        self.names: set[str] = set()
        """Paths of the upper folders in lower case, by which the layout is known."""


def _files(image: Image, tree: Tree) -> _Listed:
    """Return the configs and the first squashfs of a tree (in the root before any other). Raises `Broken`."""
    result = _Listed()
    listed: list[Config] = []
    for node in tree.walk():
        if node.path.count("/") <= layout.DEPTH:
            result.names.add(node.path.lower())
        if configs.is_config(image, node):
            listed.append(Config(clean(node.path), node.block, node.size))
        elif not node.folder and node.path.lower().endswith((".squashfs", ".squash", ".sqfs")):
            deeper = result.squashfs is not None and node.path.count("/") >= result.squashfs[0].count("/")
            if not deeper and image.read(node.block * SECTOR, 4) == b"hsqs":
                result.squashfs = (clean(node.path), node.block * SECTOR, node.size)
    result.configs = tuple(sorted(listed))
    return result


def second_volumes(image: Image) -> tuple[Volume, ...]:
    """Return the trees of the partition's own superblock, where there is one."""
    try:
        if image.sectors(PARTITION_TREE)[:6] != b"\x01CD001":
            return ()
        return descriptors(image, PARTITION_TREE).volumes
    except Broken:
        return ()


def partition_rule(image: Image, main: Descriptors) -> str:
    """Return why partition 1 cannot be mounted as the live medium on a USB disk, or "".

    Its superblock (at sector 32, where the partition begins at sector 16) must not point beyond the partition's end;
    an ISO that had a session appended in place does, and its kernel finds no root there.
    """
    parts = [part for part in boot.tables(image).partitions if part.first == 64]
    if not parts:
        return ""
    blocks = (parts[0].last - parts[0].first + 1) // 4
    try:
        trees = descriptors(image, PARTITION_TREE).volumes
    except Broken:
        return "partition 1 has no superblock"
    for volume in trees:
        if volume.blocks > blocks:
            return f"partition 1 has {blocks} blocks, {volume.blocks} according to its superblock"
        if volume.root >= blocks:
            return f"partition 1 has {blocks} blocks, its root directory is at {volume.root}"
    return ""


def _refusal(name: str, matches: dict[str, Any]) -> str:
    """Return why no installer can be made of this base, or ""."""
    if matches["hfsplus"] or matches["apm"]:
        which = "an HFS+ file system" if matches["hfsplus"] else "an Apple partition map"
        return f"{name} has {which}; rewriting it would break its partition table."
    if not matches["boots"]:
        return f"{name} has no boot record: no machine would boot it."
    if not matches["bios_cd"] and not matches["uefi_cd"]:
        return f"{name} has a boot record for neither BIOS nor UEFI."
    return ""

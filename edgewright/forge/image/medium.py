"""What a base ISO has for a slot: where its root file system, its kernel and its initrd are within the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.forge.iso.image import SECTOR, Image
from edgewright.forge.iso.tree import Tree
from edgewright.forge.iso.volume import descriptors
from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import Spool

PATHS = {"kernel": "/boot/kernel", "initrd": "/boot/initrd"}
"""Where a medium of Kairos's layout has them; its squashfs is wherever `identify` found it."""


class Medium(NamedTuple):
    """What an ISO has for a slot: extents (offset, bytes) within the file, by the name in a slot."""

    iso: Path
    extents: dict[str, tuple[tuple[int, int], ...]]

    @property
    def boots(self) -> bool:
        """Whether it has kernel and initrd."""
        return {"kernel", "initrd"} <= set(self.extents)

    def copy(self, name: str, spool: Spool, job: Job) -> Path:
        """Copy a file out of the ISO into the spool. Raises `InvalidInput` when the ISO ends too early."""
        job.step(f"taking {name} out of {self.iso.name}")
        target = spool.fresh(name)
        total = sum(size for _, size in self.extents[name])
        spool.require(total, name)
        done = 0
        with spool.room(), self.iso.open("rb") as stream, target.open("wb") as out:
            for piece in _pieces(stream, self.extents[name]):
                out.write(piece)
                done += len(piece)
                job.at(done, total)
        if done != total:
            raise InvalidInput(f"{self.iso.name} is cut off within {name}.", "Copy the ISO again.")
        return target


def _pieces(stream: IO[bytes], extents: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    for offset, size in extents:
        stream.seek(offset)
        left = size
        while left and (data := stream.read(min(1 << 20, left))):
            left -= len(data)
            yield data


def medium_of(iso: Path, squashfs: tuple[int, int]) -> Medium:
    """Return where an ISO has the files of a slot; `squashfs` is offset and size of its root. Raises `Broken`."""
    extents: dict[str, tuple[tuple[int, int], ...]] = {"rootfs.squashfs": (squashfs,)}
    with Image(iso) as image:
        volumes = descriptors(image).volumes
        trees = [Tree(image, volume) for volume in volumes]
        primary = next(tree for tree in trees if not tree.volume.joliet)
        joliet = next((tree for tree in trees if tree.volume.joliet), None)
        tree = joliet if joliet is not None and not primary.rock_ridge else primary
        for node in tree.walk():
            for name, path in PATHS.items():
                if node.path.lower() == path and not node.folder and not node.link:
                    extents[name] = tuple((block * SECTOR, size) for block, size in node.extents)
    return Medium(iso, extents)

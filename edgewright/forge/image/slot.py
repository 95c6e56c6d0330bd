"""The three files of an A/B slot that an appliance image carries, so that no host has to build a squashfs.

From an ISO that nothing was laid over they are the ISO's own, byte for byte; else the root is unpacked and compressed
here. Kubernetes is not in them: it comes as a tree on the host's persistent disk, so that a slot that falls back does
not bring an older kubelet back.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import InvalidInput, Refused
from edgewright.forge.image import checks, flatten
from edgewright.forge.image.bases import Base
from edgewright.forge.image.kinds import SLOT, SLOT_FILES
from edgewright.forge.image.medium import Medium
from edgewright.forge.image.root import Root
from edgewright.forge.programs import find, run
from edgewright.forge.progress import Job
from edgewright.forge.registry.layers import Source
from edgewright.forge.registry.spool import Blob, Spool, full, remove
from edgewright.forge.registry.tarlayer import Entry, write

_LEFT_OUT = ("proc/*", "sys/*", "dev/*", "run/*", "tmp/*", f"{SLOT}/*")
LEVEL = 9
"""Of zstd: a host reads it often and writes it never."""


class SlotFile(NamedTuple):
    """One file of a slot: its name there, where it is now, its sha256 and size in bytes, and where it came from."""

    name: str
    path: Path
    sha256: str
    size: int
    source: str

    def document(self) -> dict[str, object]:
        """Return it for the document of the build."""
        return {"file": self.name, "sha256": self.sha256, "size": self.size, "source": self.source}


def make(
    base: Base,
    source: Source,
    root: Root,
    medium: Medium | None,
    overlay: Sequence[Entry],
    spool: Spool,
    job: Job,
    *,
    epoch: int,
) -> list[SlotFile]:
    """Return the three files, made in the spool. `base` with `overlay` over it is what the slot's system contains.

    `source` gives the layers of `base`. Kernel and initrd come from one place, so that they fit each other.
    Raises `Refused` without root where a squashfs must be made, `InvalidInput` for a kernel without its modules.
    """
    if medium is not None and medium.boots and base.pristine and not overlay:
        return [_finished(name, medium.copy(name, spool, job), medium.iso.name, root, job) for name in SLOT_FILES]
    check_can_make()
    folder = spool.fresh("root")
    try:
        with spool.room():
            flatten.flatten(source, folder, job)
            flatten.overlay(overlay, folder)
        made = {"rootfs.squashfs": (_squashed(folder, spool, job, epoch), "mksquashfs")}
        for name, inside in (("kernel", root.kernel), ("initrd", root.initrd)):
            if root.kernel and root.initrd:
                made[name] = (_taken(folder, inside, name, spool, job), f"/{inside}")
            elif medium is not None:
                made[name] = (medium.copy(name, spool, job), medium.iso.name)
        return [_finished(name, *made[name], root, job) for name in SLOT_FILES]
    finally:
        remove(folder)


def check_can_make() -> None:
    """Raise `Refused` without root, `NotFound` without mksquashfs: what must be known before a base is fetched."""
    if os.geteuid() != 0:
        raise Refused(
            "Only root can build the root file system of a slot: its files belong to many users.",
            "Run it with sudo, or take appliance:ISO without --containerfile and --overlay: its files are used.",
            "NeedsRoot",
        )
    find("mksquashfs")


def layer(files: Sequence[SlotFile], spool: Spool, job: Job, epoch: int) -> Blob:
    """Return the layer of the three files: a tar that is not compressed, since what is in it is."""
    entries = [Entry(f"{SLOT}/{file.name}", source=file.path) for file in files]
    entries += [Entry(path, folder=True, mode=0o755) for path in ("usr/lib/edgewright", SLOT)]
    spool.require(sum(file.size for file in files), "the files of the slot")
    job.step("packing the files of the slot")
    with spool.layer("none") as out:
        write(entries, out, epoch, job)
    assert out.blob is not None
    return out.blob


def kernel_version(path: Path) -> str:
    """Return the version that a kernel for PCs has in its head ("" when it has none: other machines, compressed)."""
    with path.open("rb") as stream:
        head = stream.read(0x210)
        if len(head) < 0x210 or head[0x202:0x206] != b"HdrS":
            return ""
        stream.seek(struct.unpack_from("<H", head, 0x20E)[0] + 0x200)
        parts = stream.read(256).split(b"\0")[0].split()
    return parts[0].decode("ascii", "replace") if parts else ""


def _finished(name: str, path: Path, source: str, root: Root, job: Job) -> SlotFile:
    if not path.stat().st_size:
        raise InvalidInput(f"The {name} of {source} is empty.", "Take another base.")
    version = kernel_version(path) if name == "kernel" else ""
    if version and root.modules and version not in root.modules:
        raise InvalidInput(
            f"The kernel ({source}) is {version}, and the root has modules for {', '.join(root.modules)} only.",
            "Install kernel and modules together; a host would start without its drivers.",
            "KernelModules",
        )
    job.step(f"checking {name}")
    return SlotFile(name, path, checks.sha256(path, job), path.stat().st_size, source)


def _taken(folder: Path, name: str, what: str, spool: Spool, job: Job) -> Path:
    """Copy a file out of the unpacked root; a link to it is followed within the root."""
    path = flatten.inside(folder, name)
    for _ in range(flatten.MOST_LINKS):
        if not path.is_symlink():
            break
        link = str(path.readlink())
        relative = link if link.startswith("/") else f"{path.parent.relative_to(folder).as_posix()}/{link}"
        path = flatten.inside(folder, os.path.normpath(relative).lstrip("/"))
    if not path.is_file() or path.is_symlink():
        raise InvalidInput(f"/{name} of the root leads to no file.", f"Make it the {what}, or a link to it.")
    target = spool.fresh(what)
    with spool.room(), path.open("rb") as stream, target.open("wb") as out:
        while data := stream.read(1 << 20):
            job.check()
            out.write(data)
    return target


def _squashed(folder: Path, spool: Spool, job: Job, epoch: int) -> Path:
    job.step("compressing the root file system of the slot", "steps")
    target = spool.fresh("rootfs.squashfs")

    def look(line: str) -> None:
        match = re.search(r"(\d+)%$", line)
        if match:
            job.at(int(match.group(1)), 100)

    arguments = [
        "mksquashfs",
        str(folder),
        str(target),
        "-b",
        "1024k",
        "-comp",
        "zstd",
        "-Xcompression-level",
        str(LEVEL),
    ]
    arguments += ["-processors", "2", "-mem", "256M", "-noappend", "-reproducible", "-mkfs-time", str(epoch)]
    arguments += ["-all-time", str(epoch), "-progress", "-wildcards", "-e", *_LEFT_OUT]
    # mksquashfs refuses its own switches for times beside the variable
    done = run(["env", "--unset=SOURCE_DATE_EPOCH", *arguments], job, on_line=look)
    if done.code:
        if "No space left" in done.text:
            raise full(spool.folder.parent)
        last = done.lines[-1] if done.lines else f"code {done.code}"
        raise InvalidInput(f"mksquashfs cannot compress the root file system: {last}.", "Check the base.")
    return target

"""A root that is not an image yet as a base: the one in the ISO of the reference appliance, or one in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from edgewright.core import times
from edgewright.core.errors import InvalidInput, NotFound
from edgewright.forge.image.bases import Base, in_spool
from edgewright.forge.image.medium import medium_of
from edgewright.forge.image.unpacked import Squashfs, folder_layer, squashfs_layer
from edgewright.forge.iso.identify import identify
from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import Spool


def open_appliance(where: str, arch: str, spool: Spool, job: Job) -> Base:
    """Open `appliance:BASE.iso`: its squashfs becomes a layer in the spool, the same one for the same ISO.

    Raises `NotFound` when there is no such file, `InvalidInput` when no root file system is in it.
    """
    path = Path(where)
    job.step(f"looking at {path.name}")
    result = identify(path)
    if not result.squashfs:
        raise InvalidInput(
            result.refusal or f"{path.name} has no root file system in it (no squashfs).",
            "Build one with: edgewright forge base -o base.iso",
        )
    spool.require(result.squashfs_size, f"the root file system of {path.name}")
    job.step(f"unpacking the root file system of {path.name}")
    with spool.layer() as out:
        program = squashfs_layer(Squashfs(path, result.squashfs_offset, result.squashfs_size), out, spool, job)
    assert out.blob is not None
    created = times.rfc3339(result.created)
    config = {
        "created": created,
        "architecture": arch,
        "os": "linux",
        "config": {"Cmd": ["/sbin/init"]},
        "history": [{"created": created, "created_by": "edgewright forge image", "comment": result.volume_id}],
    }
    base = in_spool(f"appliance:{where}", config, [out.blob], spool)
    base.medium = medium_of(path, (result.squashfs_offset, result.squashfs_size))
    if program == "unsquashfs" and os.getuid():
        base.notes = ("Made without root: file capabilities and device files of the appliance are not in the image.",)
    return base


def open_root(where: str, arch: str, spool: Spool, job: Job) -> Base:
    """Open `root:FOLDER`, the root of a host in a folder (mmdebstrap, debootstrap): it becomes a layer in the spool.

    Raises `NotFound` when there is no such folder.
    """
    folder = Path(where)
    if not folder.is_dir():
        raise NotFound(f"There is no directory {where} with the root of a host.", "Check the path behind root:.")
    with spool.layer() as out:
        folder_layer(folder, out, job)
    assert out.blob is not None
    config = {"architecture": arch, "os": "linux", "config": {"Cmd": ["/sbin/init"]}, "history": [{}]}
    base = in_spool(f"root:{where}", config, [out.blob], spool)
    if os.getuid():
        base.notes = ("Read without root: owners are those on this machine, and what only root can read is missing.",)
    return base

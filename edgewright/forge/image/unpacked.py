"""A root file system as a layer: from a squashfs, by sqfs2tar where it is installed, else unpacked and packed again."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import Failed
from edgewright.forge import programs
from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import LayerWriter, Spool, full, remove
from edgewright.forge.registry.tarlayer import Watched

QUEUES = ("-data-queue", "16", "-frag-queue", "16")
"""Its default takes as much memory as there is."""
_LISTED = re.compile(r"^(\S{10})\s+(\d+)/(\d+)\s")


class Squashfs(NamedTuple):
    """A squashfs within a file: where it begins and how long it is, in bytes."""

    file: Path
    offset: int
    size: int


def squashfs_layer(squashfs: Squashfs, out: LayerWriter, spool: Spool, job: Job) -> str:
    """Write the tree of a squashfs as a tar to `out`; return the name of the program that did it.

    Owners, modes, times, links and devices are those of the squashfs. Raises `NotFound` without any program for it,
    `Failed` when it cannot be read.
    """
    if shutil.which("sqfs2tar"):
        alone = _alone(squashfs, spool, job)
        _stream(alone, out, job)
        alone.unlink()
        return "sqfs2tar"
    root = spool.fresh("rootfs")
    try:
        _unpack(squashfs, root, spool, job)
        owners = {} if os.getuid() == 0 else _owners(squashfs, job)
        _pack(root, out, owners, job)
    finally:
        remove(root)
    return "unsquashfs"


def _alone(squashfs: Squashfs, spool: Spool, job: Job) -> Path:
    """Copy the squashfs out of its file: sqfs2tar knows no offset."""
    path, left = spool.fresh("rootfs.squashfs"), squashfs.size
    with spool.room(), squashfs.file.open("rb") as stream, path.open("wb") as out:
        stream.seek(squashfs.offset)
        while left and (data := stream.read(min(1 << 18, left))):
            out.write(data)
            left -= len(data)
            job.check()
    return path


def _stream(squashfs: Path, out: LayerWriter, job: Job) -> None:
    process = subprocess.Popen(
        ["sqfs2tar", str(squashfs)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdout is not None
    try:
        done = 0
        while data := process.stdout.read(1 << 18):
            done += len(data)
            out.write(data)
            job.at(done)
    except BaseException:
        programs.stop(process)
        raise
    if process.wait():
        raise Failed(f"sqfs2tar cannot read {squashfs.name} of the appliance.", "Check the ISO: edgewright forge iso.")


def _unpack(squashfs: Squashfs, root: Path, spool: Spool, job: Job) -> None:
    arguments = ["unsquashfs", "-o", str(squashfs.offset), "-no-progress", "-processors", "2", *QUEUES]
    if os.getuid():
        arguments.append("-no-xattrs")  # capabilities and labels are root's to write
    done = programs.run([*arguments, "-d", str(root), str(squashfs.file)], job)
    if done.code and "No space left" in done.text:
        raise full(spool.folder.parent)
    if done.code == 1 or (done.code and os.getuid() == 0):  # 2 for a user: devices and owners are for root to make
        raise Failed(
            f"unsquashfs cannot read what is in {squashfs.file.name}: {done.lines[-1] if done.lines else ''}.",
            "Check the ISO.",
        )


def _owners(squashfs: Squashfs, job: Job) -> dict[str, tuple[int, int]]:
    """Return the owners by path as the squashfs lists them (a user cannot unpack them)."""
    matches: dict[str, tuple[int, int]] = {}

    def take(line: str) -> None:
        match = _LISTED.match(line)
        at = line.find("squashfs-root")
        if match and at > 0:
            name = line[at + len("squashfs-root") :].partition(" -> ")[0].strip("/")
            matches[name] = int(match[2]), int(match[3])

    programs.run(["unsquashfs", "-o", str(squashfs.offset), "-lln", str(squashfs.file)], job, on_line=take)
    return matches


def folder_layer(root: Path, out: LayerWriter, job: Job) -> None:
    """Write a root in a folder as a tar to `out`, without what only a running system has (/proc, /sys, ...)."""
    _pack(root, out, {}, job, live=("proc", "sys", "dev", "run", "tmp"))


def _pack(
    root: Path, out: LayerWriter, owners: dict[str, tuple[int, int]], job: Job, live: tuple[str, ...] = ()
) -> None:
    """Write the tree of `root`; of the folders `live` only the folders themselves."""
    links: dict[tuple[int, int], str] = {}
    job.step("packing the root file system into a layer")
    done, total = 0, sum(facts.st_size for facts in map(Path.lstat, _walk(root)) if stat.S_ISREG(facts.st_mode))
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 18) as tar:  # type: ignore[call-overload]
        for path in _walk(root):
            tar.members.clear()  # it would store one object per file
            name = path.relative_to(root).as_posix()
            if "/" in name and name.partition("/")[0] in live:
                continue
            facts = path.lstat()
            info = _info(path, name, facts)
            if info is None:
                continue
            info.uid, info.gid = owners.get(name, (facts.st_uid, facts.st_gid))
            first = links.setdefault((facts.st_dev, facts.st_ino), name) if facts.st_nlink > 1 else name
            if info.isreg() and first != name:
                info.type, info.linkname, info.size = tarfile.LNKTYPE, first, 0
            _attributes(path, info)
            if not info.isreg():
                tar.addfile(info)
                continue
            with path.open("rb") as stream:
                tar.addfile(info, Watched(stream, lambda count, before=done: job.at(before + count, total)))  # type: ignore[misc]
            done += info.size


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what is below a folder, by name, each folder before what is in it."""
    with os.scandir(folder) as result:
        entries = sorted(result, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)


def _info(path: Path, name: str, facts: os.stat_result) -> tarfile.TarInfo | None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = stat.S_IMODE(facts.st_mode), int(facts.st_mtime)
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFREG:
        info.size = facts.st_size
    elif kind == stat.S_IFDIR:
        info.type = tarfile.DIRTYPE
    elif kind == stat.S_IFLNK:
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        info.type = tarfile.CHRTYPE if kind == stat.S_IFCHR else tarfile.BLKTYPE
        info.devmajor, info.devminor = os.major(facts.st_rdev), os.minor(facts.st_rdev)
    elif kind == stat.S_IFIFO:
        info.type = tarfile.FIFOTYPE
    else:
        return None  # a socket is of a process that has ended
    return info


def _attributes(path: Path, info: tarfile.TarInfo) -> None:
    """Preserve extended attributes (file capabilities) as every other tool writes them."""
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return
    matches = {}
    for name in names:
        if name.startswith(("security.capability", "user.")):
            value = os.getxattr(path, name, follow_symlinks=False)
            matches[f"SCHILY.xattr.{name}"] = value.decode("utf-8", "surrogateescape")
    info.pax_headers = matches

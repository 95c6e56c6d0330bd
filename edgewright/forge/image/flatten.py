"""The layers of an image laid over each other as a folder: what a host would see as its root. Needs root.

Owners, modes, times, links, devices and attributes are those of the layers. Nothing is written outside the folder: a
link in a lower layer is followed as the host would follow it, from the image's own root.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from edgewright.core.errors import InvalidInput
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers
from edgewright.forge.registry.tarlayer import Entry

MOST_LINKS = 40
"""Links that are followed for one path, as the kernel does it."""
_XATTR = "SCHILY.xattr."


def flatten(source: layers.Source, root: Path, job: Job) -> None:
    """Write all layers of an image into the new folder `root`. Raises `InvalidInput` for what is not a root."""
    root.mkdir()
    folders: dict[Path, float] = {}
    for number, blob in enumerate(source.layers, 1):
        job.step(f"unpacking layer {number} of {len(source.layers)}")
        with layers.opened(layers.counted(source.read(blob), blob.size, job)) as members:
            fresh: set[Path] = set()
            for info, tar in members:
                name = layers.name_of(info)
                if layers.hidden_by(name):
                    _hide(root, name, fresh)
                elif name not in ("", "."):
                    path = _member(root, info, name, tar, job)
                    fresh.add(path)
                    if info.isdir():
                        folders[path] = info.mtime
    for path, moment in folders.items():  # last: what is put into a folder changes its time
        if path.is_dir() and not path.is_symlink():
            os.utime(path, (moment, moment))


def overlay(entries: Iterable[Entry], root: Path) -> None:
    """Put a user's files over a root, owned by root as they are in the image's layer."""
    for entry in sorted(entries, key=lambda entry: entry.path):
        path = inside(root, entry.path)
        if entry.folder:
            _clear(path, leave_folder=True)
            path.mkdir(exist_ok=True)
        elif entry.link:
            _clear(path)
            path.symlink_to(entry.link)
        else:
            _clear(path)
            if entry.source is not None:
                shutil.copyfile(entry.source, path)
            else:
                path.write_bytes(entry.data)
        os.chown(path, 0, 0, follow_symlinks=False)
        if not entry.link:
            path.chmod(entry.mode)


def inside(root: Path, name: str) -> Path:
    """Return where `name` is below `root`, links in its folders followed within it; its folders are made.

    Raises `InvalidInput` for a name that leads nowhere (links in a circle).
    """
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", ".", "")]
    if not parts or ".." in parts:
        raise InvalidInput(f"A layer has the path {name[:200]!r}.", "It is damaged, or made to harm: do not use it.")
    *folders, last = parts
    done: list[str] = []
    links = 0
    while folders:
        part = folders.pop(0)
        if part in ("", ".", "/"):
            continue
        if part == "..":
            done = done[:-1]
            continue
        path = root.joinpath(*done, part)
        if path.is_symlink():
            links += 1
            if links > MOST_LINKS:
                raise InvalidInput(f"The links of {name[:200]!r} lead in a circle.", "The image is damaged.")
            target = PurePosixPath(path.readlink())
            done = [] if target.is_absolute() else done
            folders = [*target.parts, *folders]
            continue
        if not path.is_dir():
            _clear(path)
            path.mkdir(mode=0o755)
        done.append(part)
    return root.joinpath(*done, last)


def _member(root: Path, info: tarfile.TarInfo, name: str, tar: tarfile.TarFile, job: Job) -> Path:
    path = inside(root, name)
    _clear(path, leave_folder=info.isdir())
    if info.isdir():
        path.mkdir(exist_ok=True)
    elif info.issym():
        path.symlink_to(info.linkname)
    elif info.islnk():
        target = inside(root, info.linkname.removeprefix("./").lstrip("/"))
        try:
            os.link(target, path, follow_symlinks=False)
        except OSError:
            raise InvalidInput(f"A layer links {name[:200]} to {info.linkname[:200]}, which is not in it.") from None
        return path
    elif info.isreg():
        stream = tar.extractfile(info)
        assert stream is not None
        layers.copy(stream, path, job)
    elif info.isfifo():
        os.mkfifo(path)
    elif info.isdev():
        kind = stat.S_IFCHR if info.ischr() else stat.S_IFBLK
        os.mknod(path, info.mode | kind, os.makedev(info.devmajor, info.devminor))
    os.chown(path, info.uid, info.gid, follow_symlinks=False)
    if not info.issym():
        path.chmod(stat.S_IMODE(info.mode))
        for key, value in info.pax_headers.items():
            if key.startswith(_XATTR):
                os.setxattr(path, key[len(_XATTR) :], value.encode("utf-8", "surrogateescape"))
    os.utime(path, (info.mtime, info.mtime), follow_symlinks=False)
    return path


def _hide(root: Path, name: str, fresh: set[Path]) -> None:
    """Remove what a white-out hides; what the same layer brought before it stays."""
    hidden = layers.hidden_by(name)
    if not hidden.strip("/"):
        return
    path = inside(root, hidden.rstrip("/"))
    if not hidden.endswith("/"):
        _clear(path)
        return
    for child in list(path.iterdir()) if path.is_dir() and not path.is_symlink() else ():
        if not any(new == child or child in new.parents for new in fresh):
            _clear(child)


def _clear(path: Path, *, leave_folder: bool = False) -> None:
    """Remove what is at a path, but for a folder that is to stay one."""
    if path.is_dir() and not path.is_symlink():
        if not leave_folder:
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

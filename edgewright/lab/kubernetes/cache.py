"""The cache of parts: each in a folder named by version and recipe, complete or not there.

A part is made beside its place and renamed when it is ready, so that a build that was killed leaves no half part and
the next one continues with the parts that it lacks. `part.json` of each has its recipe and the sha256 of its files.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from edgewright.core.errors import Conflict, Failed
from edgewright.lab.kubernetes.failures import disk_full

VARIABLE = "EDGEWRIGHT_KUBERNETES_CACHE"
RECORD = "part.json"
LOCK = "build.lock"
"""File that each cache has: what is without it is never taken for one."""
FORMAT = 1
"""Raised when the way that parts are made changes, so that older ones are not taken."""

Make = Callable[[Path], None]


def cache_folder() -> Path:
    """Return the folder of the cache: EDGEWRIGHT_KUBERNETES_CACHE, else below the user's cache folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "edgewright" / "kubernetes"


def key_of(recipe: Mapping[str, Any]) -> str:
    """Return the hash of a recipe, by which its part is cached."""
    text = json.dumps({"format": FORMAT, **recipe}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Cache:
    """A folder of parts."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        self.folder, self.report = folder, report

    def part(self, name: str, recipe: Mapping[str, Any], make: Make) -> Path:
        """Return the folder of a part, made by `make(folder)` unless it is here. Raises what `make` raises."""
        ready = self.folder / "parts" / f"{name}-{key_of(recipe)}"
        if (ready / RECORD).is_file():
            self.report(f"{name}: in the cache")
            return ready
        draft = ready.with_name(ready.name + ".new")
        began = time.monotonic()
        with room(self.folder, name):
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            make(draft)
            spent = time.monotonic() - began
            record = {"name": name, "recipe": dict(recipe), "seconds": round(spent, 1), "files": sums(draft)}
            (draft / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
            shutil.rmtree(ready, ignore_errors=True)
            draft.rename(ready)
        self.report(f"{name}: ready in {spent:.1f} s")
        return ready

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the cache for one build. Raises `Conflict` while another one builds, or for a folder with other files.

        A build and `clean` remove folders in it: a home directory that was named by mistake must not lose anything.
        """
        with room(self.folder, "The build"):
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / LOCK).exists() and any(self.folder.iterdir()):
                raise Conflict(
                    f"{self.folder} has files that are not of this cache.", f"Name an empty directory by {VARIABLE}."
                )
            handle = (self.folder / LOCK).open("w")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"Another build uses the cache {self.folder}.", "Wait until it is done.") from None
            yield

    def damaged(self) -> list[str]:
        """Return the parts of which a file no longer has its sha256, by name; their folders are removed."""
        result = []
        for record in sorted(self.folder.glob(f"parts/*/{RECORD}")):
            if _noted(record) != sums(record.parent):
                shutil.rmtree(record.parent)
                result.append(record.parent.name)
        return result


def _noted(record: Path) -> object:
    """Return the sha256 of each file as a part's record has them, `None` when it cannot be read."""
    try:
        value = json.loads(record.read_text())
    except (ValueError, RecursionError):
        return None
    return value.get("files") if isinstance(value, dict) else None


def sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder by its path; links by what they name."""
    result = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            result[name] = f"-> {path.readlink()}"
        elif path.is_file() and name != RECORD:
            result[name] = sha256(path)
    return result


def sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require_room(folder: Path, count: int) -> None:
    """Raise `Failed` when fewer than `count` bytes are free where the cache is."""
    place = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if free < count:
        raise Failed(
            f"{place} has {free / 1e9:.1f} GB free, and a build needs {count / 1e9:.0f} GB.",
            f"Free some space, or name another folder by {VARIABLE}.",
            "DiskFull",
        )


@contextlib.contextmanager
def room(folder: Path, what: str) -> Iterator[None]:
    """Turn errors of the disk into their sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder, what) from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Failed(
                f"{folder} cannot be written: {error.strerror}.", f"Name another folder by {VARIABLE}.", "NotWritable"
            ) from None
        raise

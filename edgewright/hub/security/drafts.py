"""Drafts beside their final name: no one else can prepare, read or redirect them, and a killed program's are removed.

A draft is locked (flock) for as long as its program lives, so a draft that can be locked has no owner any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from edgewright.core import times
from edgewright.hub.process.files import PRIVATE

_PREFIX = ".edgewright-draft-"
_SETTLE = 60.0
"""Seconds before a draft without a lock counts as left behind: its program may be about to lock it."""


def private_here(folder: Path) -> bool:
    """Return whether only this user and root can rename what this user makes in `folder`."""
    status = folder.stat()
    return status.st_uid in (0, os.geteuid()) and (
        not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or bool(status.st_mode & stat.S_ISVTX)
    )


@contextlib.contextmanager
def draft_file(folder: Path) -> Iterator[tuple[Path, int]]:
    """Make a new file of mode 0600 in `folder`; yields its path and descriptor, and removes what was not renamed.

    The name is random and the file is opened with O_EXCL and O_NOFOLLOW: what another user prepared is never written
    to.
    """
    path = folder / f"{_PREFIX}{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        _lock(descriptor)
        yield path, descriptor
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def draft_folder(folder: Path) -> Iterator[Path]:
    """Make a new directory of mode 0700 in `folder`, removed at the end unless it was renamed."""
    path = folder / f"{_PREFIX}{secrets.token_hex(8)}"
    path.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        yield path
    finally:
        os.close(descriptor)
        shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(folder: Path) -> int:
    """Remove this user's drafts in `folder` whose program has ended; returns how many."""
    removed = 0
    with contextlib.suppress(OSError):
        for path in list(folder.glob(f"{_PREFIX}*")):
            if _abandoned(path):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                removed += 1
    return removed


def _abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or times.now() - status.st_mtime < _SETTLE:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a file system without locks: the draft is only not cleaned up later
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

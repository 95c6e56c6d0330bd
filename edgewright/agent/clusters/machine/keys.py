"""The keys of a cluster in a user's authorized_keys, as a block between two marks; all other lines are the user's.

The folder belongs to a user, who could put a link in its place: no link is followed below the home.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from typing import Sequence, Tuple

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import reason_of
from edgewright.core.errors import Failed

FILE = "/.ssh/authorized_keys"
MOST = 1024 * 1024
"""Bytes of such a file at most."""
BEGIN, END = "# Edgewright: SSH keys of the cluster, begin", "# Edgewright: SSH keys of the cluster, end"
_BLOCK = re.compile(f"^{BEGIN}\n(?:.*\n)*?{END}\n", re.MULTILINE)
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


def rewrite(host: Root, path: str, keys: Sequence[str], owner: Tuple[int, int] = (0, 0), made: bool = False) -> bool:
    """Let the block of a file have these keys; return whether it changed. Raises `Failed`.

    Without keys the block is removed, and a file that was `made` for it too. `owner` is that of a new file.
    """
    try:
        home = os.open(host.path(path[: -len(FILE)]), os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return _in_home(home, keys, owner, made)
        finally:
            os.close(home)
    except FileNotFoundError:
        if not keys:
            return False
        raise Failed(f"{path[: -len(FILE)]} is not on this host.", "Make the home of this user.") from None
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise Failed(f"{path} cannot be changed: {reason}.", "Look at it: ls -la") from None


def _in_home(home: int, keys: Sequence[str], owner: Tuple[int, int], made: bool) -> bool:
    name, below = os.path.basename(FILE), os.path.dirname(FILE)[1:]
    if keys:
        try:
            os.mkdir(below, 0o700, dir_fd=home)
            os.chown(below, *owner, dir_fd=home, follow_symlinks=False)
        except FileExistsError:
            pass
    folder = os.open(below, os.O_DIRECTORY | _OPEN, dir_fd=home)
    try:
        before, mode, owner = _read(folder, name, owner)
        own = "".join(f"{line}\n" for line in (BEGIN, *keys, END)) if keys else ""
        rest = _BLOCK.sub("", before + ("\n" if before and not before.endswith("\n") else ""))
        if rest + own == before or (before == "" and not own):
            return False
        if not rest + own and made:
            os.unlink(name, dir_fd=folder)
            return True
        fresh = f".edgewright-{secrets.token_hex(8)}"
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600, dir_fd=folder)
        try:
            with os.fdopen(file, "wb") as stream:
                os.fchown(file, *owner)
                os.fchmod(file, mode)
                stream.write((rest + own).encode("utf-8", "surrogateescape"))
                stream.flush()
                os.fsync(file)
            os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(fresh, dir_fd=folder)
            raise
        os.fsync(folder)
        return True
    finally:
        os.close(folder)


def _read(folder: int, name: str, owner: Tuple[int, int]) -> Tuple[str, int, Tuple[int, int]]:
    """Return text, mode and owner of a file; an empty one of `owner` where there is none."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _OPEN, dir_fd=folder)
    except FileNotFoundError:
        return "", 0o600, owner
    with os.fdopen(file, "rb") as stream:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > MOST:
            raise ValueError("it is not a file of its own, or larger than 1 MiB")
        text = stream.read(MOST).decode("utf-8", "surrogateescape")
        return text, status.st_mode & 0o777, (status.st_uid, status.st_gid)

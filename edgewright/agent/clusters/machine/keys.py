"""The keys of a cluster in a user's authorized_keys, as a block between two marks; all other lines are the user's.

The folder belongs to a user, who could put a link in its place: no link is followed below the home.
"""

from __future__ import annotations

import os
import stat
from typing import Sequence, Tuple

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import reason_of
from edgewright.core.errors import Failed

FILE = "/.ssh/authorized_keys"
MOST = 1024 * 1024
"""Bytes of such a file at most."""
BEGIN, END = "# Edgewright: SSH keys of the cluster, begin", "# Edgewright: SSH keys of the cluster, end"
_FRESH = ".edgewright-keys"
"""The file that takes the place of the one of before."""
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC
_User = Tuple[int, int]


def rewrite(host: Root, path: str, keys: Sequence[str], user: _User = (0, 0), made: bool = False) -> bool:
    """Let the block of a file have these keys; return whether it changed. Raises `Failed`, also when sshd refuses it.

    Without keys the block is removed, and a file that was `made` for it too; what is in its place (a link, a
    folder) is the user's own. A new file belongs to `user`.
    """
    place = path[: -len(FILE)]
    try:
        home = os.open(host.path(place), os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return _in_home(home, place, keys, user, made)
        finally:
            os.close(home)
    except FileNotFoundError:
        if not keys:
            return False
        raise Failed(f"{place} is not on this host.", "Make the home of this user.") from None
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise Failed(f"{path} cannot be changed: {reason}.", "Look at it: ls -la") from None


def _in_home(home: int, place: str, keys: Sequence[str], user: _User, made: bool) -> bool:
    below, name = os.path.split(FILE[1:])
    if keys:
        try:
            os.mkdir(below, 0o700, dir_fd=home)
        except FileExistsError:
            pass
    elif not stat.S_ISDIR(os.lstat(below, dir_fd=home).st_mode):
        return False
    folder = os.open(below, os.O_DIRECTORY | _OPEN, dir_fd=home)
    try:
        if not keys:
            return stat.S_ISREG(os.lstat(name, dir_fd=folder).st_mode) and _in_folder(folder, name, (), user, made)
        if os.fstat(folder).st_uid == os.geteuid() and not os.listdir(folder):
            os.fchown(folder, *user)  # only an empty one: the user may have put another folder of root in its place
        changed = _in_folder(folder, name, keys, user, made)
        parts = ("", os.fstat(home)), (f"/{below}", os.fstat(folder)), (FILE, os.lstat(name, dir_fd=folder))
        for part, status in parts:
            if not _is_taken(status, user):
                raise Failed(
                    f"sshd refuses {place}{FILE}: {place}{part} has another owner, or rights that it does not accept.",
                    "Let it belong to the user, and only the user write it: chown, chmod.",
                )
        return changed
    finally:
        os.close(folder)


def _in_folder(folder: int, name: str, keys: Sequence[str], user: _User, made: bool) -> bool:
    before, mode, owner = _read(folder, name, user)
    rest = _without_block(before + ("\n" if before and not before.endswith("\n") else ""))
    text = rest + ("".join(f"{line}\n" for line in (BEGIN, *keys, END)) if keys else "")
    if text == before or not (before or keys):
        return False
    if not text and made:
        os.unlink(name, dir_fd=folder)
        return True
    data = text.encode("utf-8", "surrogateescape")
    if keys and len(data) > MOST:
        raise ValueError("with the keys it would be larger than 1 MiB")
    try:
        os.unlink(_FRESH, dir_fd=folder)
    except FileNotFoundError:
        pass
    file = os.open(_FRESH, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            os.fchown(file, *owner)
            os.fchmod(file, mode)
            stream.write(data)
            stream.flush()
            os.fsync(file)
        os.replace(_FRESH, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(_FRESH, dir_fd=folder)
        raise
    os.fsync(folder)
    return True


def _without_block(text: str) -> str:
    rest, inside = [], False
    for line in text.split("\n"):
        mark = line.strip()
        if mark == (END if inside else BEGIN):
            inside = not inside
        elif mark in (BEGIN, END):
            inside = True
            break
        elif not inside:
            rest.append(line)
    if inside:  # which lines are the user's is not known
        raise ValueError(f'a line "{BEGIN}" and its end do not match: remove what is of the cluster, with both marks')
    return "\n".join(rest)


def _is_taken(status: os.stat_result, user: _User) -> bool:
    """Return whether sshd (StrictModes) takes the keys of a user from a file or folder: its owner and mode."""
    mode = status.st_mode
    mine, own_group = status.st_uid == user[0], status.st_gid == user[1]
    right = 0o001 if stat.S_ISDIR(mode) else 0o004
    readable = mode >> (6 if mine else 3 if own_group else 0) & right
    others_write = mode & 0o002 or (mode & 0o020 and not own_group)
    return bool((mine or status.st_uid == 0) and readable and not others_write)


def _read(folder: int, name: str, user: _User) -> Tuple[str, int, _User]:
    """Return text, mode and owner of a file; an empty one of `user` where there is none."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _OPEN, dir_fd=folder)
    except FileNotFoundError:
        return "", 0o600, user
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > MOST:
            raise ValueError("it is not a file of its own, or larger than 1 MiB")
        with os.fdopen(file, "rb", closefd=False) as stream:
            text = stream.read(MOST).decode("utf-8", "surrogateescape")
        return text, status.st_mode & 0o777, (status.st_uid, status.st_gid)
    finally:
        os.close(file)

"""The data directory before anything is read or written in it: whose it is, and whether its database is still there."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from edgewright.core.errors import Failed, Refused
from edgewright.hub.process.configuration import FILE as CONFIGURATION
from edgewright.hub.process.files import DATABASE, check_writable
from edgewright.hub.process.status import BACKUP_FILE, STATE_FILE

_OURS = frozenset(
    (
        DATABASE,
        "hub.lock",
        "hub.log",
        "hub.out",
        "local.json",
        "secret.key",
        "ca.crt",
        "ca.key",
        "admin-api-key",
        CONFIGURATION,
        STATE_FILE,
    )
)
"""Names by which a directory is recognised as a hub's; `hub.out` and `local.json` are the console's."""
_IGNORED = frozenset(("lost+found",))


def open_directory(data: Path) -> None:
    """Create the data directory with mode 0700, or take one of this user that is a hub's or empty.

    Raises `Refused` for a directory of another user (also through a symbolic link of one), who could read or replace
    every key in it, and for a directory of other files that others may enter: its mode is not ours to change. Raises
    `Failed` when it cannot be made or written.
    """
    try:
        link = data.lstat()
    except FileNotFoundError:
        link = None
    except OSError as error:
        raise _unusable(data, error) from None
    try:
        if link is None:
            data.mkdir(mode=0o700, parents=True)
        elif stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, os.geteuid()):
            raise _foreign(data, f"is a symbolic link of {_user(link.st_uid)}", link.st_uid)
        status = data.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(20, "it is not a directory")
        if status.st_uid != os.geteuid():
            raise _foreign(data, f"belongs to {_user(status.st_uid)}", status.st_uid)
        if status.st_mode & 0o077:
            _make_private(data)
        check_writable(data)
    except OSError as error:
        raise _unusable(data, error) from None


def _make_private(data: Path) -> None:
    names = {path.name for path in data.iterdir()} - _IGNORED
    if names and not names & _OURS:
        raise Refused(
            f"The directory {data} has other files ({min(names)}) and is open to other users.",
            "Give a new or empty directory, or one of a hub.",
            code="DataDirectoryShared",
        )
    data.chmod(0o700)


def _unusable(data: Path, error: OSError) -> Failed:
    return Failed(
        f"The data directory {data} cannot be written: {error.strerror}.",
        "Give a directory that this user may write, on a file system that is not full or read-only.",
        code="DataDirectory",
    )


def _foreign(data: Path, what: str, owner: int) -> Refused:
    return Refused(
        f"The data directory {data} {what}, and this hub runs as {_user(os.geteuid())}: its owner could take the keys.",
        f"Run the hub as {_user(owner)}, or give a directory of {_user(os.geteuid())}.",
        code="DataDirectoryOwner",
    )


def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"uid {uid}"


def used_before(data: Path) -> str:
    """Return the name of a file that a hub writes only once its database has records; empty when there is none."""
    return next((name for name in (STATE_FILE, BACKUP_FILE) if (data / name).exists()), "")


def check_database_file(data: Path) -> None:
    """Raise `Failed` when `hub.db` is missing or empty in a directory that was in use: a new one would hide the loss.

    A first start that was interrupted continues: it writes `admin-api-key` while `hub.db` has its tables already.
    """
    path = data / DATABASE
    shown = used_before(data) or ("admin-api-key" if (data / "admin-api-key").exists() else "")
    if not shown:
        return
    if not path.exists():
        raise database_lost(f"{path} is missing", data, shown)
    if path.stat().st_size == 0:
        raise database_lost(f"{path} is empty", data, shown)


def database_lost(what: str, data: Path, shown: str) -> Failed:
    """Return the error for a directory in use whose database is without records; `shown` is the file that proves it."""
    return Failed(
        f"{what}, but {data} is the directory of a hub that was in use ({shown}).",
        "Restore a backup into a new directory (edgewright hub restore), or give --db if its records are in another "
        "database. An empty plane needs a new directory.",
        code="MissingDatabase",
    )

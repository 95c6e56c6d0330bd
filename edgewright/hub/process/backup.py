"""Backup and restore: the database as SQLite copies it while it is in use, and the keys beside it, in one 0600 file.

Both look at the copy before they report success: a rotation of backups must not fill with damaged ones unnoticed.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import tarfile
import zlib
from contextlib import closing
from pathlib import Path
from typing import IO

from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound
from edgewright.hub.db import integrity
from edgewright.hub.db.lineage import renew_restored
from edgewright.hub.process.files import DATABASE, PRIVATE, PUBLIC, sync_dir
from edgewright.hub.process.status import note_backup
from edgewright.hub.security import drafts

KEYS = ("ca.crt", "ca.key", "server.crt", "server.key", "secret.key", "admin-api-key")
_NEEDED = ("ca.crt", "ca.key", "secret.key")
_MAX_KEY = 65_536
"""Bytes of a key or certificate in a backup; the hub's own have under 2,000."""


def backup(data: Path, out: Path) -> Path:
    """Write a backup of a hub's data directory to `out`; the hub may run meanwhile.

    Raises `NotFound` when `data` contains no SQLite database, `Failed` when the database is damaged or something cannot
    be read or written; then `out` is what it was before.
    """
    try:
        if not data.is_dir() or DATABASE not in {path.name for path in data.iterdir()}:
            raise NotFound(
                f"{data} contains no {DATABASE}.", "Give the data directory of a hub; back PostgreSQL up with pg_dump."
            )
        # The copy goes where others cannot swap it: beside `out`, or else into the data directory.
        room = out.absolute().parent if drafts.private_here(out.absolute().parent) else data
        for folder in (out.absolute().parent, data):
            drafts.remove_abandoned(folder)
        with drafts.draft_folder(room) as scratch, drafts.draft_file(out.absolute().parent) as (draft, descriptor):
            copy = scratch / DATABASE
            _copy(data / DATABASE, copy)
            with os.fdopen(os.dup(descriptor), "wb") as file:
                with tarfile.open(fileobj=file, mode="w:gz") as tar:
                    tar.add(copy, DATABASE)
                    for name in KEYS:
                        if (data / name).exists():
                            tar.add(data / name, name)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(out)
        sync_dir(out.absolute().parent)
    except (OSError, sqlite3.Error, integrity.NotFinished) as error:
        if integrity.is_damage(error):
            raise _damaged(data, integrity.cause(error)) from None
        why = error.strerror if isinstance(error, OSError) else integrity.cause(error)
        raise Failed(f"The backup {out} cannot be written: {why}.", _hint(error)) from None
    note_backup(data, out)
    return out


def _copy(database: Path, copy: Path) -> None:
    """Copy a database in use, and check whether the copy is complete; raises `Failed` when it is not."""
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    problem = integrity.damage(copy, copy=True)
    if problem:
        raise _damaged(database.parent, problem)


def _damaged(data: Path, problem: str) -> Failed:
    return Failed(
        f"The database {data / DATABASE} is damaged ({problem}); no backup was written.",
        "Do not delete your last good backup: stop the hub and restore it into a new directory (edgewright hub "
        "restore).",
        code="DatabaseDamaged",
    )


def _hint(error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return "Run it as the user of the hub, and give a file in a directory that this user may write."
    return "Free space, or give another file."


def restore(file: Path, data: Path) -> None:
    """Make the data directory `data` from a backup; nothing is left behind when that fails.

    Raises `Conflict` when it exists already and is not empty, `InvalidInput` when the backup is incomplete or damaged,
    `Failed` when the directory cannot be written.
    """
    parent = data.absolute().parent
    try:
        if data.exists() and any(data.iterdir()):
            raise Conflict(f"{data} exists already and is not empty.", "Give a new directory; nothing is overwritten.")
        parent.mkdir(parents=True, exist_ok=True)
        drafts.remove_abandoned(parent)
        with drafts.draft_folder(parent) as draft:
            _unpack(file, draft)
            _check(file, draft)
            # Here, before the directory has its name: what a restored database must not share with its original.
            renew_restored(draft / DATABASE, file.name)
            sync_dir(draft)
            draft.replace(data)  # an interrupted restore leaves no half data directory
            sync_dir(parent)
    except OSError as error:
        raise Failed(
            f"The data directory {data} cannot be written: {error.strerror}.",
            "Give a directory that this user may write, on a file system that is not full or read-only.",
            code="DataDirectory",
        ) from None


def _unpack(file: Path, draft: Path) -> None:
    try:
        raw = file.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {file}.") from None
    except OSError as error:
        raise Failed(
            f"The backup {file} cannot be read: {error.strerror}.", "Run it as a user who may read it."
        ) from None
    try:
        with raw, tarfile.open(fileobj=raw, mode="r:gz") as tar:
            members = {member.name: member for member in tar.getmembers() if member.isreg()}
            missing = [name for name in (*_NEEDED, DATABASE) if name not in members]
            if missing:
                raise InvalidInput(f"{file} is not a complete backup of a hub: {', '.join(missing)} is missing.")
            for name in (*KEYS, DATABASE):
                if name != DATABASE and name in members and members[name].size > _MAX_KEY:
                    raise InvalidInput(f"{file} is not a backup of a hub: {name} has {members[name].size} bytes.")
                content = tar.extractfile(members[name]) if name in members else None
                if content is not None:
                    _write(draft / name, content)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(
            f"{file} is not a backup of a hub, or is damaged: {error}.", "Give a file that `hub backup` wrote."
        ) from None


def _check(file: Path, draft: Path) -> None:
    """Raise `InvalidInput` when the database of a backup is damaged: such a hub would not start, or lose records."""
    try:
        problem = integrity.damage(draft / DATABASE, copy=True)
    except integrity.NotFinished as error:
        problem = str(error)
    if problem:
        raise InvalidInput(
            f"The database in the backup {file} is damaged ({problem}); nothing was restored.",
            "Restore an earlier backup.",
            code="DatabaseDamaged",
        )


def _write(path: Path, content: IO[bytes]) -> None:
    mode = PUBLIC if path.suffix == ".crt" else PRIVATE
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())

"""Backup and restore: the database as SQLite copies it while it is in use, and the keys beside it, in one 0600 file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import IO

from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound
from edgewright.hub.database import DATABASE
from edgewright.hub.files import PRIVATE, PUBLIC, make_private_dir, sync_dir
from edgewright.hub.process import note_backup

KEYS = ("ca.crt", "ca.key", "server.crt", "server.key", "secret.key", "admin-api-key")
_NEEDED = ("ca.crt", "ca.key", "secret.key")


def backup(data: Path, out: Path) -> Path:
    """Write a backup of a hub's data directory to `out`; the hub may run meanwhile.

    Raises `NotFound` when `data` holds no SQLite database, `Failed` when something cannot be read or written.
    """
    if not (data / DATABASE).exists():
        raise NotFound(
            f"{data} holds no {DATABASE}.", "Give the data directory of a hub; back PostgreSQL up with pg_dump."
        )
    draft = out.with_name(f".{out.name}.draft")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
            copy = Path(scratch) / DATABASE
            with (
                closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
            with os.fdopen(descriptor, "wb") as file:
                with tarfile.open(fileobj=file, mode="w:gz") as tar:
                    tar.add(copy, DATABASE)
                    for name in KEYS:
                        if (data / name).exists():
                            tar.add(data / name, name)
                file.flush()
                os.fsync(file.fileno())
        draft.replace(out)
        sync_dir(out.parent)
    except (OSError, sqlite3.Error) as error:
        draft.unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) else error
        raise Failed(f"The backup {out} cannot be written: {why}.", "Free space, or give another file.") from None
    note_backup(data, out)
    return out


def restore(file: Path, data: Path) -> None:
    """Make the data directory `data` from a backup. Raises `Conflict` when it exists already and is not empty."""
    if data.exists() and any(data.iterdir()):
        raise Conflict(f"{data} exists already and is not empty.", "Give a new directory; nothing is overwritten.")
    try:
        with tarfile.open(file, "r:gz") as tar:
            found = {member.name: member for member in tar.getmembers()}
            missing = [name for name in (*_NEEDED, DATABASE) if name not in found]
            if missing:
                raise InvalidInput(f"{file} is no complete backup of a hub: {', '.join(missing)} is missing.")
            draft = data.with_name(f".{data.name}.restoring")
            shutil.rmtree(draft, ignore_errors=True)
            make_private_dir(draft)
            for name in (*KEYS, DATABASE):
                member = found.get(name)
                content = tar.extractfile(member) if member is not None and member.isreg() else None
                if content is not None:
                    _write(draft / name, content)
            sync_dir(draft)
            draft.replace(data)  # an interrupted restore leaves no half data directory
    except FileNotFoundError:
        raise NotFound(f"There is no file {file}.") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InvalidInput(f"{file} is no backup of a hub: {error}.", "Give a file that `hub backup` wrote.") from None


def _write(path: Path, content: IO[bytes]) -> None:
    mode = PUBLIC if path.suffix == ".crt" else PRIVATE
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())

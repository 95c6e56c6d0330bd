"""Files of the data directory: written completely or not at all, readable by no one else."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shlex
import socket
import uuid
from pathlib import Path

from edgewright.core.errors import Conflict, Failed

DATABASE = "hub.db"
"""The SQLite database; here, since `hub status` needs its name and not the time to load a database library."""
PRIVATE = 0o600
PUBLIC = 0o644


def check_writable(folder: Path) -> None:
    """Raise `OSError` when no file can be made in a directory."""
    probe = folder / f".probe-{secrets.token_hex(4)}"
    probe.touch(mode=PRIVATE, exist_ok=False)
    probe.unlink()


def write_atomically(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file so that after a power cut it is the old one or the new one, never a half.

    Raises `Failed` when the disk does not take it.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # the hub's umask would take the public bits of ca.crt away
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_dir(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failed(
            f"{path} cannot be written: {error.strerror}.", "Free space, or make the directory writable."
        ) from None


def sync_dir(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def directory_id(data: Path) -> str:
    """Return what names a directory among those of all machines, as far as these differ in anything."""
    machine = Path("/etc/machine-id")
    known = machine.read_text() if machine.is_file() else ""
    text = f"{known}|{uuid.getnode()}|{socket.gethostname()}|{data.resolve()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class DataLock:
    """The lock that prevents a second hub on the same data directory; the kernel frees it when the process ends."""

    def __init__(self, data: Path) -> None:
        self.path = data / "hub.lock"
        self._file = self.path.open("a+")
        os.chmod(self.path, PRIVATE)  # noqa: PTH101 - the open file is what counts
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read(20).strip() or "unknown"
            self._file.close()
            raise Conflict(
                f"Another hub (process {holder}) already runs on {data}.",
                f"Use that one (edgewright hub status --data {shlex.quote(str(data))}), stop it, "
                "or give another directory with --data.",
                code="DataInUse",
            ) from None

    def write_holder(self) -> None:
        """Write this process' number into the lock file."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let go of the directory."""
        self._file.close()


def lock_holder(data: Path) -> int | None:
    """Return the process number of the hub that runs on `data`; `None` when none does.

    Raises `PermissionError` when this user may not look.
    """
    try:
        with (data / "hub.lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = file.read(20).strip()
                return int(text) if text.isdigit() else 0
    except FileNotFoundError:
        return None
    return None

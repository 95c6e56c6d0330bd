"""What the agent stores on disk, so that kill -9 and power loss at any moment lose nothing that was promised.

One JSON file for each thing, with a checksum. A write goes to a new file, is synced, and takes the old one's name; the
old one stays as `NAME.previous`. A torn or altered file is reported and the previous copy is used. When the disk is
full or read-only the value lives on in memory, the problem is reported once, and every later save tries again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from typing import Any, Callable, Dict, Optional, Tuple

from edgewright.core.errors import Conflict, Failed

Body = Dict[str, Any]
MAX_FILE = 16 * 1024 * 1024
"""Bytes of a state file that are read."""


class StateFolder:
    """The agent's data folder; `say` (priority, sentence) reports problems (journal priorities, 4 is a warning)."""

    def __init__(self, folder: str, log: Callable[[int, str], None]) -> None:
        self.folder = folder
        self.trouble = ""
        self._log = log
        self._unsaved: Dict[str, Body] = {}
        self._lock: Optional[int] = None

    def open(self) -> None:
        """Make the folder (0700) and take its lock. Raises `Conflict` when another agent has it.

        A folder that cannot be made or written is reported, and the agent continues in memory.
        """
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            lock = os.open(os.path.join(self.folder, "agent.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._mishap(self.folder, error)
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Conflict(
                f"Another agent already runs on the data folder {self.folder}.",
                "Stop it first, or give this one a folder of its own with --data.",
                code="DataInUse",
            ) from None
        self._lock = lock

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def load(self, name: str) -> Optional[Body]:
        """Return what was saved last under `name`, or `None` when nothing usable is there."""
        if name in self._unsaved:
            return self._unsaved[name]
        path = self._path(name)
        body, problem = read_checked(path)
        if body is not None:
            return body
        previous, _ = read_checked(path + ".previous")
        if problem and previous is not None:
            self._log(4, f"The state file {path} {problem}; its previous copy is used.")
        elif problem:
            self._log(4, f"The state file {path} {problem} and there is no previous copy; it is created again.")
        return previous

    def save(self, name: str, body: Body, durable: bool = True) -> bool:
        """Write `body`; return whether it is safe on disk. `durable=False` skips the sync, for what may be lost."""
        path = self._path(name)
        try:
            write_checked(path, body, durable)
        except OSError as error:
            self._unsaved[name] = body
            self._mishap(path, error)
            return False
        self._unsaved.pop(name, None)
        if not self._unsaved and self.trouble:
            self.trouble = ""
            self._log(5, f"The data folder {self.folder} can be written again; everything is saved.")
        return True

    def retry(self) -> None:
        """Try to write again what could not be written."""
        for name, body in list(self._unsaved.items()):
            if not self.save(name, body):
                return

    def forget(self, name: str) -> None:
        """Remove a thing and its previous copy."""
        self._unsaved.pop(name, None)
        for path in (self._path(name), self._path(name) + ".previous"):
            try:
                os.unlink(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._mishap(path, error)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name + ".json")

    def _mishap(self, path: str, error: OSError) -> None:
        reported = reason_of(error)
        if reported != self.trouble:
            self.trouble = reported
            self._log(
                3, f"Cannot write {path}: {reported}. The agent continues with its state in memory; {_advice(error)}."
            )


def reason_of(error: OSError) -> str:
    """Return why a file cannot be written or read, in plain words."""
    known = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the file system is read-only",
        errno.EACCES: "permission denied",
        errno.EIO: "the disk reports an input/output error",
    }
    return known.get(error.errno or 0, (error.strerror or str(error)).lower())


def _advice(error: OSError) -> str:
    """Return the next step for a file that cannot be written."""
    known = {
        errno.ENOSPC: "free the disk",
        errno.EDQUOT: "free space of this quota, or raise it",
        errno.EROFS: "check the disk and mount it read-write (dmesg shows why it is not)",
        errno.EACCES: "run the agent as root, or give its user this folder",
        errno.EPERM: "check the owner and the attributes (lsattr): it may be immutable",
        errno.EISDIR: "remove the folder that is in its place",
        errno.ENOTDIR: "remove the file that is in the place of the folder",
        errno.EIO: "check the disk (dmesg, smartctl); it may be failing",
    }
    return known.get(error.errno or 0, "check the folder and its disk")


def write_checked(path: str, body: Body, durable: bool = True) -> None:
    """Replace the file at `path` in one step, leaving the old one as `.previous`. Raises `OSError`."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    complete = json.dumps({"sha256": _digest(text), "body": text}).encode()
    fresh = path + ".new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(complete)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        _store_previous(path)
        os.replace(fresh, path)
    except OSError:
        try:
            os.unlink(fresh)
        except OSError:
            pass
        raise
    if durable:
        sync_folder(os.path.dirname(path) or ".")


def _store_previous(path: str) -> None:
    body, _ = read_checked(path)
    if body is None:
        return  # a torn file must not push out the good copy before it
    spare = path + ".spare"
    try:
        if os.path.lexists(spare):
            os.unlink(spare)
        os.link(path, spare)
    except OSError:
        return  # a file system without hard links has no previous copy; the replace itself is still atomic
    os.replace(spare, path + ".previous")


def sync_folder(folder: str) -> None:
    """Make a rename in `folder` durable. Raises `OSError`."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_checked(path: str) -> Tuple[Optional[Body], str]:
    """Return the body of a state file, or `None` with what is wrong with it (nothing when it is not there)."""
    try:
        with open(path, "rb") as file:
            complete = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"cannot be read ({reason_of(error)})"
    if len(complete) > MAX_FILE:
        return None, f"is larger than {MAX_FILE // 1048576} MiB"
    try:
        outer = json.loads(complete)
        text = outer["body"]
        if outer["sha256"] != _digest(text):
            return None, "does not match its checksum"
        body = json.loads(text)
    except (ValueError, KeyError, TypeError, UnicodeDecodeError, AttributeError):
        return None, "is only half written"
    return (body, "") if isinstance(body, dict) else (None, "contains something else")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_secret(path: str, what: str) -> str:
    """Return the first line of a secret's file. Raises `Failed` with a sentence."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(8192).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not text"
        raise Failed(f"Cannot read the {what} from {path}: {reason}.", "Put it there, readable by the agent.") from None
    if not text:
        raise Failed(f"The {what} file {path} is empty.", "Put the text of it into the file.")
    return text.splitlines()[0].strip()

"""What was read so far, on the disk of the reader: a folder (0700) with a file (0600) for each and a state.

Only text without secrets is written. The state is written after each entry and every few seconds within one, so that a
bundle continues after a lost link, Ctrl-C or a power cut.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound
from edgewright.core.slow_files import Check, unchecked
from edgewright.core.text import clean

FORMAT = 1
MAX_STATE = 8 * 1024 * 1024
STATE = "state.json"


class FileRecord(msgspec.Struct, rename="camel"):
    """One file of the bundle: `stored` is its name in the folder; `cut` where only its end, or begin, was read.

    `left_out`: secrets that were taken out, by rule. `status`: exit status of a command.
    """

    name: str
    stored: str
    bytes: int = 0
    sha256: str = ""
    cut: bool = False
    left_out: dict[str, int] = {}
    status: str = ""


class EntryRecord(msgspec.Struct, rename="camel"):
    """What became of one entry. `reason` is why it is missing ("" where it is there), `seconds` how long it took."""

    name: str
    complete: bool = False
    reason: str = ""
    files: list[FileRecord] = []
    seconds: float = 0.0
    read_again: bool = False
    note: str = ""


class Checkpoint(msgspec.Struct, rename="camel"):
    """Where an entry continues that was not finished; see `script.Resume`. `filter` is the state of the redaction."""

    name: str
    file: FileRecord
    base: int
    at: int
    check: str
    filter: dict[str, Any]


class State(msgspec.Struct, rename="camel"):
    """All that is known. `since` and `until` are seconds of the host's clock; `machine` identifies the host."""

    target: str
    began: float
    ago: int
    format: int = FORMAT
    host: str = ""
    machine: str = ""
    since: int = 0
    until: int = 0
    skew: float = 0.0
    root: bool = False
    way: str = ""
    received: int = 0
    raw: int = 0
    seconds: float = 0.0
    interruptions: int = 0
    entries: list[EntryRecord] = []
    current: Checkpoint | None = None


class Partial:
    """A folder with a bundle that is not finished."""

    def __init__(self, folder: Path, state: State) -> None:
        self.folder, self.state = folder, state

    @classmethod
    def create(cls, folder: Path, state: State) -> Partial:
        """Make the folder. Raises `Failed`."""
        try:
            folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise Failed(f"{folder} cannot be made: {error.strerror}.", "Give another --out.") from None
        partial = cls(folder, state)
        partial.save()
        return partial

    @classmethod
    def open(cls, folder: Path) -> Partial:
        """Return one that was left. Raises `NotFound`, `InvalidInput`."""
        try:
            with (folder / STATE).open("rb") as file:
                text = file.read(MAX_STATE + 1)
            if len(text) > MAX_STATE:
                raise ValueError("it is too large")
            state = msgspec.json.decode(text, type=State)
            if state.format != FORMAT:
                raise ValueError(f"it has format {state.format}, this version reads {FORMAT}")
            records = [file for entry in state.entries for file in entry.files]
            for record in [*records, *([state.current.file] if state.current else [])]:
                if not record.stored.isdecimal() or len(record.stored) > 8:
                    raise ValueError(f"{clean(record.stored, 40)} is not a valid file name")
        except FileNotFoundError:
            raise NotFound(
                f"{folder} contains no unfinished bundle.", "Start one without --resume.", "NoPartialBundle"
            ) from None
        except OSError as error:
            raise Failed(f"{folder} cannot be read: {error.strerror}.") from None
        except (ValueError, msgspec.MsgspecError) as error:
            reason = clean(error, 200)
            raise InvalidInput(f"The state in {folder} cannot be used: {reason}.", "Start again.") from None
        return cls(folder, state)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Have the folder for this run alone; the state is what it is then. Raises `Conflict`, and as `open` does."""
        try:
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise Failed(f"{self.folder} cannot be read: {error.strerror}.") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"Another run writes to {self.folder}.", "Wait for it to end.", "InUse") from None
            except OSError:
                pass  # a share without locks
            self.state = Partial.open(self.folder).state
            yield
        finally:
            os.close(descriptor)

    def path(self, record: FileRecord) -> Path:
        """Return where a file of the bundle is stored."""
        return self.folder / record.stored

    def next_file(self, name: str) -> FileRecord:
        """Return the record of a new file."""
        used = [int(file.stored) for entry in self.state.entries for file in entry.files]
        if self.state.current is not None:
            used.append(int(self.state.current.file.stored))
        return FileRecord(name, f"{max(used, default=0) + 1:05d}")

    def open_file(self, record: FileRecord, size: int = 0, check: Check = unchecked) -> tuple[int, Any]:
        """Return a descriptor at the end of the first `size` bytes of a file, and the SHA-256 of them.

        `check` is called with each MiB. Raises `OSError`, `ValueError` where it has fewer.
        """
        descriptor = os.open(self.path(record), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        digest = hashlib.sha256()
        try:
            left = size
            while left:
                check()
                data = os.read(descriptor, min(left, 1 << 20))
                if not data:
                    raise ValueError("shorter than its state")
                digest.update(data)
                left -= len(data)
            os.ftruncate(descriptor, size)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, digest

    def save(self) -> None:
        """Write the state. Raises `Failed`."""
        place, new = self.folder / STATE, self.folder / f"{STATE}.new"
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(msgspec.to_builtins(self.state), indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            new.replace(place)
        except OSError as error:
            raise not_written(place, error) from None

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def not_written(place: Path, error: OSError) -> Failed:
    """Return the error for a file that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failed(f"{place} cannot be written: {error.strerror}.", "Free space on this machine, then continue.")
    return Failed(f"{place} cannot be written: {error.strerror or error}.", "Give a folder that you may write to.")

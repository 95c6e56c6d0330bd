"""The reconciler's journal: one record a line, each with a checksum, on disk before the step that it announces.

A record is the complete state of one step, so the newest line of a step counts. Power can fail inside of a write: an
invalid tail is cut off. A record that cannot be written raises `CannotRecord`, and the caller does not start the step.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgewright.agent.kernel.state import reason_of, sync_folder
from edgewright.core.errors import Failed

NAME = "journal.jsonl"
COMPACT_AT = 2_000
"""Lines from which the journal is written again with the newest record of each step."""
MAX_ENDED = 500
"""Ended steps that stay in it: an id with a record is never started again (P24)."""
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of a journal that are read at most; one that is larger was not written by this program."""

Record = Dict[str, Any]


class CannotRecord(Failed):
    """A record is not on disk: the step that it announces must not start."""


class Journal:
    """The journal in `folder`; `ended` returns which records may be dropped when it is compacted."""

    def __init__(self, folder: str, ended: Callable[[Record], bool] = lambda record: False) -> None:
        self.path = os.path.join(folder, NAME)
        self.records: Dict[str, Record] = {}
        self.damaged = 0
        """Lines inside of the journal that do not match their checksum; they are left out."""
        self.cut = 0
        """Bytes that were cut off at the end: a record whose write was interrupted."""
        self._ended = ended
        self._size = 0
        self._lines = 0
        self._handle: Optional[int] = None

    def open(self) -> None:
        """Read the journal and cut off an interrupted write. Raises `CannotRecord` when it cannot be opened."""
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            data = _read_all(self._handle)
            self._load(data)
            if self._size < len(data):
                os.ftruncate(self._handle, self._size)
                os.fsync(self._handle)
            sync_folder(os.path.dirname(self.path))
        except OSError as error:
            self.close()
            raise self._refused(error) from None
        if self._lines > COMPACT_AT:
            self._compact()

    def close(self) -> None:
        """Close the file; what is not on disk now never was promised."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def append(self, step: str, record: Record) -> None:
        """Make the new state of a step durable. Raises `CannotRecord`; the journal is then as it was before."""
        if self._handle is None:
            self.open()
        assert self._handle is not None
        line = encode({**record, "step": step})
        try:
            if os.fstat(self._handle).st_size != self._size:
                os.ftruncate(self._handle, self._size)  # what an earlier failure left behind
            _write_all(self._handle, line)
            os.fsync(self._handle)
        except OSError as error:
            self._undo()
            raise self._refused(error) from None
        self._size += len(line)
        self._lines += 1
        self.records[step] = {**record, "step": step}

    def _undo(self) -> None:
        assert self._handle is not None
        try:
            os.ftruncate(self._handle, self._size)
        except OSError:
            pass  # the next append tries again before it writes

    def _load(self, data: bytes) -> None:
        records: Dict[str, Record] = {}
        good = place = lines = bad = skipped = 0
        for line in data.split(b"\n")[:-1]:
            place += len(line) + 1
            record = decode(line)
            if record is None:
                bad += 1
                continue
            records[record["step"]] = record
            good, lines, skipped = place, lines + 1, bad
        self.records, self._size, self._lines = records, good, lines
        self.damaged, self.cut = skipped, len(data) - good

    def _compact(self) -> None:
        """Write the journal again with the newest record of each step; a failure leaves the old one in place."""
        ended = [step for step, record in self.records.items() if self._ended(record)]
        dropped = set(ended[: max(0, len(ended) - MAX_ENDED)])
        stay = {step: record for step, record in self.records.items() if step not in dropped}
        fresh = self.path + ".new"
        try:
            handle = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                data = b"".join(encode(record) for record in stay.values())
                _write_all(handle, data)
                os.fsync(handle)
                os.replace(fresh, self.path)
                sync_folder(os.path.dirname(self.path))
            except OSError:
                os.close(handle)
                raise
        except OSError:
            return
        self.close()
        self._handle, self._size, self._lines, self.records = handle, len(data), len(stay), stay

    def _refused(self, error: OSError) -> CannotRecord:
        return CannotRecord(
            f"The reconciler cannot write {self.path}: {reason_of(error)}. No step is started until it can.",
            "Free the disk (`host disk` shows what fills it)."
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "Check the folder and its disk.",
            code="JournalNotWritable",
        )


def encode(record: Record) -> bytes:
    """Return the line of a record: `{"sum": <first 16 hex digits of its SHA-256>, "record": {...}}`."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return f'{{"sum":"{_sum(text)}","record":{text}}}\n'.encode()


def decode(line: bytes) -> Optional[Record]:
    """Return the record of a line, or `None` when the line is torn or altered."""
    try:
        outer = json.loads(line)
        record = outer["record"]
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        intact = outer["sum"] == _sum(text) and isinstance(record, dict) and isinstance(record.get("step"), str)
    except (ValueError, KeyError, TypeError, UnicodeDecodeError, RecursionError):
        return None
    return record if intact else None


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_all(handle: int) -> bytes:
    parts: List[bytes] = []
    total = 0
    while total < MAX_BYTES:
        part = os.pread(handle, 1 << 20, total)
        if not part:
            break
        parts.append(part)
        total += len(part)
    return b"".join(parts)


def _write_all(handle: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(handle, data[done:])


def read_records(folder: str) -> Tuple[Record, ...]:
    """Return the newest record of each step, for whoever only looks. Never raises."""
    journal = Journal(folder)
    try:
        with open(journal.path, "rb") as file:
            journal._load(file.read(MAX_BYTES))
    except OSError:
        return ()
    return tuple(journal.records.values())

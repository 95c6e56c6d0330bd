"""Journal of commands: what was about to be done, and what came of it, on disk before and after.

One JSON object a line, file mode 0600, fsync after each line. An entry that was begun and never ended is what a
crash leaves; the next start reports it. A half-written last line is tolerated and never hides the lines before it.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgewright.core import times


class Entry(msgspec.Struct, frozen=True):
    """One command in the journal. `ended` is `None` for a command whose end is not known."""

    id: str
    command: str
    targets: tuple[str, ...]
    plan: dict[str, Any]
    begun: float
    pid: int
    ended: float | None = None
    outcome: dict[str, Any] | None = None


class Journal:
    """Append-only journal at `path`; safe for several threads and several processes (one write a line)."""

    def __init__(self, path: Path, now: Callable[[], float] = times.now) -> None:
        self.path = path
        self._now = now
        self._lock = threading.Lock()

    def begin(self, command: str, targets: Sequence[str], plan: Mapping[str, Any]) -> str:
        """Write that `command` starts on `targets`; returns the entry's id. Raises `OSError` when it cannot."""
        entry_id = secrets.token_hex(12)
        self._append(
            {
                "id": entry_id,
                "begin": command,
                "targets": list(targets),
                "plan": dict(plan),
                "at": self._now(),
                "pid": os.getpid(),
            }
        )
        return entry_id

    def end(self, entry_id: str, outcome: Mapping[str, Any]) -> None:
        """Write what came of the entry. Raises `OSError` when it cannot."""
        self._append({"id": entry_id, "end": dict(outcome), "at": self._now()})

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first; unreadable lines are left out."""
        matches: dict[str, Entry] = {}
        for line in self._lines():
            entry_id = str(line.get("id", ""))
            if "begin" in line:
                matches[entry_id] = Entry(
                    id=entry_id,
                    command=str(line["begin"]),
                    targets=tuple(str(target) for target in line.get("targets") or ()),
                    plan=line.get("plan") or {},
                    begun=float(line.get("at") or 0.0),
                    pid=int(line.get("pid") or 0),
                )
            elif "end" in line and entry_id in matches:
                outcome = line["end"] if isinstance(line["end"], dict) else {}
                matches[entry_id] = msgspec.structs.replace(
                    matches[entry_id], ended=float(line.get("at") or 0.0), outcome=outcome
                )
        return list(matches.values())

    def unfinished(self) -> list[Entry]:
        """Return the entries without an end whose process no longer exists: what a crash or a power cut left."""
        return [entry for entry in self.entries() if entry.ended is None and not _alive(entry.pid)]

    def _append(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n"
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    data = b"\n" + data  # the last writer was cut off in mid-line
                view = memoryview(data)
                while view:
                    view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        for raw in data.split(b"\n"):
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line


def _alive(pid: int) -> bool:
    """Return whether a process of this machine still runs the command (a number used again only delays the report)."""
    if pid <= 0:
        return False
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

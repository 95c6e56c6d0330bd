"""Recordings: the event log of a console in a file, to be opened later and stepped through.

JSON lines. The first is a header with the version; the second a snapshot of the model, so that a recording is complete
whenever it was begun; then one event a line. A recording may be continued: another header and snapshot follow.
A half-written line is what a power cut leaves; it is skipped. The file is private (0600): it names every host.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from edgewright.core import times
from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.store.engine.events import Event
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store

VERSION: Final = 1
FORMAT: Final = "edgewright-recording"
_FLUSH_EVERY: Final = 64
"""Events between two writes to the file at the most."""
_FLUSH_AFTER: Final = 2.0
"""Seconds after which the next event is written at once: a power cut loses little."""


class Recorder:
    """Writes every event of a store to a file from now on. `close` ends it."""

    def __init__(self, store: Store, path: Path, context: str = "") -> None:
        """Open the file and write header and snapshot. Raises `Failed` when the file cannot be written."""
        self._path = path
        self._waiting: list[bytes] = []
        self._written = store.now()
        self.events = 0
        """Events written so far."""
        self.problem = ""
        """Why the recording stopped by itself, `""` while it runs."""
        store.flush()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(f"The recording {path} cannot be written: {error.strerror}.", "Choose another file.") from None
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")
        head = {"format": FORMAT, "version": VERSION, "at": store.now(), "context": context}
        self._put(head)
        self._put({"snapshot": msgspec.to_builtins(store.model)})
        self._write()
        if self.problem:
            os.close(self._file)
            raise Failed(self.problem, "Free space or choose another file.")
        self._end = store.tap(self._hear)

    def close(self) -> None:
        """Write what waits and close the file; closing twice is not an error."""
        if self._file < 0:
            return
        self._end()
        self._write()
        os.close(self._file)
        self._file = -1

    def flush(self) -> None:
        """Write what waits."""
        self._write()

    def _hear(self, event: Event) -> None:
        if self.problem:
            return
        self._put({"event": [event.seq, event.at, event.source, event.kind, event.payload]})
        self.events += 1
        if len(self._waiting) >= _FLUSH_EVERY or event.at - self._written >= _FLUSH_AFTER:
            self._written = event.at
            self._write()

    def _put(self, line: dict[str, Any]) -> None:
        self._waiting.append(msgspec.json.encode(line) + b"\n")

    def _write(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        try:
            view = memoryview(data)
            while view and self._file >= 0:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            self.problem = f"The recording {self._path} stopped: {error.strerror}."


class Snapshot(msgspec.Struct, frozen=True):
    """The model from which the events after it continue."""

    at: float
    model: Model


Item = Snapshot | Event


def read(path: Path) -> list[Item]:
    """Return the content of a recording, in order. Raises `NotFound` or `InvalidInput`; broken lines are left out."""
    items: list[Item] = []
    headed = False
    at = 0.0
    for line in _lines(path):
        try:
            body = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if not isinstance(body, dict):
            continue
        if "format" in body:
            headed = _check(body, path)
            at = float(body.get("at") or 0.0)
        elif not headed:
            break
        elif "snapshot" in body:
            try:
                items.append(Snapshot(at, msgspec.convert(body["snapshot"], Model)))
            except msgspec.ValidationError:
                continue
        elif "event" in body and items:
            try:
                items.append(Event(*msgspec.convert(body["event"], tuple[int, float, str, str, dict[str, Any]])))
            except msgspec.ValidationError:
                continue
    if not headed:
        raise InvalidInput(f"{path} is not a recording.", "Make one with: edgewright record FILE")
    if not items:
        raise InvalidInput(f"The recording {path} was cut off before its first picture.", "Make a new one.")
    return items


def _check(head: dict[str, Any], path: Path) -> bool:
    if head.get("format") != FORMAT:
        raise InvalidInput(f"{path} is not a recording.", "Make one with: edgewright record FILE")
    if head.get("version") != VERSION:
        raise InvalidInput(
            f"The recording {path} has version {head.get('version')!r}; this program reads {VERSION}.",
            "Open it with the release that made it.",
        )
    return True


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a plain or gzip'd file, as far as it can be read."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as lines:
            yield from lines
    except FileNotFoundError:
        raise NotFound(f"There is no recording {path}.", "Check the name of the file.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return  # cut off in the middle: what came before is good
    except OSError as error:
        raise Failed(f"The recording {path} cannot be read: {error.strerror or error}.") from None


def stamp(moment: float) -> str:
    """Return a time as it may be in the name of a recording: `20261123T080846Z`."""
    return times.rfc3339(moment)[:19].replace("-", "").replace(":", "") + "Z"

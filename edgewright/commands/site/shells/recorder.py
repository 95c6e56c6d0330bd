"""Writes what a host's terminal showed to a file, masked, and never makes the terminal wait.

A thread of its own masks and writes twice a second: a slow or full disk costs the recording, not the shell. The file
is readable after each write, also when the process is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edgewright.clients.ssh.target import short_name
from edgewright.config import locations
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.core.recording.asciicast import NOTE, Header, Texts, output_line, size_line
from edgewright.core.recording.masking import Masker, Piece

FOLDER = "recordings"
SUFFIX = ".cast"
MOST_BYTES = 32 * 1024 * 1024
"""Bytes of one file, after which the recording ends."""
MOST_WAITING = 4 * 1024 * 1024
"""Bytes that wait for the thread; what comes meanwhile is left out, and the file shows how much."""
BURST, RATE = 2 * 1024 * 1024, 64 * 1024
"""Bytes of output that are recorded at once, and further ones in each second: output without end (`yes`) must not use
up the file. What is left out is counted in the file; it continues at the begin of a line, so that no secret is cut."""
MOST_FILES, MOST_TOGETHER = 500, 1024 * 1024 * 1024
"""Recordings, and bytes of them together, at most; the oldest go first."""
PAUSE = 0.5
"""Seconds between two writes."""
CLOSING = 2.0
"""Seconds that the end waits for the last write."""


_LINE_BEGIN = re.compile(rb"\n|\x1b\[[\d;]*H")


def folder() -> Path:
    """Return where recordings are; it is not made."""
    return locations.folder("state") / FOLDER


def recordings() -> list[Path]:
    """Return the files of recordings, newest first. Raises `OSError` where the folder cannot be read."""
    with contextlib.suppress(FileNotFoundError):
        return sorted((path for path in folder().iterdir() if path.suffix == SUFFIX and path.is_file()), reverse=True)
    return []


class Recorder:
    """One recording. `path` is None, and `problem` one sentence, where there is none (any more)."""

    def __init__(
        self,
        target: str,
        title: str,
        term: str,
        columns: int,
        rows: int,
        *,
        ended: Callable[[str], None] = lambda problem: None,
        most: int = MOST_BYTES,
    ) -> None:
        """Make the file. `ended` is called from the thread of the recording when it ends before the shell does."""
        self.path: Path | None = None
        self.problem = ""
        self.written = 0
        self._ended, self._most = ended, most
        self._began = time.monotonic()
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._waiting: list[tuple[float, bytes | tuple[int, int]]] = []
        self._bytes = self._lost = 0
        self._allowance, self._counted_at = float(BURST), 0.0
        self._stop = False
        self._last = 0.0
        self._masker, self._texts = Masker(), Texts()
        self._descriptor = -1
        try:
            _make_room(locations.ensure(folder()))
            self.path = folder() / _name(target)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._write(Header(columns, rows, times.now(), title, target, term).line())
        except (OSError, EdgewrightError) as error:
            self._fail(f"The shell is not recorded: {_reason(error)}.")
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def masked(self) -> int:
        """Number of different values that were masked so far."""
        return self._masker.masked

    def output(self, data: bytes) -> None:
        """Take output of the host; returns at once."""
        if self._descriptor < 0:
            return
        with self._lock:
            now = self._now()
            self._allowance = min(self._allowance + (now - self._counted_at) * RATE, float(BURST))
            self._counted_at = now
            if self._bytes + len(data) > MOST_WAITING or len(data) > self._allowance:
                self._lost += len(data)
                return
            if self._lost:
                begin = _LINE_BEGIN.search(data)
                self._lost += len(data) if begin is None else begin.start()
                if begin is None:
                    return
                data = data[begin.start() :]
                self._note_lost(now)
            self._allowance -= len(data)
            self._waiting.append((now, data))
            self._bytes += len(data)

    def _note_lost(self, now: float) -> None:
        self._waiting.append((now, f"\r\n[{self._lost} bytes were faster than this recording]\r\n".encode()))
        self._lost = 0

    def size(self, columns: int, rows: int) -> None:
        """Note that the terminal has another size."""
        if self._descriptor >= 0:
            with self._lock:
                self._waiting.append((self._now(), (columns, rows)))

    def close(self) -> None:
        """Write what is left and close the file; waits `CLOSING` seconds at most."""
        self._stop = True
        self._wake.set()
        self._thread.join(CLOSING)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _run(self) -> None:
        while self._descriptor >= 0:
            stopping = self._stop
            self._write_waiting(stopping)
            if stopping:
                break
            self._wake.wait(PAUSE)
        self._close()

    def _write_waiting(self, last: bool) -> None:
        with self._lock:
            if last and self._lost:
                self._note_lost(self._now())
            waiting, self._waiting, self._bytes = self._waiting, [], 0
        lines: list[str] = []
        for at, what in waiting:
            if isinstance(what, bytes):
                lines += self._lines(self._masker.feed(at, what))
            else:
                lines.append(size_line(self._in_order(at), *what))
        if last:
            lines += self._lines(self._masker.finish())
        if lines:
            self._write("".join(lines))

    def _lines(self, pieces: list[Piece]) -> list[str]:
        return [output_line(self._in_order(piece.at), text) for piece in pieces if (text := self._texts.of(piece.data))]

    def _in_order(self, at: float) -> float:
        """Return a time that is not before those that were written: a size overtakes output that waits for its line."""
        self._last = max(at, self._last)
        return self._last

    def _write(self, text: str) -> None:
        """Append complete lines; the file ends at the limit, or where the disk is full, with its last complete line."""
        if self._descriptor < 0:
            return
        data = text.encode("utf-8", "replace")
        if self.written + len(data) > self._most:
            data = data[: data.rfind(b"\n", 0, max(self._most - self.written, 0)) + 1]
            ending = f"[the recording ends here: it has {self._most} bytes, its limit]"
            data += output_line(self._in_order(self._now()), f"\r\n{ending}\r\n").encode()
            if self._append(data):
                self._fail(f"The shell is not recorded any more: {self.path} has {self._most} bytes, its limit.")
            return
        self._append(data)

    def _append(self, data: bytes) -> bool:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.written)
            self._fail(f"The shell is not recorded any more: {_reason(error)} at {self.path}.")
            return False
        self.written += len(data)
        return True

    def _fail(self, problem: str) -> None:
        self.problem = problem
        if self.written == 0:
            if self.path is not None and self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    self.path.unlink()
            self.path = None
        self._close()
        self._ended(problem)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _name(target: str) -> str:
    """Return the name of a file: time, host, and something that no other one has."""
    host = short_name(target)
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in ".-") else "_" for letter in host)
    moment = times.rfc3339(times.now())[:19].replace(":", "").replace("-", "")
    return f"{moment}Z-{safe[:80].lstrip('.')}-{secrets.token_hex(2)}{SUFFIX}"


def _make_room(place: Path) -> None:
    """Delete the oldest recordings where there are too many or they are too large together."""
    together = 0
    for number, path in enumerate(recordings()):
        with contextlib.suppress(OSError):
            together += path.stat().st_size
            if number >= MOST_FILES - 1 or together > MOST_TOGETHER - MOST_BYTES:
                path.unlink()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error).rstrip(".")


__all__ = ["NOTE", "Recorder", "folder", "recordings"]

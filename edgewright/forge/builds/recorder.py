"""What a running build writes down: step, rate and time left, its log, and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from edgewright.config.locations import write_private
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, ExitCode, Failed, NotFound
from edgewright.forge.builds import process
from edgewright.forge.builds.record import ENDED, new_folder, read_json, root, write_json
from edgewright.forge.progress import Progress

EVERY = 0.5
"""Seconds between two writes of progress; a new step and the end are written at once."""


class Recorder:
    """The one writer of a build's record while it runs; a sink for a `Job`, safe from any thread.

    As a context manager it writes the end: what leaves it by an error has failed, or was cancelled (exit code 130).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record: dict[str, Any] = read_json(folder / "build.json")
        if not self._record:
            raise NotFound(f"There is no build in {folder}.", "See them: edgewright build list", "NoBuild")
        self._lock = threading.Lock()
        self._written = 0.0

    @classmethod
    def new(cls, kind: str, name: str, answers: str = "") -> Recorder:
        """Begin the record of a build that this process does itself; `answers` is the text of its answer file, if any.

        Raises `Failed`.
        """
        folder = new_folder()
        if answers:
            write_private(folder / "answers.yaml", answers)  # before the record: what is listed can be repeated
        write_json(folder / "build.json", first_record(kind, name))
        return cls(folder)

    @classmethod
    def of(cls, build_id: str) -> Recorder:
        """Return the recorder of a build that was queued. Raises `NotFound`, `Conflict` when it has begun already."""
        if not build_id or "/" in build_id or build_id.startswith("."):
            raise NotFound(f"There is no build {build_id[:60]!r}.", "See them: edgewright build list", "NoBuild")
        recorder = cls(root() / build_id)
        if recorder._record.get("state") != "queued":
            raise Conflict(f"Build {build_id} has begun already.", f"See: edgewright build show {build_id}")
        return recorder

    @property
    def id(self) -> str:
        """The build's id."""
        return self.folder.name

    def __enter__(self) -> Recorder:
        """Record that it runs, and by which process."""
        self._write(state="running", **process.own())
        return self

    def __call__(self, progress: Progress) -> None:
        """Take where the work is: a new step at once, within a step at most twice a second."""
        with self._lock:
            new = progress.step != self._record.get("step")
            if new:
                self.log(str(progress.step))
            now = time.monotonic()
            if not new and now - self._written < EVERY:
                return
            self._written = now
            try:
                self._write(**progress._asdict())
            except Failed:
                pass  # no work stops because its progress cannot be reported

    def log(self, line: str) -> None:
        """Append a line to the log; that it cannot be written stops no build."""
        stamp = datetime.fromtimestamp(times.now(), UTC).strftime("%H:%M:%SZ")
        try:
            with (self.folder / "log").open("a", encoding="utf-8") as file:
                file.write(f"{stamp} {line}\n")
        except OSError:
            pass

    def made(self, outputs: Sequence[Path]) -> None:
        """Record what was made."""
        self._write(outputs=[str(path.absolute()) for path in outputs])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the end."""
        self.ended_by(error)

    def ended_by(self, error: BaseException | None) -> None:
        """Write the end, and with an error the step at which it happened."""
        if error is None:
            self._end("done", None)
            return
        reported = {"code": "Cancelled", "message": "Stopped; nothing partial is left.", "hint": "Run it again."}
        state = "cancelled"
        if isinstance(error, EdgewrightError):
            reported = error.as_dict()
            state = "cancelled" if error.exit_code == ExitCode.INTERRUPTED else "failed"
        elif isinstance(error, Exception):
            state = "failed"
            message = f"That is a bug in Edgewright: {type(error).__name__}."
            reported = {"code": "Defect", "message": message, "hint": "Its log shows where; please report it."}
        self._end(state, {**reported, "step": str(self._record.get("step") or "")})

    def _end(self, state: str, error: dict[str, str] | None) -> None:
        assert state in ENDED
        with self._lock:
            self.log(state if error is None else f"{state}: {error['message']} {error['hint']}".rstrip())
            try:
                self._write(state=state, error=error, ended=times.now(), rate=0.0, left=None)
            except Failed as failure:  # a full disk: the process has ended, so it is reported as lost
                self.log(failure.message)

    def _write(self, **values: Any) -> None:
        self._record.update(values)
        write_json(self.folder / "build.json", self._record)


def first_record(kind: str, name: str) -> dict[str, Any]:
    """Return the record of a build that has not begun."""
    return {"kind": kind, "name": name, "created": times.now(), "state": "queued", "step": "", "outputs": []}

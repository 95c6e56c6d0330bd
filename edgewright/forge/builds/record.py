"""What is stored of a build: `build.json` in a folder of its own, read back as a `Build`.

`STATE/builds/ID/` (0700) contains `build.json`, `log` (a line each), `answers.yaml` (0600) when it came from answers,
and `process.json`, written by whoever started it. A build whose process ended without a result is `lost`.
"""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from edgewright.config import locations
from edgewright.core import times
from edgewright.core.errors import Conflict, NotFound
from edgewright.core.text import clean
from edgewright.forge.builds import process
from edgewright.forge.manifest import label_of, read_manifest
from edgewright.forge.progress import Progress

State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]
ENDED = ("done", "failed", "cancelled", "lost")
KINDS = ("iso", "base", "image", "sites", "verify")
QUEUE_PATIENCE = 60.0
"""Seconds after which a build that was not started is lost, when it is not known which process should."""
LARGEST = 1024 * 1024


class Build(NamedTuple):
    """One build. Times in epoch seconds; `progress` is 0 to 1 or None; `rate` in `unit` a second; `left` in seconds.

    `error` is None or `{"code", "message", "hint", "step"}`. `label` is `proven`, `checked`, `unproven`, or "" where
    nothing was made. `outputs` are paths of what was made, the ISO first.
    """

    id: str
    kind: str
    name: str
    state: State
    created: float
    ended: float | None
    step: str
    done: int
    total: int
    unit: str
    rate: float
    left: float | None
    pid: int
    outputs: tuple[str, ...]
    error: dict[str, str] | None
    label: str
    folder: Path

    @property
    def progress(self) -> float | None:
        """How much of the present step is done, 0 to 1; None when it is not known."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state in ENDED

    @property
    def line(self) -> str:
        """What it does now, for users: step, how far, rate, time left; or how it ended."""
        if self.state == "running":
            unit: Any = self.unit
            return str(Progress(self.step, self.done, self.total, unit, self.rate, self.left))
        if self.error is not None:
            return self.error.get("message", "")
        return {"queued": "waits for its process", "lost": "its process ended without a result"}.get(self.state, "")

    @property
    def iso(self) -> Path | None:
        """The installer that it made, where there is one."""
        return next((Path(path) for path in self.outputs if path.endswith(".iso")), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that `-o json` prints."""
        ended = None if self.ended is None else times.rfc3339(self.ended)
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "created": times.rfc3339(self.created),
            "ended": ended,
            "step": self.step,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "rate": round(self.rate, 3),
            "left": self.left,
            "pid": self.pid,
            "outputs": list(self.outputs),
            "error": self.error,
            "label": self.label,
            "folder": str(self.folder),
        }


def root() -> Path:
    """Return the folder of all builds; it is not made."""
    return locations.folder("state") / "builds"


def new_folder() -> Path:
    """Make the folder of a new build and return it; its name is the build's id. Raises `Failed`."""
    stamp = datetime.fromtimestamp(times.now(), UTC).strftime("%y%m%d-%H%M%S")
    return locations.ensure(root() / f"{stamp}-{secrets.token_hex(2)}")


def list_builds() -> list[Build]:
    """Return all builds, the newest first; directories without one are skipped."""
    try:
        folders = [path for path in root().iterdir() if path.is_dir()]
    except OSError:
        return []
    matches = [build for path in folders if (build := read(path)) is not None]
    return sorted(matches, key=lambda build: (build.created, build.id), reverse=True)


def find(word: str) -> Build:
    """Return a build by id, by its beginning or last part, or by name (the newest). Raises `NotFound`, `Conflict`."""
    every = list_builds()
    exact = [build for build in every if build.id == word]
    begins = [build for build in every if word and (build.id.startswith(word) or build.id.endswith(f"-{word}"))]
    named = [build for build in every if build.name == word]
    if exact:
        return exact[0]
    if len(begins) > 1 and not named:
        raise Conflict(f"{len(begins)} builds begin with {clean(word, 40)}.", f"Write more: {begins[0].id}")
    if begins or named:
        return (named or begins)[0]
    raise NotFound(f"There is no build {clean(word, 60)}.", "See them: edgewright build list", "NoBuild")


def read(folder: Path) -> Build | None:
    """Return the build in a folder, `lost` when its process ended; None when there is none."""
    reported = read_json(folder / "build.json")
    if not reported:
        return None
    state: Any = reported.get("state")
    if state not in ("queued", "running", *ENDED):
        return None
    if state not in ENDED and _is_abandoned(folder, reported):
        again = read_json(folder / "build.json")  # it may have ended between the two looks
        reported = again or reported
        state = reported.get("state") if reported.get("state") in ENDED else "lost"
    error = reported.get("error")
    outputs = tuple(str(path) for path in reported.get("outputs") or () if isinstance(path, str))
    return Build(
        id=folder.name,
        kind=clean(reported.get("kind"), 20),
        name=clean(reported.get("name"), 100),
        state=state,
        created=_number(reported.get("created")),
        ended=_number(reported["ended"]) if isinstance(reported.get("ended"), (int, float)) else None,
        step=clean(reported.get("step"), 200),
        done=int(_number(reported.get("done"))),
        total=int(_number(reported.get("total"))),
        unit=clean(reported.get("unit"), 10) or "steps",
        rate=_number(reported.get("rate")),
        left=_number(reported["left"]) if isinstance(reported.get("left"), (int, float)) else None,
        pid=int(_number(reported.get("pid"))),
        outputs=outputs,
        error={str(k): clean(v) for k, v in error.items()} if isinstance(error, dict) else None,
        label=_label(outputs) if state == "done" else "",
        folder=folder,
    )


def last_lines(build: Build, count: int = 200) -> list[str]:
    """Return the last lines of a build's log, cleaned for a terminal."""
    try:
        with (build.folder / "log").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 512 * count))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [clean(line, 4096) for line in text.splitlines()[-count:]]


def read_json(path: Path) -> dict[str, Any]:
    """Return the map in a JSON file; an empty one when there is none."""
    try:
        with path.open("rb") as file:
            result = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return result if isinstance(result, dict) else {}


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a map as a JSON file, completely or not at all. Raises `Failed`."""
    locations.write_private(path, json.dumps(document, ensure_ascii=False) + "\n")


def _is_abandoned(folder: Path, reported: dict[str, Any]) -> bool:
    """Whether no one works on a build that has not ended."""
    known = reported if reported.get("pid") else read_json(folder / "process.json")
    pid = known.get("pid")
    if isinstance(pid, int) and pid > 0:
        return not process.alive(pid, str(known.get("started") or ""))
    return time.time() - _number(reported.get("created")) > QUEUE_PATIENCE


def _label(outputs: tuple[str, ...]) -> str:
    """Return how sure one may be of the first ISO among the outputs, by its manifest as it is now."""
    iso = next((Path(path) for path in outputs if path.endswith(".iso")), None)
    if iso is None:
        return ""
    manifest = read_manifest(iso)
    try:
        size = iso.stat().st_size
    except OSError:
        return ""
    known = manifest.get("iso") if manifest else None
    if not isinstance(known, dict) or known.get("size") != size:
        return "unproven"  # another file than the one that was checked
    return label_of(manifest)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0

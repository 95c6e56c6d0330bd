"""Starting a build that outlives the console, stopping one, and forgetting one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgewright.config.locations import write_private
from edgewright.core.errors import Cancelled, Conflict, Failed, NotFound
from edgewright.forge.builds import process
from edgewright.forge.builds.record import Build, find, new_folder, read, read_json, write_json
from edgewright.forge.builds.recorder import Recorder, first_record

CANCEL_PATIENCE = 20.0
"""Seconds that a build may take to clean up behind itself after it was asked to stop."""

_children: list[subprocess.Popen[bytes]] = []
"""Builds that this process started: fetched when they end, so that none stays as a zombie."""


def start(kind: str, name: str, text: Sequence[str] = (), *, answers: str = "", force: bool = False) -> str:
    """Start a build in a process of its own and return its id.

    It has its own session, no terminal and no input; what it prints goes to its log. It runs the verb in `text`
    (stored in the build's folder, run by `build run ID`), or applies `answers` (the text of an answer file,
    stored there 0600), with `force` over what is there. Raises `Failed`.
    """
    folder = new_folder()
    try:
        write_json(folder / "build.json", first_record(kind, name))
        if answers:
            write_private(folder / "answers.yaml", answers)
            answers_file = str(folder / "answers.yaml")
            command = ["apply", "-f", answers_file, *(["--force"] if force else []), "--build", folder.name]
        else:
            write_json(folder / "words.json", {"words": list(text)})
            command = ["build", "run", folder.name]
        write_private(folder / "log", "")
        child = _spawn([*program(), *command], folder)
        write_json(folder / "process.json", {"pid": child.pid, "started": process.started(child.pid)})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder.name


def program() -> list[str]:
    """Return the words that run this very program."""
    return [sys.executable, "-m", "edgewright"]


def _spawn(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    package = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
    handle = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        )
    except OSError as error:
        raise Failed(f"The build cannot be started: {error.strerror}.", "Check the installation.") from None
    finally:
        os.close(handle)
    _children.append(child)
    return child


def reap() -> None:
    """Fetch what this process started and has ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def cancel(word: str, patience: float = CANCEL_PATIENCE) -> Build:
    """Ask a build to stop, wait until it has cleaned up, and return it.

    Raises `NotFound`, `Conflict` when it has ended, `Failed` when it does not stop in time: it is left alone then,
    since a killed one would leave half of its work.
    """
    build = find(word)
    if build.over:
        raise Conflict(f"Build {build.id} has ended: {build.state}.", "There is nothing to stop.", "Ended")
    known = read_json(build.folder / "build.json")
    if not known.get("pid"):
        known = read_json(build.folder / "process.json")
    pid, mark = known.get("pid"), str(known.get("started") or "")
    if not isinstance(pid, int) or not process.signal_of(pid, mark, signal.SIGTERM):
        again = read(build.folder)
        if again is not None and again.over:
            return again
        raise Failed(f"Build {build.id} cannot be stopped: its process is not ours.", "Stop it as who started it.")
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        reap()
        if not process.alive(pid, mark):
            return _stopped(build)
        time.sleep(0.05)
    raise Failed(f"Build {build.id} was asked to stop and has not yet.", f"Look at: edgewright build log {build.id}")


def arguments_of(folder: Path) -> list[str]:
    """Return the command that is stored with a build. Raises `NotFound` when there are none."""
    arguments = read_json(folder / "words.json").get("words")
    if not isinstance(arguments, list) or not arguments or not all(isinstance(word, str) for word in arguments):
        raise NotFound(f"No command is stored with build {folder.name}.", "Start a new one.", "NoWords")
    return [str(word) for word in arguments]


def _stopped(build: Build) -> Build:
    """Return a build whose process ended after it was asked to; one that had not begun yet left no record."""
    again = read(build.folder)
    if again is not None and again.state == "lost":
        Recorder(build.folder).ended_by(Cancelled())
        again = read(build.folder)
    return again or build


def delete(word: str) -> Build:
    """Forget a build: its record, log and answers; what it made stays. Raises `NotFound`, `Conflict`, `Failed`."""
    build = find(word)
    if not build.over:
        raise Conflict(f"Build {build.id} runs.", f"Stop it first: edgewright build cancel {build.id}", code="Running")
    try:
        shutil.rmtree(build.folder)
    except OSError as error:
        raise Failed(f"{build.folder} cannot be removed: {error.strerror}.", "Check its rights.") from None
    return build

"""Outside programs of the forge: found by name, run with argument lists, their output stored, stopped when asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from edgewright.core.errors import Cancelled, Failed, NotFound
from edgewright.forge.progress import Job

LAST_LINES = 200
"""Lines of a program's output that are stored to report why it failed."""

PACKAGES = {
    "xorriso": "xorriso",
    "unsquashfs": "squashfs-tools",
    "mksquashfs": "squashfs-tools",
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "grub-mkimage": "grub-common",
    "buildah": "buildah",
    "skopeo": "skopeo",
    "cosign": "cosign",
    "lsblk": "util-linux",
}
"""Debian's package for each program, for the next step of an error."""


class Done(NamedTuple):
    """A program that ended: its exit code and its last lines (standard output and error together)."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The last lines as one text."""
        return "\n".join(self.lines)


def find(name: str) -> str:
    """Return the path of a program. Raises `NotFound` with the package that brings it."""
    result = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if result is None:
        package = PACKAGES.get(name, name)
        raise NotFound(
            f"The program {name} is not installed.", f"Install it (Debian: apt-get install {package}).", "NoProgram"
        )
    return result


def run(
    text: Sequence[str],
    job: Job,
    *,
    on_line: Callable[[str], None] = lambda line: None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
) -> Done:
    """Run a program to its end, giving each line (also those that end with a carriage return) to `on_line`.

    A cancelled job stops it. Raises `NotFound` when it is not installed, `Cancelled`, and `Failed` when it cannot be
    started. A code other than 0 is the caller's to judge.
    """
    command = [find(text[0]), *text[1:]]
    try:
        process = subprocess.Popen(
            command,
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            cwd=cwd,
            start_new_session=True,  # a Ctrl-C is for us: we stop it, and clean up behind it
        )
    except OSError as error:
        raise Failed(f"{text[0]} cannot be started: {error.strerror or error}.", "Check its installation.") from None
    watcher = threading.Thread(target=_watch, args=(process, job), daemon=True)
    watcher.start()
    stored: list[str] = []
    assert process.stdout is not None
    try:
        for line in _lines(process.stdout):
            stored.append(line)
            del stored[:-LAST_LINES]
            on_line(line)
    except BaseException:
        stop(process)
        raise
    finally:
        process.wait()
        watcher.join()
    if job.cancelled:
        raise Cancelled
    return Done(process.returncode, tuple(stored))


def stop(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End a program and what it started: asked first, killed after `patience` seconds."""
    for signal in (15, 9):
        try:
            os.killpg(process.pid, signal)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def _watch(process: subprocess.Popen[bytes], job: Job) -> None:
    while process.poll() is None:
        if job.cancelled:
            stop(process)
            return
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield lines as they come; progress bars end theirs with a carriage return."""
    rest = b""
    while True:
        chunk = os.read(stream.fileno(), 65536)
        if not chunk:
            break
        *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                yield text
        if len(rest) > 65536:
            rest = rest[-65536:]
    if rest.strip():
        yield rest.decode("utf-8", "replace").rstrip()

"""The one seam to the programs of the box, so that tests see the command lists and nothing else is run."""

from __future__ import annotations

import os
import subprocess
from typing import Mapping, Optional, Sequence

from edgewright.core.errors import Failed
from edgewright.core.text import clean

SECONDS = 300.0
"""A program of the installer that takes longer than this is ended."""


class Runner:
    """Runs programs with a time limit; secrets go to their standard input, never into their words."""

    def run(self, text: Sequence[str], *, stdin: str = "", seconds: float = SECONDS, check: bool = True) -> str:
        """Return what the program printed. Raises `Failed` with its last words when it fails or takes too long."""
        code, output, reported = self._call(text, stdin, seconds)
        if check and code != 0:
            last = [line for line in (reported or output).strip().splitlines() if line.strip()][-1:] or [f"code {code}"]
            # the program's name alone: a stage's command may contain a secret, and this is read on the console
            raise Failed(f"`{text[0]}` failed: {clean(last[0], 300).rstrip('.')}.", code="ProgramFailed")
        return output

    def succeeds(self, text: Sequence[str], *, stdin: str = "", seconds: float = SECONDS) -> bool:
        """Return whether the program ended with code 0."""
        try:
            return self._call(text, stdin, seconds)[0] == 0
        except Failed:
            return False

    def _call(
        self, text: Sequence[str], stdin: str, seconds: float, more: Optional[Mapping[str, str]] = None
    ) -> "tuple[int, str, str]":
        environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **(more or {})}
        try:
            done = subprocess.run(
                list(text),
                input=stdin.encode(),
                capture_output=True,
                timeout=seconds,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"`{text[0]}` did not end within {seconds:.0f} s.", code="ProgramTimeout") from None
        except OSError as error:
            reported = (error.strerror or str(error)).lower()
            raise Failed(f"`{text[0]}` cannot be started: {reported}.", code="ProgramMissing") from None
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def write_file(path: str, data: bytes, mode: int = 0o644) -> None:
    """Write a file completely or not at all, synced, with its mode from the first byte on. Raises `OSError`."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    fresh = path + ".part"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(handle, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    except BaseException:
        os.close(handle)
        os.unlink(fresh)
        raise
    os.close(handle)
    os.replace(fresh, path)


def read_text(path: str, limit: int = 1 << 20) -> str:
    """Return a small file as text; empty when it is not there or cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""

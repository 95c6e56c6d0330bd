"""Build programs as children: their output line by line, and nothing left of them after Ctrl-C."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab.kubernetes.failures import explain
from edgewright.lab.tools import environment, search_path

PACKAGES = {
    "go": "Go 1.21 or later (it fetches the version that Kubernetes needs by itself)",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "npm": "npm",
    "mmdebstrap": "mmdebstrap",
    "docker-registry": "docker-registry",
    "openssl": "openssl",
}


GRACE = 3.0


def require(program: str) -> None:
    """Raise `Failed` when a program is not installed."""
    if shutil.which(program, path=search_path()) is None:
        raise Failed(
            f"The program {program} is not installed.",
            f"Install {PACKAGES.get(program, program)} and run the same command again.",
            "ProgramMissing",
        )


def run(
    command: Sequence[str | Path],
    what: str,
    folder: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    each: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Run a program and return the last 2,000 lines that it printed; `each` gets every line as it comes.

    Raises what `explain` makes of a failure. An interrupt ends the program and all its children first.
    """
    require(str(command[0]))
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    lines: collections.deque[str] = collections.deque(maxlen=2000)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            each(lines[-1])
        code = process.wait()
    except BaseException:
        end(process)
        raise
    if code != 0:
        raise explain(what, list(lines), folder)
    return list(lines)


def end(process: subprocess.Popen[str]) -> None:
    """End a program that leads its own session, with its children: asked first, killed after `GRACE` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            if number == signal.SIGKILL:
                return

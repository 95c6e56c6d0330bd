"""A shell of this machine as the host: what it runs is real, the way there is a pipe in place of SSH."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
import time
from collections.abc import Sequence

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.clients.ssh.probes import frames, shell
from edgewright.clients.ssh.probes.probe import Probe

SHELLS: dict[str, list[str]] = {
    "sh": ["sh", "-s"],
    "dash": ["dash", "-s"],
    "bash": ["bash", "--posix", "-s"],
    "busybox": ["busybox", "ash", "-s"],
}
"""Command lines of the shells that the script is written for."""
PRESENT = [name for name, words in SHELLS.items() if shutil.which(words[0])]


class LocalShell:
    """Runs scripts in a shell of this machine."""

    def __init__(self, words: Sequence[str] = ("sh", "-s"), environment: dict[str, str] | None = None) -> None:
        self.words, self.environment = list(words), environment
        self.scripts: list[bytes] = []
        self.closed = False

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        """Run a script; what is longer than the limit is cut."""
        self.scripts.append(script)
        began = time.monotonic()
        done = await asyncio.to_thread(
            subprocess.run,
            self.words,
            input=script,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=self.environment,
        )
        cut = len(done.stdout) > limit
        return ScriptResult(done.returncode, done.stdout[:limit], done.stderr[:limit], cut, time.monotonic() - began)

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True


def run(probes: Sequence[Probe], name: str = "sh", **options: int) -> frames.Run:
    """Return what probes give in a shell of this machine."""
    marker = secrets.token_hex(16)
    script = shell.script(probes, marker, **options)
    done = subprocess.run(SHELLS[name], input=script, capture_output=True, timeout=60, check=False)
    return frames.parse(done.stdout, marker, probes)

"""Processes distinguished for good: a pid with the time of its start, so that a reused pid is never taken for ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def started(pid: int) -> str:
    """Return a mark of when a process started, unlike that of any other of the same pid; "" when it does not run.

    A process that has ended and was not fetched yet by its parent does not run.
    """
    try:
        parts = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _asked(pid)
    return "" if parts[0] in ("Z", "X") else f"{boot}:{parts[19]}"


def _asked(pid: int) -> str:
    """Return the same where there is no /proc."""
    try:
        reported = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    state, _, moment = reported.stdout.strip().partition(" ")
    return "" if not state or state.startswith("Z") else moment.strip()


def alive(pid: int, mark: str) -> bool:
    """Whether the process `pid` that had this mark runs."""
    return bool(mark) and started(pid) == mark


def own() -> dict[str, object]:
    """Return pid and mark of this process."""
    return {"pid": os.getpid(), "started": started(os.getpid())}


def signal_of(pid: int, mark: str, number: int) -> bool:
    """Send a signal to a process, with its group when it leads one; False when it does not run any more."""
    if pid <= 1 or not alive(pid, mark):
        return False
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True

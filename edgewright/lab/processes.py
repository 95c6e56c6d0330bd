"""Processes of the lab: started apart from our terminal, known again later, never confused with another's.

A process id alone may belong to another process since; with its start time it is one process for ever.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgewright.lab.tools import environment


def start_time(pid: int) -> str:
    """Return when the process started, in the kernel's ticks since boot; '' when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def alive(pid: int, started: str) -> bool:
    """Return whether that very process still runs."""
    return pid > 0 and started != "" and start_time(pid) == started


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    matches = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                matches.append(int(folder.name))
    return sorted(matches)


def launch(
    command: Sequence[str | Path], log: Path, groups: Sequence[Path] = (), env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Start a process of its own session, in the control groups `groups`, its output appended to `log`.

    Returns its process id and start time.
    """
    entries = "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["sh", "-c", f'{entries}exec "$@"', "sh", *(str(word) for word in command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment(env),
        )
    return process.pid, start_time(process.pid)


def stop(pid: int, started: str, patience: float, *, first: int = signal.SIGTERM) -> bool:
    """Ask a process to end, kill it after `patience` seconds; return whether it ended by itself."""
    if not alive(pid, started):
        return True
    send(pid, first)
    if wait_ended(pid, started, patience):
        return True
    send(pid, signal.SIGKILL)
    wait_ended(pid, started, 5.0)
    return False


def wait_ended(pid: int, started: str, patience: float) -> bool:
    """Wait up to `patience` seconds for a process to end; return whether it did."""
    deadline = time.monotonic() + patience
    while alive(pid, started):
        if time.monotonic() > deadline:
            return False
        reap(pid)
        time.sleep(0.05)
    reap(pid)
    return True


def send(pid: int, number: int) -> None:
    """Send a signal; a process that ended already is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def reap(pid: int) -> None:
    """Collect the exit of a child process, so that it does not stay as a zombie; another's child is left alone."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def send_if_alive(pid: int, started: str, number: int = signal.SIGTERM) -> None:
    """Send a signal to that very process, if it still runs."""
    if alive(pid, started):
        send(pid, number)

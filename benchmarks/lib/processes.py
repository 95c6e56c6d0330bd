"""What processes cost: processor time and memory, and helpers that run as a process of their own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIB = Path(__file__).resolve().parent


def cpu(pid: int) -> float:
    """Return the processor seconds of a process and of its children that ended; 0 when it has ended."""
    try:
        tasks = [task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir()]
        own = sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return own + (int(fields[13]) + int(fields[14])) / 100


def resident(pid: int) -> int:
    """Return the bytes of a process in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def server_cpu(data: Path) -> float:
    """Return the processor seconds of a PostgreSQL server with all its processes."""
    main = int((data / "postmaster.pid").read_text().split()[0])
    return cpu(main) + sum(cpu(child) for child in children(main))


class Helper:
    """A program of this folder that has got its work, and waits."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        """Return its next line; raises `SystemExit` when it ends without one."""
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        if not text:
            raise SystemExit(f"a helper of the benchmark ended with exit code {self._process.wait()}")
        return text.strip()

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> Any:
        """End its input and return what it reports."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return json.loads(self.line())


@contextlib.contextmanager
def helper(program: str, work: dict[str, Any]) -> Iterator[Helper]:
    """Run a program of this folder; it is ready when the block begins, and ended when the block ends."""
    command = [sys.executable, str(LIB / program)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(work) + "\n")
    process.stdin.flush()
    made = Helper(process)
    try:
        assert made.line() == "ready"
        yield made
    finally:
        process.kill()
        process.wait()

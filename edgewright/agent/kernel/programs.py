"""Running a program of the host within bounds: time, output, and everything that it starts.

The agent lives within a small memory limit and runs for years. A script that prints without end must not fill that
memory, and one that is ended for being slow must not leave children behind, a few more with each try.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from typing import Mapping, NamedTuple, Sequence

PIECE = 65536


class Ended(NamedTuple):
    """How a program ended: its exit code, and what it printed on standard output up to the bound."""

    code: int
    output: bytes


def run(command: Sequence[str], seconds: float, most: int, environment: Mapping[str, str]) -> Ended:
    """Run a program to its end, in a process group of its own that is ended with it.

    Raises `OSError` when it cannot be started, `ValueError` with what an operator should know when it does not end
    within `seconds` or prints more than `most` bytes. A signal that breaks the wait off ends the program as well.
    """
    child = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        output = _read(child, time.monotonic() + seconds, most, seconds)
        return Ended(child.wait(), output)
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)  # also what it left in the background
        except OSError:
            pass  # nothing of it is there any more
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _read(child: "subprocess.Popen[bytes]", deadline: float, most: int, seconds: float) -> bytes:
    """Return the output once the program itself has ended, whichever process still has its pipe open."""
    assert child.stdout is not None
    handle, output = child.stdout.fileno(), b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ValueError(f"it did not end within {seconds:.0f} s")
        over = child.poll() is not None
        readable, _, _ = select.select([handle], (), (), 0 if over else min(left, 0.1))
        if readable:
            piece = os.read(handle, PIECE)
            output += piece
            if len(output) > most:
                raise ValueError(f"it printed more than {most} bytes")
            if piece:
                continue
            while child.poll() is None:  # it has closed its output and still works
                if time.monotonic() > deadline:
                    raise ValueError(f"it did not end within {seconds:.0f} s")
                time.sleep(0.02)
            return output
        if over:
            return output

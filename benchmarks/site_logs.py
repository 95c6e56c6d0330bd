"""The log of a host at 10,000 lines a second over a real sshd: lines that arrive, and keys that are answered meanwhile.

    python benchmarks/site_logs.py [--rate N] [--seconds N]

The console opens the host as a user does, and follows its log; a program in the place of journalctl writes numbered
lines. The key `/` opens the search; the time until its line is on the screen is measured without lines and with them,
in turn, in the same kind of terminal. When the log ends, what arrived and what was left out must be what was written.
The floor: the same lines at the same rate through OpenSSH and through paramiko, counted by line ends and thrown away;
for keys, a console without lines while OpenSSH gets them in another process: what the processors have left then.
Everything runs on this machine: the writer of the lines, the shell that packs them, sshd, and the console share its
processors.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import paramiko

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.emulator import XtermScreen, XtermStream
from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import ROOT, Term, ratio
from tests.clients.ssh.sshd import SSHD, USER, Sshd, make_key

AIM = 2.0
KEYS, ROUNDS = 20, 2
SETTLE = 60.0
"""Seconds after the end of the log within which everything must have arrived."""
FLOOR_SECONDS = 6.0
COLUMNS, LINES = 132, 43
PROMPT = "looks in every line"
SKIPPED = 77
LEFT_OUT = re.compile(r"([\d,]+) lines? left out by the host at ([\d,]+) place")
COUNTS = re.compile(r"([\d,]+) lines?(?:  ([\d,]+) older dropped)?")


class Counts(NamedTuple):
    """Lines that arrived, and that the host left out."""

    arrived: int
    left_out: int


class Run(NamedTuple):
    """Seconds from keys to paint; lines that were written; what had come of them at the end, and some time later.

    `cpu`: what the console used, in seconds of a processor for each second.
    """

    seconds: list[float]
    written: int
    at_end: Counts
    later: Counts
    cpu: float


class Host(NamedTuple):
    """An sshd whose log grows until the file `end` is there, and the environment of a user who knows it as `edge`."""

    environment: dict[str, str]
    port: int
    key: Path
    end: Path

    def ended(self) -> int:
        """End its log; return how many lines it has."""
        self.end.touch()
        lines = Path(f"{self.end}.lines")
        for _ in range(500):
            if lines.exists() and (text := lines.read_text()):
                return int(text)
            time.sleep(0.02)
        raise TimeoutError("the writer of the lines does not end")


@contextmanager
def host(folder: Path, rate: int) -> Iterator[Host]:
    """Run an sshd whose log grows at `rate`."""
    folder.mkdir()
    programs = folder / "bin"
    programs.mkdir()
    flood = programs / "journalctl"
    flood.write_text(
        f"#!/bin/sh\nFLOOD_RATE={rate} FLOOD_END={folder}/end exec {sys.executable} -P "
        f'{ROOT}/benchmarks/lib/journal_flood.py "$@"\n'
    )
    flood.chmod(0o755)
    enter = folder / "enter"
    enter.write_text(f'#!/bin/sh\nPATH={programs}:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"\n')
    enter.chmod(0o755)
    key, user = make_key(folder / "host"), make_key(folder / "user")
    home = folder / "home-of-user"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    with Sshd(folder, [key], [f"ForceCommand {enter}"]) as server:
        server.allow(user.with_suffix(".pub"))
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public}\n")
        (home / ".ssh" / "config").write_text(
            f"Host edge\n  HostName 127.0.0.1\n  Port {server.port}\n  User {USER}\n  IdentityFile {user}\n"
            f"  IdentityAgent none\n"
        )
        environment = {"HOME": str(home), "EDGEWRIGHT_HOME": str(home / "own"), "SSH_AUTH_SOCK": ""}
        yield Host(environment, server.port, user, folder / "end")


class Seen:
    """The console in a terminal, and what it shows."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "edgewright", "site", "open", "edge"]
        self.term = Term(command, COLUMNS, LINES, environment)
        screen = XtermScreen(COLUMNS, LINES)
        self._screen, self._stream, self._fed = screen, XtermStream(screen), 0

    @property
    def text(self) -> str:
        """What is on the screen now."""
        new, self._fed = self.term.raw[self._fed :], len(self.term.raw)
        self._stream.feed(new)
        return "\n".join(self._screen.display)

    @property
    def cpu(self) -> float:
        """Seconds of a processor that the console used."""
        fields = Path(f"/proc/{self.term.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def until(self, mark: str, timeout: float = 90.0, shown: bool = True) -> float:
        """Wait until a text is on the screen, or is not there any more; return when. Raises `TimeoutError`."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.term.pump(0.005):
                now = time.monotonic()
                if (mark in self.text) == shown:
                    return now
        raise TimeoutError(f"{mark} was not seen in {timeout:.0f} s:\n{self.text}")

    def press(self, key: bytes, mark: str) -> float:
        """Return the seconds from a key until a text was written; what was written is looked at afterwards.

        The emulator takes longer than the console: looked at meanwhile, it would be what is measured.
        """
        began = time.monotonic()
        self.term.send(key)
        end = began
        while time.monotonic() < began + 30:
            end, pieces = end + 0.6, []
            while time.monotonic() < end:
                if data := self.term.pump(0.002):
                    pieces.append((time.monotonic(), len(data)))
            for at, size in pieces:
                self._stream.feed(self.term.raw[self._fed : self._fed + size])
                self._fed += size
                if any(mark in row for row in self._screen.display[-4:]):
                    _ = self.text
                    return at - began
            end = time.monotonic()
        raise TimeoutError(f"{mark} was not seen in 30 s:\n{self.text}")

    def rest(self, seconds: float) -> None:
        """Read on for a time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.term.pump(0.02):
                _ = self.text


def openssh(at: Host, stop: Callable[[], bool]) -> int:
    """Return how many lines `ssh edge journalctl -f` prints until `stop`."""
    config = Path(at.environment["HOME"]) / ".ssh"
    command = ["ssh", "-F", str(config / "config"), "-o", f"UserKnownHostsFile={config}/known_hosts", "edge"]
    lines = 0
    with subprocess.Popen([*command, "journalctl -f"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while not stop():
            if select.select([process.stdout], [], [], 0.2)[0]:
                lines += os.read(process.stdout.fileno(), 65_536).count(b"\n")
        process.kill()
    return lines


def plain_paramiko(at: Host, stop: Callable[[], bool]) -> int:
    """Return how many lines paramiko gets of `journalctl -f` until `stop`, with its own window."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy)
    client.connect("127.0.0.1", at.port, USER, key_filename=str(at.key), allow_agent=False, look_for_keys=False)
    lines = 0
    with client:
        _, output, _ = client.exec_command("journalctl -f")
        while not stop():
            if select.select([output.channel], [], [], 0.2)[0]:
                lines += output.channel.recv(65_536).count(b"\n")
    return lines


def floor(rate: int, read: Callable[[Host, Callable[[], bool]], int]) -> tuple[int, int]:
    """Return how many lines were written and how many were read until the end of the log."""
    folder = tempfile.TemporaryDirectory(prefix="site-logs-", ignore_cleanup_errors=True)
    with folder as name, host(Path(name) / "host", rate) as at:
        written: list[int] = []
        timer = threading.Timer(FLOOR_SECONDS, lambda: written.append(at.ended()))
        timer.start()
        lines = read(at, at.end.exists)
        timer.join()
        return written[0], lines


def keys_beside(rate: int, seconds: float) -> list[float]:
    """Return seconds from keys to paint without lines, while OpenSSH gets them on the same machine."""
    folder = tempfile.TemporaryDirectory(prefix="site-logs-", ignore_cleanup_errors=True)
    with folder as name, host(Path(name) / "host", rate) as at:
        thread = threading.Thread(target=openssh, args=(at, at.end.exists))
        thread.start()
        try:
            return run(0, seconds).seconds
        finally:
            at.end.touch()
            thread.join()


def run(rate: int, seconds: float) -> Run:
    """Open the log and press keys for about `seconds`."""
    folder = tempfile.TemporaryDirectory(prefix="site-logs-", ignore_cleanup_errors=True)  # the writer ends a bit later
    with folder as name, host(Path(name) / "host", rate) as at:
        seen = Seen(at.environment)
        try:
            seen.until("probes in 1 round trip", 120)
            seen.term.send(b"l")
            seen.until("Log on edge")
            seen.term.send(b"\r")
            seen.until("Reconciling")
            seen.rest(3.0)
            results = []
            began, used = time.monotonic(), seen.cpu
            for index in range(KEYS):
                results.append(seen.press(b"/", PROMPT))
                seen.rest(0.15 + index % 7 * 0.013)
                seen.term.send(b"\x1b")
                seen.until(PROMPT, 20, shown=False)
                seen.rest(max(seconds / KEYS - 0.3, 0.3))
            cpu = (seen.cpu - used) / (time.monotonic() - began)
            at_end = counts(seen.text)
            written = at.ended()
            later, until = counts(seen.text), time.monotonic() + SETTLE
            while sum(later) < written and time.monotonic() < until:
                seen.rest(0.5)
                later = counts(seen.text)
            return Run(results, written, at_end, later, cpu)
        finally:
            seen.term.close()


def counts(text: str) -> Counts:
    """Return what of the followed lines came. Raises `RuntimeError` where that is not on the screen.

    What the console counts as lines has the one from before it followed, and one in the place of those left out.
    """
    match = COUNTS.search(text)
    left = LEFT_OUT.search(text)
    if match is None:
        raise RuntimeError(f"no counts on the screen:\n{text}")
    lines = sum(map(_number, match.groups("0"))) - 1
    return Counts(lines - _number(left[2]), _number(left[1])) if left else Counts(lines, 0)


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))


def main() -> int:
    """Run and print; 1 when the aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    if SSHD is None or shutil.which("ssh-keygen") is None:
        print("skipped: openssh-server is not installed")
        return SKIPPED
    quiet: list[float] = []
    flooded: list[float] = []
    exact = True
    for _ in range(ROUNDS):
        quiet += run(0, options.seconds).seconds
        result = run(options.rate, options.seconds)
        flooded += result.seconds
        share = 100 * result.at_end.arrived / max(result.written, 1)
        came = sum(result.later)
        exact = exact and came == result.written
        print(
            f"{options.rate:,} lines/s: {result.written:,} written, {result.at_end.arrived:,} had arrived at the end "
            f"({share:.1f} %), {result.at_end.left_out:,} were left out; then {result.later.arrived:,} arrived + "
            f"{result.later.left_out:,} left out = {came:,}   aim {result.written:,}   "
            f"{'met' if came == result.written else 'MISSED'}; console {100 * result.cpu:.0f} % of a processor"
        )
    for name, read in (("OpenSSH", openssh), ("paramiko", plain_paramiko)):
        written, lines = floor(options.rate, read)
        print(f"floor, {name}, not packed, not shown: {lines:,} of {written:,} lines ({100 * lines / written:.1f} %)")
    beside = keys_beside(options.rate, options.seconds)
    ratio(
        "floor, key to paint, p95, no lines in the console, those of OpenSSH beside it",
        quantiles(beside, n=20)[-1] * 1000,
        quantiles(quiet, n=20)[-1] * 1000,
        "ms",
    )
    ratio(f"key to paint, median, {options.rate:,} lines/s", median(flooded) * 1000, median(quiet) * 1000, "ms")
    met = ratio(
        f"key to paint, p95, {options.rate:,} lines/s",
        quantiles(flooded, n=20)[-1] * 1000,
        quantiles(quiet, n=20)[-1] * 1000,
        "ms",
        AIM,
    )
    return 0 if met and exact else 1


if __name__ == "__main__":
    run_main(main)

"""The host as the steps of a cluster see it: files below a root, programs, time. Tests bring a made-up one."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tempfile
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from edgewright.agent.clusters.paths import UNITS
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import reason_of, sync_folder
from edgewright.core.errors import Failed
from edgewright.core.text import clean

MOST = 4 * 1024 * 1024
"""Bytes of a JSON file, and of a program's error output, that are used."""
OUTPUT = 64 * 1024 * 1024
"""Bytes of a program's output at most: objects of large charts are 10 MB and more."""
ERRORS, LINE = 40, 4096
"""Lines of a long program's error output that are looked at for its reason, and bytes of each."""
SPARE = 512 * 1024 * 1024
"""Bytes of a disk that content and trees leave free."""


class Ended(NamedTuple):
    """How a program ended: exit status (-1: not started or not in time) and its output and error output."""

    code: int
    output: str
    error: str = ""

    @property
    def last(self) -> str:
        """Return the last line that it printed, for a message."""
        lines = [line for line in (self.error or self.output).splitlines() if line.strip()]
        return clean(lines[-1].strip().rstrip("."), 300) if lines else f"exit status {self.code}"


class Host(Root):
    """Reads as `Root` does, and changes the host: every change of a step goes through one of these methods."""

    def write(self, name: str, data: bytes, mode: int = 0o644, durable: bool = True) -> bool:
        """Replace a file in one step; return whether it changed. Raises `Failed`."""
        path = self.path(name)
        try:
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    same = file.read() == data and os.fstat(file.fileno()).st_mode & 0o777 == mode
                if same:
                    return False
            folder = os.path.dirname(path)
            if self.real and name.startswith(UNITS + "/") and not os.path.isdir(UNITS):
                # Made here, that folder would let every program believe that systemd runs this host (sd_booted(3)).
                raise Failed(
                    "This host was not started by systemd, which runs the units of a cluster.", "Use one that is."
                )
            os.makedirs(folder, exist_ok=True)
            handle, fresh = tempfile.mkstemp(prefix=".edgewright-", dir=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    os.fchmod(file.fileno(), mode)
                    file.write(data)
                    file.flush()
                    if durable:
                        os.fsync(file.fileno())
                os.replace(fresh, path)
            except BaseException:
                os.unlink(fresh)
                raise
            if durable:
                sync_folder(folder)
        except OSError as error:
            raise Failed(f"{name} cannot be written: {reason_of(error)}.", "Check the disk.") from None
        return True

    def link(self, name: str, target: str) -> bool:
        """Let `name` be a symbolic link to `target`, replaced in one step; return whether it changed."""
        path = self.path(name)
        try:
            if os.path.islink(path) and os.readlink(path) == target:
                return False
            os.makedirs(os.path.dirname(path), exist_ok=True)
            fresh = f"{path}.new"
            if os.path.lexists(fresh):
                os.unlink(fresh)
            os.symlink(target, fresh)
            os.replace(fresh, path)
        except OSError as error:
            raise Failed(f"The link {name} cannot be made: {reason_of(error)}.", "Check the disk.") from None
        return True

    def folder(self, name: str, mode: int = 0o755) -> None:
        """Make a folder. Raises `Failed`."""
        try:
            os.makedirs(self.path(name), mode=mode, exist_ok=True)
        except OSError as error:
            raise Failed(f"{name} cannot be made: {reason_of(error)}.", "Check the disk.") from None

    def remove(self, name: str) -> bool:
        """Remove a file, a link or a folder with its content; return whether it was there. Raises `Failed`."""
        path = self.path(name)
        if not os.path.lexists(path):
            return False
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except OSError as error:
            raise Failed(f"{name} cannot be removed: {reason_of(error)}.", "Look at it: ls -la, mount") from None
        return True

    def short_of_space(self, name: str, size: int) -> str:
        """Return why `size` bytes do not fit on the disk of a folder, which is there or will be made; empty if they do.

        `SPARE` bytes stay free: etcd, the kubelet and the journal of steps write to the same disk.
        """
        path = self.path(name)
        while not os.path.lexists(path) and os.path.dirname(path) != path:
            path = os.path.dirname(path)
        try:
            disk = os.statvfs(path)
        except OSError:
            return ""  # writing reports it
        free = disk.f_bavail * disk.f_frsize
        if free >= size + SPARE:
            return ""
        return (
            f"{name} needs {size / 1e6:,.0f} MB more and has {free / 1e6:,.0f} MB free, of which "
            f"{SPARE / 1e6:,.0f} MB stay free for Kubernetes"
        )

    def require_space(self, name: str, size: int) -> None:
        """Raise `Failed` unless `size` bytes fit on the disk of a folder, see `short_of_space`."""
        reason = self.short_of_space(name, size)
        if reason:
            raise Failed(f"{reason}.", "Free space on the disk.", "DiskFull")

    def run(
        self,
        command: Sequence[str],
        seconds: float = 60.0,
        data: Optional[bytes] = None,
        environment: Optional[Mapping[str, str]] = None,
    ) -> Ended:
        """Run a short program and return what it printed. Never raises for the program."""
        try:
            done = subprocess.run(
                list(command),
                input=data,
                stdin=subprocess.DEVNULL if data is None else None,
                capture_output=True,
                timeout=seconds,
                check=False,
                env={**os.environ, "HOME": self.path("/run/edgewright/home"), **(environment or {})},
            )
        except FileNotFoundError:
            return Ended(-1, "", f"{command[0]} is not on this host")
        except (OSError, subprocess.TimeoutExpired) as error:
            late = isinstance(error, subprocess.TimeoutExpired)
            return Ended(-1, "", f"{command[0]} did not end within {seconds:.0f} s" if late else str(error))
        if len(done.stdout) > OUTPUT:  # never a part of it: half a list is another list
            return Ended(-1, "", f"{command[0]} printed more than {OUTPUT:,} bytes")
        output, errors = done.stdout, done.stderr[-MOST:]
        return Ended(done.returncode, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))

    def stream(
        self,
        command: Sequence[str],
        environment: Optional[Mapping[str, str]] = None,
        feed: Any = None,
        errors: Optional[List[str]] = None,
    ) -> int:
        """Run a long program whose output goes to the log of the step; return its exit status.

        `feed` is called with its standard input (a binary file) when it is given. `errors` gets the last `ERRORS` lines
        of its standard error output, which are in the log all the same.
        """
        try:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
                stderr=None if errors is None else subprocess.PIPE,
                env={**os.environ, "HOME": self.path("/run/edgewright/home"), **(environment or {})},
            )
        except OSError as error:
            raise Failed(f"{command[0]} cannot be started: {reason_of(error)}.") from None
        try:
            if feed is not None and child.stdin is not None:
                try:
                    feed(child.stdin)
                except BrokenPipeError:
                    pass  # it has ended: its exit status decides
                finally:
                    try:
                        child.stdin.close()
                    except BrokenPipeError:
                        pass
            output = child.stderr
            if errors is not None and output is not None:
                for line in iter(lambda: output.readline(LINE), b""):
                    try:
                        os.write(2, line)
                    except OSError:
                        pass  # the program goes through its work without a log, too
                    errors.append(line.decode("utf-8", "replace").rstrip())
                    del errors[:-ERRORS]
            return child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise

    def must(self, command: Sequence[str], seconds: float = 60.0, data: Optional[bytes] = None) -> str:
        """Run a program that has to succeed; return its output. Raises `Failed` with its last line."""
        done = self.run(command, seconds, data)
        if done.code != 0:
            raise Failed(f"`{' '.join(command[:4])}` failed: {done.last}.")
        return done.output

    def json(self, name: str) -> Dict[str, Any]:
        """Return a JSON object of a file, an empty one when there is none."""
        try:
            value = json.loads(self.data(name, MOST))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def now(self) -> float:
        """Return the time, epoch seconds."""
        return time.time()

    def uptime(self) -> float:
        """Return seconds since the start of the host, which no clock that is set can change."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def report(self, text: str) -> None:
        """Print one line into the log of the step."""
        print(text, flush=True)


def disk_hint(error: OSError) -> str:
    """Return what to do about a file that cannot be written."""
    return "Free space on the disk." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Check the disk."


def mounts(host: Root, below: Sequence[str]) -> List[str]:
    """Return the mount points below any of these folders, the deepest first."""
    points = [line.split()[4].replace("\\040", " ") for line in host.lines("/proc/self/mountinfo") if line.split()[5:]]
    chosen = {point for point in points for top in below if point == top or point.startswith(top.rstrip("/") + "/")}
    return sorted(chosen, key=lambda point: (-point.count("/"), point))

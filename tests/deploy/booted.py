"""A Debian with a real systemd, booted by systemd-nspawn over a layer of its own, without a network but loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgewright.lab import base, groups, processes
from edgewright.lab.machine import SUPERVISOR
from tests.support import missing


class Booted:
    """One booted system; `root` is its file system as this machine sees it."""

    def __init__(self, root: Path, pid: int) -> None:
        self.root, self._pid = root, pid

    @property
    def leader(self) -> int:
        """Return the process id of its first process here; 0 before it is up."""
        below = [child for nspawn in processes.children(self._pid) for child in processes.children(nspawn)]
        return next((child for child in below if Path(f"/proc/{child}/ns/pid").exists()), 0)

    def run(self, *words: str, check: bool = True, timeout: float = 90) -> str:
        """Run a command as root in the system and return its output."""
        enter = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [*enter, *words], capture_output=True, text=True, env=environment, timeout=timeout, check=False
        )
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + (done.stderr if not check else "")

    def unit(self, name: str, field: str) -> str:
        """Return one property of a unit."""
        return self.run("systemctl", "show", "--value", "-p", field, name).strip()


@contextmanager
def booted(folder: Path) -> Iterator[Booted]:
    """Boot a system whose changes are in `folder`, and remove it at the end."""
    if os.getuid():
        missing("e2e", "this test needs root")
    for program in ("systemd-nspawn", "mmdebstrap", "nsenter"):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed")
    lower = base.ensure_base(lambda _line: None)
    name = f"deb-{secrets.token_hex(3)}"
    root = folder / "root"
    for part in ("upper", "work", "root"):
        (folder / part).mkdir()
    options = f"lowerdir={lower},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", name, "-o", options, str(root)], check=True)
    pid, started = 0, ""
    try:
        (root / "etc/machine-id").write_text("")
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SUPERVISOR, "keeper", "systemd-nspawn"]
        command += ["--quiet", f"--directory={root}", f"--machine={name}", "--register=no", "--keep-unit", "--boot"]
        command += ["--console=interactive", "--private-network", "--kill-signal=SIGRTMIN+3", "--timezone=off"]
        pid, started = processes.launch(command, folder / "console.log", groups.make(name, "host"))
        system = Booted(root, pid)
        _wait(system, folder)
        try:
            yield system
        except BaseException:
            print(system.run("journalctl", "-b", "--no-pager", "-n", "80", "-o", "cat", check=False))
            raise
    finally:
        if not processes.stop(pid, started, 20, first=signal.SIGTERM):
            groups.kill_all(name)
        groups.kill_all(name)
        groups.remove(name)
        subprocess.run(["umount", str(root)], check=False)


def _wait(system: Booted, folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if system.leader:
            state = system.run("systemctl", "is-system-running", check=False, timeout=20).strip()
            if state in ("running", "degraded"):
                return
        time.sleep(0.2)
    raise AssertionError(f"not booted: {(folder / 'console.log').read_text(errors='replace')[-2000:]}")

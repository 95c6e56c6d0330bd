"""A place from which the hub is reached and no host is: what a console in a NOC has of a site (P30)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.fleet import until
from tests.e2e.kubernetes.formed import Formed
from tests.support import ROOT, missing

CARRY = Path(__file__).with_name("carry.py")


class Away:
    """A network namespace from which the hub is reached and nothing else: it has no route at all."""

    def __init__(self, hub: str, folder: Path) -> None:
        if os.getuid() or shutil.which("ip") is None:
            missing("e2e", "this test needs root and ip")
        self.name = f"away{os.getpid()}"
        parts = urlsplit(hub)
        address, port, path = parts.hostname or "", str(parts.port or 443), str(folder / "hub.sock")
        for line in (
            f"netns add {self.name}",
            f"-n {self.name} link set lo up",
            f"-n {self.name} addr add {address}/32 dev lo",
        ):
            subprocess.run(["ip", *line.split()], check=True, timeout=20)
        self.carriers = [
            subprocess.Popen([*words, sys.executable, str(CARRY), *more], stdout=subprocess.PIPE)
            for words, more in (([], ["unix", path, address, port]), (self.command(), ["tcp", address, port, path]))
        ]
        for carrier in self.carriers:
            assert carrier.stdout is not None and carrier.stdout.readline() == b"ready\n"

    def command(self, *words: str) -> list[str]:
        """Return a command line that runs here."""
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a program here."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout, check=False)

    def reaches(self, address: str, port: int) -> bool:
        """Return whether a TCP connection opens from here."""
        return self.run("timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}").returncode == 0

    def remove(self) -> None:
        """End what runs for it, and remove it."""
        for carrier in self.carriers:
            carrier.kill()
            carrier.wait(10)
        subprocess.run(["ip", "netns", "del", self.name], check=False, timeout=20)


@contextlib.contextmanager
def away_from(lab: Formed, folder: Path) -> Iterator[Away]:
    """Give such a place while the block runs."""
    place = Away(lab.fleet.shown["hub"]["url"], folder)
    try:
        assert not place.reaches(lab.vip, 6443), "there is a route to the hosts"
        yield place
    finally:
        place.remove()


@contextlib.contextmanager
def proxied(lab: Formed, away: Away, name: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `kube proxy` there; it has written its kubeconfig to `path` when the block begins."""
    words = away.command(sys.executable, "-m", "edgewright", "kube", "proxy", name, "--kubeconfig", str(path))
    process = subprocess.Popen(
        words, env=lab.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until("kubeconfig of the proxy", 30.0, path.exists)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)

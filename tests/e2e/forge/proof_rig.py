"""A network of its own for boot proofs: a namespace with one address, a hub on it, and commands that run inside.

A guest in QEMU's user-mode network reaches what its QEMU reaches; an address that only loopback has is refused in an
installer, so the hub gets one that is none.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.e2e.fleet import Plane, command_environment, until
from tests.support import ROOT, missing

ADDRESS = "10.77.0.1"
PORT = 8443
PROGRAMS = ("qemu-system-x86_64", "xorriso", "ip", "nsenter", "tmux", "mmdebstrap", "mksquashfs")


class Rig:
    """A hub in a network namespace, and a user's home with a context for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"ewproof-{secrets.token_hex(3)}"
        self.home = folder / "home"
        self.home.mkdir()
        self.data = folder / "hub"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.env = {**command_environment(self.home), "TMPDIR": str(self.temporary)}
        self.url = f"https://{ADDRESS}:{PORT}"
        self._hub: subprocess.Popen[bytes] | None = None

    def must_be_possible(self) -> None:
        """Skip the test with the reason where this machine cannot run it."""
        lacking = [program for program in PROGRAMS if shutil.which(program) is None]
        if lacking:
            missing("e2e", f"not installed: {', '.join(lacking)}")
        if os.geteuid():
            missing("e2e", "network namespaces need root")

    def make_network(self) -> None:
        """Make the namespace with its one address."""
        for words in (
            ["ip", "netns", "add", self.name],
            ["ip", "-n", self.name, "link", "set", "lo", "up"],
            ["ip", "-n", self.name, "link", "add", "wan0", "type", "bridge"],
            ["ip", "-n", self.name, "address", "add", f"{ADDRESS}/24", "dev", "wan0"],
            ["ip", "-n", self.name, "link", "set", "wan0", "up"],
        ):
            subprocess.run(words, check=True, capture_output=True)

    def up(self) -> None:
        """Make the namespace, start the hub, add the context."""
        self.make_network()
        serve = ["hub", "serve", "--listen", f"0.0.0.0:{PORT}", "--advertise", ADDRESS, "--data", str(self.data)]
        self._hub = subprocess.Popen(
            self.words(*serve, "--heartbeat", "15"),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "hub.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        until("the hub's key is there", 30, (self.data / "admin-api-key").is_file)
        key = str(self.data / "admin-api-key")
        add = ["context", "add", "proof", "--url", self.url, "--ca", str(self.data / "ca.crt"), "--api-key-file", key]
        until("the context can be added", 30, lambda: self.product(*add, "--no-keyring").returncode == 0, 0.5)

    def inside(self, *words: str) -> list[str]:
        """Return the words that run a program in the namespace."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *words]

    def words(self, *words: str) -> list[str]:
        """Return the words that run the product in the namespace."""
        return self.inside(sys.executable, "-m", "edgewright", *words)

    def product(self, *words: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run one command of the product in the namespace and return what it said."""
        return subprocess.run(
            self.words(*words), capture_output=True, text=True, env=self.env, timeout=timeout, check=False
        )

    def ca(self) -> str:
        """Return the hub's CA, PEM."""
        return (self.data / "ca.crt").read_text()

    def plane(self) -> Plane:
        """Return the hub's API; call it within `in_network`."""
        return Plane(self.url, self.data / "ca.crt", (self.data / "admin-api-key").read_text().strip())

    @contextlib.contextmanager
    def in_network(self) -> Iterator[Plane]:
        """Move this thread into the namespace for a while."""
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            setns(theirs)
            yield self.plane()
        finally:
            setns(ours)
            os.close(ours)
            os.close(theirs)

    def down(self) -> None:
        """End the hub and take the namespace away."""
        if self._hub is not None:
            self._hub.terminate()
            self._hub.wait(20)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


def setns(handle: int) -> None:
    """Move this thread into a network namespace (Python 3.11 has no os.setns)."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


class Running:
    """A command of the product that runs beside the test."""

    def __init__(self, words: list[str], env: Mapping[str, str]) -> None:
        self.began = time.monotonic()
        self.took = 0.0
        self._process = subprocess.Popen(
            words,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            # tests that run in the background inherit a Ctrl-C that is ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._answer_of: list[bytes] = [b"", b""]
        streams = (self._process.stdout, self._process.stderr)
        self._readers = [threading.Thread(target=self._read, args=(i, stream)) for i, stream in enumerate(streams)]
        for reader in self._readers:
            reader.start()

    def _read(self, at: int, stream: object) -> None:
        for line in stream:  # type: ignore[attr-defined]
            self._answer_of[at] += line

    def end(self, patience: float) -> tuple[int, str, str]:
        """Wait for its end and return code, output and errors; asked to stop after `patience` seconds."""
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGINT)
            code = self._process.wait(30)
        self.took = time.monotonic() - self.began
        for reader in self._readers:
            reader.join(10)
        return code, self._answer_of[0].decode(errors="replace"), self._answer_of[1].decode(errors="replace")

    @property
    def said(self) -> str:
        """What it said until now, output and errors."""
        return b"".join(self._answer_of).decode(errors="replace")

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal; one that has ended gets none."""
        self._process.send_signal(number)

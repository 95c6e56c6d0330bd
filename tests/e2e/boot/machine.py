"""An emulated machine for tests: QEMU without acceleration, its serial port in a file, restarts and power cuts."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.fleet import until
from tests.support import missing

LIMIT = os.environ.get("EDGEWRIGHT_SLOTS_LIMIT", "")
"""Seconds for a start of a machine, whatever else runs here; taken before tests see no variable of the product."""
CROWDED = 4.0
"""Load for each processor above which no machine is started, unless `LIMIT` gives it the time."""


def patience(usual: float) -> float:
    """Return the seconds that a start may take."""
    return float(LIMIT or usual)


def must_have_time() -> None:
    """Skip the test where emulation would starve."""
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    if crowd > CROWDED and not LIMIT:
        missing("e2e", f"this machine has {crowd:.1f} times as much to do as it has processors: emulation would starve")


class Machine:
    """A machine that runs from now on; `words` are its disks and adapters, as QEMU takes them.

    A restart of the guest takes the power away and gives it back, as a computer with a slow firmware does: what a reset
    leaves in an emulated machine is not what these tests are about.
    """

    def __init__(self, console: Path, words: Sequence[str], memory: int = 256) -> None:
        self.console = console
        self.console.write_text("")
        self._over = threading.Event()
        self._cut = threading.Event()
        # it ends with the tests, and lets others go first
        command = ["setpriv", "--pdeathsig", "KILL", "nice", "-n", "5", "qemu-system-x86_64"]
        command += ["-machine", "q35,hpet=off,usb=off,accel=tcg", "-cpu", "max", "-smp", "1"]
        command += ["-m", str(memory), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"]
        self._command = [*command, "-device", "virtio-rng-pci", *words]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        """Start it, and again each time that the guest or `cut_power` ended it."""
        while not self._over.is_set():
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self._ready.set()
            code = self._process.wait()
            if code and not self._cut.is_set():
                return  # QEMU's own error is on standard error
            self._cut.clear()

    @property
    def runs(self) -> bool:
        """Whether it is on, or about to be."""
        return self._thread.is_alive()

    def text(self) -> str:
        """Return what the serial port printed."""
        return self.console.read_text(errors="replace")

    def wait(self, words: str, times: int, patience: float) -> None:
        """Wait until the console has these words so often."""

        def seen() -> bool:
            return self.text().count(words) >= times or not self.runs

        try:
            until(f"{words!r} on the console", patience, seen, 0.3)
            assert self.runs, "the machine has ended"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()[-2000:]}") from None

    def cut_power(self) -> None:
        """Take its power away and give it back: what the guest has not written to its disk is lost."""
        self._cut.set()
        self._process.kill()

    def off(self) -> None:
        """Take its power away."""
        self._over.set()
        while self._thread.is_alive():
            self._process.kill()
            self._thread.join(1)

"""Whether KVM really works here: a kernel must get through its own start in it, not only the firmware.

Some machines have a /dev/kvm that opens, makes machines and runs real-mode firmware, and then makes a kernel crawl or
stop (KVM inside KVM by emulation). So a kernel is started without anything else, and its last words (it finds no root)
must come within seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import EdgewrightError
from edgewright.forge.progress import Job
from edgewright.forge.proof.guest import Guest
from edgewright.forge.proof.machine import QEMU, Accel

SECONDS = 10.0
"""How long a kernel may take for its own start; where KVM works it takes two."""
THROUGH = (
    b"VFS: Cannot open root device",
    b"Unable to mount root fs",
    b"Run /init",
    b"No working init",
    b"end Kernel panic",
)


class Choice(NamedTuple):
    """What runs the machine, and why it is not KVM where it is not."""

    accel: Accel
    note: str = ""


def probe_arguments(kernel: Path) -> list[str]:
    """Return the command line that starts a bare kernel in KVM."""
    arguments = [
        QEMU,
        "-name",
        "edgewright-kvm-probe",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
    ]
    arguments += ["-machine", "q35,graphics=off,hpet=off", "-accel", "kvm", "-cpu", "host", "-smp", "1", "-m", "512"]
    arguments += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-kernel", str(kernel)]
    return [*arguments, "-append", "console=ttyS0 earlyprintk=serial,ttyS0 panic=-1 root=/dev/none"]


def works(text: Sequence[str], job: Job, seconds: float = SECONDS) -> Choice:
    """Start the probe and return whether a kernel got through within `seconds`. Raises `Cancelled`."""
    began, received = time.monotonic(), b""
    try:
        guest = Guest(text)
    except EdgewrightError as error:
        return Choice("tcg", f"KVM is not used: {error.message}")
    with guest:
        while time.monotonic() - began < seconds:
            job.check()
            received = (received + guest.read())[-65536:]
            if any(message in received for message in THROUGH):
                return Choice("kvm")
            if guest.ended:
                message = guest.messages()
                last = message[-1] if message else f"QEMU ended with {guest.code}"
                return Choice("tcg", f"KVM is there and does not run a kernel ({last[:160]}); emulation is used.")
    where = "its kernel came to nothing" if b"Linux version" not in received else "its kernel crawled"
    return Choice("tcg", f"KVM opens and hangs here: {where} in {seconds:.0f} s; emulation is used.")


def choose(
    spec: str, kernel: Callable[[], Path | None], job: Job, *, device: str = "/dev/kvm", seconds: float = SECONDS
) -> Choice:
    """Return KVM where it works, else emulation with the reason. `spec` is auto, kvm or tcg; `kernel` fetches one."""
    if spec == "tcg":
        return Choice("tcg")
    if spec == "kvm":
        return Choice("kvm")
    if not Path(device).exists():
        return Choice("tcg", "This machine has no KVM; emulation is used.")
    if not os.access(device, os.R_OK | os.W_OK):
        return Choice("tcg", f"{device} may not be opened by you; emulation is used.")
    result = kernel()
    if result is None:
        return Choice("tcg", "KVM was not tried: the ISO's kernel was not found; emulation is used.")
    job.step(f"trying whether KVM works here ({seconds:.0f} s at most)", "seconds")
    return works(probe_arguments(result), job, seconds)

"""A whole machine for the hub, so that a power cut takes its page cache too: QEMU, its own kernel, an ext4 disk.

A container that is killed leaves its unsynced writes in the machine's memory, where the next start finds them. A guest
that is killed loses them. Only what was flushed through the guest's disk is there after the next boot.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from edgewright.lab.base import ensure_base
from tests.support import ROOT

PACKAGES = ("python3", "iproute2", "kmod", "udev", "initramfs-tools", "linux-image-cloud-amd64", "zstd")
HUB_PORT = 8443
LIBRARIES = ROOT / "requirements.txt"

INIT = """#!/bin/sh
# First process of the guest: no more than a hub needs, since every instruction is emulated.
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
mkdir -p /dev/shm /run/lock
mount -o remount,rw /
modprobe virtio_net 2>/dev/null
ip link set lo up
for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/class/net/eth0 ] && break; sleep 0.2; done
ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
date -s @$(sed -n 's/.*epoch=\\([0-9]*\\).*/\\1/p' /proc/cmdline) >/dev/null
echo "guest is up"
export HOME=/root PYTHONPATH=/opt/edgewright:/opt/libraries PYTHONUNBUFFERED=1
cd /root
python3 -m edgewright hub serve --listen 0.0.0.0:8443 --advertise 127.0.0.1 --data /var/lib/hub
echo "hub ended with $?"
sleep 3600
"""


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def install_libraries(target: Path) -> None:
    """Put the locked libraries into the guest, for the guest's own Python (bookworm's 3.11)."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
    command += ["--only-binary=:all:", "--python-version=3.11", "--target", str(target), "-r", str(LIBRARIES)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HOME": "/root"}, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


class Guest:
    """A guest with the hub on its disk. `folder` holds the disk; the disk outlives each run of the guest."""

    packages: tuple[str, ...] = PACKAGES
    memory = 768
    """Megabytes."""
    words = "init=/edgewright-init"
    """Further words of the kernel's command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = folder / "disk.img"
        self.console = folder / "console.log"
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._qemu: subprocess.Popen[bytes] | None = None

    def make_disk(self) -> None:
        """Make the ext4 disk from Debian's packages and what `fill` adds; no mount of it is needed."""
        base = ensure_base(lambda line: print(line, flush=True), packages=self.packages)
        merged, upper, work = (self.folder / part for part in ("merged", "upper", "work"))
        for path in (merged, upper, work):
            path.mkdir()
        options = f"lowerdir={base},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "guest", "-o", options, str(merged)], check=True)
        try:
            self.fill(merged)
            for pattern in ("vmlinuz-*", "initrd.img-*"):
                for path in (merged / "boot").glob(pattern):
                    shutil.copy(path, self.folder / path.name.partition("-")[0])
            make = ["mke2fs", "-q", "-t", "ext4", "-d", str(merged), str(self.disk), "2000M"]
            subprocess.run(make, check=True, capture_output=True)
        finally:
            subprocess.run(["umount", str(merged)], check=True)
            shutil.rmtree(upper)

    def fill(self, merged: Path) -> None:
        """Add the product and its libraries to the guest's files."""
        init = merged / "edgewright-init"
        init.write_text(INIT)
        init.chmod(0o755)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "edgewright", merged / "opt/edgewright/edgewright", ignore=ignored)
        install_libraries(merged / "opt/libraries")
        compile_words = ["chroot", str(merged), "env", "-i", "/usr/bin/python3", "-m", "compileall", "-q", "/opt"]
        subprocess.run(compile_words, check=False, capture_output=True)

    def boot(self, *more: str) -> None:
        """Start the guest, with `more` words for QEMU.

        Emulation is forced: a machine may have a /dev/kvm that hangs a stock kernel.
        """
        command = ["qemu-system-x86_64", "-machine", "q35,hpet=off,usb=off,accel=tcg", "-cpu", "max", "-smp", "1"]
        command += [
            "-m",
            str(self.memory),
            "-nographic",
            "-nodefaults",
            "-no-reboot",
            "-serial",
            f"file:{self.console}",
        ]
        command += ["-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd.img")]
        append = f"console=ttyS0 quiet root=/dev/vda rw {self.words} net.ifnames=0 epoch={int(time.time())}"
        command += ["-append", append]
        command += ["-drive", f"file={self.disk},if=virtio,format=raw,cache=writeback"]
        command += ["-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-:{HUB_PORT}"]
        command += ["-device", "virtio-net-pci,netdev=n0", *more]
        self.console.write_text("")
        self._qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def wait_console(self, words: str, patience: float) -> None:
        """Wait until the guest's console shows `words`."""
        deadline = time.monotonic() + patience
        while words not in self.console.read_text(errors="replace"):
            assert self._qemu is not None and self._qemu.poll() is None, "the guest ended"
            assert time.monotonic() < deadline, f"no {words!r} in {patience:.0f} s:\n{self.console.read_text()[-2000:]}"
            time.sleep(0.2)

    def cut_power(self) -> None:
        """Kill the machine: its memory is gone, nothing in it was told."""
        if self._qemu is not None:
            self._qemu.send_signal(signal.SIGKILL)
            self._qemu.wait(10)
            self._qemu = None

    def read_from_disk(self, path: str) -> str:
        """Return a file of the disk while the guest is off."""
        done = subprocess.run(
            ["debugfs", "-R", f"cat {path}", str(self.disk)], capture_output=True, text=True, check=True
        )
        return done.stdout

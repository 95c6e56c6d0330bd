"""A machine whose clock is years behind gets in without a person, and its clock is right afterwards (P137, P138)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.forge.guest import Guest
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BOOT = 900.0
"""Seconds for a boot under emulation until the host has registered and its clock was set."""
UID = "timeless-01"
Y2000 = 946_684_800
NETWORK = "[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
SHOW_CLOCK = """[Service]
ExecStart=/bin/sh -c 'while sleep 1; do echo "clock $(date +%%s) end"; done'
StandardOutput=file:/dev/ttyS0
[Install]
WantedBy=multi-user.target
"""


NEEDLESS = (
    "getty@tty1.service",
    "systemd-logind.service",
    "e2scrub_reap.service",
    "dpkg-db-backup.timer",
    "fstrim.timer",
)
"""Units that only take time where each instruction is emulated."""


class TimelessGuest(Guest):
    """A guest with systemd, the installed agent and no time service; its hardware clock begins in the year 2000."""

    packages = (
        *("systemd", "systemd-sysv", "dbus", "udev", "python3", "iproute2", "kmod", "util-linux-extra"),
        *("initramfs-tools", "linux-image-cloud-amd64", "zstd"),
    )
    memory = 512
    words = "systemd.journald.forward_to_console=1"

    def __init__(self, folder: Path, hub: RunningHub, token: Path) -> None:
        super().__init__(folder)
        self._hub, self._token = hub, token

    def fill(self, merged: Path) -> None:
        """Add the agent as `edgewright-agent install` does, a network, and the clock on the console."""
        services = [name for name in ("systemd-timesyncd", "chronyd", "ntpd") if list(merged.rglob(f"*bin/{name}"))]
        assert not services and not list(merged.rglob("systemd/systemd-timesyncd")), "the guest has a time service"
        user_data = self.folder / "user-data"
        user_data.write_text(f"#cloud-config\nstylus:\n  site:\n    name: {UID}\n")
        port = self._hub.url.rpartition(":")[2]
        words = ["install", "--root", str(merged), "--endpoint", f"https://10.0.2.2:{port}", "--ca", str(self._hub.ca)]
        words += ["--token-file", str(self._token), "--user-data", str(user_data), "--interval", "5"]
        done = subprocess.run(
            [sys.executable, "-m", "edgewright.agent", *words], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0, done.stderr
        units = merged / "etc/systemd/system"
        (merged / "etc/systemd/network").mkdir(parents=True, exist_ok=True)
        (merged / "etc/systemd/network/10-eth0.network").write_text(NETWORK)
        (units / "show-clock.service").write_text(SHOW_CLOCK)
        for name, place in (("systemd-networkd", "/lib/systemd/system"), ("show-clock", "/etc/systemd/system")):
            (units / f"multi-user.target.wants/{name}.service").symlink_to(f"{place}/{name}.service")
        for name in ("serial-getty@ttyS0.service", *NEEDLESS):  # the first one hangs up what writes to the console
            (units / name).symlink_to("/dev/null")
        slow = units / "edgewright-agent.service.d/slow.conf"  # every instruction is emulated
        slow.parent.mkdir()
        slow.write_text("[Service]\nTimeoutStartSec=600\n")
        epoch = merged / "usr/lib/clock-epoch"  # else systemd begins with the time when it was built itself
        epoch.write_text("")
        os.utime(epoch, (Y2000, Y2000))
        (merged / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")

    def clocks(self) -> list[int]:
        """Return what its clock showed until now, as epoch seconds."""
        return [int(text) for text in re.findall(r"clock (\d+) end", self.console.read_text(errors="replace"))]

    def difference(self) -> float:
        """Wait for its clock to be shown once more; return its distance from this machine's, in seconds."""
        before, deadline = len(self.clocks()), time.monotonic() + 60
        while len(self.clocks()) <= before + 1:
            assert time.monotonic() < deadline, "the guest shows no clock any more"
            time.sleep(0.05)
        return abs(self.clocks()[-1] - time.time())


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--advertise", "10.0.2.2", "--heartbeat", "5") as hub:
        yield hub


@pytest.fixture(scope="module")
def guest(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimelessGuest]:
    if os.geteuid() != 0:
        missing("e2e", "the guest's disk is made by mmdebstrap and overlayfs, which need root")
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("mke2fs", "e2fsprogs"), ("mmdebstrap",) * 2):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed: apt-get install {package}")
    folder = tmp_path_factory.mktemp("guest")
    token = folder / "token"
    token.write_text(hub.token("timeless")[1])
    made = TimelessGuest(folder, hub, token)
    try:
        made.make_disk()
        yield made
    finally:
        made.cut_power()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_machine_of_the_year_2000_registers_and_has_the_right_time(hub: RunningHub, guest: TimelessGuest) -> None:
    """Twice: as a new host, and after a power cut, which its hardware clock does not survive."""
    boots: list[str] = []
    for boot in ("first", "second"):
        began = time.monotonic()
        guest.boot("-rtc", "base=2000-01-01T00:00:00,clock=vm")
        guest.wait_console("The clock was set from ", BOOT)
        took, difference = time.monotonic() - began, guest.difference()
        sentence = re.findall(r"The clock was set from [^\r\n]*", guest.console.read_text(errors="replace"))[-1]
        print(f"{boot} boot: {took:.0f} s until {sentence} It differs by {difference:.1f} s.")
        assert Y2000 <= guest.clocks()[0] < Y2000 + 3600, "the guest's clock did not begin in the year 2000"
        assert difference < 5
        host = waited_for(hub, boots)
        assert host["status"]["health"]["state"] == "healthy", host["status"]["health"]
        assert host["spec"]["edgewright"]["clockSource"] == "plane"
        boots.append(host["spec"]["edgewright"]["bootId"])
        time.sleep(3)  # what was written late must not be lost with the power
        guest.cut_power()


def waited_for(hub: RunningHub, boots: list[str]) -> dict[str, Any]:
    """Return the host's document once the plane knows who set its clock in a new boot, or as it is after a while."""
    admin, deadline = hub.client(), time.monotonic() + 180
    document: dict[str, Any] = {}
    while time.monotonic() < deadline:
        document = admin.get(f"/v1/edgehosts/{UID}").json()
        extension = document["spec"]["edgewright"]
        set_now = extension.get("clockSource") == "plane" and extension["bootId"] not in boots
        if set_now and document["status"]["health"].get("state") == "healthy":
            break
        time.sleep(0.5)
    return document

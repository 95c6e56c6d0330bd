"""Files and boot of a systemd host: its power is cut in the middle of an upload, and a Boot action restarts it."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.boot.host_boot import read_boot, set_next_boot
from edgewright.clients.ssh.connection import SshConnection
from edgewright.core.boot.actions import return_to_active
from edgewright.core.errors import EdgewrightError
from tests.clients.ssh.reach import Laptop
from tests.e2e.fleet import Fleet, command_environment, until
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
OLD = "#cloud-config\nold: true\n"
NAME = "edge1"


class Host:
    """One host of a lab, and a laptop that has it in `~/.ssh/config`."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.address = str(fleet.shown["hosts"][0]["address"])
        self.key = Path(fleet.shown["sshKey"])
        self.home = folder / "laptop"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        public = " ".join(self.within("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
        (self.home / ".ssh/known_hosts").write_text(f"{self.address} {public}\n")
        (self.home / ".ssh/config").write_text(
            f"Host {NAME}\n  HostName {self.address}\n  User root\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.home}/.ssh/known_hosts\n"
        )
        self.env = command_environment(self.home)

    def within(self, script: str) -> str:
        return self.fleet.within(NAME, "sh", "-c", script)

    def product(self, *words: str) -> subprocess.Popen[str]:
        """Start the product on the laptop."""
        return subprocess.Popen(
            [sys.executable, "-m", "edgewright", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env, cwd=self.home,
        )  # fmt: skip

    def leader(self) -> int:
        shown = next(host for host in self.fleet.status()["hosts"] if host["name"] == NAME)
        return int(shown["leader"] or 0)


@pytest.fixture(scope="module")
def host(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(make_fleet("--hosts", "1"), tmp_path_factory.mktemp("files"))


@pytest.fixture
def big(host: Host) -> Iterator[Path]:
    path = host.home / "new.yaml"
    path.write_bytes(random.Random(9).randbytes(1 << 20) * 60)
    yield path
    path.unlink()


def test_the_power_is_cut_in_the_middle_of_an_upload(host: Host, big: Path) -> None:
    """The old file is as it was; when the power is back the same command completes the upload by itself."""
    host.within(f"mkdir -p /oem; printf %s '{OLD}' >/oem/90_custom.yaml; chown 12:34 /oem/90_custom.yaml; "
                "chmod 0640 /oem/90_custom.yaml; sync")  # fmt: skip
    folder = host.fleet.disk(NAME) / "oem"
    running = host.product("site", "put", NAME, str(big), "/oem/90_custom.yaml", "--yes")

    def begun() -> Path | None:
        return next((part for part in folder.glob(".edgewright-*") if part.stat().st_size > 2_000_000), None)

    part = until("the upload is begun", 60, begun)
    host.fleet.lab("fault", "power-cut", NAME)
    at = part.stat().st_size
    assert (folder / "90_custom.yaml").read_text() == OLD and at < big.stat().st_size
    time.sleep(1)
    host.fleet.lab("fault", "power-on", NAME)
    output, _ = running.communicate(timeout=240)
    assert running.returncode == 0, output
    print(f"\nthe power was cut at {at / 1e6:.1f} of {big.stat().st_size / 1e6:.1f} MB\n{output[-600:]}")
    digest = hashlib.sha256(big.read_bytes()).hexdigest()
    shown = host.within("sha256sum /oem/90_custom.yaml; stat -c '%a %u %g' /oem/90_custom.yaml; ls -A /oem")
    assert digest in shown and "640 12 34" in shown and ".edgewright-" not in shown
    assert "Connecting again" in output


def test_a_log_of_a_systemd_host(host: Host) -> None:
    host.within("seq 1 200000 >/var/log/case.log")
    running = host.product("site", "get", NAME, "/var/log/case.log")
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output
    assert (host.home / "case.log").read_text() == "".join(f"{n}\n" for n in range(1, 200_001))
    print(output)


async def test_the_active_slot_is_booted_next(host: Host, tmp_path: Path) -> None:
    """A host with the marks of a passive slot: the entry is set and read back, and the host really restarts.

    Which slot GRUB starts then is not shown here: a container has no boot loader.
    """
    put_editenv(host)
    host.within("mkdir -p /run/cos /oem; touch /run/cos/passive_mode; grub-editenv /oem/grubenv create; "
                "grub-editenv /oem/grubenv set saved_entry=cos")  # fmt: skip
    laptop = Laptop(tmp_path)
    laptop.block(NAME, 22, host.key, "StrictHostKeyChecking accept-new", host=host.address, user="root")
    connection = await laptop.open(NAME)
    state = await read_boot(connection, NAME)
    assert (state.kind, state.slot, state.root) == ("kairos", "passive", True)
    action = return_to_active(state)
    assert action.commands == ("grub-editenv /oem/grubenv set next_entry=cos", "reboot")
    await set_next_boot(connection, NAME, state, action)
    await connection.aclose()
    began = time.monotonic()
    again = await connected(laptop, state.boot_id)
    after = await read_boot(again, NAME)
    await again.aclose()
    print(f"\nback {time.monotonic() - began:.1f} s after the restart was asked for")
    assert after.env == {"saved_entry": "cos", "next_entry": "cos"} and after.uptime is not None
    assert after.slot == "" or after.kind == "none", "the mark was in /run alone"


async def connected(laptop: Laptop, boot_id: str) -> SshConnection:
    """Return a connection to the host after it restarted; boots of a container share the kernel's boot id."""
    end = time.monotonic() + 60
    await asyncio.sleep(3)
    while True:
        try:
            connection = await laptop.open(NAME)
            result = await connection.run_script(
                b"test -e /run/cos/passive_mode || echo restarted", timeout=10, limit=99
            )
            if result.output == b"restarted\n":
                return connection
            await connection.aclose()
        except EdgewrightError:
            pass
        assert time.monotonic() < end, boot_id
        await asyncio.sleep(0.5)


def put_editenv(host: Host) -> None:
    """Put the real grub-editenv with its libraries into the host."""
    tool = shutil.which("grub-editenv") or shutil.which("grub2-editenv")
    if tool is None:
        missing("e2e", "grub-editenv is not installed")
    root = Path(f"/proc/{host.leader()}/root")
    place = root / "opt/grub"
    place.mkdir(exist_ok=True)
    linked = subprocess.run(["ldd", tool], capture_output=True, text=True, check=True).stdout
    for path in (tool, *(word for word in linked.split() if word.startswith("/") and "ld-linux" not in word)):
        shutil.copy2(path, place / Path(path).name)
    wrapper = root / "usr/local/bin/grub-editenv"
    wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH=/opt/grub exec /opt/grub/{Path(tool).name} "$@"\n')
    wrapper.chmod(0o755)

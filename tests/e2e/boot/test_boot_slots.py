"""Which slot GRUB starts: chosen on the Boot page, seen after a real restart; a failed upgrade; a reset."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.boot.host_boot import read_boot, set_next_boot
from edgewright.clients.ssh.connection import SshConnection
from edgewright.core.boot.actions import Action, boot_passive, reset, return_to_active
from edgewright.core.boot.state import BootState, why
from edgewright.core.errors import EdgewrightError, TimedOut
from tests.clients.ssh.reach import Laptop
from tests.e2e.boot import grub_disk
from tests.e2e.boot.machine import must_have_time, patience
from tests.e2e.boot.page import shown
from tests.e2e.console import Terminal
from tests.e2e.fleet import command_environment, product
from tests.e2e.forge.forge_base import base_iso

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]
NAME = "edge-7"
PATIENCE = patience(300)
"""Seconds for a start of the emulated machine, which needs 16 s of a processor."""


class Shop:
    """A machine of the layout of Kairos, and a laptop that knows it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        ssh = self.home / ".ssh"
        ssh.mkdir(parents=True, mode=0o700)
        self.key = ssh / "id"
        grub_disk.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        disk = folder / "disk"
        disk.mkdir()
        self.parts = grub_disk.SystemParts(base_iso(), disk)
        public = self.key.with_name("id.pub").read_text()
        self.disk = grub_disk.make_disk(disk, self.parts, public, "saved_entry=cos")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        text = f"  HostName 127.0.0.1\n  Port {self.port}\n  User root\n  IdentityFile {self.key}\n"
        (ssh / "config").write_text(f"Host {NAME}\n{text}  StrictHostKeyChecking accept-new\n")
        self.env = command_environment(self.home)
        self.laptop = Laptop(folder)
        self.laptop.block(NAME, self.port, self.key, "StrictHostKeyChecking accept-new", user="root")
        self.began = time.monotonic()
        self.guest = grub_disk.Guest(self.disk, self.port)
        self.starts = 0

    def started(self) -> None:
        """Wait until the machine has started once more."""
        self.starts += 1
        self.guest.wait("guest is up", self.starts, PATIENCE)
        print(f"start {self.starts} after {time.monotonic() - self.began:.0f} s")
        self.began = time.monotonic()

    def last_image(self) -> str:
        """Return what GRUB printed of its last choice."""
        return self.guest.text().rpartition("GRUB starts ")[2].split()[0]

    async def connect(self) -> SshConnection:
        """Return a connection to the started machine."""
        while True:
            with contextlib.suppress(EdgewrightError):
                return await self.laptop.open(NAME, timeout=30)
            assert time.monotonic() - self.began < PATIENCE
            await asyncio.sleep(1)

    async def read(self) -> BootState:
        """Return how it booted; an emulated machine that gets no time is asked again."""
        while True:
            connection = await self.connect()
            try:
                return await read_boot(connection, NAME)
            except TimedOut:
                assert time.monotonic() - self.began < PATIENCE
            finally:
                await connection.aclose()

    async def do(self, action: Action, state: BootState) -> BootState:
        """Run an action as the Boot page does, and return how the machine booted after it."""
        assert not action.reason, action.reason
        connection = await self.connect()
        try:
            await set_next_boot(connection, NAME, state, action)
        except TimedOut:
            print("the machine was too slow to answer; whether it restarts is seen now")
        finally:
            await connection.aclose()
        self.started()
        return await self.read()

    async def run(self, script: str) -> str:
        """Run a script in the machine."""
        connection = await self.connect()
        try:
            return (await connection.run_script(script.encode(), timeout=60, limit=20_000)).output.decode()
        finally:
            await connection.aclose()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    grub_disk.must_be_possible()
    must_have_time()
    made = Shop(tmp_path_factory.mktemp("slots"))
    try:
        made.started()
        yield made
    finally:
        made.guest.off()


async def test_the_choice_is_for_one_boot(shop: Shop) -> None:
    state = await shop.read()
    assert (state.kind, state.slot, state.env) == ("kairos", "active", {"saved_entry": "cos"})
    assert [image[0] for image in state.images] == ["active.img", "passive.img"]
    passive = await shop.do(boot_passive(state), state)
    assert (passive.slot, passive.boot_id != state.boot_id) == ("passive", True)
    assert "root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img" in passive.cmdline
    assert 'LABEL="COS_PASSIVE"' in await shop.run("blkid /dev/loop0")
    assert (passive.env or {}).get("next_entry", "") == "", "GRUB has taken the choice back"
    await shop.run("sync; (sleep 1; reboot) >/dev/null 2>&1 &")
    shop.started()
    assert (await shop.read()).slot == "active"


async def test_a_failed_upgrade_falls_back_and_the_way_back_clears_its_note(shop: Shop) -> None:
    place = "/run/initramfs/cos-state"
    note = f"{place}/boot_assessment"
    on = f"mount -o rw,remount {place}; grub-editenv {note} set enable_boot_assessment=yes; mount -o ro,remount {place}"
    await shop.run(f"{on}; sync; (sleep 1; reboot -f) >/dev/null 2>&1 &")  # as after an upgrade: on trial
    shop.started()
    assert shop.last_image() == "/cOS/active.img"
    assert (await shop.read()).is_tentative
    await shop.run("sync; (sleep 1; reboot -f) >/dev/null 2>&1 &")  # nothing marked the slot as good
    shop.started()
    state = await shop.read()
    assert (state.slot, state.upgrade_failure) == ("passive", True)
    assert "fell back (upgrade_failure)" in why(state)[0]
    action = return_to_active(state)
    assert [command.split()[0] for command in action.commands] == [
        "mount", "grub-editenv", "mount", "grub-editenv", "reboot",
    ]  # fmt: skip
    back = await shop.do(action, state)
    assert (back.slot, back.upgrade_failure, back.is_tentative) == ("active", False, False)


def test_the_console_boots_the_passive_slot_once_and_the_active_one_again(shop: Shop, tmux: str) -> None:
    terminal = Terminal(shop.env, ("site", "open", NAME), (132, 43))
    try:
        terminal.wait("• open", patience=PATIENCE)
        terminal.press("b")
        shown(terminal, PATIENCE, "• active", "Boot the passive slot")
        terminal.press("P")
        terminal.wait("grub-editenv /oem/grubenv set next_entry=fallback", "one boot", patience=60)
        terminal.press("Tab", "Enter")
        shop.started()
        assert shop.last_image() == "/cOS/passive.img"
        shown(terminal, PATIENCE, "▲ passive", "Boot the active slot")
        document = json.loads(doctor(shop).stdout)
        assert [finding["symptom"] for finding in document["findings"]] == ["booted-passive"], document["findings"]
        terminal.press("A")
        terminal.wait("grub-editenv /oem/grubenv set next_entry=cos", patience=60)
        terminal.press("Tab", "Enter")
        shop.started()
        assert shop.last_image() == "/cOS/active.img"
        shown(terminal, PATIENCE, "• active", "SLOT THAT RUNS")
        print(terminal.screen())
    finally:
        terminal.close()
    assert json.loads(doctor(shop).stdout)["findings"] == []


def doctor(shop: Shop) -> subprocess.CompletedProcess[str]:
    """Return what Doctor says about the machine."""
    return product(shop.env, "site", "doctor", NAME, "-o", "json", timeout=PATIENCE)


async def test_the_entry_of_a_reset_is_started_from_the_recovery_system(shop: Shop) -> None:
    state = await shop.read()
    after = await shop.do(reset(state), state)
    assert (after.slot, "kairos.reset" in after.cmdline) == ("recovery", True)
    assert shop.last_image() == "/cOS/recovery.img"

"""A power cut of the hub's whole machine, page cache included: what was acknowledged is there after the next boot."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Plane
from tests.e2e.forge.guest import Guest
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BOOT = 180.0
"""Seconds for a boot and a hub start under emulation; about 25 on an idle machine of two cores."""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    if os.geteuid() != 0:
        missing("e2e", "the guest's disk is made by mmdebstrap and overlayfs, which need root")
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("mke2fs", "e2fsprogs"), ("mmdebstrap",) * 2):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed: apt-get install {package}")
    made = Guest(tmp_path_factory.mktemp("guest"))
    try:
        made.make_disk()
        yield made
    finally:
        made.cut_power()
        shutil.rmtree(made.folder, ignore_errors=True)


def start(guest: Guest, folder: Path) -> Plane:
    """Boot the guest, wait for its hub and return it, known by the CA and key on the guest's console-less disk."""
    guest.boot()
    guest.wait_console("hub ready", BOOT)
    return Plane(guest.url, folder / "ca.crt", (folder / "key").read_text().strip())


def test_acknowledged_writes_survive_a_power_cut(guest: Guest, tmp_path: Path) -> None:
    # the first start makes CA and key; they are read from the disk, since the guest has no other way out
    guest.boot()
    guest.wait_console("hub ready", BOOT)
    time.sleep(1)
    guest.cut_power()
    recover(guest)
    for name, there in (("ca.crt", "ca.crt"), ("key", "admin-api-key")):
        (tmp_path / name).write_text(guest.read_from_disk(f"/var/lib/hub/{there}"))
        assert (tmp_path / name).read_text().strip(), f"{there} was lost by a power cut after the hub said ready"
    for cut in range(2):
        plane = start(guest, tmp_path)
        acknowledged = write_until_cut(guest, plane, cut)
        plane = start(guest, tmp_path)
        status, page = plane.ask("GET", "/v1/edgehosts/tokens")
        assert status == 200, page
        kept = {token["metadata"]["uid"]: token["spec"]["token"] for token in page["items"]}
        lost = [uid for uid in acknowledged if uid not in kept]
        print(f"cut {cut + 1}: {len(acknowledged)} writes acknowledged, {len(lost)} lost, {len(kept)} tokens kept")
        assert not lost
        assert all(kept[uid] == text for uid, text in acknowledged.items())
        guest.cut_power()


def write_until_cut(guest: Guest, plane: Plane, cut: int) -> dict[str, str]:
    """Let two writers make tokens, cut the power in the midst of it, and return what was acknowledged."""
    acknowledged: dict[str, str] = {}
    enough = threading.Event()

    def write(number: int) -> None:
        count = 0
        while True:
            try:
                uid, text = plane.make_token(f"cut-{cut}-{number}-{count}")
            except (OSError, AssertionError):
                return
            acknowledged[uid] = text
            count += 1
            if len(acknowledged) >= 20:
                enough.set()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    assert enough.wait(120), f"only {len(acknowledged)} writes in 120 s"
    time.sleep(0.3)
    guest.cut_power()
    for writer in writers:
        writer.join(30)
    return acknowledged


def recover(guest: Guest) -> None:
    """Replay the disk's journal, as the next boot would, so that files can be read from it."""
    done = subprocess.run(["e2fsck", "-p", str(guest.disk)], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr

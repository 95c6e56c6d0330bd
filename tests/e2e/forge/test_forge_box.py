"""A box that boots the installer as it ships: no proof, its own name, its own token, its tags on the Hosts screen."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.forge.proof.guest import Guest
from edgewright.forge.proof.log_patterns import Reader
from edgewright.forge.proof.machine import Machine, command
from tests.e2e.console import Console
from tests.e2e.forge.proof_installer import Installer
from tests.e2e.forge.proof_rig import Rig

pytestmark = [pytest.mark.e2e]

LIMIT = float(os.environ.get("EDGEWRIGHT_PROOF_LIMIT", "900"))
"""Seconds from power on to a healthy host, emulated."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("box"))
    made.must_be_possible()
    try:
        made.up()
        yield made
    finally:
        made.down()


def test_a_box_installs_itself_and_is_on_the_hosts_screen_with_its_tags(rig: Rig, tmux: str) -> None:
    with rig.in_network() as plane:
        _, token = plane.make_token("berlin-line")
    installer = Installer(rig, "shop", token)
    installer.apply()
    disk = rig.folder / "disk.img"
    with disk.open("wb") as file:
        file.truncate(32 << 30)
    box = Machine(installer.iso, disk, firmware="bios", medium="cd", network="on", uuid=str(uuid.uuid4()))
    began, boots, reader = time.monotonic(), 0, Reader()
    registered = 0.0
    while not registered:
        boots += 1
        assert boots <= 2, f"it restarted once more:\n{reader.last(20)}"
        with Guest(rig.inside(*command(box._replace(disk_first=boots > 1)))) as guest:
            while not guest.ended:
                reader.feed(guest.read())
                assert time.monotonic() - began < LIMIT, reader.last(20)
                if boots > 1 and healthy(rig):
                    registered = time.monotonic() - began
                    shown_with_its_tags(rig)
                    break
    print(f"a box from power on to a healthy host in {registered:.0f} s, {boots} boots")


def healthy(rig: Rig) -> bool:
    """Tell whether the box is healthy at the plane; asked every two seconds."""
    time.sleep(2.0)
    with rig.in_network() as plane:
        return plane.judgement("box-shop").get("healthState") == "healthy"


def shown_with_its_tags(rig: Rig) -> None:
    """Look at the host by `host list -o json` and on the Hosts screen."""
    listed = json.loads(rig.product("host", "list", "-o", "json").stdout)
    labels = next(host["metadata"]["labels"] for host in listed if host["metadata"]["uid"] == "box-shop")
    assert labels == {"site": "berlin", "line": "3", "installer": "shop"}
    hub = (rig.url, rig.data / "ca.crt", rig.data / "admin-api-key")
    console = Console(Path(rig.folder / "console"), *hub, prefix=rig.inside())
    try:
        console.wait("Pulse", patience=30)
        console.press("2")
        console.wait_row("box-shop", "healthy", patience=30)
        console.wait("berlin")
    finally:
        console.close()

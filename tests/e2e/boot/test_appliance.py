"""Our own appliance by the console over SSH: its slots by keys, and settings that /oem has once they are confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.boot.appliance import CARD, Appliance
from tests.e2e.boot.machine import must_have_time
from tests.e2e.boot.page import shown
from tests.e2e.console import Terminal
from tests.e2e.network import vlan_host
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(7200)]
OEM = "/oem/99_site_network.yaml"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    if reason := vlan_host.lacking():
        missing("e2e", reason)
    must_have_time()
    made = Appliance(tmp_path_factory.mktemp("box"))
    try:
        made.installed()
        yield made
    finally:
        made.down()


def test_confirmed_settings_are_in_oem_and_the_passive_slot_has_them_too(box: Appliance, tmux: str) -> None:
    assert box.slot() == "active"
    words = ["--hostname", "counter-9", "--dns", "10.55.100.1", "--adapter", CARD, "--vlan", "100"]
    words += ["--address", "10.55.100.15/24", "--gateway", "10.55.100.1"]
    assert box.within(f"[ -e {OEM} ] || echo none").strip() == "none"
    assert "The new settings stay" in box.change(*words, "--confirm")
    assert f"05-site-{CARD}.100.netdev" in box.within(f"cat {OEM}")
    box.at("10.55.100.15")
    terminal = Terminal(box.rig.env, ("site", "open", box.name, "--timeout", "60"), (132, 43), box.rig.inside())
    try:
        terminal.wait("• open", patience=box.patience)
        terminal.press("b")
        shown(terminal, box.patience, "• active", "Boot the passive slot")
        print(terminal.screen())
        terminal.press("P")
        terminal.wait("grub-editenv /oem/grubenv set next_entry=passive", "one boot", patience=60)
        terminal.press("Tab", "Enter")
        box.started()
        assert box.slot() == "passive"
        shown(terminal, box.patience, "▲ passive", "Boot the active slot")
        print(terminal.screen())
    finally:
        terminal.close()
    assert_settings(box)


def test_a_start_of_the_active_slot_has_them_and_nothing_that_was_not_confirmed(box: Appliance) -> None:
    before = box.within(f"cat {OEM}")
    words = ["--hostname", "counter-10", "--adapter", f"{CARD}.100", "--address", "10.55.100.16/24", "--mtu", "1400"]
    assert "10.55.100.16:22 answers a new connection" in box.change(*words, within="1h")
    assert box.within("uname -n; ip -o link").startswith("counter-10")
    box.power_cycle()
    assert box.slot() == "active", "the passive slot was for one boot"
    shown = assert_settings(box)
    assert box.within(f"cat {OEM}") == before
    assert "started again before it was confirmed" in shown["lastChange"]
    assert shown["pending"] is None


def assert_settings(box: Appliance) -> dict[str, Any]:
    """Assert that the confirmed settings are there, and return what the product reads."""
    tagged, untagged = box.switch.packets(100), box.switch.packets(0)
    shown = box.read()
    vlan = next(each for each in shown["adapters"] if each["name"] == f"{CARD}.100")
    assert (vlan["vlan"], vlan["parent"], vlan["addresses"][0]) == (100, CARD, "10.55.100.15/24")
    assert (shown["hostName"], shown["dns"]["servers"], vlan["mtu"]) == ("counter-9", ["10.55.100.1"], 1500)
    assert box.switch.packets(100) > tagged and box.switch.packets(0) == untagged, "its packets have the tag"
    return shown

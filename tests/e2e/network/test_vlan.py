"""VLANs of a booted host: read, made, given back, kept over a restart; the tags are seen by the switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.boot.machine import must_have_time
from tests.e2e.fleet import until
from tests.e2e.network import vlan_host
from tests.e2e.network.vlan_host import LISTING, NAME, OTHERS, VlanHost
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]
VOICE = "ip -o -4 addr show dev eth0.30"
NEW = ("--adapter", "eth0", "--vlan", "100", "--address", "10.55.100.15/24", "--gateway", "10.55.100.1")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VlanHost]:
    if reason := vlan_host.lacking():
        missing("e2e", reason)
    must_have_time()
    made = VlanHost(tmp_path_factory.mktemp("vlan"))
    try:
        made.started()
        yield made
    finally:
        made.down()


@pytest.fixture
def before(host: VlanHost) -> str:
    """The host as it is."""
    until("no change is under way", 60, host.idle, 1)
    return host.within(LISTING)


def test_a_vlan_is_read(host: VlanHost) -> None:
    card, voice = host.adapter("eth0"), host.adapter("eth0.30")
    assert (card["manager"], card["method"], card["addresses"][0]) == ("systemd-networkd", "static", "10.55.0.15/24")
    assert (voice["vlan"], voice["parent"], voice["manager"]) == (30, "eth0", "systemd-networkd")
    assert (voice["method"], voice["addresses"][0], voice["notChangedHere"]) == ("static", "10.55.30.15/24", "")
    assert host.switch.packets(0) and not host.switch.packets(30)
    host.within("bash -c ': </dev/tcp/10.55.30.1/9'")  # nobody listens there
    assert host.switch.packets(30), "what it sends in VLAN 30 has its tag"


def test_a_vlan_that_is_not_confirmed_is_given_back(host: VlanHost, before: str) -> None:
    plan = host.run("set", NAME, *NEW, "--plan")
    assert "eth0 VLAN" in plan and "untagged -> 100" in plan and "THIS CONNECTION WILL BE CUT" in plan
    said = host.change(*NEW)
    assert "10.55.100.15:22 answers a new connection" in said
    assert host.switch.packets(100), "its packets have the tag of the VLAN"
    untagged = host.switch.packets(0)
    host.as_before(before)
    assert host.adapter("eth0")["addresses"][0] == "10.55.0.15/24"
    assert host.switch.packets(0) > untagged
    assert "the time was over" in host.read()["lastChange"]


def test_a_vlan_that_the_switch_has_not_is_given_back(host: VlanHost, before: str) -> None:
    words = ["--adapter", "eth0", "--vlan", "200"]
    assert "the time was over" in host.change(*words, code=1)
    assert sum(count for (vlan, _), count in host.switch.seen.items() if vlan == 200), "it was on the wire"
    host.as_before(before)


def test_a_confirmed_vlan_stays_over_a_power_cut(host: VlanHost) -> None:
    assert "The new settings stay" in host.change(*NEW, "--confirm")
    host.power_cycle()
    host.at("10.55.100.15")
    tagged, untagged = host.switch.packets(100), host.switch.packets(0)
    shown = {each["name"]: each for each in host.read()["adapters"]}
    made = shown["eth0.100"]
    assert (made["vlan"], made["parent"], made["addresses"][0]) == (100, "eth0", "10.55.100.15/24")
    assert made["gateway"] == "10.55.100.1"
    assert shown["eth0.30"]["addresses"][0] == "10.55.30.15/24", "the other VLAN is as it was"
    assert host.switch.packets(100) > tagged and host.switch.packets(0) == untagged


def test_the_settings_of_a_vlan_are_changed(host: VlanHost) -> None:
    before = host.within(LISTING)
    words = ["--adapter", "eth0.100", "--address", "10.55.100.16/24", "--mtu", "1400"]
    assert "10.55.100.16:22 answers a new connection" in host.change(*words, within="1h")
    host.power_cycle()
    host.as_before(before)
    assert "started again before it was confirmed" in host.read()["lastChange"]
    assert "The new settings stay" in host.change(*words, "--confirm")
    host.at("10.55.100.16")
    made = host.adapter("eth0.100")
    assert (made["addresses"][0], made["mtu"]) == ("10.55.100.16/24", 1400)


@pytest.mark.parametrize("manager", sorted(OTHERS))
def test_other_managers_make_a_vlan_too(host: VlanHost, manager: str) -> None:
    host.become(manager)
    voice = host.adapter("eth0.30")
    assert (voice["vlan"], voice["parent"], voice["manager"], voice["notChangedHere"]) == (30, "eth0", manager, "")
    before = host.within(LISTING)
    tagged = host.switch.packets(100)
    assert "10.55.100.15:22 answers a new connection" in host.change(*NEW)
    assert host.switch.packets(100) > tagged
    assert "10.55.30.15/24" in host.within(VOICE), "the other VLAN of the card goes on"
    host.as_before(before)
    assert "The new settings stay" in host.change(*NEW, "--confirm")
    host.power_cycle()
    host.at("10.55.100.15")
    tagged = host.switch.packets(100)
    made = host.adapter("eth0.100")
    assert (made["vlan"], made["manager"], made["addresses"][0]) == (100, manager, "10.55.100.15/24")
    assert host.adapter("eth0.30")["addresses"][0] == "10.55.30.15/24", "the other VLAN is as it was"
    assert host.switch.packets(100) > tagged


def test_network_manager_keeps_the_vlan_on_a_card_that_is_changed(host: VlanHost) -> None:
    host.become("NetworkManager")
    card, voice = host.adapter("eth0"), host.adapter("eth0.30")
    assert (card["manager"], card["addresses"][0]) == ("NetworkManager", "10.55.0.15/24")
    assert (voice["vlan"], voice["parent"], voice["manager"]) == (30, "eth0", "NetworkManager")
    before = host.within(LISTING)
    words = ["--adapter", "eth0", "--address", "10.55.0.16/24"]
    assert "10.55.0.16:22 answers a new connection" in host.change(*words)
    assert "10.55.30.15/24" in host.within(VOICE)
    host.as_before(before)
    refused = host.run("set", NAME, "--adapter", "eth0", "--vlan", "100", "--plan", code=7)
    assert "NetworkManager" in refused

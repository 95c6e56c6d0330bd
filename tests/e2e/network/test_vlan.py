"""VLANs of a booted host: read, made, and given back by the host; the tags are seen by the switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.boot.machine import must_have_time
from tests.e2e.fleet import until
from tests.e2e.network import vlan_host
from tests.e2e.network.vlan_host import LISTING, NAME, VlanHost
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]
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

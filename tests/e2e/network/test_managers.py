"""netplan, ifupdown, NetworkManager and networkd on booted hosts: changed, given back, confirmed, and a power cut."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.lab.tools import shortcomings
from tests.e2e.fleet import Fleet, until
from tests.e2e.network.managed_hosts import LISTING, SETTINGS, ManagedHost, lab_of_managers
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    lacking = shortcomings()
    if lacking:
        missing("e2e", lacking[0])
    fleet = lab_of_managers(tmp_path_factory.mktemp("managers"))
    yield fleet
    fleet.down()


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def host(request: pytest.FixtureRequest, lab: Fleet) -> ManagedHost:
    return ManagedHost(lab, f"edge{sorted(SETTINGS).index(request.param) + 1}", request.param)


@pytest.fixture
def before(host: ManagedHost) -> Iterator[str]:
    """The host as it is; it must be the same after the test."""
    until("no change is under way", 60, host.idle)
    until("its address is there", 30, lambda: host.has(host.address, 1500))
    result = host.within(LISTING)
    yield result
    host.as_before(result)


def test_it_is_read_and_a_change_is_given_back_unless_it_is_confirmed(host: ManagedHost, before: str) -> None:
    card = next(card for card in host.read()["adapters"] if card["name"] == "host0")
    assert (card["manager"], card["method"], card["notChangedHere"]) == (host.manager, "static", "")
    assert (card["addresses"][0], card["gateway"]) == (f"{host.address}/24", f"{host.net}.1")
    said = host.change("--address", f"{host.new}/24", "--mtu", "1400")
    assert f"{host.new}:22 answers a new connection" in said
    assert host.has(host.new, 1400)
    host.as_before(before)
    assert "the time was over" in host.read()["lastChange"]


def test_a_confirmed_change_stays_over_a_power_cut_and_another_one_is_given_back(
    host: ManagedHost, before: str
) -> None:
    host.change("--address", f"{host.new}/24", "--mtu", "1400", within="60s")
    assert "The new settings stay." in host.run("confirm", host.name, "--at", host.new, "--yes")
    host.power_cycle()
    until("the new address is there after the start", 60, lambda: host.has(host.new, 1400))
    ssh = host.fleet.home / ".ssh/config"
    old = ssh.read_text()
    ssh.write_text(old.replace(f"HostName {host.address}\n", f"HostName {host.new}\n"))
    known = ssh.with_name("known_hosts")
    known.write_text(known.read_text().replace(f"{host.address} ", f"{host.new},{host.address} "))
    try:
        host.change("--address", f"{host.address}/24", "--mtu", "1500", within="1h")
        host.power_cycle()
        until("the address from before the change is there", 60, lambda: host.has(host.new, 1400))
        until("the change has ended", 60, host.idle)
        assert "started again before it was confirmed" in host.read()["lastChange"]
        said = host.change("--address", f"{host.address}/24", "--mtu", "1500", "--confirm", within="60s")
        assert "The new settings stay" in said
    finally:
        ssh.write_text(old)
    host.put_files_back()


def test_dhcp_is_confirmed_where_a_server_answers(host: ManagedHost, before: str, tmp_path: Path) -> None:
    (tmp_path / "leases").touch()
    (tmp_path / "conf").write_text(
        f"start {host.address}\nend {host.address}\ninterface {host.fleet.shown['name']}-0\n"
        f"lease_file {tmp_path}/leases\npidfile {tmp_path}/pid\noption subnet 255.255.255.0\n"
        f"option router {host.net}.1\n"
    )
    server = subprocess.Popen(["busybox", "udhcpd", "-f", str(tmp_path / "conf")], stderr=subprocess.DEVNULL)
    try:
        assert "The new settings stay" in host.change("--method", "dhcp", "--confirm", within="60s")
        card = next(card for card in host.read()["adapters"] if card["name"] == "host0")
        assert (card["method"], card["addresses"][0]) == ("dhcp", f"{host.address}/24")
        words = ["--address", f"{host.address}/24", "--gateway", f"{host.net}.1", "--confirm"]
        assert "The new settings stay" in host.change(*words, within="60s")
    finally:
        server.terminate()
        server.wait()
    host.put_files_back()

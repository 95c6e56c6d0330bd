"""Address plans: one address, several interfaces, several sites, and network files of stages."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.findings import ERROR, WARNING
from edgewright.core.cloudconfig.network.address import mtu_problem, prefix_length, read_static, vlan_problem
from edgewright.core.cloudconfig.network.network import bypassed, check_plan


@pytest.mark.parametrize(
    ("ip", "mask", "gateway"),
    [
        ("192.168.1.10/24", "", "192.168.1.1"),
        ("192.168.1.10", "255.255.255.0", "192.168.1.254"),
        ("192.168.1.10", "24", ""),
        ("10.0.0.0/31", "", "10.0.0.1"),
        ("fd00::10/64", "", "fe80::1"),
        ("fd00::10/64", "", "fd00::1"),
        ("192.168.1.10/24", "255.255.255.0", "192.168.1.1"),
    ],
)
def test_right_addresses_have_no_problem(ip: str, mask: str, gateway: str) -> None:
    static = read_static(ip, mask, gateway)
    assert static.interface is not None and static.problems == ()


@pytest.mark.parametrize(
    ("ip", "mask", "gateway", "key", "words"),
    [
        ("127.0.0.5/8", "", "", "ipAddress", "loopback"),
        ("224.0.0.5/8", "", "", "ipAddress", "multicast"),
        ("10.0.0.5/0", "", "", "ipAddress", "prefix length 0"),
        ("10.0.0.5/33", "", "", "ipAddress", "prefix length"),
        ("10.0.0.5/24", "", "fd00::1", "gateway", "IPv6"),
        ("10.0.0.5/24", "", "10.0.0.255", "gateway", "broadcast"),
        ("10.0.0.5/24", "", "10.0.0.0", "gateway", "network"),
        ("10.0.0.5/24", "", "router", "gateway", "not an address"),
        ("fd00::10/64", "", "fd01::1", "gateway", "not inside"),
    ],
)
def test_wrong_addresses_are_told_by_their_key(ip: str, mask: str, gateway: str, key: str, words: str) -> None:
    ((found, said, _),) = read_static(ip, mask, gateway).problems
    assert found == key and words in said


@pytest.mark.parametrize(
    ("mask", "length"), [("255.255.255.0", 24), ("/16", 16), ("0.0.0.0", 0), ("255.0.255.0", None)]
)
def test_masks(mask: str, length: int | None) -> None:
    assert prefix_length(mask, 4) == length


def test_vlan_and_mtu_bounds() -> None:
    assert [number for number in (0, 1, 4094, 4095) if vlan_problem(number)] == [0, 4095]
    assert [number for number in (67, 68, 1500, 9216, 9217) if mtu_problem(number)] == [67, 9217]
    assert mtu_problem(1279, 6) and not mtu_problem(1280, 6)


@pytest.mark.parametrize(
    ("host", "no_proxy", "covered"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3,x", True),
        ("10.1.2.3", "11.0.0.0/8,nonsense/99", False),
        ("hub.example.com", ".example.com", True),
        ("hub.example.com", "example.com", True),
        ("hub.example.com", "ample.com", False),
        ("x", "*", True),
    ],
)
def test_what_goes_past_the_proxy(host: str, no_proxy: str, covered: bool) -> None:
    assert bypassed(host, no_proxy) is covered


def site(uid: str, ip: str, **tags: str) -> dict[str, Any]:
    nic = {"type": "static", "ipAddress": ip, "gateway": "10.0.0.1"}
    return {"stylus": {"site": {"name": uid, "hostName": uid, "tags": tags, "network": {"interfaces": {"eno1": nic}}}}}


def test_a_plan_without_clashes_has_nothing_to_say() -> None:
    assert check_plan([("a", site("e1", "10.0.0.2/24")), ("b", site("e2", "10.0.0.3/24"))]) == []


def test_a_plan_tells_what_two_sites_share() -> None:
    found = check_plan([("a", site("e1", "10.0.0.2/24")), ("b", site("e1", "10.0.0.2/24"))])
    assert [(one.severity, one.path) for one in found] == [
        (ERROR, "b: stylus.site.name"),
        (WARNING, "b: stylus.site.hostName"),
        (ERROR, "b: stylus.site.network.interfaces.eno1.ipAddress"),
    ]


def test_the_same_private_address_at_two_sites_is_no_error() -> None:
    found = check_plan([("a", site("e1", "10.0.0.2/24", site="a")), ("b", site("e2", "10.0.0.2/24", site="b"))])
    assert [one.severity for one in found] == [WARNING]


def test_two_interfaces_of_one_host() -> None:
    document = site("e1", "10.0.0.2/24")
    nics = document["stylus"]["site"]["network"]["interfaces"]
    nics["eno2"] = {"type": "static", "ipAddress": "10.0.0.2/24", "gateway": "10.0.0.1"}
    assert {"Duplicate", "Gateways"} <= {one.code for one in check(document)}
    nics["eno2"]["ipAddress"] = "10.0.0.3/24"
    assert "Subnet" in {one.code for one in check(document)}


NETDEV = "[NetDev]\nName=eno1.12\nKind=vlan\n\n[VLAN]\nId={vlan}\n"
NETWORK = (
    "[Match]\nName=eno1.12\n[Link]\nMTUBytes={mtu}\n[Network]\nAddress=10.0.12.5/24\nGateway={gateway}\nVLAN={name}\n"
)


def networkd(vlan: str = "12", mtu: str = "1500", gateway: str = "10.0.12.1", name: str = "eno1.12") -> dict[str, Any]:
    files = [
        {"path": "/etc/systemd/network/10-v.netdev", "content": NETDEV.format(vlan=vlan)},
        {"path": "/etc/systemd/network/10-v.network", "content": NETWORK.format(mtu=mtu, gateway=gateway, name=name)},
    ]
    return {"stylus": {"managementMode": "local"}, "stages": {"initramfs": [{"name": "vlan", "files": files}]}}


def test_right_network_files_have_nothing_wrong() -> None:
    assert [one for one in check(networkd()) if one.severity in (ERROR, WARNING)] == []


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"vlan": "4095"}, "Vlan", "1 to 4094"),
        ({"mtu": "20"}, "Mtu", "68 to 9216"),
        ({"gateway": "10.0.13.1"}, "Address", "not inside 10.0.12.0/24"),
        ({"name": "eno1.13"}, "Network", "no .netdev"),
    ],
)
def test_wrong_network_files_are_told(change: dict[str, str], code: str, words: str) -> None:
    (found,) = [one for one in check(networkd(**change)) if one.severity in (ERROR, WARNING)]
    assert found.code == code and words in found.message

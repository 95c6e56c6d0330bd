"""Network settings: read from user-data, checked, written for networkd."""

from __future__ import annotations

import pytest

from edgewright.agent.appliance import network
from edgewright.agent.appliance.network import Card, Names


def test_settings_are_read_from_the_user_data() -> None:
    site = {
        "network": {
            "nameserver": "10.0.0.53, 10.0.0.54",
            "interfaces": {
                "eno1": {"type": "static", "ipAddress": "10.0.0.5/24", "gateway": "10.0.0.1", "nameserver": "10.0.0.2"},
                "eno2": {"type": "dhcp"},
                "eno3": {"ipAddress": "10.1.0.5", "mask": "255.255.0.0"},
            },
        }
    }
    one, two, three = network.read_cards({"stylus": {"site": site}})
    assert one == Card("eno1", True, "10.0.0.5/24", "", "10.0.0.1", ("10.0.0.2",))
    assert not two.static and three.static
    assert network.read_names({"stylus": {"site": site}}).servers == ("10.0.0.53", "10.0.0.54")
    assert network.read_cards({"stylus": None}) == []


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (Card("eno1", True, "", "255.255.255.0"), "needs an IP address"),
        (Card("eno1", True, "10.0.0.5", ""), "mask is missing"),
        (Card("eno1", True, "10.0.0.300", "24"), "not an IP address"),
        (Card("eno1", True, "10.0.0.0", "24"), "network or broadcast address"),
        (Card("eno1", True, "10.0.0.5", "24", "10.0.1.1"), "The gateway 10.0.1.1 is not in 10.0.0.0/24"),
        (Card("eno1", True, "10.0.0.5", "24", "10.0.0.5"), "this host itself"),
        (Card("eno1", True, "10.0.0.5", "24", "x"), "not an address of a gateway"),
        (Card("eno1", vlan="4095"), "1 to 4094"),
        (Card("eno1", mtu="100"), "576 to 9216"),
        (Card("a b/c"), "not a valid name of a network card"),
        (Card("eno1", dns=("x",)), "DNS server"),
    ],
)
def test_mistakes_are_told(card: Card, said: str) -> None:
    assert said in " ".join(network.check_card(card))


def test_right_settings_have_no_mistakes() -> None:
    assert network.check_card(Card("eno1", True, "10.0.0.5", "255.255.255.0", "10.0.0.1", vlan="7", mtu="1500")) == []
    assert network.check_card(Card("eno1", True, "fd00::5/64", "", "fd00::1")) == []
    assert network.check_card(Card("p2p", True, "10.0.0.0/31", "", "10.0.0.1")) == []
    assert network.check_names(Names(("1.1.1.1",), ("shop.example",))) == []
    assert len(network.check_names(Names(("one",), ("-x",)))) == 2


def test_the_files_of_networkd() -> None:
    cards = [
        Card("eno1", True, "10.0.0.5", "255.255.255.0", "10.0.0.1", ("10.0.0.2",)),
        Card("eno2", vlan="7", mtu="1400"),
    ]
    files = network.files(cards, Names(("9.9.9.9",), ("shop.example",)), ("ntp.example",))
    base = "/etc/systemd/network/"
    assert files[base + "10-edgewright-eno1.network"] == (
        "[Match]\nName=eno1\n\n[Network]\nAddress=10.0.0.5/24\nGateway=10.0.0.1\nDNS=10.0.0.2\n"
    )
    assert files[base + "10-edgewright-eno2-vlan.netdev"] == "[NetDev]\nName=eno2.7\nKind=vlan\n\n[VLAN]\nId=7\n"
    assert "VLAN=eno2.7" in files[base + "10-edgewright-eno2.network"]
    assert "MTUBytes=1400" in files[base + "10-edgewright-eno2.network"]
    assert "DHCP=yes" in files[base + "10-edgewright-eno2-vlan.network"]
    assert "DHCP=yes" in files[base + "90-edgewright-dhcp.network"]
    assert files[network.RESOLVED] == "[Resolve]\nDNS=9.9.9.9\nDomains=shop.example\n"
    assert files[network.TIMESYNCD] == "[Time]\nNTP=ntp.example\n"

"""Network settings of the box: read from the user-data, checked, and written as files of systemd-networkd.

`stylus.site.network.interfaces.NIC` has type, ipAddress (with or without /prefix), mask, gateway, nameserver; VLAN and
MTU (`vlanId`, `mtu`) come from the console's own settings, which Palette's user-data has no keys for.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from edgewright.core.text import clean

FOLDER = "/etc/systemd/network"
RESOLVED = "/etc/systemd/resolved.conf.d/50-edgewright.conf"
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/50-edgewright.conf"
_NIC = re.compile(r"[A-Za-z0-9_.-]{1,15}")

_DEFAULT = """\
[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
"""


class Card(NamedTuple):
    """The settings of one network card; texts as typed."""

    name: str
    static: bool = False
    address: str = ""
    mask: str = ""
    gateway: str = ""
    dns: Tuple[str, ...] = ()
    vlan: str = ""
    mtu: str = ""


class Names(NamedTuple):
    """DNS of the box."""

    servers: Tuple[str, ...] = ()
    search: Tuple[str, ...] = ()


def read_cards(document: Mapping[str, Any]) -> List[Card]:
    """Return the cards that the user-data sets."""
    interfaces = _network(document).get("interfaces")
    cards = []
    for name, body in interfaces.items() if isinstance(interfaces, Mapping) else ():
        block = body if isinstance(body, Mapping) else {}
        kind = _text(block.get("type")).lower()
        address = _text(block.get("ipAddress"))
        cards.append(
            Card(
                str(name),
                kind == "static" or (not kind and bool(address)),
                address,
                _text(block.get("mask")),
                _text(block.get("gateway")),
                _split(block.get("nameserver")),
                _text(block.get("vlanId")),
                _text(block.get("mtu")),
            )
        )
    return cards


def read_names(document: Mapping[str, Any]) -> Names:
    """Return the box's DNS settings of the user-data."""
    network = _network(document)
    return Names(_split(network.get("nameserver")), _split(network.get("searchDomain")))


def check_card(card: Card) -> List[str]:
    """Return what is wrong with a card's settings, in sentences; empty when they can be applied."""
    wrong = []
    if not _NIC.fullmatch(card.name):
        wrong.append(f"{clean(card.name, 30)} is not a valid name of a network card.")
    if card.static:
        wrong += _check_static(card)
    if card.vlan and not (card.vlan.isdigit() and 1 <= int(card.vlan) <= 4094):
        wrong.append("A VLAN ID is a number from 1 to 4094.")
    if card.vlan and len(f"{card.name}.{card.vlan}") > 15:
        wrong.append(f"The name {card.name}.{card.vlan} of the VLAN would be longer than 15 letters.")
    if card.mtu and not (card.mtu.isdigit() and 576 <= int(card.mtu) <= 9216):
        wrong.append("An MTU is a number of bytes from 576 to 9216.")
    return wrong + [
        f"{clean(server, 40)} is not an address of a DNS server." for server in card.dns if not _is_ip(server)
    ]


def check_names(names: Names) -> List[str]:
    """Return what is wrong with the DNS settings."""
    wrong = [
        f"{clean(server, 40)} is not an address of a DNS server." for server in names.servers if not _is_ip(server)
    ]
    domain = re.compile(
        r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
    )
    wrong += [f"{clean(name, 40)} is not a domain." for name in names.search if not domain.fullmatch(name)]
    return wrong


def _check_static(card: Card) -> List[str]:
    if not card.address:
        return ["A static card needs an IP address."]
    if "/" not in card.address and not card.mask:
        return ["The subnet mask is missing."]
    try:
        face = interface(card)
    except ValueError:
        return [f"{clean(with_prefix(card), 60)} is not an IP address with a subnet mask."]
    net, wrong = face.network, []
    small = net.prefixlen >= net.max_prefixlen - 1
    if face.ip.is_multicast or face.ip.is_loopback or face.ip.is_unspecified:
        wrong.append(f"{face.ip} cannot be the address of a host.")
    elif not small and face.ip in (net.network_address, net.broadcast_address):
        wrong.append(f"{face.ip} is the network or broadcast address of {net}.")
    if card.gateway:
        try:
            gateway = ipaddress.ip_address(card.gateway)
        except ValueError:
            return [*wrong, f"{clean(card.gateway, 40)} is not an address of a gateway."]
        if gateway not in net:
            wrong.append(f"The gateway {gateway} is not in {net}, the subnet of {face.ip}.")
        elif gateway == face.ip:
            wrong.append("The gateway is the address of this host itself.")
    return wrong


def with_prefix(card: Card) -> str:
    """Return the address as `IP/prefix or mask`."""
    return card.address if "/" in card.address else f"{card.address}/{card.mask}"


def interface(card: Card) -> "ipaddress.IPv4Interface | ipaddress.IPv6Interface":
    """Return the static address of a card. Raises `ValueError`."""
    return ipaddress.ip_interface(with_prefix(card))


def files(cards: List[Card], names: Names, ntp: Tuple[str, ...]) -> Dict[str, str]:
    """Return the files by path; cards with mistakes must be left out before. Other wired cards take DHCP."""
    texts = {f"{FOLDER}/90-edgewright-dhcp.network": _DEFAULT}
    for card in cards:
        name = f"{FOLDER}/10-edgewright-{card.name}"
        body = _body(card)
        link = f"[Link]\nMTUBytes={card.mtu}\n\n" if card.mtu else ""
        if not card.vlan:
            texts[name + ".network"] = f"[Match]\nName={card.name}\n\n{link}{body}"
            continue
        vlan = f"{card.name}.{card.vlan}"
        texts[f"{name}-vlan.netdev"] = f"[NetDev]\nName={vlan}\nKind=vlan\n\n[VLAN]\nId={card.vlan}\n"
        texts[f"{name}-vlan.network"] = f"[Match]\nName={vlan}\n\n{link}{body}"
        texts[name + ".network"] = (
            f"[Match]\nName={card.name}\n\n{link}[Network]\nVLAN={vlan}\nLinkLocalAddressing=no\n"
        )
    if names.servers or names.search:
        lines = ["[Resolve]"]
        lines += [f"DNS={' '.join(names.servers)}"] if names.servers else []
        lines += [f"Domains={' '.join(names.search)}"] if names.search else []
        texts[RESOLVED] = "\n".join(lines) + "\n"
    if ntp:
        texts[TIMESYNCD] = f"[Time]\nNTP={' '.join(ntp)}\n"
    return texts


def _body(card: Card) -> str:
    lines = ["[Network]"]
    if card.static:
        lines += [f"Address={interface(card).with_prefixlen}"]
        lines += [f"Gateway={card.gateway}"] if card.gateway else []
    else:
        lines += ["DHCP=yes"]
    lines += [f"DNS={server}" for server in card.dns]
    lines += [] if card.static else ["", "[DHCPv4]", "ClientIdentifier=mac"]
    return "\n".join(lines) + "\n"


def _network(document: Mapping[str, Any]) -> Mapping[str, Any]:
    node: Any = document
    for key in ("stylus", "site", "network"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _split(value: Any) -> Tuple[str, ...]:
    parts = value if isinstance(value, list) else _text(value).replace(",", " ").split()
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list, bool)) else str(value).strip()

"""The addresses of this machine that sites could use to reach a hub on it, the most likely first."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

from edgewright.agent.facts.network import default_route, kernel_addresses
from edgewright.agent.kernel.hostfs import Root
from edgewright.core.errors import InvalidInput
from edgewright.hub.process.configuration import split_address

INTERNAL = ("docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "kube", "lxc", "podman")
"""Beginnings of the names of network cards that only containers and virtual machines of this machine use."""


class Address(NamedTuple):
    """An address: the network card that has it, the address, and a note in a few words ("" for none)."""

    card: str
    address: str
    note: str = ""


def machine_addresses() -> list[Address]:
    """Return every address but loopback and link-local ones; that of the default route first, containers' last."""
    names = dict(socket.if_nameindex())
    default = default_route(Root())[0]
    candidates: list[tuple[tuple[int, int, str], Address]] = []
    for index, addresses in kernel_addresses().items():
        card = names.get(index, f"#{index}")
        for text, _ in addresses:
            address = ipaddress.ip_address(text)
            if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
                continue
            internal = card.startswith(INTERNAL)
            note = "default route" if card == default else "containers of this machine" if internal else ""
            rank = (0 if card == default else 2 if internal else 1, address.version, card)
            candidates.append((rank, Address(card, text, note)))
    return [address for _, address in sorted(candidates)]


def address_problem(text: str) -> str:
    """Return why hosts could not use `text` (`NAME_OR_IP[:PORT]`) as the address of a hub, "" when they could."""
    try:
        split_address(text)
    except InvalidInput as error:
        return f"{error.message} {error.hint}".strip()
    return ""

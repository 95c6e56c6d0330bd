"""Rules of an address plan: a host's address, its subnet and gateway, name servers, VLAN numbers and MTU."""

from __future__ import annotations

import ipaddress
import re
from typing import List, NamedTuple, Optional, Tuple

from edgewright.core.cloudconfig.look import Interface, address, shown, texts

VLANS = (1, 4094)
MTUS = (68, 9216)
"""The least that IPv4 allows, and what switches call jumbo frames."""
MTU_V6 = 1280

Problem = Tuple[str, str, str]
"""Which key (ipAddress, mask, gateway, nameserver), what is wrong (the end of a sentence), the next step."""


class Static(NamedTuple):
    """A static address as it was read (None: it could not be), and what is wrong with it."""

    interface: Optional[Interface]
    problems: Tuple[Problem, ...]


def prefix_length(mask: str, version: int) -> Optional[int]:
    """Return the prefix length of a mask (`255.255.255.0`, `/24` or `24`); None for what is none."""
    word = mask.strip().lstrip("/")
    if re.fullmatch(r"[0-9]{1,3}", word):
        length = int(word)
        return length if length <= (32 if version == 4 else 128) else None
    result = address(word)
    if result is None or result.version != version:
        return None
    bits = f"{int(result):0{32 if version == 4 else 128}b}"
    return bits.count("1") if "01" not in bits else None


def read_static(ip: str, mask: str = "", gateway: str = "") -> Static:
    """Return a static address (`192.168.1.10/24`, or with a mask) and every problem of it with mask and gateway."""
    word, slash, length = ip.partition("/")
    host = address(word.strip())
    if host is None:
        return Static(None, (("ipAddress", f"is not an address: {shown(ip)}", "Write 192.168.1.10/24."),))
    problems: List[Problem] = []
    by_slash = prefix_length(length, host.version) if slash else None
    by_mask = prefix_length(mask, host.version) if mask else None
    if slash and by_slash is None:
        problems.append(("ipAddress", f"has no valid prefix length: /{shown(length)}", "Write 192.168.1.10/24."))
    if mask and by_mask is None:
        problems.append(
            ("mask", f"is not a subnet mask: {shown(mask)}", "Write 255.255.255.0, or the prefix length 24.")
        )
    if by_slash is not None and by_mask is not None and by_slash != by_mask:
        problems.append(("mask", f"has /{by_mask} and ipAddress has /{by_slash}", "Remove all but one of them."))
    size = by_slash if by_slash is not None else by_mask
    if size is None:
        if not problems:
            hint = "Write it as 192.168.1.10/24, or give mask."
            problems.append(("ipAddress", "has neither a prefix length nor a mask", hint))
        return Static(None, tuple(problems))
    interface = ipaddress.ip_interface(f"{host}/{size}")
    problems += _host_problems(interface)
    if gateway:
        problems += _gateway_problems(interface, gateway)
    return Static(interface, tuple(problems))


def _host_problems(interface: Interface) -> List[Problem]:
    network, host = interface.network, interface.ip
    wide = network.prefixlen < network.max_prefixlen - 1  # /31 and /32 have no network or broadcast address
    if host.is_loopback or host.is_multicast or host.is_unspecified:
        kind = "a loopback" if host.is_loopback else "a multicast" if host.is_multicast else "the unspecified"
        return [("ipAddress", f"is {kind} address: {host}", "Take an address of the site's own network.")]
    if network.prefixlen == 0:
        return [("ipAddress", "has the prefix length 0", "Write the one of the site's network, e.g. /24.")]
    if wide and host == network.network_address and host.version == 4:
        return [("ipAddress", f"is the address of the network {network} itself", "Take one inside of it.")]
    if wide and host == network.broadcast_address and host.version == 4:
        return [("ipAddress", f"is the broadcast address of {network}", "Take one inside of it.")]
    return []


def _gateway_problems(interface: Interface, gateway: str) -> List[Problem]:
    network, result = interface.network, address(gateway.strip())
    if result is None:
        return [("gateway", f"is not an address: {shown(gateway)}", "Write it without a prefix length.")]
    if result.version != interface.version:
        return [("gateway", f"is of IPv{result.version} and the address of IPv{interface.version}", "")]
    if result == interface.ip:
        return [("gateway", "is the host's own address", "Give the router's.")]
    if result.version == 6 and result.is_link_local:
        return []
    if result not in network:
        return [("gateway", f"is {result}, which is not inside {network}: the host could not reach it", "")]
    if result.version == 4 and network.prefixlen < 31:
        if result == network.network_address:
            return [("gateway", f"is the address of the network {network} itself", "")]
        if result == network.broadcast_address:
            return [("gateway", f"is the broadcast address of {network}", "")]
    return []


def name_server_problems(value: object) -> List[Tuple[str, str]]:
    """Return (what is wrong, next step) for each name server in a text with commas or spaces, or in a list."""
    problems = []
    for _, word in texts(value)[:50]:
        result = address(word)
        if result is None:
            problems.append((f"is not an address: {shown(word)}", "Name servers are given by address."))
        elif result.is_unspecified or result.is_multicast:
            problems.append((f"is {result}, where no name server can be", ""))
        elif result.is_loopback:
            problems.append((f"is {result}, the host itself", "Give the site's name server."))
    return problems


def vlan_problem(number: Optional[int]) -> str:
    """Return what is wrong with a VLAN number, as the end of a sentence."""
    if number is None or not VLANS[0] <= number <= VLANS[1]:
        return f"must be {VLANS[0]} to {VLANS[1]}"
    return ""


def mtu_problem(number: Optional[int], version: int = 4) -> str:
    """Return what is wrong with an MTU in bytes for an IP version, as the end of a sentence."""
    if number is None or not MTUS[0] <= number <= MTUS[1]:
        return f"must be {MTUS[0]} to {MTUS[1]} bytes"
    if version == 6 and number < MTU_V6:
        return f"must be at least {MTU_V6} bytes with IPv6"
    return ""

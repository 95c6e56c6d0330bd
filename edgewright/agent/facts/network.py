"""Facts of the network: cards, addresses, the default gateway, DNS servers."""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Any, Callable, Dict, List, Tuple

from edgewright.agent.kernel.hostfs import Root
from edgewright.core.hosts.nics import fold

Addresses = Dict[int, List[Tuple[str, int]]]
"""Addresses with their prefix lengths by interface index."""

MAX_NICS = 64

_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_NLM_REQUEST_DUMP = 0x1 | 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2


def kernel_addresses() -> Addresses:
    """Ask the kernel for every address by netlink, as `ip addr` does; nothing where netlink is not allowed."""
    addresses: Addresses = {}
    request = struct.pack("=LHHLL", 24, _RTM_GETADDR, _NLM_REQUEST_DUMP, 1, 0) + struct.pack("=BBBBi", 0, 0, 0, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as link:
            link.settimeout(2)
            link.send(request)
            while not _take_addresses(link.recv(65536), addresses):
                pass
    except OSError:
        return addresses
    return addresses


def _take_addresses(data: bytes, addresses: Addresses) -> bool:
    """Read one batch of netlink messages into `addresses`; return whether it was the last one."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=LH", data, at)
        if kind in (_NLMSG_ERROR, _NLMSG_DONE) or length < 16:
            return True
        if kind == _RTM_NEWADDR and length >= 24:
            family, prefix, _flags, _scope, index = struct.unpack_from("=BBBBi", data, at + 16)
            address = _address(data[at + 24 : at + length], family)
            if address:
                addresses.setdefault(index, []).append((address, prefix))
        at += (length + 3) & ~3
    return False


def _address(attributes: bytes, family: int) -> str:
    at, values = 0, {}
    while at + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, at)
        if length < 4:
            break
        values[kind] = attributes[at + 4 : at + length]
        at += (length + 3) & ~3
    raw = values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS) or b""
    if len(raw) != (4 if family == socket.AF_INET else 16 if family == socket.AF_INET6 else -1):
        return ""
    return socket.inet_ntop(family, raw)


def default_route(root: Root) -> Tuple[str, str]:
    """Return (interface, gateway) of the default route with the lowest metric; empty texts when there is none."""
    best: Tuple[int, str, str] = (1 << 31, "", "")
    for line in root.lines("/proc/net/route")[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
            continue
        try:
            metric, flags = int(fields[6]), int(fields[3], 16)
            gateway = socket.inet_ntoa(struct.pack("<L", int(fields[2], 16)))
        except (ValueError, struct.error):
            continue
        if flags & 1 and metric < best[0]:
            best = (metric, fields[0], gateway if flags & 2 else "")
    if best[1]:
        return best[1], best[2]
    for line in root.lines("/proc/net/ipv6_route"):
        fields = line.split()
        if len(fields) == 10 and fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
            raw = bytes.fromhex(fields[4])
            return fields[9], "" if not any(raw) else socket.inet_ntop(socket.AF_INET6, raw)
    return "", ""


def dns_servers(root: Root) -> List[str]:
    """Return the DNS servers; those behind systemd-resolved's stub when only the stub is named."""
    servers = _nameservers(root, "/etc/resolv.conf")
    if servers in (["127.0.0.53"], ["127.0.0.54"], []):
        return _nameservers(root, "/run/systemd/resolve/resolv.conf") or servers
    return servers


def _nameservers(root: Root, name: str) -> List[str]:
    lines = [line.split() for line in root.lines(name)]
    return [fields[1] for fields in lines if len(fields) >= 2 and fields[0] == "nameserver"][:8]


def nics(root: Root, addresses: Callable[[], Addresses] = kernel_addresses) -> Tuple[List[Dict[str, Any]], int]:
    """Return the cards as `v1Nic`, the default one first, and how many virtual ones were folded away."""
    known = addresses()
    device, gateway = default_route(root)
    servers = dns_servers(root)
    matches = []
    for name in root.names("/sys/class/net"):
        base = f"/sys/class/net/{name}"
        if name == "lo" or not root.has(base + "/ifindex"):
            continue
        default = name == device
        address, subnet = _main_address(known.get(root.number(base + "/ifindex"), []))
        nic: Dict[str, Any] = {"nicName": name, "macAddr": root.text(base + "/address", 64), "ip": address}
        nic.update(subnet=subnet, isDefault=default)
        nic.update(gateway=gateway if default else "", dns=servers if default else [])
        matches.append(nic)
    real, folded = fold(matches)
    stored = sorted(real, key=lambda nic: (not nic["isDefault"], not nic["ip"], nic["nicName"]))
    return stored[:MAX_NICS], folded


def _main_address(addresses: List[Tuple[str, int]]) -> Tuple[str, str]:
    """Return the address to show, IPv4 before IPv6 and link-local ones never, and its subnet."""
    usable = []
    for text, prefix in addresses:
        address = ipaddress.ip_address(text)
        if not (address.is_link_local or address.is_loopback):
            usable.append((address.version, text, prefix))
    if not usable:
        return "", ""
    _version, text, prefix = min(usable, key=lambda item: item[0])
    return text, str(ipaddress.ip_network(f"{text}/{prefix}", strict=False))

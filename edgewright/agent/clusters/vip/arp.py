"""Asking the network who has an IPv4 address, by ARP (RFC 826, and the probe of RFC 5227), and announcing it."""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import List

from edgewright.agent.clusters.host import Host
from edgewright.core.errors import Failed

REQUEST, REPLY = 1, 2
ETHERTYPE = 0x0806
BROADCAST = b"\xff" * 6


def packet(operation: int, mac: bytes, sender: bytes, target: bytes) -> bytes:
    """Return an ARP packet in its Ethernet frame; addresses are 4 bytes."""
    head = BROADCAST + mac + struct.pack("!H", ETHERTYPE)
    return head + struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac + sender + b"\x00" * 6 + target


def read(frame: bytes) -> "tuple[bytes, bytes]":
    """Return the sender's MAC and address of an ARP packet, empty bytes for another frame."""
    if len(frame) < 42 or frame[12:14] != struct.pack("!H", ETHERTYPE):
        return b"", b""
    return frame[22:28], frame[28:32]


def probe(host: Host, nic: str, address: str, seconds: float = 1.5) -> List[str]:
    """Return the MACs of other machines that have an address. Raises `Failed` where that cannot be asked."""
    if ":" in address:
        return neighbours(host, nic, address, seconds)
    wanted, own = socket.inet_aton(address), own_mac(host, nic)
    try:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    except OSError as error:
        raise Failed(f"ARP cannot be used: {error.strerror}.", "Run it as root.") from None
    with link:
        try:
            link.bind((nic, ETHERTYPE))
            macs = set()
            for _ in range(3):
                link.send(packet(REQUEST, own, b"\x00" * 4, wanted))
                until = time.monotonic() + seconds / 3
                while time.monotonic() < until:
                    ready, _, _ = select.select([link], [], [], max(0.0, until - time.monotonic()))
                    if ready:
                        mac, sender = read(link.recv(2048))
                        if sender == wanted and mac != own:
                            macs.add(":".join(f"{byte:02x}" for byte in mac))
        except OSError as error:
            raise Failed(f"ARP on {nic} failed: {error.strerror}.", "Check the interface.") from None
    return sorted(macs)


def neighbours(host: Host, nic: str, address: str, seconds: float) -> List[str]:
    """Return the same for IPv6: a datagram lets the kernel ask (RFC 4861), and it knows what was answered."""
    host.run(["ip", "-6", "neigh", "flush", "to", address, "dev", nic])
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as link:
            link.sendto(b"", (address, 9))
    except OSError:
        return []  # it is on this host, or there is no route to it: `address` and `vip` report that
    host.sleep(seconds)
    fields = host.run(["ip", "-6", "neigh", "show", "to", address, "dev", nic]).output.split()
    return [fields[fields.index("lladdr") + 1]] if "lladdr" in fields[:-1] else []


def announce(host: Host, nic: str, address: str) -> None:
    """Let the machines of the network learn that this host has an address now (gratuitous ARP)."""
    own, value = own_mac(host, nic), socket.inet_aton(address)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE)) as link:
            link.bind((nic, ETHERTYPE))
            for operation in (REQUEST, REPLY):
                link.send(packet(operation, own, value, value))
    except OSError as error:
        host.report(f"{address} cannot be announced on {nic}: {error.strerror}")


def own_mac(host: Host, nic: str) -> bytes:
    """Return the MAC of an interface. Raises `Failed`."""
    text = host.text(f"/sys/class/net/{nic}/address")
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        raise Failed(f"The interface {nic} has no MAC.", "Name the interface of the VIP.") from None

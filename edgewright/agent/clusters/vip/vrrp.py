"""VRRP (RFC 5798, IP protocol 112): who advertises on this network, and whether it passes between two members."""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import List, NamedTuple, Optional, Set, Tuple

from edgewright.core.addresses import same
from edgewright.core.errors import Failed

PROTOCOL = 112
GROUP = "224.0.0.18"
PROBE, ECHO = b"edgewright: VRRP passes?", b"edgewright: VRRP passes!"
"""A probe and its answer. As VRRP they have version 6, which keepalived ignores."""
SECONDS = 3.5
"""How long is listened: routers advertise every second unless they are configured otherwise."""


class Advert(NamedTuple):
    """An advertisement: its sender, the id of the virtual router, and the addresses that it has."""

    source: str
    router: int
    addresses: Tuple[str, ...]


def read(packet: bytes) -> Optional[Advert]:
    """Return the advertisement in an IPv4 packet with its header, `None` for something else."""
    size = (packet[0] & 15) * 4 if packet else 0
    body = packet[size:]
    if size < 20 or len(body) < 8 or body[0] not in (0x21, 0x31):  # version 2 or 3, type 1
        return None
    places = range(8, min(8 + 4 * body[3], len(body) - 3), 4)
    listed = tuple(socket.inet_ntoa(body[place : place + 4]) for place in places)
    return Advert(socket.inet_ntoa(packet[12:16]), body[1], listed)


def opened() -> Optional[socket.socket]:
    """Return a socket for the protocol, `None` where this program may not have one."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    except OSError:
        return None


def answer(link: socket.socket) -> None:
    """Answer one probe; an echo is never answered, so two servers cannot answer each other. Raises `OSError`."""
    packet, source = link.recvfrom(4096)
    if packet[(packet[0] & 15) * 4 :] == PROBE:
        link.sendto(ECHO, (source[0], 0))


def echo(address: str) -> Optional[bool]:
    """Return whether a probe to a member comes back, `None` where that cannot be tried (IPv6, no rights)."""
    link = None if ":" in address else opened()
    if link is None:
        return None
    with link:
        try:
            for _ in range(3):
                link.sendto(PROBE, (address, 0))
                until = time.monotonic() + 0.7
                while select.select([link], [], [], max(0.0, until - time.monotonic()))[0]:
                    packet, source = link.recvfrom(4096)
                    if same(source[0], address) and packet[(packet[0] & 15) * 4 :] == ECHO:
                        return True
                    if time.monotonic() > until:
                        break
        except OSError:
            return None
    return False


def adverts(address: str, seconds: float = SECONDS) -> List[Advert]:
    """Return who advertises on the network of this host's address, each router of a sender once. Raises `Failed`."""
    link = opened()
    if link is None:
        raise Failed("VRRP cannot be listened to on this host.", "Run it as root.")
    seen: Set[Advert] = set()
    with link:
        try:
            member = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(address))
            link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            until = time.monotonic() + seconds
            while len(seen) < 256 and select.select([link], [], [], max(0.0, until - time.monotonic()))[0]:
                advert = read(link.recv(4096))
                if advert is not None:
                    seen.add(advert)
                if time.monotonic() > until:
                    break
        except OSError as error:
            raise Failed(
                f"VRRP cannot be listened to on {address}: {error.strerror}.", "Check the interface."
            ) from None
    return sorted(seen)

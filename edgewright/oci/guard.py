"""Which addresses a connection may go to, judged by the address itself: a name may resolve to another one each time.

The name is resolved here, each address is judged, and the connection is opened to that very address. So a name that
resolves to a public address first and to 169.254.169.254 a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Union

Guard = Callable[[str], str]
"""Address -> why no connection may be opened to it; "" when it may."""
_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
_METADATA = frozenset({"169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"})
"""Where clouds serve credentials to machines; not all of them are link-local."""
_WITHIN = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
"""IPv6 addresses whose last 32 bits are an IPv4 address: NAT64, and the old compatible ones."""
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class AddressRefused(ValueError):
    """No address of a host may be connected to; its text names address and reason."""


def public_only(address: str) -> str:
    """Return why an address is refused: link-local, private, or of this machine."""
    return _judged(address, private=False)


def with_private(address: str) -> str:
    """Return why an address is refused where private ranges and this machine are allowed: link-local ones, always."""
    return _judged(address, private=True)


def _judged(text: str, private: bool) -> str:
    try:
        address = _inner(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return f"{text[:60]} is not an address"
    if str(address) in _METADATA and not address.is_link_local:
        return f"{address} is where a cloud serves credentials"
    if address.is_link_local:
        return f"{address} is link-local"
    if address.is_multicast or address.is_unspecified:
        return f"{address} is not the address of a host"
    if private:
        return ""
    if address.is_loopback:
        return f"{address} is this machine"
    if address.is_private or (address.version == 4 and address in _SHARED):
        return f"{address} is private"
    return f"{address} is reserved" if address.is_reserved else ""


def _inner(address: _Address) -> _Address:
    """Return the IPv4 address that is inside an IPv6 one, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if int(address) > 1 and any(address in network for network in _WITHIN):  # `::` and `::1` are their own
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def connection(
    guard: Guard, target: tuple[str, int], timeout: float | None = None, _source: object = None
) -> socket.socket:
    """Return a connection to the first address of a host that is allowed and answers.

    Raises `AddressRefused`, `OSError`. Takes what `socket.create_connection` takes.
    """
    refused, failure = "", None
    for family, kind, protocol, _, place in socket.getaddrinfo(*target, 0, socket.SOCK_STREAM):
        reason = guard(str(place[0]))
        if reason:
            refused = refused or reason
            continue
        link = socket.socket(family, kind, protocol)
        try:
            link.settimeout(timeout)
            link.connect(place)
            return link
        except OSError as error:
            link.close()
            failure = error
    if failure is not None:
        raise failure
    raise AddressRefused(refused or "it has no address")


def check_literal(guard: Guard, host: str) -> None:
    """Refuse a host that is written as an address; a name is resolved by the proxy. Raises `AddressRefused`.

    A proxy reads `2852039166`, `0xa9fea9fe` and `169.254.43518` as addresses too, as this machine's resolver does.
    """
    plain = host.rstrip(".")
    try:
        address = str(ipaddress.ip_address(plain))
    except ValueError:
        try:
            address = socket.inet_ntoa(socket.inet_aton(plain))
        except (OSError, UnicodeError):
            return
    reason = guard(address)
    if reason:
        raise AddressRefused(reason)

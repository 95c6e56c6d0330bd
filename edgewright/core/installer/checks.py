"""Rules for single answers. Each returns a sentence for the user, or "" when the value is fine."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Mapping, Optional, Union
from urllib.parse import urlsplit

from edgewright.core.cloudconfig.sshkeys import TYPES, key_problem
from edgewright.core.hosts.hosts import check_hostname, check_uid
from edgewright.core.hosts.tags import MAX_KEY, MAX_VALUE

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

NIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
"""What Linux takes as the name of a network card (at most 15 characters, no slash, no space)."""
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
"""Debian's rule for user and group names."""
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,15}", re.ASCII)
"""Labels of ext4 have at most 16 bytes."""
PEM = "-----BEGIN "


def address(text: str) -> Optional[Address]:
    """Return an IP address, or None when the text is none."""
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None


def interface(text: str) -> Optional[Interface]:
    """Return an address with its prefix length (`10.4.1.7/24`), or None."""
    try:
        return ipaddress.ip_interface(text.strip()) if "/" in text else None
    except ValueError:
        return None


def host(text: str) -> str:
    """Check a host name or an IP address."""
    if address(text) is not None or (HOST.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text)):
        return ""
    return f"{text[:60]!r} is neither a host name nor an IP address."


def endpoint(text: str) -> str:
    """Check the address of a plane; one that only this machine can reach is refused."""
    url = text if "://" in text else "https://" + text
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{text[:80]!r} is not an address; write https://NAME:PORT."
    if parts.scheme != "https":
        return "The plane's address must be https; the token would be readable on the way."
    if not name or host(name) or port == 0:
        return f"{text[:80]!r} is not an address; write https://NAME:PORT."
    if parts.username or parts.password or parts.query or parts.fragment:
        return "The plane's address is only https://NAME:PORT, without user, password or query."
    where = address(name)
    if name.lower() == "localhost" or name.lower().endswith(".localhost") or (where is not None and _only_here(where)):
        return f"{name} is this machine alone: a box elsewhere cannot reach it. Give the address that the site sees."
    return ""


def _only_here(where: Address) -> bool:
    mapped = getattr(where, "ipv4_mapped", None)
    return where.is_loopback or where.is_unspecified or (mapped is not None and bool(mapped.is_loopback))


def proxy(text: str) -> str:
    """Check the address of a proxy: `http://[user:password@]host:port`."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not host(parts.hostname or "")
        good = good and parts.port != 0
    except ValueError:
        good = False
    return "" if good else f"{text.split('@')[-1][:60]!r} is not a proxy address; write http://HOST:PORT."


def ip(text: str) -> str:
    """Check an IP address that a host can be asked at."""
    result = address(text)
    if result is None:
        return f"{text[:60]!r} is not an IP address."
    if result.is_multicast or result.is_unspecified:
        return f"{text} is not an address of a machine."
    return f"{text} is the box itself." if result.is_loopback else ""


def own_address(text: str) -> str:
    """Check the address of a card with its prefix length; network and broadcast addresses are refused."""
    if "/" not in text:
        return f"{text[:60]!r} lacks the size of its subnet; write it like 10.4.1.7/24." if text else ""
    result = interface(text)
    if result is None:
        return f"{text[:60]!r} is not an address with a prefix length; write it like 10.4.1.7/24."
    where, net = result.ip, result.network
    if where.is_loopback or where.is_multicast or where.is_unspecified or net.prefixlen == 0:
        return f"{text} cannot be the address of a card."
    if net.version == 4 and net.prefixlen < 31:
        if where == net.network_address:
            return f"{where} is the name of the subnet itself; take an address inside it."
        if where == net.broadcast_address:
            return f"{where} is the broadcast address of {net}; take an address inside it."
    return ""


def gateway(text: str, own: str) -> str:
    """Check that a gateway is in the subnet of the card's address and is not that address."""
    problem = ip(text)
    result = interface(own)
    where = address(text)
    if problem or result is None or where is None:
        return problem
    if where.version != result.version or where not in result.network:
        return f"The gateway {text} is not in {result.network}, the subnet of {result.ip}: the box could not reach it."
    if where == result.ip:
        return "The gateway is the box's own address."
    return ""


def nic(text: str) -> str:
    """Check the name of a network card."""
    if not NIC.fullmatch(text):
        return f"{text[:40]!r} is not a valid name of a network card; they look like eno1, enp3s0 or eth0."
    return ""


def between(value: Any, least: int, most: int, what: str) -> str:
    """Check a number; None is fine."""
    if value is None or (isinstance(value, int) and least <= value <= most):
        return ""
    return f"{what} is {least} to {most}."


def user(text: str) -> str:
    """Check a user's name; `root` is refused, since it is there already."""
    if not USER.fullmatch(text):
        return f"{text[:40]!r} is not a user name: a-z first, then a-z, 0-9, _ and -, at most 32."
    return "root is there already; give a user of your own." if text == "root" else ""


def ssh_key(text: str) -> str:
    """Check one line of an authorized_keys file."""
    if "PRIVATE KEY" in text:
        return "That is a private key: do not share it; give the line of the .pub file."
    parts = text.split()
    at = next((i for i, word in enumerate(parts) if word in TYPES), -1)
    problem = key_problem(text)
    if not problem:
        return ""
    if at < 0 or at + 1 >= len(parts):
        return f"{text[:30]!r} is not a public SSH key; it begins with ssh-ed25519 or ssh-rsa."
    return f"The key {' '.join(parts[at + 2 :])[:30] or parts[at]} {problem}; copy the complete line."


def certificate(text: str) -> str:
    """Check a certificate: the path of a file, or its PEM text."""
    if PEM not in text:
        return "" if "\n" not in text else "That is neither a path nor a PEM certificate."
    if "PRIVATE KEY" in text:
        return "That contains a private key, which does not belong on the box: give the certificate alone."
    if text.count(PEM + "CERTIFICATE-----") < 1 or text.count("-----END CERTIFICATE-----") != text.count(PEM):
        return "That is not a complete PEM certificate."
    return ""


def uid(text: str) -> str:
    """Check a host UID."""
    return " ".join(check_uid(text))


def hostname(text: str) -> str:
    """Check an OS host name."""
    return " ".join(check_hostname(text))


def tags(value: Mapping[str, str]) -> str:
    """Check a map of tags: no key may contain what separates tags on the wire."""
    for key, item in value.items():
        if not key or ":" in key or "," in key or not key.isprintable() or len(key) > MAX_KEY:
            return f"The tag {key[:40]!r} needs a name without ':' and ','."
        if not item.isprintable() or len(item) > MAX_VALUE:
            return f"The value of tag {key} is too long or contains characters that cannot be printed."
    return ""

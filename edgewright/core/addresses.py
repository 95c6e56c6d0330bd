"""Addresses of hosts by their value: one IPv6 address has many spellings. Standard library only, Python 3.9."""

from __future__ import annotations

import ipaddress
from typing import Iterable


def plain(text: str) -> str:
    """Return an address in the one spelling that the library writes, without a prefix, zone or brackets.

    A text that is not an address, such as a DNS name, stays as it is, in small letters.
    """
    bare = text.strip().strip("[]").partition("/")[0].partition("%")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return text.strip().lower()
    mapped = getattr(address, "ipv4_mapped", None)
    return str(address if mapped is None else mapped)


def same(first: str, second: str) -> bool:
    """Return whether two texts are one address; an empty text is none."""
    return bool(first) and plain(first) == plain(second)


def among(address: str, listed: Iterable[str]) -> bool:
    """Return whether an address is in a list, in whatever spelling."""
    return any(same(address, other) for other in listed)

"""Where to connect, as a user writes it: `[user@]host[:port]`, checked before anything is dialled.

Several with commas between them are a way, as for `ssh -J` and in ProxyJump: `store-7,kairos@10.0.0.6` is the host
10.0.0.6 as store-7 reaches it.

The names may end up in the ProxyCommand of the user's own configuration, which a shell reads: only characters that mean
nothing to a shell are accepted (OpenSSH refuses the others since 9.6, CVE-2023-51385).
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

HINT = "Write it as user@host, user@host:2222, user@[2001:db8::7]:22, or the name of a Host of ~/.ssh/config."
MAX_TARGET = 400
"""Characters of a target: 64 of a user, 253 of a name, a port; and of a target with its way."""
MAX_HOPS = 8
"""Hosts on the way to a target, with the target."""
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+@-]{0,63}\Z")
_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,15}\Z")


class Target(NamedTuple):
    """`user` is "" and `port` 0 where the target names none: the configuration has them, or their defaults.

    `through`: the hosts on the way that were written before it; where there are none, the configuration has the way.
    """

    user: str
    host: str
    port: int
    through: tuple[Target, ...] = ()

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        own = (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")
        return ",".join([*map(str, self.through), own])


def read_target(text: str) -> Target:
    """Return the parts of a target. Raises `InvalidInput`."""
    if not text or len(text) > MAX_TARGET:
        raise InvalidInput(f"A target has 1 to {MAX_TARGET} characters, not {len(text)}.", HINT)
    *before, last = text.split(",")
    if len(before) >= MAX_HOPS:
        raise InvalidInput(f"A way has at most {MAX_HOPS} hosts, not {len(before) + 1}.", HINT)
    return _read_host(last)._replace(through=tuple(_read_host(each) for each in before))


def short_name(text: str) -> str:
    """Return the host of a target without its user and the hosts on the way, with its port: what it is called."""
    return text.rpartition(",")[2].rpartition("@")[2]


def _read_host(text: str) -> Target:
    user, at, rest = text.rpartition("@")
    if at and not _USER.match(user):
        raise InvalidInput(f"{clean(user, 80) or 'An empty text'} is not a valid user name.", HINT)
    host, port = _host_and_port(rest, text)
    return Target(user, check_host(host), port)


def check_host(host: str) -> str:
    """Return a name or an address that may be dialled. Raises `InvalidInput`."""
    if not (is_address(host) or _NAME.match(host)):
        raise InvalidInput(f"{clean(host, 80) or 'An empty text'} is not a valid host name or address.", HINT)
    return host


def check_user(user: str) -> str:
    """Return a user name as it may be sent. Raises `InvalidInput`."""
    if not _USER.match(user):
        raise InvalidInput(f"{clean(user, 80)} is not a valid user name.", HINT)
    return user


def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address, with a zone or without."""
    bare, percent, zone = text.partition("%")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    return not percent or (address.version == 6 and _ZONE.match(zone) is not None)


def read_port(text: str) -> int:
    """Return a TCP port from 1 to 65535. Raises `InvalidInput`."""
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 1 <= port <= 65535:
        raise InvalidInput(f"{clean(text, 80) or 'An empty text'} is not a valid port (1 to 65535).", HINT)
    return port


def _host_and_port(text: str, target: str) -> tuple[str, int]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidInput(f"The brackets of {clean(target, 80)} are not closed.", HINT)
        return host, read_port(rest[1:]) if rest else 0
    if text.count(":") > 1:
        return text, 0  # an IPv6 address without brackets has no port
    host, colon, port = text.partition(":")
    return host, read_port(port) if colon else 0

"""Names and addresses for the hub's certificate."""

from __future__ import annotations

import ipaddress

from edgewright.core.errors import InvalidInput
from edgewright.core.hosts.hosts import check_hostname


def check_name(name: str, flag: str) -> None:
    """Raise `InvalidInput` for a text that is neither a host name nor an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        problems = check_hostname(name.lower())
        if problems:
            raise InvalidInput(f"{flag} {name!r} is neither a host name nor an address.", problems[0]) from None

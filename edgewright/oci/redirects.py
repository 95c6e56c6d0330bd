"""Which redirects are followed: never from https to http, and to http only beside a registry that has no TLS itself."""

from __future__ import annotations

from edgewright.oci import address as addresses
from edgewright.oci.address import Address
from edgewright.oci.reference import is_loopback

MOST = 5
STATUS = (301, 302, 303, 307, 308)


class BadRedirect(ValueError):
    """A redirect that is not followed; its text continues `redirects`."""


def target(place: Address, location: str) -> Address:
    """Return where a redirect from `place` goes. Raises `BadRedirect`, `BadAddress`."""
    there = addresses.join(place, location)
    if place.scheme == "https" and there.scheme != "https":
        raise BadRedirect(f"to {there}, which has no TLS")
    if there.scheme == "http" and not (there.host == place.host or is_loopback(there.netloc)):
        raise BadRedirect(f"to {there}, which has no TLS")
    return there

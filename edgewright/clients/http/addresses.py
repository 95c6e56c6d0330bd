"""The addresses of one plane: several hubs on one database are the same plane, and any of them answers.

They are several URLs, or one name with several IP addresses. One of them is in use until it fails; then the next one is
tried. What reached no hub can be sent to another one as it is; what may have reached one is only repeated when it
changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

REPEATABLE: Final = frozenset({"GET", "HEAD"})
UNAVAILABLE: Final = 503
"""What a hub answers that cannot reach its database, or does not follow it yet."""
EACH: Final = 5.0
"""Seconds for one of several addresses to accept a connection, and for its TLS."""
MOST: Final = 8
"""IP addresses of one name that are tried."""
LOOK_UP: Final = 5.0
"""Seconds that a name is looked up for."""
AGAIN: Final = 10.0
"""Seconds between two look-ups of a name, after an address failed."""

Resolve = Callable[[str, int], Awaitable[Sequence[tuple[Any, ...]]]]
"""Return what `getaddrinfo` returns for a name and a port. Raises `OSError`."""


class Address(NamedTuple):
    """A way to the plane: its base URL, and one IP address of its name where it has several hubs."""

    url: str
    ip: str = ""

    @property
    def target(self) -> str:
        """Return the URL to connect to; TLS verifies the name of `url` all the same."""
        if not self.ip:
            return self.url
        parts = urlsplit(self.url)
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")

    @property
    def shown(self) -> str:
        """Return host and port for sentences, with the IP address where the name has several."""
        netloc = urlsplit(self.url).netloc
        return f"{netloc} ({self.ip})" if self.ip else netloc

    def headers(self) -> dict[str, str]:
        """Return the headers that name the plane where the target does not."""
        return {"Host": urlsplit(self.url).netloc} if self.ip else {}

    def extensions(self) -> dict[str, Any]:
        """Return for the HTTP client the name that the certificate must have."""
        return {"sni_hostname": urlsplit(self.url).hostname or ""} if self.ip else {}


class Addresses:
    """Addresses in the order in which they are tried."""

    def __init__(
        self,
        urls: tuple[str, ...],
        resolve: Resolve | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`urls` are base URLs without a path, at least one; without `resolve` their names are used as they are."""
        self._urls = urls
        self._resolve = resolve
        self._clock = clock
        self._every = [Address(url) for url in urls]
        self._current = self._every[0]
        self._looked_up = float("-inf")
        self._stale = True

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._every)

    @property
    def current(self) -> Address:
        """Return the address in use."""
        return self._current

    def order(self) -> Iterator[Address]:
        """Yield every address once, the one in use first."""
        first = self._every.index(self._current)
        yield from self._every[first:] + self._every[:first]

    def works(self, address: Address) -> None:
        """Continue with this address."""
        if address in self._every:
            self._current = address

    def failed(self, address: Address) -> bool:
        """Note that an address did not answer; the next one is in use then. Returns whether there is another."""
        self._stale = True
        if self._current == address:
            self._current = self._every[(self._every.index(address) + 1) % len(self._every)]
        return len(self._every) > 1

    async def look_up(self) -> None:
        """Look the names up, at first and again after an address failed; what cannot be looked up stays as it is."""
        now = self._clock()
        if self._resolve is None or not self._stale or now - self._looked_up < AGAIN:
            return
        self._stale, self._looked_up = False, now
        every = []
        for url in self._urls:
            every += await self._of_name(url, self._resolve)
        if self._current not in every:
            first = [address for address in every if address.url == self._current.url]
            self._current = first[0] if first else every[0]
        self._every = every

    async def _of_name(self, url: str, resolve: Resolve) -> list[Address]:
        """Return the addresses of one URL. One hub with an address of each IP version is left to the HTTP client."""
        parts = urlsplit(url)
        known = [address for address in self._every if address.url == url]
        if not _is_name(parts.hostname or ""):
            return known
        try:
            async with asyncio.timeout(LOOK_UP):
                infos = await resolve(parts.hostname or "", parts.port or 443)
        except (OSError, UnicodeError, TimeoutError):
            return known
        ips = list(dict.fromkeys(str(info[4][0]) for info in infos))
        new = [ip for ip in ips if ":" in ip]
        old = [ip for ip in ips if ":" not in ip]
        if max(len(new), len(old)) < 2:
            return [Address(url)]
        first, second = (new, old) if ips[0] in new else (old, new)
        mixed = [ip for pair in zip_longest(first, second) for ip in pair if ip]
        return [Address(url, ip) for ip in mixed[:MOST]]


async def by_system(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """Look a name up as this machine does. Raises `OSError`."""
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


def proxied() -> bool:
    """Return whether the environment names a proxy: then the proxy looks the names up."""
    return any(name in urllib.request.getproxies() for name in ("https", "all"))


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and host != "localhost" and not host.endswith(".localhost")
    return False

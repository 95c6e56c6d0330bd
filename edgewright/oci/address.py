"""Addresses that a registry gives (redirects, upload locations, token realms), checked before they are used."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

_PORTS = {"https": 443, "http": 80}
MAX_LENGTH = 16_384
"""Characters of an address; signed storage addresses have a few thousand."""


class BadAddress(ValueError):
    """Text that is not a usable http or https address."""


class Address(NamedTuple):
    """An address in parts; `target` is path and query. User names in it are dropped."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a credential belongs to: scheme, host, port."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """`HOST[:PORT]`, without the port that the scheme implies."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the address without its query, which may carry a signature."""
        return f"{self.scheme}://{self.netloc}{self.target.partition('?')[0]}"

    @property
    def url(self) -> str:
        """The complete address."""
        return f"{self.scheme}://{self.netloc}{self.target}"


def parse(url: str) -> Address:
    """Return the parts of an absolute address. Raises `BadAddress`."""
    if len(url) > MAX_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress("an address with characters that none may have")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadAddress(url[:200]) from None
    if parts.scheme not in _PORTS or not host or port == 0:
        raise BadAddress(url[:200])
    path = parts.path or "/"
    return Address(parts.scheme, host, port or _PORTS[parts.scheme], path + (f"?{parts.query}" if parts.query else ""))


def join(base: Address, location: str) -> Address:
    """Return where a Location header points, seen from `base`. Raises `BadAddress`."""
    try:
        return parse(urljoin(base.url, location))
    except BadAddress:
        raise
    except ValueError:
        raise BadAddress(location[:200]) from None

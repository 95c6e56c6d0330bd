"""The HTTP proxy on the way to the plane: from the user-data, else from the environment."""

from __future__ import annotations

import base64
import ipaddress
import os
from typing import List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit

from edgewright.core.errors import InvalidInput


class Proxy(NamedTuple):
    """A proxy that is asked to CONNECT to the plane."""

    host: str
    port: int
    headers: Tuple[Tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return `host:port`, never the password."""
        return f"{self.host}:{self.port}"


def parse_proxy(url: str) -> Proxy:
    """Return the proxy of `[http://][user:password@]host:port`. Raises `InvalidInput`."""
    text = url if "://" in url else "http://" + url
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 3128
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if not host or parts.scheme != "http":
        raise InvalidInput("The HTTPS proxy is not written as http://host:port.", "Correct network.httpsProxy.")
    headers: Tuple[Tuple[str, str], ...] = ()
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers = (("Proxy-Authorization", "Basic " + base64.b64encode(secret).decode()),)
    return Proxy(host, port, headers)


def choose_proxy(
    host: str, https_proxy: str, no_proxy: str, environment: Optional[Mapping[str, str]] = None
) -> Optional[Proxy]:
    """Return the proxy for `host`, or `None`. What the user-data says comes before the environment."""
    env = os.environ if environment is None else environment
    url = https_proxy or env.get("https_proxy") or env.get("HTTPS_PROXY") or ""
    without = no_proxy or env.get("no_proxy") or env.get("NO_PROXY") or ""
    if not url or _bypassed(host.lower(), [part.strip().lower() for part in without.split(",")]):
        return None
    return parse_proxy(url)


def _bypassed(host: str, entries: List[str]) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return True
    for entry in entries:
        if not entry:
            continue
        if entry == "*" or host == entry.lstrip(".") or host.endswith("." + entry.lstrip("*").lstrip(".")):
            return True
        if address is not None and "/" in entry:
            try:
                if address in ipaddress.ip_network(entry, strict=False):
                    return True
            except ValueError:
                continue
    return False

"""The HTTP proxy on the way to a server: how it is written, and which hosts bypass it."""

from __future__ import annotations

import base64
import ipaddress
import os
from typing import Mapping, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit

from edgewright.core.errors import InvalidInput


class Proxy(NamedTuple):
    """A proxy that is asked to CONNECT to a server."""

    host: str
    port: int
    headers: Tuple[Tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return `host:port`, never the password."""
        return f"{self.host}:{self.port}"


def parse_proxy(url: str, setting: str = "network.httpsProxy") -> Proxy:
    """Return the proxy of `[http://][user:password@]host:port`. Raises `InvalidInput` that names `setting`."""
    text = url if "://" in url else "http://" + url
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 3128
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if not host or parts.scheme != "http":
        raise InvalidInput("The HTTPS proxy is not written as http://host:port.", f"Correct {setting}.")
    headers: Tuple[Tuple[str, str], ...] = ()
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers = (("Proxy-Authorization", "Basic " + base64.b64encode(secret).decode()),)
    return Proxy(host, port, headers)


def from_environment(
    scheme: str, host: str, port: int = 0, environment: Optional[Mapping[str, str]] = None
) -> Optional[Proxy]:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY name for a server, or `None`.

    Lower-case names come first, as curl reads them. Raises `InvalidInput`.
    """
    env = os.environ if environment is None else environment
    for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper(), "all_proxy", "ALL_PROXY"):
        if env.get(name):
            if bypassed(host, env.get("no_proxy") or env.get("NO_PROXY") or "", port):
                return None
            return parse_proxy(env[name], f"the environment variable {name}")
    return None


def bypassed(host: str, no_proxy: str, port: int = 0) -> bool:
    """Return whether `host` is reached without a proxy: this machine, and what `no_proxy` lists.

    Entries are `*`, names (with all below them), addresses, and networks in CIDR form; `:PORT` restricts one to a port.
    """
    host = host.lower()
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return True
    return any(_matches(entry.strip().lower(), host, address, port) for entry in no_proxy.split(","))


def _matches(entry: str, host: str, address: object, port: int) -> bool:
    if entry.startswith("["):
        entry, _, rest = entry[1:].partition("]")
        number = rest.lstrip(":")
    else:
        name, colon, number = entry.rpartition(":")
        entry, number = (name, number) if colon and ":" not in name else (entry, "")
    if number and port and number != str(port):
        return False
    if not entry:
        return False
    if entry == "*" or host == entry.lstrip(".") or host.endswith("." + entry.lstrip("*").lstrip(".")):
        return True
    if address is not None and "/" in entry:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    return False

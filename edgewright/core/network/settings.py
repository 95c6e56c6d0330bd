"""The network settings of one host: what is read, and what is wanted instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Method = Literal["dhcp", "static", "none", "unknown"]
"""`none`: no IPv4 address; `unknown`: what sets the adapter is not known."""
Manager = Literal["systemd-networkd", "netplan", "NetworkManager", "ifupdown", "unknown"]


class Adapter(NamedTuple):
    """One network adapter. Addresses are with their prefix; `gateway` is that of the IPv4 default route through it.

    `file`: where its settings are; `locked`: why it cannot be changed here (a sentence), "" when it can.
    """

    name: str
    kind: str = "card"
    mac: str = ""
    up: bool = False
    method: Method = "unknown"
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    vlan: int | None = None
    parent: str = ""
    mtu: int = 1500
    manager: Manager = "unknown"
    file: str = ""
    locked: str = ""

    @property
    def address(self) -> str:
        """The first IPv4 address with its prefix, "" for none."""
        return next((each for each in self.addresses if ":" not in each), "")


class Pending(NamedTuple):
    """A change that was applied on the host and is not confirmed. `left`: seconds until the old settings return."""

    run: str
    who: str
    left: int
    stage: str
    """`saving`, `armed` (its time runs), `back` (the old settings are being restored), `lines` (being tidied up)."""
    applied: bool = False


class Proxy(NamedTuple):
    """Proxies of the host. A password in them is as typed: mask it (`masked`) where it is shown."""

    http: str = ""
    https: str = ""
    no_proxy: str = ""


class HostNetwork(NamedTuple):
    """All settings of one host, as one round trip read them.

    `locked` has, by page (`name`, `dns`, `proxy`, `ntp`), why it cannot be changed here. `kubernetes`: what of
    Kubernetes the host has, "" for nothing. `served`: the host's own address that this connection goes to, `client` the
    other end as the host sees it. `texts` are the files that were read; `links` targets of symbolic links.
    """

    name: str = ""
    adapters: tuple[Adapter, ...] = ()
    dns: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    proxy: Proxy = Proxy()
    ntp: tuple[str, ...] = ()
    manager: Manager = "unknown"
    resolver: str = ""
    clock: str = ""
    kubernetes: str = ""
    served: str = ""
    client: str = ""
    system: str = ""
    """`systemd`, `openrc`, or "" for another first process."""
    root: bool = False
    oem: bool = False
    """Whether the host has its settings in /oem (Kairos, Palette and Edgewright appliances)."""
    locked: Mapping[str, str] = {}
    pending: Pending | None = None
    last: str = ""
    """What became of the change before, "" for none."""
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = {}
    links: Mapping[str, str] = {}

    def adapter(self, name: str) -> Adapter | None:
        """Return an adapter by its name."""
        return next((each for each in self.adapters if each.name == name), None)


class Wanted(NamedTuple):
    """What is to be changed; None leaves a value. `adapter` names the one that method, address, VLAN and MTU are for.

    `vlan` 0: untagged. An empty gateway, DNS, proxy or NTP removes it.
    """

    name: str | None = None
    adapter: str = ""
    method: str | None = None
    address: str | None = None
    gateway: str | None = None
    vlan: int | None = None
    mtu: int | None = None
    dns: tuple[str, ...] | None = None
    search: tuple[str, ...] | None = None
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None
    ntp: tuple[str, ...] | None = None


def masked(url: str) -> str:
    """Return a proxy URL without its user and password."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    user, at, host = rest.rpartition("@")
    return f"{scheme}{mark}***@{host}" if at and user else url

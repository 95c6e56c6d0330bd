"""Checks of values before anything is sent: each returns what is wrong as one sentence, "" when nothing is."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from edgewright.core.network.settings import Adapter, HostNetwork, Wanted
from edgewright.core.text import clean

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ANY_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_ADAPTER = re.compile(r"[A-Za-z0-9_.-]{1,15}")
VLANS = range(1, 4095)
MTUS = range(576, 9217)
VLAN_MAKERS = ("systemd-networkd", "netplan", "ifupdown")
MOST = 8
"""Servers or domains of one list."""


def host_name(text: str) -> str:
    """Check a host name: at most 253 characters, labels of lower-case letters, digits and `-`."""
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        return f"{clean(text, 60) or 'An empty name'} is not a host name: use a-z, 0-9 and -, e.g. edge-7f3a."
    if text.replace(".", "").isdigit():
        return "A host name has at least one letter."
    return ""


def adapter_name(text: str) -> str:
    """Check the name of an adapter."""
    return "" if _ADAPTER.fullmatch(text) and text not in (".", "..") else f"{clean(text, 30)} is not an adapter."


def address(text: str) -> str:
    """Check an IPv4 address with its prefix, as of a host."""
    ip, slash, prefix = text.partition("/")
    if not slash or not ((prefix.isascii() and prefix.isdigit()) or prefix.count(".") == 3):
        return f"{clean(text, 60) or 'An empty address'} needs its subnet, e.g. 10.4.1.7/24."
    try:
        face = ipaddress.IPv4Interface(text)
    except ValueError:
        return f"{clean(text, 60)} is not an IPv4 address with its subnet, e.g. 10.4.1.7/24."
    net = face.network
    if net.prefixlen < 1:
        return f"{face} has no subnet: the prefix is from 1 to 32."
    if face.ip.is_multicast or face.ip.is_loopback or face.ip.is_unspecified or face.ip.is_reserved:
        return f"{ip} cannot be the address of a host."
    if net.prefixlen < 31 and face.ip in (net.network_address, net.broadcast_address):
        return f"{ip} is the network or broadcast address of {net}."
    return ""


def gateway(text: str, of: str) -> str:
    """Check a gateway for an address with its prefix: it must be reached on the link itself."""
    if not text:
        return ""
    try:
        where = ipaddress.IPv4Address(text)
    except ValueError:
        return f"{clean(text, 60)} is not an IPv4 address."
    try:
        face = ipaddress.IPv4Interface(of)
    except ValueError:
        return ""  # the address has its own sentence
    net = face.network
    if where not in net:
        return f"The gateway {where} is not in {net}: it cannot be reached on the link."
    if where == face.ip:
        return "The gateway is the host's own address."
    if net.prefixlen < 31 and where in (net.network_address, net.broadcast_address):
        return f"The gateway {where} is the network or broadcast address of {net}."
    return ""


def vlan(text: str) -> str:
    """Check a VLAN ID; "" and `0` are untagged."""
    if text in ("", "0") or (text.isascii() and text.isdigit() and len(text) < 5 and int(text) in VLANS):
        return ""
    return f"{clean(text, 20)} is not a VLAN ID: enter 1 to 4094, or nothing for untagged."


def mtu(text: str) -> str:
    """Check an MTU in bytes."""
    if text.isascii() and text.isdigit() and len(text) < 5 and int(text) in MTUS:
        return ""
    return f"{clean(text, 20) or 'Nothing'} is not an MTU: enter 576 to 9216 bytes."


def dns(text: str) -> str:
    """Check DNS servers, with spaces or commas between: addresses, at most 8."""
    return _many(text, "DNS server", _address_problem)


def search(text: str) -> str:
    """Check search domains, with spaces or commas between."""
    return _many(text, "domain", lambda name: "" if _is_name(name) else "is not a domain")


def ntp(text: str) -> str:
    """Check time servers: names or addresses, with spaces or commas between."""
    return _many(text, "time server", lambda name: "" if is_host(name) else "is not a name or an address")


def proxy(text: str) -> str:
    """Check the URL of a proxy: http or https, a host, a port."""
    if not text:
        return ""
    shown = "The value" if "@" in text else clean(text, 60)
    if len(text) > 400 or any(letter <= " " or letter > "~" or letter in "\"'`$\\" for letter in text):
        return f"{shown} has characters that a URL has not, or is too long."
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return f"{shown} is not a URL of a proxy, e.g. http://10.4.1.1:3128."
    if parts.scheme not in ("http", "https") or not is_host(parts.hostname or ""):
        return f"{shown} is not a URL of a proxy, e.g. http://10.4.1.1:3128."
    if port is None or port < 1:
        return f"{shown} lacks the port of the proxy, e.g. http://10.4.1.1:3128."
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return f"{shown} has more than host and port."
    return ""


def no_proxy(text: str) -> str:
    """Check what is reached without a proxy: names, .domains, addresses and subnets, with commas between."""

    def problem(word: str) -> str:
        if word == "*" or is_host(word) or is_host(word.removeprefix("*").removeprefix(".")):
            return ""
        host, _, port = word.rpartition(":")
        if is_host(host) and port.isdigit() and len(port) < 6:
            return ""
        try:
            ipaddress.ip_network(word, strict=False)
        except ValueError:
            return "is not a name, address or subnet"
        return ""

    return _many(text, "exception", problem, most=64)


def split_list(text: str) -> tuple[str, ...]:
    """Return the items of a list with spaces or commas between, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def is_host(text: str) -> bool:
    """Return whether a text is a name or an address of a host."""
    return not _address_problem(text) or _is_name(text)


def _is_name(text: str) -> bool:
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(_ANY_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def _address_problem(text: str) -> str:
    try:
        where = ipaddress.ip_address(text)
    except ValueError:
        return "is not an address"
    if "%" in text or where.is_unspecified or where.is_multicast:
        return "cannot be the address of a server"
    return ""


def _many(text: str, what: str, check: object, most: int = MOST) -> str:
    if len(text) > 4000:
        return f"The list of {what}s is too long."
    result = split_list(text)
    if len(result) > most:
        return f"At most {most} {what}s can be set, not {len(result)}."
    for word in result:
        if problem := check(word):  # type: ignore[operator]
            return f"{clean(word, 60)} {problem} ({what})."
    return ""


def problems(host: HostNetwork, wanted: Wanted) -> list[str]:
    """Return everything that is wrong with what is wanted on this host, in sentences."""
    result: list[str] = []
    if wanted.name is not None:
        result += [host_name(wanted.name), host.locked.get("name", "")]
    if wanted.adapter:
        result += _adapter_problems(host, wanted)
    elif any(each is not None for each in (wanted.method, wanted.address, wanted.gateway, wanted.vlan, wanted.mtu)):
        result.append("Name the adapter that this is for.")
    if wanted.dns is not None:
        result.append(dns(" ".join(wanted.dns)))
    if wanted.search is not None:
        result.append(search(" ".join(wanted.search)))
    if wanted.dns is not None or wanted.search is not None:
        result.append(host.locked.get("dns", ""))
    if wanted.ntp is not None:
        result += [ntp(" ".join(wanted.ntp)), host.locked.get("ntp", "")]
    proxies = (wanted.http_proxy, wanted.https_proxy)
    result += [proxy(each) for each in proxies if each]
    if wanted.no_proxy:
        result.append(no_proxy(wanted.no_proxy))
    if any(each is not None for each in (*proxies, wanted.no_proxy)):
        result.append(host.locked.get("proxy", ""))
    return list(dict.fromkeys(each for each in result if each))


def _adapter_problems(host: HostNetwork, wanted: Wanted) -> list[str]:
    if wrong := adapter_name(wanted.adapter):
        return [wrong]
    adapter = host.adapter(wanted.adapter)
    if adapter is None:
        names = ", ".join(each.name for each in host.adapters) or "none"
        return [f"The host has no adapter {clean(wanted.adapter, 30)}; it has {clean(names, 200)}."]
    if adapter.locked:
        return [adapter.locked]
    result = [kubernetes_problem(host, wanted)]
    method = wanted.method or adapter.method
    if wanted.method not in (None, "dhcp", "static"):
        result.append("The method is dhcp or static.")
    if method == "static":
        where = adapter.address if wanted.address is None else wanted.address
        result += [address(where), gateway(adapter.gateway if wanted.gateway is None else wanted.gateway, where)]
        result.append(_taken(host, adapter, where))
    elif wanted.address or wanted.gateway:
        result.append("With DHCP the address and the gateway come from the network: leave both empty.")
    if wanted.vlan is not None:
        result += [vlan(str(wanted.vlan)), _vlan_problem(host, adapter, wanted.vlan)]
    if wanted.mtu is not None:
        result.append(mtu(str(wanted.mtu)))
        parent = host.adapter(adapter.parent) if adapter.parent else None
        if parent is not None and wanted.mtu > parent.mtu:
            result.append(f"The MTU of {adapter.name} cannot be above that of {parent.name} ({parent.mtu}).")
    return result


def kubernetes_problem(host: HostNetwork, wanted: Wanted) -> str:
    """Return why Kubernetes forbids a change of addresses, "" where it does not."""
    adapter = host.adapter(wanted.adapter)
    if not host.kubernetes or adapter is None:
        return ""
    touched = [
        word
        for word, value, now in (
            ("method", wanted.method, adapter.method), ("address", wanted.address, adapter.address),
            ("gateway", wanted.gateway, adapter.gateway), ("VLAN", wanted.vlan, adapter.vlan or 0),
        )
        if value is not None and value != now
    ]  # fmt: skip
    if not touched:
        return ""
    return (
        f"Kubernetes runs on this host ({clean(host.kubernetes, 60)}): its certificates and its etcd members are for "
        f"the address it has, so the {touched[0]} is not changed. Take the host out of its cluster first."
    )


def _taken(host: HostNetwork, adapter: Adapter, where: str) -> str:
    ip = where.partition("/")[0]
    for other in host.adapters:
        if other.name != adapter.name and any(each.partition("/")[0] == ip for each in other.addresses):
            return f"{clean(other.name, 30)} of this host has {ip} already."
    return ""


def _vlan_problem(host: HostNetwork, adapter: Adapter, number: int) -> str:
    if number == (adapter.vlan or 0):
        return ""
    if adapter.kind == "vlan":
        return f"{adapter.name} is VLAN {adapter.vlan} of {adapter.parent}: its ID is not changed here."
    if adapter.manager not in VLAN_MAKERS:
        *most, last = VLAN_MAKERS
        return f"A VLAN is made here where {', '.join(most)} or {last} sets the adapter, not {adapter.manager}."
    if len(f"{adapter.name}.{number}") > 15:
        return f"The name {adapter.name}.{number} of the VLAN would be longer than 15 characters."
    if host.adapter(f"{adapter.name}.{number}") is not None:
        return f"VLAN {number} of {adapter.name} is there already: change {adapter.name}.{number}."
    return ""

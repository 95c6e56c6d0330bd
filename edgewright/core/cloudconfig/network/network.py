"""Values of `stylus.site.network`: interfaces, name servers, proxies; and one plan over several sites."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple
from urllib.parse import urlsplit

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import Interface, address, at, is_host, mapping, shown, text
from edgewright.core.cloudconfig.network.address import name_server_problems, read_static
from edgewright.core.cloudconfig.schema.model import is_template

_NETWORK = "stylus.site.network"


class Placed(NamedTuple):
    """A static address of a document: where it is, and what it is."""

    path: str
    interface: Interface
    gateway: str


def check_network(document: Mapping[str, Any]) -> List[Finding]:
    """Return what is wrong with addresses, name servers and proxies of a document."""
    network = mapping(at(document, "stylus", "site", "network"))
    matches = []
    for message, hint in name_server_problems(network.get("nameserver")):
        matches.append(error(f"{_NETWORK}.nameserver", f"{_NETWORK}.nameserver {message}.", hint, "Dns"))
    for name, nic in list(mapping(network.get("interfaces")).items())[:200]:
        matches += _nic(str(name), mapping(nic))
    matches += _together(list(placed(document)))
    matches += _proxies(document, network)
    return matches


def _nic(name: str, nic: Mapping[str, Any]) -> List[Finding]:
    path = f"{_NETWORK}.interfaces.{name}"
    matches = []
    if not is_template(name) and not re.fullmatch(r"[^\s/:]{1,15}", name):
        message = f"{shown(name)} is not a valid name of an interface: 1 to 15 characters, no spaces, '/' or ':'."
        matches.append(error(path, message, "See: ip link", "Nic"))
    elif re.fullmatch(r"(?:eth|wlan)[0-9]+", name):
        message = (
            f"The interface {name} is there only when the kernel runs with net.ifnames=0; installers use eno1, enp3s0."
        )
        matches.append(warning(path, message, "Look at the name on the machine: ip link", "Nic"))
    kind, ip = text(nic.get("type")).lower() or "dhcp", text(nic.get("ipAddress"))
    mask, gateway = text(nic.get("mask")), text(nic.get("gateway"))
    for message, hint in name_server_problems(nic.get("nameserver")):
        matches.append(error(f"{path}.nameserver", f"{path}.nameserver {message}.", hint, "Dns"))
    if kind == "dhcp":
        if any((ip, mask, gateway)):
            message = f"{path} has an address but its type is dhcp: the address is passed over."
            matches.append(warning(path, message, "Set type: static, or take the address out.", "Unused"))
        return matches
    if kind != "static" or any(map(is_template, (ip, mask, gateway))):
        return matches
    if not ip:
        message = f"{path}.type is static, but there is no ipAddress."
        return [*matches, error(path, message, "Give ipAddress, e.g. 192.168.1.10/24.", "NoAddress")]
    for key, message, hint in read_static(ip, mask, gateway).problems:
        matches.append(error(f"{path}.{key}", f"{path}.{key} {message}.", hint, "Address"))
    return matches


def placed(document: Mapping[str, Any]) -> Iterator[Placed]:
    """Yield each static address of a document that can be read."""
    interfaces = mapping(at(document, "stylus", "site", "network", "interfaces"))
    for name, value in list(interfaces.items())[:200]:
        nic = mapping(value)
        if text(nic.get("type")).lower() != "static":
            continue
        static = read_static(text(nic.get("ipAddress")), text(nic.get("mask")))
        if static.interface is not None:
            path = f"{_NETWORK}.interfaces.{name}"
            yield Placed(path, static.interface, text(nic.get("gateway")))


def _together(every: Sequence[Placed]) -> List[Finding]:
    """Return what is wrong between the interfaces of one host."""
    matches = []
    for place, item in enumerate(every):
        for other in every[:place]:
            if item.interface.ip == other.interface.ip:
                message = f"{item.path} and {other.path} have the same address {item.interface.ip}."
                matches.append(error(f"{item.path}.ipAddress", message, "Give each its own.", "Duplicate"))
            elif item.interface.network == other.interface.network:
                message = f"{item.path} and {other.path} are both in {item.interface.network}: answers may go astray."
                matches.append(
                    warning(f"{item.path}.ipAddress", message, "Use different subnets, or bond them.", "Subnet")
                )
    with_gateway = [item for item in every if item.gateway]
    if len(with_gateway) > 1:
        message = f"{len(with_gateway)} interfaces have a gateway each: which way traffic leaves is left to chance."
        matches.append(warning(f"{with_gateway[1].path}.gateway", message, "Give one of them a gateway.", "Gateways"))
    elif every and not with_gateway:
        message = (
            f"{every[0].path} has no gateway: the host reaches its own subnet alone, unless another interface has DHCP."
        )
        matches.append(warning(every[0].path, message, "Give its gateway when the plane is elsewhere.", "NoGateway"))
    return matches


def _proxies(document: Mapping[str, Any], network: Mapping[str, Any]) -> List[Finding]:
    matches = []
    used = False
    for name in ("httpProxy", "httpsProxy"):
        word = text(network.get(name))
        used = used or bool(word)
        problem = proxy_problem(word) if word and not is_template(word) else ""
        if problem:
            path = f"{_NETWORK}.{name}"
            matches.append(error(path, f"{path} {problem}.", "Write http://HOST:PORT.", "Proxy"))
    no_proxy = text(network.get("noProxy"))
    path = f"{_NETWORK}.noProxy"
    if any(is_template(word) for word in (no_proxy, text(network.get("httpsProxy")), text(network.get("httpProxy")))):
        return matches
    for word in no_proxy.split(",")[:200]:
        if "://" in word or (word.strip() and re.search(r"\s", word.strip())):
            message = f"{path} contains {shown(word.strip())}; it takes names, addresses and subnets, parted by commas."
            matches.append(error(path, message, "Example: 127.0.0.1,localhost,10.0.0.0/8,.svc,.example.com", "NoProxy"))
    if not used:
        if no_proxy:
            matches.append(note(path, f"{path} has no effect: there is no proxy.", code="NoProxy"))
        return matches
    own = ["127.0.0.1", *(str(item.interface.ip) for item in placed(document))]
    missing = [ip for ip in own if not bypassed(ip, no_proxy)]
    if missing:
        message = f"{path} does not cover {', '.join(missing[:6])}: the host would ask the proxy for its own addresses."
        hint = "Add them, the site's subnet, the cluster's pod and service subnets, and .svc; see also the VIP."
        matches.append(warning(path, message, hint, "NoProxy"))
    message = (
        "The proxy serves the agent and system services; applications in the cluster get their own from the profile."
    )
    matches.append(note(f"{_NETWORK}.httpsProxy", message, code="Proxy"))
    return matches


def proxy_problem(word: str) -> str:
    """Return what is wrong with the URL of a proxy, as the end of a sentence; "" when it is good."""
    try:
        parts = urlsplit(word)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"is not a URL: {shown(word.split('@')[-1])}"
    if parts.scheme not in ("http", "https") or not host or not is_host(host) or port == 0:
        return f"is not a URL of a proxy: {shown(word.split('@')[-1])}"
    return ""


def bypassed(host: str, no_proxy: str) -> bool:
    """Return whether a host name or address is reached without the proxy, by the usual reading of `noProxy`."""
    ip = address(host)
    for part in no_proxy.split(",")[:1000]:
        word = part.strip().lower()
        if word == "*" or (word and word == host.lower()):
            return True
        if ip is not None and "/" in word:
            try:
                if ip in ipaddress.ip_network(word, strict=False):
                    return True
            except ValueError:
                continue
        elif ip is None and word and host.lower().endswith("." + word.lstrip(".")):
            return True
    return False


def check_plan(sites: Sequence[Tuple[str, Mapping[str, Any]]]) -> List[Finding]:
    """Return what clashes between the user-data of several sites: UIDs, host names, addresses.

    The same address is an error where the tag `site` is the same (or none has one), else a warning: two sites may
    well use one private network each. `path` begins with the name of the later site.
    """
    matches = []
    uids: Dict[str, str] = {}
    names: Dict[str, str] = {}
    taken: Dict[str, List[Tuple[str, str]]] = {}
    for name, document in sites:
        site = mapping(at(document, "stylus", "site"))
        uid, host_name = text(site.get("name")), text(site.get("hostName"))
        if uid and uid != "$random" and not is_template(uid):
            if uid in uids:
                message = (
                    f"{name} and {uids[uid]} have the same UID {shown(uid)}: the second one is refused by the plane."
                )
                matches.append(error(f"{name}: stylus.site.name", message, "Give each host its own.", "Duplicate"))
            uids.setdefault(uid, name)
        if host_name and not is_template(host_name):
            if host_name in names:
                message = f"{name} and {names[host_name]} have the same host name {shown(host_name)}."
                hint = "Two nodes of one cluster must not share a name."
                matches.append(warning(f"{name}: stylus.site.hostName", message, hint, "Duplicate"))
            names.setdefault(host_name, name)
        tag = text(mapping(site.get("tags")).get("site"))
        for item in placed(document):
            ip = str(item.interface.ip)
            for other, other_tag in taken.get(ip, ()):
                if other == name:
                    continue
                message = f"{name} and {other} have the same address {ip}."
                place = f"{name}: {item.path}.ipAddress"
                if tag == other_tag:
                    matches.append(error(place, message, "Give each host its own.", "Duplicate"))
                else:
                    matches.append(
                        warning(place, message, "That is right only when the sites' networks are apart.", "Duplicate")
                    )
                break
            taken.setdefault(ip, []).append((name, tag))
    return matches

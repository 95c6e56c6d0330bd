"""Reading the network settings of a host: the script run, and what it printed as values."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple

from edgewright.clients.ssh.network.adapters import Seen, adapter_of
from edgewright.clients.ssh.network.read_script import read_script
from edgewright.clients.ssh.ports import CanRunScript
from edgewright.core.errors import Failed, Refused
from edgewright.core.network import pages
from edgewright.core.network.change import OEM_FILE
from edgewright.core.network.checks import is_host
from edgewright.core.network.ini import Ini
from edgewright.core.network.settings import Adapter, HostNetwork, Manager, Pending
from edgewright.core.text import clean

SECONDS, LIMIT = 45.0, 600_000
"""Seconds and bytes of one reading at most."""
MOST_LINES = 20_000
STAGES = ("saving", "armed", "back", "confirmed")
_FILE = re.compile(r"(\d{1,12}) (/[^\0]{1,300})")
_RUN = re.compile(r"[0-9a-f]{16}")
UNREAD = "\ufffd"
"""What bytes that are not UTF-8 are read as: written back, they would be others."""
TOO_LONG = "is longer than what is changed here, or not in UTF-8"
NO_ROOT = "It needs root on the host: connect as root, or allow sudo without a password."


class Printed(NamedTuple):
    """What the script printed: values by word in their order, merged files by path, those not known in full."""

    values: Mapping[str, list[str]]
    texts: Mapping[str, str]
    cut: frozenset[str]

    def first(self, word: str) -> str:
        """Return the first value of a word, "" for none."""
        return next(iter(self.values.get(word, ())), "")


async def read_network(connection: CanRunScript, root: str = "", patience: float = 0.0) -> HostNetwork:
    """Return the settings of a host, by one script; without sudo by a second one that reads what anyone may read.

    `patience`: seconds for one script where they are more than `SECONDS`.
    Raises `EdgewrightError`: `Unreachable`, `TimedOut`, and `Failed` where the host's shell did not run it.
    """
    script, seconds = read_script(root), max(SECONDS, patience)
    try:
        result = await connection.run_script(script, timeout=seconds, limit=LIMIT, sudo=True)
    except Refused:
        result = await connection.run_script(script, timeout=seconds, limit=LIMIT, sudo=False)
    return parse(result.output)


def printed(output: bytes) -> Printed:
    """Return values and files. Raises `Failed` where the script did not come to its end."""
    values: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    path = ""
    for line in output.decode("utf-8", "replace").split("\n")[:MOST_LINES]:
        if line.startswith("|"):
            if path:
                texts[path].append(line[1:].rstrip("\r"))
            continue
        word, _, value = line.partition(" ")
        if word == "file":
            result = _FILE.fullmatch(value)
            path = result[2] if result else ""
            if result and path not in texts:
                texts[path], sizes[path] = [], int(result[1])
            else:
                path = ""
        elif word.isalpha():
            values.setdefault(word, []).append(value)
    if "end" not in values:
        raise Failed(
            "The host's shell did not read all network settings.", "Try again; is it a POSIX shell?", "CutShort"
        )
    merged = {name: "".join(f"{line}\n" for line in lines) for name, lines in texts.items()}
    cut = frozenset(name for name in merged if sizes[name] > 16_384 or UNREAD in merged[name])
    return Printed(values, merged, cut)


def printed_values(output: bytes) -> dict[str, list[str]]:
    """Return the values of a small script; a line is a word and its value."""
    values: dict[str, list[str]] = {}
    for line in output.decode("utf-8", "replace").splitlines()[:200]:
        word, _, value = line.partition(" ")
        values.setdefault(word, []).append(value)
    return values


def parse(output: bytes) -> HostNetwork:
    """Return the settings from what the script printed. Raises `Failed`."""
    seen = printed(output)
    runs = frozenset(seen.values.get("runs", ()))
    root = seen.first("uid") == "0"
    links = dict(value.split(" ", 1) for value in seen.values.get("points", ()) if " " in value)
    netif = _netif(seen)
    system = seen.first("boot") if seen.first("boot") in ("systemd", "openrc") else ""
    ready = "" if root else NO_ROOT
    if not ready and system not in ("systemd", "openrc"):
        ready = "This host has neither systemd nor OpenRC: nothing would restore its settings after a power cut."
    known = Seen(seen.texts, seen.cut, runs, netif, dict(_pairs(seen, "nm")), ready)
    adapters = _adapters(seen, known)
    kubernetes = ", ".join(dict.fromkeys(clean(each, 20) for each in seen.values.get("kube", ())))
    if not kubernetes and seen.values.get("kubefile"):
        kubernetes = f"{clean(seen.values['kubefile'][0], 80)} is there"
    resolver = _resolver(runs, links)
    clock = next((each for each in ("systemd-timesyncd", "chronyd", "ntpd") if each in runs), "")
    managers: list[Manager] = [each.manager for each in adapters if each.manager != "unknown"]
    manager: Manager = max(managers, key=managers.count) if managers else "unknown"
    client, served = _ends(seen.first("ssh"))
    return HostNetwork(
        name=clean(seen.first("name"), 253),
        adapters=adapters,
        dns=_dns(seen, resolver, netif),
        search=_search(seen, resolver, netif),
        proxy=pages.proxy_of(seen.texts.get(pages.ENVIRONMENT, "")),
        ntp=_ntp(seen, clock, netif),
        manager=manager,
        resolver=resolver,
        clock=clock,
        kubernetes=kubernetes,
        served=served,
        client=client,
        system=system,
        root=root,
        oem=bool(seen.first("oem")),
        locked=_locked(seen, ready, resolver, clock, kubernetes, links),
        pending=pending_of(seen.values),
        last=clean(seen.first("last"), 300),
        notes=_notes(seen),
        texts=seen.texts,
        links=links,
    )


def _pairs(seen: Printed, word: str) -> list[tuple[str, str]]:
    return [(name, rest) for name, colon, rest in (each.partition(":") for each in seen.values.get(word, ())) if colon]


def _netif(seen: Printed) -> dict[str, dict[str, str]]:
    """Return the state of networkd for each link, by its index."""
    result: dict[str, dict[str, str]] = {}
    for line in seen.values.get("netif", ()):
        index, _, rest = line.partition(" ")
        key, _, value = rest.partition(" ")
        result.setdefault(index, {})[key] = value
    return result


def _adapters(seen: Printed, known: Seen) -> tuple[Adapter, ...]:
    addresses: dict[str, list[str]] = {}
    for line in seen.values.get("addr", ()):
        fields = line.split()
        if len(fields) >= 2 and " scope link" not in line:
            addresses.setdefault(fields[0], []).append(fields[1])
    gateways: dict[str, str] = {}
    for line in seen.values.get("route", ()):
        fields = line.split()
        pairs = dict(zip(fields[::2], fields[1::2], strict=False))
        gateways.setdefault(pairs.get("dev", ""), pairs.get("via", ""))
    vlans: dict[str, tuple[int, str]] = {}
    for line in seen.values.get("vlan", ()):
        name, number, parent = [*line.split(), "", "", ""][:3]
        if number.isdigit() and len(number) < 5:
            vlans[name] = int(number), parent
    result = []
    for line in seen.values.get("link", ()):
        fields = line.split()
        if len(fields) != 7 or fields[2] == "loopback":
            continue
        name, index, kind, state, mtu, mac, lower = fields
        vlan = vlans.get(name)
        kind = "vlan" if vlan is not None else kind
        shown = Adapter(
            name=name,
            kind=kind,
            mac=clean(mac, 20),
            up=state in ("up", "unknown"),
            addresses=tuple(addresses.get(name, ())),
            gateway=gateways.get(name, ""),
            vlan=vlan[0] if vlan else None,
            parent=vlan[1] if vlan else "" if lower == "-" else lower,
            mtu=int(mtu) if mtu.isdigit() and len(mtu) < 7 else 0,
        )
        if kind in ("virtual", "bridge", "bond") and not known.is_set(name, index):
            continue  # of a container runtime or a tunnel: no page of settings
        result.append(adapter_of(shown, index, known))
    return tuple(result)


def _resolver(runs: frozenset[str], links: Mapping[str, str]) -> str:
    """Return what answers names: `systemd-resolved`, `resolv.conf`, or who else writes that file."""
    target = links.get(pages.RESOLV, "")
    if "systemd-resolved" in runs and (not target or "systemd/resolve" in target):
        return "systemd-resolved" if target else "resolv.conf"
    if not target:
        return "NetworkManager" if "NetworkManager" in runs else "resolv.conf"
    return "resolvconf" if "resolvconf" in target else clean(target, 80)


def _dns(seen: Printed, resolver: str, netif: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    if resolver == "systemd-resolved":
        names = _resolved(seen, "DNS")
        names = names or [each for link in netif.values() for each in link.get("DNS", "").split()]
    else:
        lines = [line.split() for line in seen.texts.get(pages.RESOLV, "").splitlines()]
        names = [fields[1] for fields in lines if len(fields) > 1 and fields[0] == "nameserver"]
    return tuple(dict.fromkeys(each.partition("#")[0] for each in names if is_host(each.partition("#")[0])))[:8]


def _search(seen: Printed, resolver: str, netif: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    if resolver == "systemd-resolved":
        names = _resolved(seen, "Domains")
        names = names or [each for link in netif.values() for each in link.get("DOMAINS", "").split()]
    else:
        lines = [line.split() for line in seen.texts.get(pages.RESOLV, "").splitlines()]
        names = next((fields[1:] for fields in reversed(lines) if fields[:1] in (["search"], ["domain"])), [])
    return tuple(dict.fromkeys(clean(each, 253) for each in names if not each.startswith("~")))[:8]


def _resolved(seen: Printed, key: str) -> list[str]:
    return _list_of(seen, "resolved.conf", "Resolve", key)


def _list_of(seen: Printed, file: str, section: str, key: str) -> list[str]:
    """Return a list of systemd's settings over a file and its drop-ins; an empty line takes back what was before."""
    parts = [f"/etc/systemd/{file}", *sorted(each for each in seen.texts if f"/{file}.d/" in each)]
    values = Ini("\n".join(seen.texts.get(each, "") for each in parts))
    lines = [line for part in values.all(section) for line in part.lines]
    result: list[str] = []
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and name.strip() == key:
            result = [*result, *value.split()] if value.strip() else []
    return result


def _ntp(seen: Printed, clock: str, netif: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    if clock == "systemd-timesyncd":
        names = _list_of(seen, "timesyncd.conf", "Time", "NTP")
        names = names or [each for link in netif.values() for each in link.get("NTP", "").split()]
    else:
        texts = [text for path, text in seen.texts.items() if "chrony" in path or path == "/etc/ntp.conf"]
        if pages.CHRONY in seen.texts:
            texts = [seen.texts[pages.CHRONY]]
        lines = [line.split() for text in texts for line in text.splitlines()]
        names = [fields[1] for fields in lines if len(fields) > 1 and fields[0] in ("server", "pool", "peer")]
    return tuple(dict.fromkeys(each for each in names if is_host(each)))[:8]


def _locked(
    seen: Printed, ready: str, resolver: str, clock: str, kubernetes: str, links: Mapping[str, str]
) -> dict[str, str]:
    result = {page: ready for page in ("name", "dns", "proxy", "ntp") if ready}
    if ready:
        return result
    if kubernetes:
        result["name"] = f"Kubernetes runs on this host ({kubernetes}): its node is called by the host's name."
    if resolver not in ("systemd-resolved", "resolv.conf"):
        result["dns"] = f"{resolver} writes /etc/resolv.conf on this host: DNS is set there, not here."
    if not clock:
        result["ntp"] = "No time service runs on this host: start systemd-timesyncd or chrony first."
    elif clock == "ntpd" or (clock == "chronyd" and not seen.first("chronydir")):
        result["ntp"] = f"{clock} of this host has no folder for further servers: its own file has them."
    for page, path in (("name", pages.NAME), ("name", pages.HOSTS), ("proxy", pages.ENVIRONMENT)):
        if path in links:
            result[page] = f"{path} is a link to {clean(links[path], 80)}: it is not changed here."
        elif path in seen.cut:
            result[page] = f"{path} {TOO_LONG}."
    if resolver == "resolv.conf" and pages.RESOLV in seen.cut:
        result["dns"] = f"{pages.RESOLV} {TOO_LONG}."
    if OEM_FILE in seen.cut:
        result = dict.fromkeys(("name", "dns", "proxy", "ntp"), f"{OEM_FILE} {TOO_LONG}.")
    return result


def pending_of(values: Mapping[str, list[str]]) -> Pending | None:
    """Return the change that a host has, None for none."""
    fields = (values.get("change") or [""])[0].split()
    if len(fields) < 2 or fields[0] not in STAGES:
        return None
    left = int(fields[1]) if re.fullmatch(r"-?\d{1,7}", fields[1]) else 0
    run = fields[2] if len(fields) > 2 and _RUN.fullmatch(fields[2]) else ""
    return Pending(
        run, clean((values.get("who") or [""])[0], 120), max(left, 0), fields[0], bool(values.get("applied"))
    )


def _notes(seen: Printed) -> tuple[str, ...]:
    """Return which files of the host set the same values at each start."""
    by_file: dict[str, list[str]] = {}
    for line in seen.values.get("sets", ()):
        what, _, path = line.partition(" ")
        by_file.setdefault(clean(path, 120), []).append(what)
    return tuple(f"{path} sets {', '.join(whats)} at each start too." for path, whats in list(by_file.items())[:6])


def _ends(line: str) -> tuple[str, str]:
    """Return client and server address of SSH_CONNECTION; "" for what is not an address."""
    fields = line.split()
    result = []
    for text in (fields[0], fields[2]) if len(fields) == 4 else ():
        try:
            ip = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        mapped = getattr(ip, "ipv4_mapped", None)
        result.append(str(mapped or ip))
    return (result[0], result[1]) if len(result) == 2 else ("", "")

"""Adapters that systemd-networkd sets: its files read, and edited."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgewright.core.network.change import Draft, there
from edgewright.core.network.ini import Ini, Section
from edgewright.core.network.settings import Adapter, Method, Wanted

FOLDER = "/etc/systemd/network"
WRITTEN = "-edgewright-"
"""In the names of files that an Edgewright appliance writes again from its user-data at each start."""
_ANY = ".".join("0000")
_DHCP = {"yes": "yes", "true": "yes", "both": "yes", "on": "yes", "1": "yes", "ipv4": "ipv4", "v4": "ipv4"}


def method_of(text: str) -> Method:
    """Return how a .network file sets IPv4."""
    ini = Ini(text)
    last = (ini.values("Network", "DHCP") or [""])[-1].lower()
    if last in _DHCP:
        return "dhcp"
    static = [*ini.values("Network", "Address"), *ini.values("Address", "Address")]
    return "static" if any(_is_v4(each) for each in static) else "none"


def merged(path: str, texts: Mapping[str, str]) -> str:
    """Return a file with its drop-ins behind it, as networkd reads them."""
    folder = f"/{path.rpartition('/')[2]}.d/"
    parts = [texts.get(path, "")]
    parts += [texts[each] for each in sorted(texts, key=lambda p: p.rpartition("/")[2]) if folder in each]
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def edit(draft: Draft, adapter: Adapter, wanted: Wanted, texts: Mapping[str, str]) -> None:
    """Put what is wanted of one adapter into its files. The values were checked."""
    path, base = _place(adapter, texts)
    ini = Ini(base)
    dhcp = (wanted.method or adapter.method) == "dhcp"
    if wanted.method or wanted.address is not None or wanted.gateway is not None:
        _put_address(ini, adapter, wanted, dhcp)
    if wanted.mtu is not None and wanted.mtu != adapter.mtu:
        ini.put("Link", "MTUBytes", [str(wanted.mtu)])
        draft.back.append(f"ip link set dev {adapter.name} mtu {adapter.mtu}")  # networkd leaves what no file sets
        if dhcp:
            for name in ("DHCP", "DHCPv4"):
                ini.put(name, "UseMTU", [])
    if wanted.vlan:
        _put_vlan(draft, adapter, wanted.vlan, ini, path)
    else:
        draft.write(path, ini.text())
    draft.after += ["networkctl reload", f"networkctl reconfigure {adapter.name}"]
    if wanted.vlan:
        draft.after.append(there(f"{adapter.name}.{wanted.vlan}"))


def _place(adapter: Adapter, texts: Mapping[str, str]) -> tuple[str, str]:
    """Return the file for an adapter's settings and what it begins from.

    Its own file where that is for it alone; else a new one that comes first and begins as a copy, so that settings
    which no page shows (routes, IPv6, policies) stay.
    """
    text = texts.get(adapter.file, "")
    ini = Ini(text)
    has_parts = any(f"/{adapter.file.rpartition('/')[2]}.d/" in each for each in texts)
    match = {
        key.strip()
        for section in ini.all("Match")
        for key, equals, _ in (line.partition("=") for line in section.lines)
        if equals and not key.lstrip().startswith(("#", ";"))
    }
    alone = match == {"Name"} and ini.values("Match", "Name") == [adapter.name]
    own = adapter.file.startswith(f"{FOLDER}/") and WRITTEN not in adapter.file
    if alone and not has_parts and own:
        return adapter.file, text
    copy = Ini(merged(adapter.file, texts))
    copy.remove(lambda section: section.name == "Match")
    first = Section("Match", [f"Name={adapter.name}", ""])
    copy.sections.insert(1, first)
    head = copy.sections[0]
    head.lines = [f"# For {adapter.name} alone; it was a copy of {adapter.file}.", ""]
    return f"{FOLDER}/05-site-{adapter.name}.network", copy.text()


def _put_address(ini: Ini, adapter: Adapter, wanted: Wanted, dhcp: bool) -> None:
    """Give IPv4 its method, address and default route; IPv6 stays as it is."""
    before = (ini.values("Network", "DHCP") or [""])[-1].lower()
    six = before in ("ipv6", "v6") or _DHCP.get(before) == "yes"
    for section in ini.all("Network"):
        section.drop("Address", lambda value: _is_v4(value) or not value)
        section.drop("Gateway", lambda value: _is_v4(value) or value == "_dhcp4" or not value)
    ini.remove(lambda each: each.name == "Address" and any(_is_v4(value) for value in each.values("Address")))
    ini.remove(_is_default_route)
    if dhcp:
        ini.put("Network", "DHCP", ["yes" if six else "ipv4"])
        return
    ini.put("Network", "DHCP", ["ipv6"] if six else [])
    where = adapter.address if wanted.address is None else wanted.address
    ini.first("Network").add("Address", [where])
    gateway = adapter.gateway if wanted.gateway is None else wanted.gateway
    if gateway:
        ini.first("Network").add("Gateway", [gateway])


def _is_default_route(section: Section) -> bool:
    """Return whether a section is a default route of IPv4."""
    if section.name != "Route" or section.values("Table"):
        return False
    to, by = section.values("Destination"), section.values("Gateway")
    return (not to or to[-1].removesuffix("/0") == _ANY) and any(_is_v4(each) or each == "_dhcp4" for each in by)


def _put_vlan(draft: Draft, adapter: Adapter, number: int, ini: Ini, path: str) -> None:
    """Move the addresses of an adapter to a VLAN on it."""
    name = f"{adapter.name}.{number}"
    draft.write(f"{FOLDER}/05-site-{name}.netdev", f"[NetDev]\nName={name}\nKind=vlan\n\n[VLAN]\nId={number}\n")
    own = Ini(ini.text())
    own.remove(lambda section: section.name == "Match")
    own.sections.insert(1, Section("Match", [f"Name={name}", ""]))
    for section in own.all("Network"):
        section.drop("VLAN")
    draft.write(f"{FOLDER}/05-site-{name}.network", own.text())
    link = [f"MTUBytes={value}" for value in ini.values("Link", "MTUBytes")[-1:]]
    lines = ["[Match]", f"Name={adapter.name}", ""]
    lines += ["[Link]", *link, ""] if link else []
    vlans = dict.fromkeys([*ini.values("Network", "VLAN"), name])
    lines += ["[Network]", *(f"VLAN={each}" for each in vlans), "LinkLocalAddressing=no", ""]
    draft.write(path, "\n".join(lines))
    draft.back.append(f"ip link delete {name}")


def _is_v4(value: str) -> bool:
    return bool(re.match(r"\d+\.\d+\.\d+\.\d+", value))

"""Network files that a user-data writes for systemd-networkd: the way to VLANs and bonds; `stylus` has no key for them.

What is checked is what prevents a host's network: VLAN numbers, MTU, addresses, gateways, and devices that one
file names and no other makes.
"""

from __future__ import annotations

import re
from typing import List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.cloudconfig.look import address, shown
from edgewright.core.cloudconfig.network.address import mtu_problem, name_server_problems, read_static, vlan_problem
from edgewright.core.cloudconfig.schema.model import is_template

BOND_MODES = (
    *("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"),
    *map(str, range(7)),
)

Setting = Tuple[str, str, str]
"""Section, key, value."""


class Unit(NamedTuple):
    """A file for systemd-networkd: the path in the document, and its settings in order."""

    path: str
    settings: Tuple[Setting, ...]

    def all(self, section: str, key: str) -> List[str]:
        """Return every value of a setting."""
        return [value for item, name, value in self.settings if (item, name) == (section, key)]

    def first(self, section: str, key: str) -> str:
        """Return the first value of a setting, or ""."""
        return next(iter(self.all(section, key)), "")


def check_networkd(files: Mapping[str, Tuple[str, str]]) -> List[Finding]:
    """Return what is wrong with network files: target path to (path in the document, content)."""
    units = {target: Unit(path, read_unit(content)) for target, (path, content) in list(files.items())[:200]}
    findings: List[Finding] = []
    made = {unit.first("NetDev", "Name") for target, unit in units.items() if target.endswith(".netdev")}
    for target, unit in units.items():
        if target.endswith(".netdev"):
            findings += _device(unit)
        else:
            findings += _network(unit, made)
    return findings


def read_unit(content: str) -> Tuple[Setting, ...]:
    """Return the settings of a file in systemd's form, at most 1000; lines that are none are left out."""
    section, settings = "", []
    for line in content[:100_000].splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and line[0] not in "#;" and "=" in line:
            key, _, value = line.partition("=")
            settings.append((section, key.strip(), value.strip()))
    return tuple(settings[:1000])


def _number(word: str) -> Optional[int]:
    return int(word) if re.fullmatch(r"[0-9]{1,9}", word) else None


def _device(unit: Unit) -> List[Finding]:
    matches = []
    kind, name = unit.first("NetDev", "Kind"), unit.first("NetDev", "Name")
    if not kind or not name:
        message = f"{unit.path} makes no device: [NetDev] needs Name and Kind."
        matches.append(error(unit.path, message, "", "Network"))
    if len(name) > 15:
        matches.append(error(unit.path, f"The device name {shown(name)} is longer than 15 characters.", "", "Network"))
    number = unit.first("VLAN", "Id")
    if kind == "vlan" and not is_template(number):
        problem = vlan_problem(_number(number))
        if problem:
            message = f"The VLAN number of {shown(name)} is {shown(number) or 'missing'}; it {problem}."
            matches.append(error(unit.path, message, "Ask the site for its VLAN.", "Vlan"))
    mode = unit.first("Bond", "Mode")
    if kind == "bond" and mode and mode not in BOND_MODES and not is_template(mode):
        message = f"The mode of {shown(name)} is {shown(mode)}; it must be one of {', '.join(BOND_MODES[:7])}."
        matches.append(error(unit.path, message, "", "Bond"))
    matches += _mtu(unit, unit.first("NetDev", "MTUBytes"), 4)
    return matches


def _network(unit: Unit, made: "set[str]") -> List[Finding]:
    findings: List[Finding] = []
    addresses = [*unit.all("Network", "Address"), *unit.all("Address", "Address")]
    gateways = [*unit.all("Network", "Gateway"), *unit.all("Route", "Gateway")]
    read = [read_static(word) for word in addresses[:50] if not is_template(word)]
    for static in read:
        for _, message, hint in static.problems:
            findings.append(error(unit.path, f"An address in {unit.path} {message}.", hint, "Address"))
    networks = [static.interface.network for static in read if static.interface is not None]
    for word in gateways[:50]:
        gateway = address(word)
        if is_template(word) or word in ("_dhcp4", "_dhcp6", "_ipv6ra"):
            continue
        if gateway is None:
            findings.append(
                error(unit.path, f"A gateway in {unit.path} is not an address: {shown(word)}.", "", "Address")
            )
        elif networks and not gateway.is_link_local and not any(gateway in network for network in networks):
            shown_networks = ", ".join(map(str, networks[:3]))
            message = (
                f"The gateway {gateway} in {unit.path} is not inside {shown_networks}: the host could not reach it."
            )
            findings.append(error(unit.path, message, "", "Address"))
    for word in unit.all("Network", "DNS")[:20]:
        for message, hint in name_server_problems(word):
            findings.append(error(unit.path, f"A name server in {unit.path} {message}.", hint, "Dns"))
    version = 6 if any(network.version == 6 for network in networks) else 4
    findings += _mtu(unit, unit.first("Link", "MTUBytes"), version)
    for key in ("VLAN", "Bond", "Bridge"):
        for name in unit.all("Network", key)[:20]:
            if name not in made and not is_template(name):
                message = f"{unit.path} names {shown(name)}, which no .netdev file of this user-data makes."
                findings.append(warning(unit.path, message, "Write its .netdev file too.", "Network"))
    return findings


def _mtu(unit: Unit, word: str, version: int) -> List[Finding]:
    if not word or is_template(word):
        return []
    problem = mtu_problem(_number(word), version)
    return [error(unit.path, f"MTUBytes in {unit.path} is {shown(word)}; it {problem}.", "", "Mtu")] if problem else []

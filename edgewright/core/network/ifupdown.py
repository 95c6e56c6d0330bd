"""Adapters that ifupdown sets (Debian, Alpine and BusyBox): stanzas of /etc/network/interfaces read, and edited."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from edgewright.core.network.change import Draft
from edgewright.core.network.settings import Adapter, Method, Wanted

FILE = "/etc/network/interfaces"
FOLDER = "/etc/network/interfaces.d/"
STARTS = ("iface", "auto", "mapping", "source", "source-directory", "no-auto-down", "no-scripts", "rename", "template")
"""Words that begin another stanza; so does every `allow-...`."""

_NOTE_VLANS = r"""[ -e "${0%/*}/vlans" ] || for d in /sys/class/net/*/lower_@NAME@; do
  c=${d%/lower_*}; c=${c##*/}
  grep -q '^DEVTYPE=vlan' "/sys/class/net/$c/uevent" || continue
  m=$(readlink "/sys/class/net/$c/master"); echo "$c ${m##*/}"
done >"${0%/*}/vlans" 2>/dev/null"""
_RAISE_VLANS = r"""while read -r c m; do
  ifdown "$c" || ifdown -f "$c" || :
  ifup "$c" || [ -d "/sys/class/net/$c" ] || exit 1
  [ -z "$m" ] || ip link set dev "$c" master "$m" || :
done <${0%/*}/vlans"""
"""`ifdown` of a card takes the VLANs on it away (Debian), or their routes (BusyBox), and `ifup` of the card does not
bring them back. Their names, and the bridges that they are in, are noted before the first `ifdown` of a change."""


class Stanza:
    """One `iface NAME inet METHOD` with its lines; `begin` and `end` are the lines of the file that it takes."""

    def __init__(self, method: str, begin: int) -> None:
        self.method, self.begin, self.end = method, begin, begin + 1
        self.options: list[tuple[str, str]] = []


def find(text: str, name: str) -> list[Stanza]:
    """Return the IPv4 stanzas of an adapter, in their order."""
    result: list[Stanza] = []
    current: Stanza | None = None
    for number, line in enumerate(text.splitlines()):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if fields[0] in STARTS or fields[0].startswith("allow-"):
            current = None
            if fields[0] == "iface" and len(fields) >= 4 and fields[1] == name and fields[2] == "inet":
                current = Stanza(fields[3], number)
                result.append(current)
        elif current is not None:
            current.options.append((fields[0], " ".join(fields[1:])))
            current.end = number + 1
    return result


def method_of(stanza: Stanza) -> Method:
    """Return how a stanza sets IPv4."""
    return {"dhcp": "dhcp", "static": "static", "manual": "none"}.get(stanza.method, "unknown")  # type: ignore[return-value]


def edit(draft: Draft, adapter: Adapter, wanted: Wanted, texts: Mapping[str, str]) -> None:
    """Put what is wanted into the stanza of an adapter. Raises `ValueError` where there is none, or several."""
    text = draft.text(adapter.file)
    stanzas = find(text, adapter.name)
    if len(stanzas) != 1:
        raise ValueError(f"{adapter.file} has {len(stanzas)} IPv4 stanzas for it")
    stanza = stanzas[0]
    if any("\\" in line for line in text.splitlines()[stanza.begin : stanza.end]):
        raise ValueError(f"its lines in {adapter.file} continue with a backslash")
    dhcp = (wanted.method or adapter.method) == "dhcp"
    method = stanza.method
    options = [pair for pair in stanza.options if not (pair[0] == "mtu" and wanted.mtu is not None)]
    if wanted.method or wanted.address is not None or wanted.gateway is not None:
        method = "dhcp" if dhcp else "static"
        options = [pair for pair in options if pair[0] not in ("address", "netmask", "gateway", "broadcast", "network")]
        if not dhcp:
            face = ipaddress.IPv4Interface(adapter.address if wanted.address is None else wanted.address)
            gateway = adapter.gateway if wanted.gateway is None else wanted.gateway
            own = [("address", str(face.ip)), ("netmask", str(face.netmask))]
            options = [*own, *([("gateway", gateway)] if gateway else []), *options]
    if wanted.mtu is not None:
        options.append(("mtu", str(wanted.mtu)))
        draft.back.append(f"ip link set dev {adapter.name} mtu {adapter.mtu}")
        if method != "static":  # ifupdown has an MTU for that alone
            options = [pair for pair in options if pair[0] != "mtu"]
            options = [pair for pair in options if not (pair[0] == "up" and " mtu " in f" {pair[1]} ")]
            options.append(("up", f"ip link set dev {adapter.name} mtu {wanted.mtu}"))
    lines = text.splitlines()
    name = adapter.name
    vlan = f"{name}.{wanted.vlan}" if wanted.vlan else ""
    new = [f"iface {vlan or name} inet {method}", *(f"    {k} {v}" for k, v in options)]
    if vlan:
        new = [*_card_below(name, wanted.mtu, options), "", f"auto {vlan}", *new]
        draft.before.append(f"ifdown {vlan}")
        draft.back.append(f"ip link delete {vlan}")
    lines[stanza.begin : stanza.end] = new
    draft.write(adapter.file, "\n".join(lines) + "\n")
    draft.before += [_NOTE_VLANS.replace("@NAME@", name), f"ifdown {name} || ifdown -f {name}"]
    draft.after += [f"ip addr flush dev {name} scope global", f"ifup {name}"]
    draft.after += [f"ifup {vlan}", f"ip link show dev {vlan}"] if vlan else []
    draft.after.append(_RAISE_VLANS)


def _card_below(name: str, mtu: int | None, options: list[tuple[str, str]]) -> list[str]:
    """Return the stanza of a card whose addresses move to a VLAN on it; what its lines do to it by name stays unknown.

    Raises `ValueError` where one of them names the card.
    """
    if any(name in re.split(r"[\s:/]+", value) for key, value in options if key != "up" or " mtu " not in value):
        raise ValueError(f"lines of it name {name}, which has no address in a VLAN of it")
    return [f"iface {name} inet manual", *([f"    up ip link set dev {name} mtu {mtu}"] if mtu is not None else [])]

"""Cards with VLANs, MTUs and bonds as files of systemd-networkd, for which Palette has no keys of its own.

The documented way on Kairos and Palette: a stage writes them to /etc/systemd/network before networkd starts.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

FOLDER = "/etc/systemd/network"
MODE = 0o644


class Link(NamedTuple):
    """How one card, or one VLAN on it, gets its address. An empty `address` means DHCP; numbers may be None."""

    nic: str
    address: str = ""
    gateway: str = ""
    dns: str = ""
    vlan: Optional[int] = None
    mtu: Optional[int] = None

    @property
    def plain(self) -> bool:
        """Whether Palette's own keys can express it."""
        return self.vlan is None and self.mtu is None


class Bond(NamedTuple):
    """Cards that work as one; `link.nic` is the bond's name."""

    members: Sequence[str]
    mode: str
    link: Link


def interface(link: Link) -> Dict[str, Any]:
    """Return a plain card as `stylus.site.network.interfaces.NIC`."""
    if not link.address:
        return {"type": "dhcp"}
    matches = {"type": "static", "ipAddress": link.address, "gateway": link.gateway, "nameserver": link.dns}
    return {key: value for key, value in matches.items() if value}


def files(links: Sequence[Link], bond: Optional[Bond]) -> List[Dict[str, Any]]:
    """Return the files for these cards as a stage's `files`, by name in a fixed order."""
    texts: Dict[str, str] = {}
    everything = list(links)
    if bond is not None:
        name = bond.link.nic
        settings = ["[Bond]", f"Mode={bond.mode}", "MIIMonitorSec=100ms"]
        texts[f"05-{name}.netdev"] = _text(["[NetDev]", f"Name={name}", "Kind=bond"], settings)
        for member in bond.members:
            texts[f"05-{member}.network"] = _text(["[Match]", f"Name={member}"], ["[Network]", f"Bond={name}"])
        everything.append(bond.link)
    for nic in dict.fromkeys(link.nic for link in everything):
        texts.update(_card(nic, [link for link in everything if link.nic == nic]))
    return [
        {"path": f"{FOLDER}/{name}", "permissions": MODE, "owner": 0, "group": 0, "content": text}
        for name, text in texts.items()
    ]


def _card(nic: str, links: Sequence[Link]) -> Mapping[str, str]:
    own = next((link for link in links if link.vlan is None), None)
    tagged = [link for link in links if link.vlan is not None]
    mtus = [link.mtu for link in links if link.mtu]
    network = _addressing(own) if own else ["DHCP=no", "LinkLocalAddressing=no"]
    network += [f"VLAN={nic}.{link.vlan}" for link in tagged]
    card_link = ["[Link]", f"MTUBytes={max(mtus)}"] if mtus else []  # a VLAN's packets have to fit through its card
    texts = {f"05-{nic}.network": _text(["[Match]", f"Name={nic}"], card_link, ["[Network]", *network])}
    for link in tagged:
        name = f"{nic}.{link.vlan}"
        texts[f"06-{name}.netdev"] = _text(["[NetDev]", f"Name={name}", "Kind=vlan"], ["[VLAN]", f"Id={link.vlan}"])
        sized = ["[Link]", f"MTUBytes={link.mtu}"] if link.mtu else []
        texts[f"06-{name}.network"] = _text(["[Match]", f"Name={name}"], sized, ["[Network]", *_addressing(link)])
    return texts


def _addressing(link: Link) -> List[str]:
    if not link.address:
        return ["DHCP=yes"]
    parts = (("Address", link.address), ("Gateway", link.gateway), ("DNS", link.dns))
    return [f"{key}={value}" for key, value in parts if value]


def _text(*sections: Sequence[str]) -> str:
    return "\n".join("\n".join(section) + "\n" for section in sections if section)

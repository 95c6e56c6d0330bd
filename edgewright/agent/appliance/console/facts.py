"""What the console screens show, read from the files of the box; nothing secret is among it."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from edgewright import __version__
from edgewright.agent.appliance import accounts, boot, bootloader, documents, network
from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.progress import read_json
from edgewright.agent.appliance.runner import Runner, read_text
from edgewright.agent.facts.network import default_route, dns_servers, nics
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.settings import Flags, Settings, find_identity
from edgewright.agent.kernel.status import gather as status_of
from edgewright.core.errors import EdgewrightError


class Nic(NamedTuple):
    """A network card as it is: addresses with prefix."""

    name: str
    addresses: Tuple[str, ...] = ()
    mac: str = ""
    up: bool = False


class Facts(NamedTuple):
    """One look at the box."""

    host_name: str = ""
    slot: str = ""
    uid: str = ""
    machine_id: str = ""
    version: str = ""
    nics: Tuple[Nic, ...] = ()
    gateway: str = ""
    dns: Tuple[str, ...] = ()
    endpoint: str = ""
    phase: str = ""
    """State in the agent's status file: registered, refused, waiting, unreachable, faulty; empty when it is new."""
    message: str = ""
    hint: str = ""
    registered: bool = False
    registration_url: str = ""
    read_only: bool = False
    people: Tuple[str, ...] = ()
    boot_note: str = ""
    install: Mapping[str, Any] = {}
    cards: Mapping[str, network.Card] = {}
    names: network.Names = network.Names()

    @property
    def installing(self) -> bool:
        """Whether this is the live system's installer."""
        return self.slot == "live" and bool(self.install)

    @property
    def code_url(self) -> str:
        """Return what the QR code contains: only while the host is not registered and an address is set."""
        if self.registered or not self.registration_url or not self.uid:
            return ""
        mark = "&" if "?" in self.registration_url else "?"
        return f"{self.registration_url}{mark}uid={self.uid}"


def gather(runner: Runner, root: str = "/") -> Facts:
    """Read everything again. Never fails: what cannot be read is empty."""
    slot = bootloader.slot_of(read_text(places.below(root, "/proc/cmdline")))
    document = _document(slot, root)
    site = boot.site(document)
    status: Dict[str, Any] = {}
    try:
        status = status_of(places.below(root, places.DATA))
    except (EdgewrightError, OSError, ValueError, AttributeError):
        pass  # a torn state file is repaired by the agent
    host = Root(root)
    try:
        result, gateway, servers = nics(host)[0], default_route(host)[1], dns_servers(host)
    except (OSError, ValueError):
        result, gateway, servers = [], "", []
    stylus = document.get("stylus")
    return Facts(
        host_name=read_text(places.below(root, "/proc/sys/kernel/hostname")).strip(),
        slot=slot,
        uid=str(status.get("uid") or _uid(site, root)),
        machine_id=read_text(places.below(root, "/etc/machine-id")).strip(),
        version=__version__,
        nics=tuple(_nic(body, root) for body in result),
        gateway=gateway,
        dns=tuple(servers),
        endpoint=site.endpoint,
        phase=str(status.get("phase") or ""),
        message=str(status.get("message") or ""),
        hint=str(status.get("hint") or ""),
        registered=bool(status.get("registered")),
        registration_url=site.registration_url,
        read_only=isinstance(stylus, Mapping) and str(stylus.get("disableTui")).lower() == "true",
        people=tuple(accounts.people(root)),
        boot_note=str(read_json(places.below(root, places.BOOT_STATE)).get("sentence") or ""),
        install=read_json(places.below(root, places.INSTALL_STATE)),
        cards={card.name: card for card in network.read_cards(document)},
        names=network.read_names(document),
    )


def _document(slot: str, root: str) -> Dict[str, Any]:
    if slot == "live":
        try:
            return documents.merge(documents.scan(places.below(root, places.LIVE)).layers)
        except EdgewrightError:
            return {}  # the installer's own state has the reason
    return boot.read_configuration(lambda sentence: None, root)


def _uid(site: Any, root: str) -> str:
    """Return the UID that the agent will take, when it follows from the user-data or the machine."""
    if site.name == "$random":
        return ""
    try:
        identity = find_identity(Settings(Flags(root=root), site, "", ()))
    except EdgewrightError:
        return ""
    return "" if identity.how == "random" else identity.uid


def _nic(body: Mapping[str, Any], root: str) -> Nic:
    name = str(body.get("nicName") or "")
    state = read_text(os.path.join(places.below(root, "/sys/class/net"), name, "operstate")).strip()
    address, subnet = str(body.get("ip") or ""), str(body.get("subnet") or "")
    shown = f"{address}/{subnet.partition('/')[2]}" if address else ""
    return Nic(name, (shown,) if shown else (), str(body.get("macAddr") or ""), state == "up")


def code_lines(runner: Runner, url: str, width: int, height: int) -> Optional[Tuple[str, ...]]:
    """Return the QR code of an address as lines, or None when it does not fit or `qrencode` is not here."""
    for margin in ("2", "1"):
        try:
            text = runner.run(["qrencode", "-t", "UTF8", "-l", "L", "-m", margin, "--", url], seconds=10)
        except EdgewrightError:
            return None
        lines = tuple(line for line in text.split("\n") if line)
        if lines and len(lines) <= height and max(map(len, lines)) <= width:
            return lines
    return None

"""Changes by the console: to the running system first, and to /oem (which survives a reset) once confirmed."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, Optional

from edgewright.agent.appliance import accounts, boot, documents, network
from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.paths import below
from edgewright.agent.appliance.runner import Runner, read_text, write_file
from edgewright.core.errors import Failed

Document = Dict[str, Any]


class BoxActions:
    """The console's changes on this box."""

    def __init__(self, runner: Runner, base: Callable[[], Document], root: str = "/") -> None:
        self.runner = runner
        self.base = base
        self.root = root
        self._trial: Optional[Document] = None

    def own(self) -> Document:
        """Return what the console itself has written to /oem."""
        text = read_text(below(self.root, places.CONSOLE_FILE))
        return documents.read_document(text) if documents.has_header(text) else {}

    def try_network(self, card: Optional[network.Card], names: Optional[network.Names]) -> None:
        """Write the network files with the new settings and let networkd take them."""
        trial = self.own()
        block = _site(trial).setdefault("network", {})
        if card is not None:
            block.setdefault("interfaces", {})[card.name] = {
                "type": "static" if card.static else "dhcp",
                "ipAddress": card.address,
                "mask": "" if "/" in card.address else card.mask,
                "gateway": card.gateway,
                "vlanId": card.vlan,
                "mtu": card.mtu,
            }
        if names is not None:
            block["nameserver"] = ",".join(names.servers)
            block["searchDomain"] = ",".join(names.search)
        self._use(trial)
        self._trial = trial

    def store_network(self) -> str:
        """Write the settings in use to /oem."""
        assert self._trial is not None
        reported = self._save(self._trial)
        self._trial = None
        return "The network settings are in use. " + reported

    def give_back_network(self) -> str:
        """Write the network files without the new settings."""
        self._trial = None
        self._use(self.own())
        return "The settings before are in use again; nothing was changed."

    def set_host_name(self, name: str) -> str:
        """Name the box now and in /oem."""
        accounts.set_host_name(name, self.runner, self.root)
        own = self.own()
        _site(own)["hostName"] = name
        return f"The host name is {name} now. " + self._save(own)

    def create_account(self, name: str, password: str) -> str:
        """Make an account that may do everything; only the hash of its password is stored."""
        accounts.ensure(accounts.User(name, password, ("admin",)), self.runner, lambda sentence: None, self.root)
        own = self.own()
        rows = read_text(below(self.root, "/etc/shadow")).splitlines()
        hashed = next((row.split(":")[1] for row in rows if row.startswith(name + ":")), "")
        if not hashed.startswith("$"):
            raise Failed(f"The account {name} has no password.", "Try again.")
        own["users"] = [user for user in own.get("users", []) if user.get("name") != name]
        own["users"].append({"name": name, "passwd": hashed, "groups": ["admin"]})
        return f"The account {name} is made. " + self._save(own)

    def confirm_install(self, device: str) -> str:
        """Pass the waiting installer the disk that it may take."""
        write_file(below(self.root, places.CONFIRM), json.dumps({"device": device}).encode())
        return f"The installation on {device} begins."

    def _use(self, own: Document) -> None:
        layers = [documents.Layer("base", self.base()), documents.Layer("console", own)]
        boot.write_network(documents.merge(layers), lambda sentence: None, self.root)
        self.runner.run(["networkctl", "reload"], seconds=30)
        for name in _cards(own):
            self.runner.succeeds(["networkctl", "reconfigure", name], seconds=30)
        self.runner.succeeds(["systemctl", "--no-block", "try-restart", "systemd-resolved.service"], seconds=30)

    def _save(self, own: Document) -> str:
        if not os.path.isdir(below(self.root, places.OEM)) or not os.path.exists(below(self.root, places.USERDATA)):
            return "This is the live system: it lasts until the next start."
        write_file(below(self.root, places.CONSOLE_FILE), documents.dump(own).encode(), 0o600)
        return "It is stored in /oem."


def _site(document: Document) -> Document:
    stylus = document.setdefault("stylus", {})
    site: Document = stylus.setdefault("site", {})
    return site


def _cards(document: Document) -> "list[str]":
    return [str(name) for name in document.get("stylus", {}).get("site", {}).get("network", {}).get("interfaces", {})]

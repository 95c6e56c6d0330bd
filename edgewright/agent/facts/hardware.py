"""Facts that distinguish machines: machine-id, the firmware's UUID or serial number, addresses of cards.

The first two leave the host as hashes only: systemd asks to treat the machine-id as confidential, and nothing here
needs the value itself. A container sees the firmware of the machine it runs on, which it shares with its neighbours;
there it does not count.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any, Dict, NamedTuple, Sequence, Tuple

from edgewright.agent.kernel.hostfs import Root
from edgewright.core.hosts.identity import is_placeholder

_MACHINE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CONTAINER_FILES = ("/run/systemd/container", "/run/host/container-manager", "/.dockerenv", "/run/.containerenv")
_PRODUCT_FILES = ("/sys/class/dmi/id/product_uuid", "/proc/device-tree/serial-number")
"""The firmware's UUID on a PC or server, the serial number of the board on ARM."""
MAX_MACS = 32


class Hardware(NamedTuple):
    """What distinguishes this machine from others; an empty text or tuple where it cannot be known."""

    machine: str
    """Hash of the machine-id, 32 hex digits."""
    product: str
    """Hash of the firmware's UUID or the board's serial number, 32 hex digits."""
    macs: Tuple[str, ...]

    def document(self) -> Dict[str, Any]:
        """Return what goes under `spec.edgewright.hardware`; the cards are among the facts already."""
        return {"machine": self.machine, "product": self.product}


def read_hardware(root: Root, cards: Sequence[Dict[str, Any]]) -> Hardware:
    """Read it from the host below `root`; `cards` are its network cards as `v1Nic`."""
    macs = {str(card.get("macAddr") or "").lower() for card in cards} - {"", "00:00:00:00:00:00"}
    return Hardware(_machine(root), "" if in_container(root) else _product(root), tuple(sorted(macs))[:MAX_MACS])


def in_container(root: Root) -> bool:
    """Return whether the host is a container, as systemd and the container runtimes mark it."""
    if any(root.has(name) for name in _CONTAINER_FILES):
        return True
    return any(item.startswith(b"container=") for item in root.data("/proc/1/environ", 65536).split(b"\0"))


def _machine(root: Root) -> str:
    text = root.text("/etc/machine-id", 64).lower()
    return _hash("machine", text) if _MACHINE_ID.fullmatch(text) and not is_placeholder(text) else ""


def _product(root: Root) -> str:
    for name in _PRODUCT_FILES:
        text = root.text(name, 128).strip("\0 \n").lower()
        if text and not is_placeholder(text):
            return _hash("product", text)
    return ""


def _hash(kind: str, value: str) -> str:
    return hmac.new(value.encode(), f"edgewright {kind}".encode(), hashlib.sha256).hexdigest()[:32]

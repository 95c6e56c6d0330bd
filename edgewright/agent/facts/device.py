"""All facts as the part of `v1EdgeHostDevice` that the host speaks for, and a digest that changes with them."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable, Dict, NamedTuple

from edgewright import __version__
from edgewright.agent.facts import disks, firmware, network, system, vitals
from edgewright.agent.facts.booted import booted
from edgewright.agent.facts.hardware import Hardware, read_hardware
from edgewright.agent.kernel.hostfs import Root

SPACE_STEP = 2
"""Percent points by which a file system must fill or empty before the facts count as changed."""
HEAT_STEP = 10
"""The same in degrees Celsius for the temperature."""


class Facts(NamedTuple):
    """The facts of one moment."""

    device: Dict[str, Any]
    """`v1DeviceSpec`."""
    extension: Dict[str, Any]
    """What goes under `spec.edgewright`."""
    host_name: str
    address: str
    mac: str
    boot_id: str
    hardware: Hardware = Hardware("", "", ())

    @property
    def digest(self) -> str:
        """Return a digest of what matters: small movements of used space do not count."""
        device = dict(self.device)
        device["disks"] = [_coarse(disk) for disk in self.device.get("disks", [])]
        extension = dict(self.extension)
        if isinstance(extension.get("temperatureC"), int):
            extension["temperatureC"] //= HEAT_STEP
        text = json.dumps([device, extension, self.host_name, self.address, __version__], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def fullest(self) -> "tuple[str, int]":
        """Return (mount point, percent) of the fullest file system; ("", 0) when none is known."""
        parts = [part for disk in self.device.get("disks", []) for part in disk["partitions"]]
        ranked = sorted(((_percent(part), part["mountPoint"]) for part in parts), reverse=True)
        return (ranked[0][1], ranked[0][0]) if ranked else ("", 0)


def _percent(partition: Dict[str, Any]) -> int:
    total = int(partition["totalSpace"])
    return round(100 * int(partition["usedSpace"]) / total) if total > 0 else 0


def _coarse(disk: Dict[str, Any]) -> Dict[str, Any]:
    parts = [
        {
            "at": part["mountPoint"],
            "kind": part["fileSystemType"],
            "total": part["totalSpace"],
            "step": _percent(part) // SPACE_STEP,
        }
        for part in disk["partitions"]
    ]
    return {**disk, "partitions": parts}


def collect(
    root: Root,
    usage: disks.Usage = disks.real_usage,
    addresses: Callable[[], network.Addresses] = network.kernel_addresses,
) -> Facts:
    """Read all facts of the host below `root`. Never raises for a fact that is missing."""
    cards, folded = network.nics(root, addresses)
    main = cards[0] if cards else {}
    family, version = system.os_release(root)
    kernel, release = system.kernel(root)
    slot = firmware.boot_slot(root)
    hardware = read_hardware(root, cards)
    device = {
        "archType": system.architecture(root),
        "cpu": {"cores": system.cpu_cores(root)},
        "memory": {"sizeInMB": system.memory_mb(root)[0]},
        "disks": disks.disks(root, usage),
        "nics": cards,
        "gpus": firmware.gpus(root),
        "os": {"family": family, "version": version, "kernel": kernel, "kernelVersion": release},
        "hostState": "recovery" if slot == firmware.RECOVERY else "registration",
        "hostType": "appliance" if slot else "agent-mode",
        "secureBoot": firmware.secure_boot(root),
    }
    extension: Dict[str, Any] = {
        "bootSlot": slot,
        "bootId": system.boot_id(root),
        "booted": booted(root),
        "sshHostKeys": firmware.ssh_host_keys(root),
        "foldedNics": folded,
        "hardware": hardware.document(),
        "timeService": system.time_service(root),
        "failedUnits": vitals.failed_units(root),
    }
    degrees = vitals.temperature(root)
    if degrees is not None:
        extension["temperatureC"] = degrees
    return Facts(
        device,
        extension,
        system.host_name(root),
        str(main.get("ip", "")),
        str(main.get("macAddr", "")),
        extension["bootId"] if isinstance(extension["bootId"], str) else "",
        hardware,
    )

"""What a made-up host with a fault measures. Its report follows from its facts, as on a real host."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Tuple

from edgewright.agent.facts.device import Facts

CALM_DEGREES = 51


class Symptom(NamedTuple):
    """One fault as measured values; unset ones are those of a healthy host."""

    name: str
    disk: Tuple[str, int] = ("", 0)
    """Mount point and percent used; a host without that mount point fills `/`."""
    memory: float = 0.0
    """Share of the memory in use."""
    degrees: int = 0
    units: Tuple[str, ...] = ()
    clock_off: float = 0.0
    """Seconds by which the host's clock is ahead of the plane's."""


SYMPTOMS: Tuple[Symptom, ...] = (
    Symptom("disk / full", disk=("/", 97)),
    Symptom("disk /var/lib/data full", disk=("/var/lib/data", 99)),
    Symptom("memory used up", memory=0.964),
    Symptom("too hot", degrees=94),
    Symptom("clock behind", clock_off=-240.0),
    Symptom("container runtime failed", units=("containerd.service",)),
    Symptom("units failed", units=("kubelet.service", "containerd.service", "chronyd.service")),
)


def facts_with(healthy: Facts, symptom: Symptom) -> Facts:
    """Return the facts of a host with a symptom; `healthy` stays as it is."""
    extension: Dict[str, Any] = {
        **healthy.extension,
        "failedUnits": list(symptom.units),
        "temperatureC": symptom.degrees or CALM_DEGREES,
    }
    device = healthy.device
    mount, percent = symptom.disk
    if mount:
        mounts = [part["mountPoint"] for disk in device["disks"] for part in disk["partitions"]]
        mount = mount if mount in mounts else "/"
        device = {**device, "disks": [_filled(disk, mount, percent) for disk in device["disks"]]}
    return healthy._replace(device=device, extension=extension)


def _filled(disk: Dict[str, Any], mount: str, percent: int) -> Dict[str, Any]:
    parts = []
    for part in disk["partitions"]:
        if part["mountPoint"] == mount:
            used = part["totalSpace"] * percent // 100
            part = {**part, "usedSpace": used, "freeSpace": part["totalSpace"] - used}
        parts.append(part)
    return {**disk, "partitions": parts}

"""What is known of a host that is open by SSH, as the document of an edge host that the plane has.

So the screen of a host shows it as any other: from the facts of the probes, and from the local API of a Palette host
where a user has logged in. A value that neither has is left out, and shown as unknown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from edgewright.clients.local_api.documents import Cluster, HostInfo
from edgewright.core.doctor.facts import Facts
from edgewright.core.errors import Failed

_LOOPBACK = ("127.", "::1", "fe80")
_NOT_DISKS = frozenset({"tmpfs", "devtmpfs", "overlay", "squashfs", "ramfs", "efivarfs"})


class Known(NamedTuple):
    """What there is of a host, and when each part was read (epoch seconds); `info`, `cluster` are of the local API."""

    facts: Facts | None
    read_at: float | None
    info: HostInfo | None = None
    info_at: float | None = None
    cluster: Cluster | None = None
    cluster_at: float | None = None


class SiteHosts:
    """The port to the only host of a site (`clients.ports.CanListHosts`), made of what was read last."""

    def __init__(self, site: Any) -> None:
        self._site = site

    async def get(self, uid: str) -> dict[str, Any]:
        """Return its document. Raises `Failed` while nothing was read."""
        known: Known = self._site.known()
        if known.facts is None and known.info is None:
            raise Failed("Nothing was read from this host yet.", "Go back to Doctor, and read it: R", "NotRead")
        return document_of(known)


def document_of(known: Known) -> dict[str, Any]:
    """Return the document, as `v1EdgeHostDevice` has it; the local API counts where both have a value.

    How full disks are changes, so that of them the newer answer counts.
    """
    facts, info = known.facts, known.info
    device: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    name = uid = ""
    if facts is not None:
        name, uid = facts.hostname, facts.agent.uid
        device = _device(facts)
        ours = _ours(facts)
    document: dict[str, Any] = {"spec": {"device": device, "edgewright": ours}, "status": {"health": {}}}
    if info is not None:
        name, uid = info.host_name or info.name or name, info.uid or uid
        newer = bool(device.get("disks")) and (known.read_at or 0.0) >= (known.info_at or 0.0)
        device |= {key: value for key, value in info.device.items() if value and not (newer and key == "disks")}
        device |= {"hostType": info.host_type, "secureBoot": info.secure_boot} if info.host_type else {}
        if info.nics:
            device["nics"] = [dict(nic.raw) for nic in info.nics]
        document["status"]["health"]["agentVersion"] = info.agent_version
        document["status"]["state"] = info.host_state
    if known.cluster is not None and known.cluster.name:
        document["status"]["inUseClusters"] = [{"name": known.cluster.name}]
    document["metadata"] = {"name": name, "uid": uid}
    return document


def _device(facts: Facts) -> dict[str, Any]:
    """Return the hardware, the system, the cards and the file systems."""
    system, _, version = facts.system.partition(" ")
    device: dict[str, Any] = {"os": {"family": system, "version": version, "kernelVersion": facts.kernel}}
    if facts.cpus is not None:
        device["cpu"] = {"cores": facts.cpus}
    if facts.memory_kb is not None:
        device["memory"] = {"sizeInMB": facts.memory_kb // 1024}
    gateway, card = facts.default_route or ("", "")
    device["nics"] = [
        {
            "nicName": each.link,
            "ip": each.address,
            "isDefault": bool(card) and each.link == card,
            **({"gateway": gateway, "dns": list(facts.name_servers or ())} if each.link == card and gateway else {}),
        }
        for each in facts.addresses or ()
        if each.link != "lo" and not each.address.startswith(_LOOPBACK)
    ]
    partitions = [
        {
            "mountPoint": each.mount,
            "fileSystemType": each.kind,
            "totalSpace": each.size_kb // 1024,  # in MB, as an agent reports it
            "usedSpace": (each.size_kb - each.free_kb) // 1024,
            "freeSpace": each.free_kb // 1024,
        }
        for each in facts.file_systems
        if each.size_kb and each.free_kb is not None and each.kind not in _NOT_DISKS
    ]
    device["disks"] = [{"partitions": partitions}] if partitions else []
    return device


def _ours(facts: Facts) -> dict[str, Any]:
    """Return what Edgewright's own agent would report beside the hardware."""
    used = None
    if facts.memory_kb is not None and facts.available_kb is not None:
        used = (facts.memory_kb - facts.available_kb) // 1024
    values = {
        "bootSlot": facts.slot,
        "uptimeSeconds": facts.uptime,
        "load1": facts.load,
        "memoryUsedMB": used,
        "failedUnits": list(facts.failed_units or ()),
    }
    return {key: value for key, value in values.items() if value not in (None, "", [])}

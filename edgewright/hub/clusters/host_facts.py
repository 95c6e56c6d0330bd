"""What the plane knows of the hosts that a cluster is to have."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from edgewright.core.clusters.validate import HostFacts
from edgewright.core.hosts.hosts import HostState
from edgewright.hub.clusters import form
from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.clusters.tables import DELETED_PHASE
from edgewright.hub.db.records import HostEntry
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

_MACHINE = "machine:"


class ProjectHosts(Mapping[str, HostEntry]):
    """The hosts of one project: those of others do not exist for a cluster."""

    def __init__(self, hub: Services, project_uid: str) -> None:
        self._hosts, self._project = hub.state.hosts, project_uid

    def __getitem__(self, uid: str) -> HostEntry:
        entry = self._hosts[uid]
        if entry.record.project_uid != self._project:
            raise KeyError(uid)
        return entry

    def __iter__(self) -> Iterator[str]:
        return (uid for uid, entry in self._hosts.items() if entry.record.project_uid == self._project)

    def __len__(self) -> int:
        return sum(1 for _uid in self)


def facts_of(hub: Services, head: dict[str, Any], cluster_uid: str) -> dict[str, HostFacts]:
    """Return the facts of the present hosts of a head.

    A host that the cluster has already may be unhealthy: its release, and work on the others, must stay possible.
    """
    index = hub.part(ClusterIndex)
    facts: dict[str, HostFacts] = {}
    for _pool, machine in form.machines(head):
        uid = machine["hostUid"]
        entry = hub.state.hosts.get(uid)
        if machine["state"] != wire.PRESENT or entry is None:
            continue
        other = index.of_host(uid)
        other = None if other is not None and other.record.phase == DELETED_PHASE else other
        own = other is not None and other.uid == cluster_uid
        registered = entry.record.state != HostState.UNPAIRED.value
        facts[uid] = HostFacts(
            name=machine["hostName"],
            healthy=own or (registered and entry.live.health == "healthy"),
            observed_only=entry.observed,
            simulated=bool(entry.facts.simulated),
            cluster="" if other is None or own else other.record.name,
            machine_id=next((key for key in entry.facts.hardware if key.startswith(_MACHINE)), ""),
            subnets=_subnets(entry, machine),
            architecture=str(entry.facts.architecture or ""),
        )
    return facts


def _subnets(entry: HostEntry, machine: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the networks of a host's cards, with what the cluster sets for one of them."""
    result: dict[str, tuple[str, ...]] = {}
    for nic in form.nics_of(entry):
        network = _network(str(nic.get("ip") or ""), str(nic.get("subnet") or ""))
        if network:
            result[str(nic.get("nicName") or "")] = (network,)
    own = machine["nic"]
    network = _network(str(own.get("ip") or ""), str(own.get("subnet") or ""))
    if network:
        result[machine["nicName"]] = (network,)
    return result


def _network(address: str, mask: str) -> str:
    """Return the network of an address with its mask (`255.255.255.0`, `24`, or a network); "" when one is missing."""
    try:
        if "/" in mask:
            return str(ipaddress.ip_network(mask, strict=False))
        return str(ipaddress.ip_interface(f"{address}/{mask}").network) if address and mask else ""
    except ValueError:
        return ""

"""Clusters that hosts report and that the plane does not have so: unknown ones, and those with another document (P106).

After a restore from an older backup, or with a new plane, hosts run what the plane has no record of. It never harms
them: absence never means removal. An operator decides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from edgewright.core.clusters.model import CONTROL_PLANE
from edgewright.core.roles import Scope
from edgewright.hub.clusters import form
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.clusters.tables import ADOPTING_PHASE, DELETED_PHASE
from edgewright.hub.db.records import HostEntry
from edgewright.hub.readmodel.facts import ReportedCluster
from edgewright.hub.services import Services

Json = dict[str, Any]
MEMBER, UNKNOWN, DIFFERS, REMOVED, ADOPTING = "member", "unknown", "differs", "removed", "adopting"
"""What a host's cluster is to the plane: as it should be; not known; known with another document; without this host as
a member; being adopted."""


class Report(NamedTuple):
    """A cluster document of a host."""

    entry: HostEntry
    work: ReportedCluster

    @property
    def name(self) -> str:
        """Return the name of the host."""
        return self.entry.facts.name


def of_host(index: ClusterIndex, entry: HostEntry) -> Json | None:
    """Return the cluster of a host: uid, name, role, state, and a sentence where something is wrong."""
    item = index.of_host(entry.record.uid)
    for work in entry.facts.clusters:
        state = judged(index, entry.record.uid, work)
        if state != MEMBER:
            return _shown(work.uid, work.name, work.role, state)
    if item is None or item.record.phase == DELETED_PHASE:
        return None
    return _shown(item.uid, item.record.name, role_in(item, entry.record.uid), MEMBER)


def role_in(item: Cluster, host_uid: str) -> str:
    """Return the role of a host in a cluster; "" for one that is not in it."""
    for pool, machine in item.machines():
        if machine["hostUid"] == host_uid:
            return CONTROL_PLANE if form.is_control_plane(pool["config"]) else "worker"
    return ""


def judged(index: ClusterIndex, host_uid: str, work: ReportedCluster) -> str:
    """Return what the cluster that a host reports is to the plane."""
    item = index.by_uid.get(work.uid)
    if item is None:
        return UNKNOWN
    if item.record.phase == ADOPTING_PHASE:
        return ADOPTING
    if all(machine["hostUid"] != host_uid for _pool, machine in item.machines()):
        return REMOVED
    return DIFFERS if work.waits else MEMBER


def _shown(uid: str, name: str, role: str, state: str) -> Json:
    return {"uid": uid, "name": name, "role": role, "state": state, "message": sentence(name, uid, state)}


def sentence(name: str, uid: str, state: str) -> str:
    """Return what is wrong, with the next step; "" when nothing is."""
    return {
        UNKNOWN: f"This plane has no record of the cluster {name}, which continues. "
        f"Take it over: edgewright cluster adopt {uid}.",
        ADOPTING: f"The cluster {name} is being adopted: a control plane hands its document over.",
        DIFFERS: f"The host has another document of the cluster {name} than this plane and continues with it. "
        f"Take it: edgewright cluster adopt {uid}; or replace it: edgewright cluster override {uid}.",
        REMOVED: f"The host is not a member of the cluster {name} any more and has its document still. "
        "Reset the host before it is used again: edgewright host reset.",
    }.get(state, "")


def all_of(hub: Services, uid: str, scope: Scope) -> list[Report]:
    """Return what the hosts that a caller sees report of a cluster."""
    return [
        Report(entry, work)
        for entry in hub.state.hosts.values()
        if entry.facts.clusters and scope.covers(entry.record.project_uid)
        for work in entry.facts.clusters
        if work.uid == uid
    ]


def undecided(hub: Services, scope: Scope) -> dict[str, list[Report]]:
    """Return the reports by cluster of those that are not known, or that have another document than the plane."""
    index = hub.part(ClusterIndex)
    result: dict[str, list[Report]] = {}
    for entry in list(hub.state.hosts.values()):
        if not entry.facts.clusters or not scope.covers(entry.record.project_uid):
            continue
        for work in entry.facts.clusters:
            if judged(index, entry.record.uid, work) in (UNKNOWN, DIFFERS):
                result.setdefault(work.uid, []).append(Report(entry, work))
    return result

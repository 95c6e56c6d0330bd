"""Clusters in memory: by uid, by host, by cloud configuration; which profiles they use; what is reported of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from edgewright.core.profiles.usage import Use
from edgewright.hub.clusters.settings import waiting
from edgewright.hub.clusters.tables import DELETED_PHASE, ClusterRecord, ReportRecord
from edgewright.wire.protocol import clusters as wire

MOST = 1_000
"""Clusters of one project, without the deleted ones."""
_HAS_VIP = re.compile(r'"held"\s*:\s*true')
LOGGED_EVERY = 300.0
"""Seconds after which a report that changes nothing is logged again: half of what a report is evidence for."""


class Cluster:
    """A cluster in memory: its record, and the head decoded once. The head must not be changed."""

    __slots__ = ("head", "record")

    def __init__(self, record: ClusterRecord) -> None:
        self.record = record
        self.head: dict[str, Any] = record.parts

    @property
    def uid(self) -> str:
        """Return the uid."""
        return self.record.uid

    def machines(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield each pool with each of its machines, released ones included until that is confirmed."""
        for pool in self.head["pools"]:
            for machine in pool["machines"]:
                yield pool, machine


class ClusterIndex:
    """All clusters, deleted ones included while they are listed."""

    def __init__(self, records: Iterable[ClusterRecord]) -> None:
        self.by_uid: dict[str, Cluster] = {}
        self._by_host: dict[str, str] = {}
        self._by_config: dict[str, str] = {}
        self._by_adopter: dict[str, dict[str, None]] = {}
        """Clusters by the host that is asked for their documents (P106) or their content (P108)."""
        self._by_profile: dict[str, dict[str, None]] = {}
        for record in records:
            self.put(record)

    def put(self, record: ClusterRecord) -> None:
        """Take a cluster that was added or changed."""
        self.drop(record.uid)
        cluster = Cluster(record)
        self.by_uid[record.uid] = cluster
        self._by_config[cluster.head["configUid"]] = record.uid
        for asked in _asked(cluster):
            self._by_adopter.setdefault(asked, {})[record.uid] = None
        deleted = record.phase == DELETED_PHASE
        for _pool, machine in cluster.machines():
            # a host that did not confirm the deletion is still asked to leave, unless it is in another cluster by now
            if not deleted or self.of_host(machine["hostUid"]) is None:
                self._by_host[machine["hostUid"]] = record.uid
        if not deleted:
            for profile in _profiles(cluster):
                self._by_profile.setdefault(profile["uid"], {})[record.uid] = None

    def drop(self, uid: str) -> None:
        """Take the removal of a cluster."""
        cluster = self.by_uid.pop(uid, None)
        if cluster is None:
            return
        self._by_config.pop(cluster.head["configUid"], None)
        for asked in _asked(cluster):
            clusters = self._by_adopter.get(asked, {})
            clusters.pop(uid, None)
            if not clusters:
                self._by_adopter.pop(asked, None)
        for _pool, machine in cluster.machines():
            if self._by_host.get(machine["hostUid"]) == uid:
                del self._by_host[machine["hostUid"]]
        for profile in _profiles(cluster):
            users = self._by_profile.get(profile["uid"], {})
            users.pop(uid, None)
            if not users:
                self._by_profile.pop(profile["uid"], None)

    def of_host(self, host_uid: str) -> Cluster | None:
        """Return the cluster that a host belongs to, also while it is released; `None` without one."""
        uid = self._by_host.get(host_uid)
        return None if uid is None else self.by_uid.get(uid)

    def adopted_by(self, host_uid: str) -> Cluster | None:
        """Return the cluster whose document a host is asked for (P106); `None` without one.

        Of several it is the one that was asked for first, and one that was refused comes after the others.
        """
        asked = [
            item for item in self._asking(host_uid) if (item.head.get("adoption") or {}).get("hostUid") == host_uid
        ]

        def place(item: Cluster) -> tuple[bool, float, str]:
            refused = any(row.get("type") == wire.E_ADOPTION for row in item.head.get("conditions") or ())
            return refused, item.head["adoption"]["since"], item.uid

        return min(asked, key=place, default=None)

    def content_of(self, host_uid: str) -> Cluster | None:
        """Return the cluster whose content a host is asked for (P108), one after the other; `None` without one."""
        asked = [item for item in self._asking(host_uid) if (item.head.get("wanted") or {}).get("hostUid") == host_uid]
        return min(asked, key=lambda item: item.uid, default=None)

    def _asking(self, host_uid: str) -> list[Cluster]:
        return [self.by_uid[uid] for uid in self._by_adopter.get(host_uid, ())]

    def of_config(self, config_uid: str) -> Cluster | None:
        """Return the cluster with a cloud configuration."""
        uid = self._by_config.get(config_uid)
        return None if uid is None else self.by_uid.get(uid)

    def uses(self, profile_uid: str) -> tuple[Use, ...]:
        """Return the clusters that use a version of a profile."""
        users = (self.by_uid[uid] for uid in self._by_profile.get(profile_uid, ()))
        return tuple(Use(cluster.uid, cluster.record.name) for cluster in users)

    def blobs_of_host(self, host_uid: str) -> frozenset[str]:
        """Return the digests that the document of a host's cluster names."""
        cluster = self.of_host(host_uid)
        return frozenset() if cluster is None else frozenset(cluster.head["blobs"])

    def named_blobs(self) -> Iterator[tuple[str, str]]:
        """Yield project and digest of each blob that a document names; one of the tenant is named as well."""
        for cluster in self.by_uid.values():
            if cluster.record.phase != DELETED_PHASE:
                for digest in (*cluster.head["blobs"], *waiting.blobs(cluster.head)):
                    yield cluster.record.project_uid, digest
                    yield "", digest


def _profiles(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the profiles that a cluster uses: those that are applied, and those that wait."""
    return [*cluster.head["profiles"], *waiting.profiles(cluster.head)]


def _asked(cluster: Cluster) -> list[str]:
    """Return the hosts that are asked for the document or content of a cluster."""
    wanted = (cluster.head.get("adoption"), cluster.head.get("wanted"))
    return [str(item["hostUid"]) for item in wanted if item]


class Reports:
    """What was reported last of clusters and of hosts in them."""

    def __init__(self, records: Iterable[ReportRecord]) -> None:
        self._of: dict[str, dict[str, ReportRecord]] = {}
        self._read: dict[tuple[str, str], dict[str, Any]] = {}
        self._logged: dict[str, float] = {}
        """When the last report of a cluster entered the change log (epoch seconds)."""
        self._vip_since: dict[tuple[str, str], float] = {}
        """Since when a host has reported, without a break, that it has the VIP; by cluster and host (epoch seconds)."""
        for record in records:
            self.put(record)

    def put(self, record: ReportRecord, logged: bool = False) -> None:
        """Take a report; `logged` when it entered the change log, so that other hubs and readers have it too."""
        if logged and not record.host_uid:
            self._logged[record.cluster_uid] = record.at
        key = (record.cluster_uid, record.host_uid)
        self._of.setdefault(record.cluster_uid, {})[record.host_uid] = record
        self._read.pop(key, None)
        if record.host_uid and _HAS_VIP.search(record.doc):
            self._vip_since.setdefault(key, record.at)
        else:
            self._vip_since.pop(key, None)

    def put_all(self, records: Iterable[ReportRecord]) -> None:
        """Take the reports of a cluster as they were loaded."""
        for record in records:
            self.put(record)

    def drop(self, cluster_uid: str) -> None:
        """Forget a cluster that was removed."""
        self._logged.pop(cluster_uid, None)
        for host_uid in self._of.pop(cluster_uid, {}):
            self._forget(cluster_uid, host_uid)

    def limit_to(self, cluster: ClusterRecord) -> None:
        """Forget the reports of hosts that have left a cluster: one that joins again begins without a report."""
        present = {"", *(machine["hostUid"] for _pool, machine in Cluster(cluster).machines())}
        reports = self._of.get(cluster.uid, {})
        for host_uid in [uid for uid in reports if uid not in present]:
            del reports[host_uid]
            self._forget(cluster.uid, host_uid)

    def _forget(self, cluster_uid: str, host_uid: str) -> None:
        self._read.pop((cluster_uid, host_uid), None)
        self._vip_since.pop((cluster_uid, host_uid), None)

    def vip_since(self, cluster_uid: str, host_uid: str) -> float | None:
        """Return since when a host claims the VIP; after a start of the hub, its last report at the latest."""
        return self._vip_since.get((cluster_uid, host_uid))

    def to_log(self, cluster_uid: str, now: float) -> bool:
        """Return whether other hubs and readers need the report of a cluster again, so that theirs is not too old."""
        return now - self._logged.get(cluster_uid, 0.0) > LOGGED_EVERY

    def record(self, cluster_uid: str, host_uid: str = "") -> ReportRecord | None:
        """Return the last report of a cluster, or of a host in it."""
        return self._of.get(cluster_uid, {}).get(host_uid)

    def document(self, cluster_uid: str, host_uid: str = "") -> dict[str, Any]:
        """Return what was reported; empty without a report. It must not be changed."""
        key = (cluster_uid, host_uid)
        if key not in self._read:
            record = self.record(*key)
            if record is None:
                return {}
            self._read[key] = msgspec.json.decode(record.doc)
        return self._read[key]

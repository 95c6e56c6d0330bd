"""Clusters, as the hub knows them."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from edgewright.core import times
from edgewright.hub.clusters import controller, documents, store, tables
from edgewright.hub.clusters.adopting import reported
from edgewright.hub.clusters.index import ClusterIndex, Reports
from edgewright.hub.clusters.tables import ClusterRecord, ReportRecord
from edgewright.hub.db.records import HostRecord
from edgewright.hub.profiles.index import ProfileUses
from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.clusters import (
    adoption,
    assets,
    configuration,
    dashboard,
    decisions,
    host_routes,
    personal,
    pools,
    profiles,
    recovery,
    routes,
)
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire


def _load(connection: Connection, state: State) -> None:
    results = connection.execute(select(tables.clusters))
    state.loaded[ClusterRecord] = [ClusterRecord(**row._mapping) for row in results]
    reports = connection.execute(select(tables.cluster_reports))
    state.loaded[ReportRecord] = [ReportRecord(**row._mapping) for row in reports]


def _parts(hub: Services) -> tuple[object, ...]:
    loaded = hub.state.loaded
    return (ClusterIndex(loaded.pop(ClusterRecord, [])), Reports(loaded.pop(ReportRecord, [])))


def _begin(hub: Services) -> None:
    index = hub.part(ClusterIndex)
    hub.part(ProfileUses).register(index.uses)

    def of_host(record: HostRecord) -> frozenset[str]:
        return index.blobs_of_host(record.uid)

    hub.part(BlobNames).register(of_host, index.named_blobs)
    hub.renderer.cluster = partial(reported.of_host, index)


def _follows(hub: Services) -> tuple[Follow, ...]:
    index, reports = hub.part(ClusterIndex), hub.part(Reports)

    def drop(uid: str) -> None:
        index.drop(uid)
        reports.drop(uid)

    def put(record: ClusterRecord) -> None:
        before = index.by_uid.get(record.uid)
        index.put(record)
        if before is None or (before.record.digest, before.record.phase) != (record.digest, record.phase):
            for _pool, machine in index.by_uid[record.uid].machines():
                hub.state.pending_work.moves(machine["hostUid"])
        reports.limit_to(record)

    def project_of(record: ReportRecord) -> str:
        item = index.by_uid.get(record.cluster_uid)
        return "" if item is None else item.record.project_uid

    return (
        Follow(
            ClusterRecord, "cluster", put, drop, rows(tables.clusters, ClusterRecord),
            project=lambda record: str(record.project_uid),
        ),
        Follow(
            ReportRecord, "cluster report", reports.put, reports.drop, store.load_reports, kind="cluster",
            project=project_of, put_loaded=reports.put_all,
        ),
    )  # fmt: skip


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    item = hub.part(ClusterIndex).by_uid.get(uid)
    return None if item is None else documents.summary(hub, item, times.now())


RESOURCE = Resource(
    "cluster",
    routes=(
        *routes.ROUTES, *pools.ROUTES, *profiles.ROUTES, *configuration.ROUTES, *assets.ROUTES, *dashboard.ROUTES,
        *host_routes.ROUTES, *recovery.ROUTES, *decisions.ROUTES, *adoption.ROUTES, *personal.ROUTES,
    ),
    tables=(
        tables.clusters, tables.cluster_texts, tables.cluster_claims, tables.cluster_keys, tables.cluster_secrets,
        tables.cluster_reports,
    ),
    load=_load,
    parts=_parts,
    follows=_follows,
    begin=_begin,
    render={"cluster": _document},
    controllers=(controller.CONTROLLER,),
    own_paths=(wire.OWN,),
)  # fmt: skip

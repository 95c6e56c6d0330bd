"""Clusters in the database: written with the claims of their hosts, and in memory after the commit.

A job locks hosts first, then the cluster (`db/shared/rows.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from edgewright.core.clusters.join import new_secret
from edgewright.core.hosts.hosts import HostState
from edgewright.hub.clusters import tables
from edgewright.hub.clusters.index import MOST
from edgewright.hub.clusters.tables import DELETED_PHASE, ClusterRecord, ReportRecord
from edgewright.hub.db.hosts import find_host, raise_generation
from edgewright.hub.db.records import dump
from edgewright.hub.db.shared.rows import insert_new, lock_hosts, locked, queue, retain_project
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found
from edgewright.hub.relay.tables import relay_reach
from edgewright.hub.security.secretbox import SecretBox
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_CLUSTERS, _TEXTS, _CLAIMS = tables.clusters, tables.cluster_texts, tables.cluster_claims
_KEYS, _SECRETS, _REPORTS = tables.cluster_keys, tables.cluster_secrets, tables.cluster_reports
VARIABLES, PRIVATE, ADMIN_CONFIG, CLIENT_CONFIG = "variables", "private", "kubeconfig admin", "kubeconfig client"
WAITING = "waiting profiles"
"""Names of secrets: values of masked variables, secret contents by digest, kubeconfigs, a change that waits."""


class Texts(msgspec.Struct, frozen=True):
    """What memory does not have of a cluster: copies of its profiles, and its document (JSON, "" for none)."""

    profiles: list[Json]
    document: str


def find(connection: Connection, uid: str) -> tuple[ClusterRecord, Texts] | None:
    """Return a cluster with its texts; `None` without one."""
    query = select(_CLUSTERS, _TEXTS.c.profiles, _TEXTS.c.document).join(_TEXTS, _TEXTS.c.uid == _CLUSTERS.c.uid)
    row = connection.execute(query.where(_CLUSTERS.c.uid == uid)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    texts = Texts(msgspec.json.decode(values.pop("profiles")), values.pop("document"))
    return ClusterRecord(**values), texts


def get_or_404(tx: Tx, uid: str) -> ClusterRecord:
    """Return a cluster, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(_CLUSTERS).where(_CLUSTERS.c.uid == uid)))
    if row is None:
        raise not_found("cluster", uid)
    return ClusterRecord(**row._mapping)


def host_uids(head: Mapping[str, Any]) -> list[str]:
    """Return the hosts of a head, those that are being released included."""
    return [machine["hostUid"] for pool in head["pools"] for machine in pool["machines"]]


def insert(tx: Tx, record: ClusterRecord, profiles: list[Json], document: str, sealed_secret: str) -> None:
    """Store a new cluster and claim its hosts; raises 409 for a name that is taken or a host of another cluster."""
    queue(tx, f"clusters {record.project_uid}")
    same = select(_CLUSTERS.c.uid).where(
        _CLUSTERS.c.project_uid == record.project_uid, _CLUSTERS.c.live_name == record.name
    )
    if tx.first(same) is not None:
        raise name_taken(record.name)
    _check_count(tx, record.project_uid)
    retain_project(tx, record.project_uid)
    lock_hosts(tx, host_uids(record.parts))
    tx.run(_CLUSTERS.insert().values(**msgspec.structs.asdict(record)))
    tx.run(_TEXTS.insert().values(uid=record.uid, profiles=dump(profiles), document=document))
    tx.run(_KEYS.insert().values(cluster_uid=record.uid, version=1, secret_encrypted=sealed_secret, created=tx.now))
    for host in sorted(host_uids(record.parts)):
        _claim(tx, record, host)
    tx.changed(record)


def insert_adopting(tx: Tx, record: ClusterRecord) -> None:
    """Store a cluster that is to be adopted: no document, no hosts, no secret.

    Raises 409 for too many clusters, and for one that there is: a caller may not see it.
    """
    queue(tx, f"clusters {record.project_uid}")
    if tx.first(select(_CLUSTERS.c.uid).where(_CLUSTERS.c.uid == record.uid)) is not None:
        text = f"The cluster {record.uid} is on this plane already, in a project that you do not see"
        raise conflict(f"{text}; ask an administrator of all projects.", wire.E_ADOPTION)
    _check_count(tx, record.project_uid)
    retain_project(tx, record.project_uid)
    tx.run(_CLUSTERS.insert().values(**msgspec.structs.asdict(record)))
    tx.run(_TEXTS.insert().values(uid=record.uid, profiles=dump([]), document=""))
    tx.changed(record)


def is_named(tx: Tx, project_uid: str, name: str, uid: str) -> bool:
    """Return whether another cluster of a project has a name."""
    queue(tx, f"clusters {project_uid}")
    same = (_CLUSTERS.c.project_uid == project_uid, _CLUSTERS.c.live_name == name, _CLUSTERS.c.uid != uid)
    return tx.first(select(_CLUSTERS.c.uid).where(*same)) is not None


def put_key(tx: Tx, box: SecretBox, uid: str, version: int, secret: str) -> None:
    """Store the secret of a cluster (64 hex digits) in place of the one that it has."""
    tx.run(_KEYS.delete().where(_KEYS.c.cluster_uid == uid))
    values = {"version": version, "secret_encrypted": box.seal(secret), "created": tx.now}
    tx.run(_KEYS.insert().values(cluster_uid=uid, **values))


def _check_count(tx: Tx, project_uid: str) -> None:
    counting = select(func.count()).select_from(_CLUSTERS)
    alive = (_CLUSTERS.c.project_uid == project_uid, _CLUSTERS.c.phase != DELETED_PHASE)
    if int(tx.first(counting.where(*alive))[0]) >= MOST:
        raise Problem(409, "TooManyClusters", f"A project has at most {MOST:,} clusters; delete one first.")


def name_taken(name: str) -> Problem:
    """Return the 409 of a name that another cluster of the project has."""
    return conflict(f"A cluster named '{name}' exists already in this project; choose another name.", wire.E_DUPLICATE)


def _claim(tx: Tx, record: ClusterRecord, host_uid: str) -> None:
    """Take a host for a cluster; raises 409 when another one has it."""
    if insert_new(tx, _CLAIMS, {"host_uid": host_uid, "cluster_uid": record.uid, "at": tx.now}):
        _mark_host(tx, host_uid, record)
        return
    other = tx.first(select(_CLAIMS.c.cluster_uid).where(_CLAIMS.c.host_uid == host_uid))
    if other is not None and other.cluster_uid == record.uid:
        return
    name = None if other is None else tx.first(select(_CLUSTERS.c.name).where(_CLUSTERS.c.uid == other.cluster_uid))
    text = f"The host '{host_uid}' belongs to the cluster '{name.name if name is not None else 'of another request'}'"
    raise conflict(f"{text}; release it there first, or use another host.", wire.E_IN_USE)


def _mark_host(tx: Tx, host_uid: str, record: ClusterRecord | None) -> None:
    """Note at a host which cluster it belongs to, and let it ask for its desired state."""
    host = find_host(tx, host_uid)
    if host is None:
        return
    document = msgspec.json.decode(host.doc)
    status = document.setdefault("status", {})
    used = [] if record is None else [{"uid": record.uid, "name": record.name}]
    status["inUseClusters"], status["inUseClustersRef"] = used, [{"kind": wire.KIND, **item} for item in used]
    state = HostState.READY.value if host.registered_at is not None else HostState.UNPAIRED.value
    state = state if record is None else HostState.IN_USE.value
    raise_generation(tx, host_uid, "cluster", state=state, doc=dump(document))


def put(
    tx: Tx, before: ClusterRecord, newer: ClusterRecord, profiles: list[Json] | None = None, document: str | None = None
) -> None:
    """Store a change: claims of hosts that are new, the texts that changed; hosts learn of a new generation."""
    old, new = host_uids(before.parts), host_uids(newer.parts)
    values = {key: value for key, value in msgspec.structs.asdict(newer).items() if key != "uid"}
    tx.run(_CLUSTERS.update().where(_CLUSTERS.c.uid == newer.uid).values(**values))
    texts = {"profiles": None if profiles is None else dump(profiles), "document": document}
    changes = {key: value for key, value in texts.items() if value is not None}
    if changes:
        tx.run(_TEXTS.update().where(_TEXTS.c.uid == newer.uid).values(**changes))
    for host in sorted(set(new) - set(old)):
        _claim(tx, newer, host)
    for host in sorted(set(old) - set(new)):
        claimed = tx.run(_CLAIMS.delete().where(_CLAIMS.c.host_uid == host, _CLAIMS.c.cluster_uid == newer.uid))
        tx.run(_REPORTS.delete().where(_REPORTS.c.cluster_uid == newer.uid, _REPORTS.c.host_uid == host))
        if claimed:  # else it left a cluster that was ended without it, and may be in another one by now
            _mark_host(tx, host, None)
    if newer.generation != before.generation:
        for host in sorted(set(new) & set(old)):
            if find_host(tx, host) is not None:
                raise_generation(tx, host, "cluster")
    tx.changed(newer)


def free(tx: Tx, record: ClusterRecord) -> None:
    """Give up the hosts of a cluster that is deleted without their confirmation; they are still asked to leave."""
    tx.run(_CLAIMS.delete().where(_CLAIMS.c.cluster_uid == record.uid))
    for host in sorted(host_uids(record.parts)):
        _mark_host(tx, host, None)


def purge(tx: Tx, record: ClusterRecord) -> None:
    """Remove a deleted cluster with everything of it."""
    for table in (_CLAIMS, _KEYS, _SECRETS, _REPORTS, relay_reach):
        tx.run(table.delete().where(table.c.cluster_uid == record.uid))
    tx.run(_TEXTS.delete().where(_TEXTS.c.uid == record.uid))
    tx.run(_CLUSTERS.delete().where(_CLUSTERS.c.uid == record.uid))
    tx.removed(record)


def purge_project(tx: Tx, project_uid: str) -> None:
    """Remove the deleted clusters of a project that is deleted."""
    for row in tx.all(locked(select(_CLUSTERS).where(_CLUSTERS.c.project_uid == project_uid))):
        purge(tx, ClusterRecord(**row._mapping))


def forget_secrets(tx: Tx, uid: str) -> None:
    """Delete the secrets of a cluster that is deleted: they are of no use then."""
    tx.run(_KEYS.delete().where(_KEYS.c.cluster_uid == uid))
    tx.run(_SECRETS.delete().where(_SECRETS.c.cluster_uid == uid))


def has_secret(connection: Connection, uid: str) -> bool:
    """Return whether a cluster has its secret still: a deleted one has none."""
    return connection.execute(select(_KEYS.c.version).where(_KEYS.c.cluster_uid == uid)).first() is not None


def secret_of(connection: Connection, box: SecretBox, uid: str) -> tuple[int, bytes]:
    """Return version and value of the cluster secret; raises 404 for a cluster that has none any more."""
    query = select(_KEYS.c.version, _KEYS.c.secret_encrypted).where(_KEYS.c.cluster_uid == uid)
    row = connection.execute(query.order_by(_KEYS.c.version.desc())).first()
    if row is None:
        raise not_found("cluster", uid)
    return int(row.version), bytes.fromhex(box.unseal(row.secret_encrypted))


def new_sealed_secret(box: SecretBox) -> tuple[bytes, str]:
    """Return a fresh cluster secret, and it as it is stored."""
    secret = new_secret()
    return secret, box.seal(secret.hex())


def put_secret(tx: Tx, box: SecretBox, uid: str, name: str, text: str) -> None:
    """Store a secret of a cluster, sealed; an empty text deletes it."""
    of = (_SECRETS.c.cluster_uid == uid, _SECRETS.c.name == name)
    if not text:
        tx.run(_SECRETS.delete().where(*of))
        return
    values = {"value_encrypted": box.seal(text), "modified": tx.now}
    if not tx.run(_SECRETS.update().where(*of).values(**values)):
        tx.run(_SECRETS.insert().values(cluster_uid=uid, name=name, **values))


def read_secret(connection: Connection, box: SecretBox, uid: str, name: str) -> str:
    """Return a secret of a cluster; "" without one."""
    query = select(_SECRETS.c.value_encrypted).where(_SECRETS.c.cluster_uid == uid, _SECRETS.c.name == name)
    sealed = connection.execute(query).scalar()
    return "" if sealed is None else box.unseal(sealed)


def secret_names(connection: Connection, uid: str) -> set[str]:
    """Return the names of the secrets that a cluster has."""
    return set(connection.execute(select(_SECRETS.c.name).where(_SECRETS.c.cluster_uid == uid)).scalars())


def read_json(connection: Connection, box: SecretBox, uid: str, name: str) -> Json:
    """Return a secret that is a JSON object; empty without one."""
    text = read_secret(connection, box, uid, name)
    value: Json = msgspec.json.decode(text) if text else {}
    return value


def put_report(tx: Tx, report: ReportRecord, shown: bool) -> None:
    """Store the newest report of a cluster or host; `shown` ones are logged, so that readers and other hubs follow."""
    of = (_REPORTS.c.cluster_uid == report.cluster_uid, _REPORTS.c.host_uid == report.host_uid)
    values = {"transitions": report.transitions, "at": report.at, "doc": report.doc}
    if not tx.run(_REPORTS.update().where(*of).values(**values)):
        tx.run(_REPORTS.insert().values(cluster_uid=report.cluster_uid, host_uid=report.host_uid, **values))
    if shown:
        tx.changed(report)


def transitions_of(tx: Tx, uid: str) -> int:
    """Return how often the leader of a cluster had changed at its last report; -1 without one."""
    query = select(_REPORTS.c.transitions).where(_REPORTS.c.cluster_uid == uid, _REPORTS.c.host_uid == "")
    row = tx.first(locked(query))
    return -1 if row is None else int(row.transitions)


def load_reports(connection: Connection, uids: Iterable[str]) -> dict[str, list[ReportRecord]]:
    """Return the reports of clusters, by the uid of the cluster."""
    rows = connection.execute(select(_REPORTS).where(_REPORTS.c.cluster_uid.in_(list(uids))))
    result: dict[str, list[ReportRecord]] = {}
    for row in rows:
        result.setdefault(row.cluster_uid, []).append(ReportRecord(**row._mapping))
    return result

"""Rows of stateful sets and daemon sets: the row and the table of deployments, from what these kinds report."""

from __future__ import annotations

import msgspec

from edgewright.store.table import Table
from edgewright.store.workloads.deployments import Counts, DeploymentRow, ReplicaStatus, Spec, row_of, table_of
from edgewright.store.workloads.objects import Meta


class _StatefulStatus(ReplicaStatus, rename="camel", gc=False):
    current_revision: str = ""
    update_revision: str = ""


class StatefulSet(msgspec.Struct, gc=False):
    """`apps/v1/StatefulSet`, of which only this is decoded."""

    metadata: Meta
    spec: Spec = msgspec.field(default_factory=Spec)
    status: _StatefulStatus = msgspec.field(default_factory=_StatefulStatus)


class _DaemonStatus(msgspec.Struct, rename="camel", gc=False):
    desired_number_scheduled: int = 0
    number_ready: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_misscheduled: int = 0
    observed_generation: int = 0


class DaemonSet(msgspec.Struct, gc=False):
    """`apps/v1/DaemonSet`, of which only this is decoded."""

    metadata: Meta
    spec: Spec = msgspec.field(default_factory=Spec)
    status: _DaemonStatus = msgspec.field(default_factory=_DaemonStatus)


def stateful_row(stateful: StatefulSet) -> DeploymentRow:
    """Return the row of a stateful set."""
    spec, status = stateful.spec, stateful.status
    same = not status.update_revision or status.update_revision == status.current_revision
    updated = spec.wanted if same else status.updated_replicas
    counts = Counts(spec.wanted, status.ready_replicas, updated, status.available_replicas)
    return _row(stateful.metadata, spec, counts, status.observed_generation, "")


def daemon_row(daemon: DaemonSet) -> DeploymentRow:
    """Return the row of a daemon set: it wants a pod on each node that its selector and tolerations allow."""
    status = daemon.status
    counts = Counts(
        status.desired_number_scheduled, status.number_ready, status.updated_number_scheduled, status.number_available,
    )  # fmt: skip
    wrong = status.number_misscheduled
    reason = f"{wrong} on nodes that it does not select any more" if wrong else ""
    return _row(daemon.metadata, daemon.spec, counts, status.observed_generation, reason)


def _row(meta: Meta, spec: Spec, counts: Counts, observed: int, reason: str) -> DeploymentRow:
    behind = counts.updated < counts.wanted or observed < (meta.generation or 0)
    if behind:
        health, reason = "work", reason or "a rollout is under way"
    elif counts.available < counts.wanted:
        health, reason = "warn", reason or f"{counts.wanted - counts.available} of its pods not available"
    else:
        health = "warn" if reason else "ok" if counts.wanted else "muted"
        reason = reason or ("" if counts.wanted else "no pods are wanted")
    return row_of(meta, spec, counts, health, reason)


STATEFUL_TABLE: Table[DeploymentRow] = table_of("stateful set", "stateful sets")
DAEMON_TABLE: Table[DeploymentRow] = table_of("daemon set", "daemon sets")

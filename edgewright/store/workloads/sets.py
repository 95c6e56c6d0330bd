"""Rows of stateful sets and daemon sets: the row and the table of deployments, from what these kinds report."""

from __future__ import annotations

import msgspec

from edgewright.store.collections.document_values import tidy
from edgewright.store.table import Table
from edgewright.store.workloads.deployments import DeploymentRow, Selector, Template, table_of
from edgewright.store.workloads.objects import Meta, pairs

Counts = tuple[int, int, int, int]
"""Pods wanted, ready, up to date, available."""


class _Spec(msgspec.Struct, gc=False):
    replicas: int | None = 1
    selector: Selector = msgspec.field(default_factory=Selector)
    template: Template = msgspec.field(default_factory=Template)


class _StatefulStatus(msgspec.Struct, rename="camel", gc=False):
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0
    current_revision: str = ""
    update_revision: str = ""


class StatefulSet(msgspec.Struct, gc=False):
    """`apps/v1/StatefulSet`, of which only this is decoded."""

    metadata: Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
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
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _DaemonStatus = msgspec.field(default_factory=_DaemonStatus)


def stateful_row(stateful: StatefulSet) -> DeploymentRow:
    """Return the row of a stateful set."""
    spec, status = stateful.spec, stateful.status
    wanted = 1 if spec.replicas is None else spec.replicas
    same = not status.update_revision or status.update_revision == status.current_revision
    counts = (wanted, status.ready_replicas, wanted if same else status.updated_replicas, status.available_replicas)
    return _row(stateful.metadata, spec, counts, status.observed_generation, "")


def daemon_row(daemon: DaemonSet) -> DeploymentRow:
    """Return the row of a daemon set: it wants a pod on each node that its selector and tolerations allow."""
    status = daemon.status
    counts = (
        status.desired_number_scheduled, status.number_ready, status.updated_number_scheduled, status.number_available,
    )  # fmt: skip
    wrong = status.number_misscheduled
    reason = f"{wrong} on nodes that it does not select any more" if wrong else ""
    return _row(daemon.metadata, daemon.spec, counts, status.observed_generation, reason)


def _row(meta: Meta, spec: _Spec, counts: Counts, observed: int, reason: str) -> DeploymentRow:
    wanted, ready, updated, available = counts
    behind = updated < wanted or observed < (meta.generation or 0)
    if behind:
        health, reason = "work", reason or "a rollout is under way"
    elif available < wanted:
        health, reason = "warn", reason or f"{wanted - available} of its pods not available"
    else:
        health = "warn" if reason else "ok" if wanted else "muted"
        reason = reason or ("" if wanted else "no pods are wanted")
    return DeploymentRow(
        uid=meta.key,
        name=tidy(meta.name),
        namespace=tidy(meta.namespace),
        health=health,
        created=meta.created,
        tags=meta.tags(),
        wanted=wanted,
        ready=ready,
        updated=updated,
        available=available,
        reason=reason,
        selector=pairs(spec.selector.match_labels),
        images=tuple(tidy(each.image) for each in spec.template.spec.containers),
    )


STATEFUL_TABLE: Table[DeploymentRow] = table_of("stateful set", "stateful sets")
DAEMON_TABLE: Table[DeploymentRow] = table_of("daemon set", "daemon sets")

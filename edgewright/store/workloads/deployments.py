"""Rows of deployments: replicas that are ready, up to date and available, and why a rollout does not progress.

Stateful sets and daemon sets have the same row and table (`sets`).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from edgewright.core.filters.fields import FilterField
from edgewright.store.collections.document_values import tidy
from edgewright.store.table import Column, Facts, Look, Table
from edgewright.store.workloads.objects import Condition, Meta, ObjectRow, by_harm, condition, pairs, sign, since_text


class Selector(msgspec.Struct, rename="camel", gc=False):
    """`LabelSelector`."""

    match_labels: dict[str, str] | None = None


class _Image(msgspec.Struct, gc=False):
    image: str = ""


class _PodSpec(msgspec.Struct, gc=False):
    containers: list[_Image] = []


class Template(msgspec.Struct, gc=False):
    """`PodTemplateSpec`, of which only the images are decoded."""

    spec: _PodSpec = msgspec.field(default_factory=_PodSpec)


class Spec(msgspec.Struct, gc=False):
    """What a kind with replicas is asked for."""

    replicas: int | None = 1
    selector: Selector = msgspec.field(default_factory=Selector)
    template: Template = msgspec.field(default_factory=Template)

    @property
    def wanted(self) -> int:
        """Pods that are asked for; one is the default of the API."""
        return 1 if self.replicas is None else self.replicas


class ReplicaStatus(msgspec.Struct, rename="camel", gc=False):
    """How many pods of a kind with replicas are there."""

    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0


TIMED_OUT = "ProgressDeadlineExceeded"


class _Spec(Spec, gc=False):
    paused: bool = False


class _Status(ReplicaStatus, gc=False):
    conditions: list[Condition] | None = None


class Deployment(msgspec.Struct, gc=False):
    """`apps/v1/Deployment`, of which only this is decoded."""

    metadata: Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class DeploymentRow(ObjectRow, frozen=True, array_like=True, gc=False):
    """One deployment, stateful set or daemon set."""

    wanted: int = 0
    ready: int = 0
    updated: int = 0
    available: int = 0
    reason: str = ""
    selector: tuple[str, ...] = ()
    """Labels of its pods, `key:value`."""
    images: tuple[str, ...] = ()


class Counts(NamedTuple):
    """Pods of a kind with replicas."""

    wanted: int
    ready: int
    updated: int
    available: int


def deployment_row(deployment: Deployment) -> DeploymentRow:
    """Return the row of a deployment."""
    spec, status = deployment.spec, deployment.status
    health, reason = _state(deployment, spec.wanted)
    counts = Counts(spec.wanted, status.ready_replicas, status.updated_replicas, status.available_replicas)
    return row_of(deployment.metadata, spec, counts, health, reason)


def row_of(meta: Meta, spec: Spec, counts: Counts, health: str, reason: str) -> DeploymentRow:
    """Return the row of a deployment, stateful set or daemon set."""
    return DeploymentRow(
        uid=meta.key,
        name=tidy(meta.name),
        namespace=tidy(meta.namespace),
        health=health,
        created=meta.created,
        tags=meta.tags(),
        wanted=counts.wanted,
        ready=counts.ready,
        updated=counts.updated,
        available=counts.available,
        reason=tidy(reason),
        selector=pairs(spec.selector.match_labels),
        images=tuple(tidy(each.image) for each in spec.template.spec.containers),
    )


def _state(deployment: Deployment, wanted: int) -> tuple[str, str]:
    status = deployment.status
    failure = condition(status.conditions, "ReplicaFailure")
    progressing = condition(status.conditions, "Progressing")
    lacks = status.available_replicas < wanted
    if failure is not None and failure.status == "True":
        return "bad", failure.message or failure.reason
    lacking = f"{wanted - status.available_replicas} of its pods not available" if lacks else ""
    if progressing is not None and progressing.status == "False":
        late = f"rollout timed out{f', {lacking}' if lacks else ''}"
        return "bad", late if progressing.reason == TIMED_OUT else progressing.message or progressing.reason
    if lacks:  # what the condition reports is that, without the number
        rolls = progressing is not None and progressing.reason != "NewReplicaSetAvailable"
        return ("work" if rolls else "warn"), lacking
    if status.updated_replicas < wanted or status.observed_generation < (deployment.metadata.generation or 0):
        return "work", "a rollout is under way"
    if deployment.spec.paused:
        return "parked", "its rollout is paused"
    return ("ok", "") if wanted else ("muted", "scaled to 0")


def _facts(title: str, row: DeploymentRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("ready", f"{row.ready} of {row.wanted}"),
        ("up to date", str(row.updated)),
        ("available", str(row.available)),
        *((("reason", row.reason),) if row.reason else ()),
        ("images", ", ".join(row.images) or "-"),
        ("pods", ", ".join(each.replace(":", "=", 1) for each in row.selector) or "-"),
        ("namespace", row.namespace),
        ("age", since_text(row.created, look.now)),
    )
    return ((title, facts),)


def table_of(thing: str, things: str) -> Table[DeploymentRow]:
    """Return the table of a kind that has replicas: `deployment`, `deployments`."""
    return Table(
        thing,
        columns=(
            Column("sign", "", 1, value=lambda row, look: sign(row), tone=lambda row: row.health, order=by_harm),
            Column("name", thing.upper(), 16, most=44, tone="strong"),
            Column("namespace", "NAMESPACE", 9, most=20),
            Column(
                "ready", "READY", 5, right=True, value=lambda row, look: f"{row.ready}/{row.wanted}",
                tone=lambda row: "muted" if row.health in ("ok", "muted") else "warn",
                order=lambda row: row.ready - row.wanted,
            ),
            Column("updated", "UP-TO-DATE", 10, right=True, tone="muted"),
            Column("created", "AGE", 4, right=True, age=True, tone="muted"),
            Column("reason", "REASON", 24, weight=3),
            Column("available", "AVAILABLE", 9, right=True, tone="muted"),
            Column("images", "IMAGES", 12, most=60, value=lambda row, look: ", ".join(row.images), tone="muted"),
        ),
        listing=("name", "namespace", "ready", "updated", "available", "created"),
        fields=(
            FilterField("name", "text", f"name of the {thing}", searched=True),
            FilterField("namespace", "word", "its namespace", aliases=("ns",), searched=True),
            FilterField("health", "word", "ok, work, warn, bad, parked or muted"),
            FilterField("image", "text", "image of a container", source="images", aliases=("images",), searched=True),
            FilterField("ready", "number", "replicas that are ready"),
            FilterField("wanted", "number", "replicas that are asked for", aliases=("replicas",)),
            FilterField("reason", "text", "why it is not complete", searched=True),
            FilterField("label", "tags", "a label: label:key, label.key:value", source="tags", aliases=("tag", "tags")),
            FilterField("age", "age", "time since it was created", source="created"),
        ),
        example="health:bad  namespace:shop  image:nginx  -l app=web",
        facts=lambda row, look: _facts(thing.upper(), row, look),
        headline=lambda row: f"{row.namespace}/{row.name}: {row.ready} of {row.wanted} ready",
        nothing=f"No {things} here.",
        sort="sign",
    )  # fmt: skip


TABLE: Table[DeploymentRow] = table_of("deployment", "deployments")

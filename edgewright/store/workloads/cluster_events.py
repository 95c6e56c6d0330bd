"""Rows of events of a cluster's API: the newest first, repeated ones counted."""

from __future__ import annotations

import msgspec

from edgewright.core.filters.fields import FilterField
from edgewright.core.text import clean
from edgewright.store.collections.document_values import moment, tidy
from edgewright.store.table import Column, Facts, Look, Table
from edgewright.store.workloads.objects import Meta, ObjectRow, sign, since_text


class _Object(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Source(msgspec.Struct, gc=False):
    component: str = ""
    host: str = ""


class _Series(msgspec.Struct, rename="camel", gc=False):
    count: int = 0
    last_observed_time: str | None = None


class ClusterEvent(msgspec.Struct, rename="camel", gc=False):
    """`v1/Event`, of which only this is decoded."""

    metadata: Meta
    involved_object: _Object = msgspec.field(default_factory=_Object)
    reason: str = ""
    message: str = ""
    type: str = ""
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    source: _Source = msgspec.field(default_factory=_Source)
    reporting_component: str = ""
    series: _Series | None = None


class ClusterEventRow(ObjectRow, frozen=True, array_like=True, gc=False):
    """One event."""

    type: str = ""
    reason: str = ""
    about: str = ""
    """`kind/name` of the object."""
    message: str = ""
    count: int = 1
    at: float | None = None
    component: str = ""


def event_row(event: ClusterEvent) -> ClusterEventRow:
    """Return the row of an event; its time is that of the last one that it counts."""
    meta, about = event.metadata, event.involved_object
    series = event.series or _Series()
    latest = series.last_observed_time or event.last_timestamp or event.event_time or event.first_timestamp
    return ClusterEventRow(
        uid=meta.key,
        name=tidy(about.name),
        namespace=tidy(meta.namespace),
        health="warn" if event.type == "Warning" else "muted",
        created=meta.created,
        type=tidy(event.type),
        reason=tidy(event.reason),
        about=tidy(f"{about.kind}/{about.name}"),
        message=clean(event.message.strip()),
        count=series.count or event.count or 1,
        at=(moment(latest) if latest else None) or meta.created,
        component=tidy(event.source.component or event.reporting_component),
    )


def _facts(row: ClusterEventRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("about", row.about),
        ("message", row.message),
        ("times", str(row.count)),
        ("last", since_text(row.at, look.now)),
        ("first", since_text(row.created, look.now)),
        ("by", row.component or "-"),
        ("namespace", row.namespace),
    )
    return (("EVENT", facts),)


TABLE: Table[ClusterEventRow] = Table(
    "event",
    columns=(
        Column("sign", "", 1, value=lambda row, look: sign(row), tone=lambda row: row.health,
               order=lambda row: (row.health != "warn", -(row.at or 0.0))),
        Column("at", "LAST", 5, right=True, age=True, tone="muted"),
        Column("reason", "REASON", 10, most=24, tone=lambda row: row.health),
        Column("about", "OBJECT", 12, most=50, tone="strong"),
        Column("message", "MESSAGE", 28, weight=3),
        Column("count", "TIMES", 5, right=True, tone="muted", order=lambda row: -row.count),
        Column("namespace", "NAMESPACE", 9, most=20),
    ),
    listing=("at", "namespace", "reason", "about", "count", "message"),
    fields=(
        FilterField("type", "word", "Normal or Warning", searched=True),
        FilterField("reason", "text", "reason in one word", searched=True),
        FilterField("about", "text", "the object, kind/name", aliases=("object",), searched=True),
        FilterField("name", "text", "name of the object"),
        FilterField("namespace", "word", "its namespace", aliases=("ns",), searched=True),
        FilterField("message", "text", "the sentence", searched=True),
        FilterField("times", "number", "how often it happened", source="count", aliases=("count",)),
        FilterField("by", "text", "component that reports it", source="component"),
        FilterField("age", "age", "time since it happened last", source="at"),
    ),
    example="type:Warning  reason:FailedScheduling  about:Pod/web  age<1h",
    facts=_facts,
    headline=lambda row: f"{row.reason}: {row.about}",
    nothing="No events: the API stores them for an hour.",
    sort="at",
)  # fmt: skip

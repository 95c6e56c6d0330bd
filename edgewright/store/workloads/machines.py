"""Rows of virtual machines of KubeVirt, where its API is installed."""

from __future__ import annotations

import msgspec

from edgewright.core.filters.fields import FilterField
from edgewright.store.collections.document_values import tidy
from edgewright.store.table import Column, Facts, Look, Table
from edgewright.store.workloads.objects import Condition, Meta, ObjectRow, by_harm, condition, sign, since_text

_BAD = frozenset({"CrashLoopBackOff", "ErrorUnschedulable", "ErrImagePull", "ImagePullBackOff", "ErrorPvcNotFound"})
_DONE = {"Running": "ok", "Stopped": "muted", "Paused": "parked"}


class _Spec(msgspec.Struct, rename="camel", gc=False):
    running: bool | None = None
    run_strategy: str = ""


class _Status(msgspec.Struct, rename="camel", gc=False):
    printable_status: str = ""
    ready: bool = False
    conditions: list[Condition] | None = None


class Machine(msgspec.Struct, gc=False):
    """`kubevirt.io/v1/VirtualMachine`, of which only this is decoded."""

    metadata: Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class MachineRow(ObjectRow, frozen=True, array_like=True, gc=False):
    """One virtual machine."""

    status: str = ""
    ready: bool = False
    strategy: str = ""
    reason: str = ""


def machine_row(machine: Machine) -> MachineRow:
    """Return the row of a virtual machine."""
    meta, spec, status = machine.metadata, machine.spec, machine.status
    ready = condition(status.conditions, "Ready")
    word = tidy(status.printable_status) or "Unknown"
    strategy = spec.run_strategy or ("Always" if spec.running else "Halted" if spec.running is False else "")
    return MachineRow(
        uid=meta.key,
        name=tidy(meta.name),
        namespace=tidy(meta.namespace),
        health="bad" if word in _BAD else _DONE.get(word, "work"),
        created=meta.created,
        tags=meta.tags(),
        status=word,
        ready=status.ready,
        strategy=tidy(strategy),
        reason=tidy(ready.message) if ready is not None and ready.status != "True" else "",
    )


def _facts(row: MachineRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("status", f"{row.status}: {row.reason}" if row.reason else row.status),
        ("ready", "yes" if row.ready else "no"),
        ("strategy", row.strategy or "-"),
        ("namespace", row.namespace),
        ("age", since_text(row.created, look.now)),
    )
    return (("VIRTUAL MACHINE", facts),)


TABLE: Table[MachineRow] = Table(
    "virtual machine",
    columns=(
        Column("sign", "", 1, value=lambda row, look: sign(row), tone=lambda row: row.health, order=by_harm),
        Column("name", "MACHINE", 16, most=44, tone="strong"),
        Column("namespace", "NAMESPACE", 9, most=20),
        Column("status", "STATUS", 10, most=24, tone=lambda row: row.health),
        Column("ready", "READY", 5, value=lambda row, look: "yes" if row.ready else "no", tone="muted"),
        Column("strategy", "STRATEGY", 8, most=16, tone="muted"),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
        Column("reason", "REASON", 12, weight=3),
    ),
    listing=("name", "namespace", "status", "ready", "strategy", "created"),
    fields=(
        FilterField("name", "text", "name of the machine", searched=True),
        FilterField("namespace", "word", "its namespace", aliases=("ns",), searched=True),
        FilterField("status", "text", "Running, Stopped, Starting, ...", searched=True),
        FilterField("health", "word", "ok, work, bad, parked or muted"),
        FilterField("ready", "flag", "its guest is ready"),
        FilterField("label", "tags", "a label: label:key, label.key:value", source="tags", aliases=("tag", "tags")),
        FilterField("reason", "text", "why it is not ready", searched=True),
        FilterField("age", "age", "time since it was created", source="created"),
    ),
    example="status:Running  namespace:shop",
    facts=_facts,
    headline=lambda row: f"{row.namespace}/{row.name}: {row.status}",
    nothing="No virtual machines here.",
    sort="sign",
)

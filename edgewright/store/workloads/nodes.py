"""Rows of nodes: ready, roles, cordoned, pressure, capacity, and what pods on it ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from edgewright.core.filters.fields import FilterField
from edgewright.store.collections.document_values import moment, tidy
from edgewright.store.table import Column, Facts, Look, Table
from edgewright.store.workloads.objects import (
    Condition,
    Meta,
    ObjectRow,
    by_harm,
    condition,
    gpus,
    memory_text,
    quantity,
    sign,
    since_text,
)
from edgewright.store.workloads.pods import PodRow

_ROLE = "node-role.kubernetes.io/"
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_ENDED = frozenset({"Succeeded", "Completed", "Failed", "Evicted"})
Resources = dict[str, str | int | float]


class _Taint(msgspec.Struct, gc=False):
    key: str = ""
    value: str = ""
    effect: str = ""


class _Spec(msgspec.Struct, gc=False):
    unschedulable: bool = False
    taints: list[_Taint] | None = None


class _Info(msgspec.Struct, rename="camel", gc=False):
    kubelet_version: str = ""
    os_image: str = ""
    architecture: str = ""
    container_runtime_version: str = ""


class _Address(msgspec.Struct, gc=False):
    type: str = ""
    address: str = ""


class _Status(msgspec.Struct, rename="camel", gc=False):
    capacity: Resources | None = None
    allocatable: Resources | None = None
    conditions: list[Condition] | None = None
    addresses: list[_Address] | None = None
    node_info: _Info = msgspec.field(default_factory=_Info)


class Node(msgspec.Struct, gc=False):
    """`v1/Node`, of which only this is decoded."""

    metadata: Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class NodeRow(ObjectRow, frozen=True, array_like=True, gc=False):
    """One node. `pods` and `gpu_asked` are what pods on it make; `None` while pods are not known."""

    status: str = ""
    reason: str = ""
    cordoned: bool = False
    roles: str = ""
    version: str = ""
    address: str = ""
    cpu: float = 0.0
    memory: float = 0.0
    """Bytes that pods may use."""
    most_pods: int = 0
    gpu: int = 0
    """GPUs that pods may use."""
    taints: tuple[str, ...] = ()
    os: str = ""
    arch: str = ""
    runtime: str = ""
    since: float | None = None
    """When it became ready or not ready."""
    pods: int | None = None
    gpu_asked: int | None = None


class OnNode(NamedTuple):
    """What the pods of a node add up to."""

    pods: int
    gpus: int


def on_nodes(pods: Iterable[PodRow]) -> dict[str, OnNode]:
    """Return what pods add up to by node; those that have ended use nothing."""
    sums: dict[str, OnNode] = {}
    for pod in pods:
        if pod.node and pod.status not in _ENDED:
            before = sums.get(pod.node, OnNode(0, 0))
            sums[pod.node] = OnNode(before.pods + 1, before.gpus + pod.gpu)
    return sums


def with_pods(row: NodeRow, sums: Mapping[str, OnNode]) -> NodeRow:
    """Return a node with what its pods add up to."""
    here = sums.get(row.name, OnNode(0, 0))
    if (row.pods, row.gpu_asked) == here:
        return row
    return msgspec.structs.replace(row, pods=here.pods, gpu_asked=here.gpus)


def node_row(node: Node) -> NodeRow:
    """Return the row of a node."""
    meta, spec, status = node.metadata, node.spec, node.status
    ready = condition(status.conditions, "Ready")
    pressures = [
        each
        for name in _PRESSURES
        if (each := condition(status.conditions, name)) is not None and each.status == "True"
    ]
    allocatable = status.allocatable or status.capacity or {}
    word, health, reason = _state(ready, pressures, spec.unschedulable)
    roles = sorted(key[len(_ROLE) :] for key in meta.labels or {} if key.startswith(_ROLE))
    address = next((each.address for each in status.addresses or () if each.type == "InternalIP"), "")
    return NodeRow(
        uid=meta.key,
        name=tidy(meta.name),
        health=health,
        created=meta.created,
        tags=meta.tags(),
        status=word,
        reason=tidy(reason),
        cordoned=spec.unschedulable,
        roles=tidy(",".join(roles)),
        version=tidy(status.node_info.kubelet_version),
        address=tidy(address),
        cpu=quantity(allocatable.get("cpu")),
        memory=quantity(allocatable.get("memory")),
        most_pods=int(quantity(allocatable.get("pods"))),
        gpu=gpus(allocatable),
        taints=tuple(_taint_text(each) for each in spec.taints or ()),
        os=tidy(status.node_info.os_image),
        arch=tidy(status.node_info.architecture),
        runtime=tidy(status.node_info.container_runtime_version),
        since=moment(ready.last_transition_time) if ready is not None and ready.last_transition_time else None,
    )  # fmt: skip


def _taint_text(taint: _Taint) -> str:
    return tidy(f"{taint.key}{'=' if taint.value else ''}{taint.value}:{taint.effect}")


def _state(ready: Condition | None, pressures: list[Condition], cordoned: bool) -> tuple[str, str, str]:
    """Return the word of a node, its sign, and why."""
    behind = ",cordoned" if cordoned else ""
    if ready is None or ready.status not in ("True", "False"):
        reason = ready.message if ready is not None else "no kubelet has reported yet"
        return f"Unknown{behind}", "bad" if ready is not None else "muted", reason
    if ready.status == "False":
        return f"NotReady{behind}", "bad", ready.message or ready.reason
    if pressures:
        return f"Ready{behind}", "warn", "; ".join(each.message or each.type for each in pressures)
    return f"Ready{behind}", "parked" if cordoned else "ok", "no new pods start here" if cordoned else ""


def gpu_text(row: NodeRow) -> str:
    """Return GPUs asked for, of how many: `2/4`; `-` where there is none."""
    asked = "-" if row.gpu_asked is None else str(row.gpu_asked)
    return f"{asked}/{row.gpu}" if row.gpu or row.gpu_asked else "-"


def pods_text(row: NodeRow) -> str:
    """Return pods, of how many: `12/110`."""
    return f"{'-' if row.pods is None else row.pods}/{row.most_pods or '-'}"


def _percent(row: NodeRow, look: Look) -> tuple[int | None, int | None]:
    """Return CPU and memory in use in percent of what pods may use; None where that is not known."""
    used = None if look.usage is None else look.usage.rows.get(row.uid)
    if used is None:
        return None, None
    cpu = round(used.cpu * 100 / row.cpu) if row.cpu else None
    return cpu, round(used.memory * 100 / row.memory) if row.memory else None


def _facts(row: NodeRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("status", f"{row.status}: {row.reason}" if row.reason else row.status),
        ("since", since_text(row.since, look.now)),
        ("roles", row.roles or "worker"),
        ("pods", pods_text(row)),
        ("CPU", f"{row.cpu:g}"),
        ("memory", memory_text(row.memory)),
        *((("in use", look.usage.text(row.uid)),) if look.usage is not None else ()),
        *((("GPUs", f"{gpu_text(row)} asked for"),) if row.gpu or row.gpu_asked else ()),
        ("address", row.address or "-"),
        ("kubelet", row.version or "-"),
        ("runtime", row.runtime or "-"),
        ("system", f"{row.os} {row.arch}".strip() or "-"),
        *((("taints", ", ".join(row.taints)),) if row.taints else ()),
        ("age", since_text(row.created, look.now)),
    )
    labels = tuple((key, value) for key, _, value in (tag.partition(":") for tag in row.tags))
    return (("NODE", facts), *((("LABELS", labels),) if labels else ()))


TABLE: Table[NodeRow] = Table(
    "node",
    columns=(
        Column("sign", "", 1, value=lambda row, look: sign(row), tone=lambda row: row.health, order=by_harm),
        Column("name", "NODE", 12, most=40, tone="strong"),
        Column("status", "STATUS", 8, most=20, tone=lambda row: row.health),
        Column("pods", "PODS", 7, right=True, value=lambda row, look: pods_text(row), order=lambda row: row.pods),
        Column("used_cpu", "CPU%", 4, right=True, down=True, value=lambda row, look: _percent(row, look)[0]),
        Column("used_memory", "MEM%", 4, right=True, down=True, value=lambda row, look: _percent(row, look)[1]),
        Column("gpu", "GPU", 4, right=True, value=lambda row, look: gpu_text(row), order=lambda row: -row.gpu),
        Column("since", "SINCE", 5, right=True, age=True, tone="muted"),
        Column("reason", "REASON", 16, weight=3),
        Column("roles", "ROLES", 7, most=24, value=lambda row, look: row.roles or "worker", tone="muted"),
        Column("cpu", "CPU", 4, right=True, value=lambda row, look: f"{row.cpu:g}", order=lambda row: -row.cpu,
               tone="muted"),
        Column("memory", "MEMORY", 8, right=True, value=lambda row, look: memory_text(row.memory),
               order=lambda row: -row.memory, tone="muted"),
        Column("version", "VERSION", 9, most=20, tone="muted"),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
        Column("address", "ADDRESS", 11, most=39, tone="muted"),
        Column("os", "SYSTEM", 10, most=32, tone="muted"),
    ),
    listing=("name", "status", "roles", "pods", "gpu", "version", "created"),
    fields=(
        FilterField("name", "text", "name of the node", searched=True),
        FilterField("status", "text", "Ready, NotReady or Unknown, with ,cordoned", searched=True),
        FilterField("health", "word", "ok, warn, bad, parked or muted"),
        FilterField("cordoned", "flag", "no new pods start there"),
        FilterField("role", "text", "its roles", source="roles", aliases=("roles",), searched=True),
        FilterField("version", "text", "version of its kubelet", searched=True),
        FilterField("address", "text", "its address", aliases=("ip",), searched=True),
        FilterField("taint", "text", "a taint", source="taints", aliases=("taints",), searched=True),
        FilterField("gpu", "number", "GPUs that pods may use"),
        FilterField("pods", "number", "pods on it"),
        FilterField("label", "tags", "a label: label:key, label.key:value", source="tags", aliases=("tag", "tags")),
        FilterField("since", "age", "time since it became ready or not ready"),
        FilterField("age", "age", "time since it was created", source="created"),
    ),
    example="status:NotReady  cordoned:yes  gpu>0  -l kubernetes.io/arch=arm64",
    facts=_facts,
    headline=lambda row: f"{row.name}: {row.status}",
    nothing="This cluster has no nodes.",
    sort="sign",
)  # fmt: skip

"""Rows of pods: ready containers, the status as kubectl prints it, restarts, GPUs asked for, node."""

from __future__ import annotations

import msgspec

from edgewright.core.filters.fields import FilterField
from edgewright.store.collections.document_values import moment, tidy
from edgewright.store.table import Column, Facts, Look, Table
from edgewright.store.workloads.objects import Condition, Meta, ObjectRow, by_harm, condition, gpus, sign, since_text

_STARTING = frozenset({"ContainerCreating", "PodInitializing", "Pending", "SchedulingGated"})
_FINE = frozenset({"Running", "Completed", "Succeeded", "Terminating"})


class _Terminated(msgspec.Struct, rename="camel", gc=False):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    finished_at: str | None = None


class _Waiting(msgspec.Struct, gc=False):
    reason: str = ""
    message: str = ""


class _State(msgspec.Struct, gc=False):
    waiting: _Waiting | None = None
    running: dict[str, str | None] | None = None
    terminated: _Terminated | None = None


class _ContainerStatus(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: _State = msgspec.field(default_factory=_State)
    last_state: _State = msgspec.field(default_factory=_State)


class _Resources(msgspec.Struct, gc=False):
    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class _Container(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    resources: _Resources = msgspec.field(default_factory=_Resources)
    restart_policy: str = ""


class _Spec(msgspec.Struct, rename="camel", gc=False):
    node_name: str = ""
    containers: list[_Container] = []
    init_containers: list[_Container] | None = None


class _Status(msgspec.Struct, rename="camel", gc=False):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    conditions: list[Condition] | None = None
    container_statuses: list[_ContainerStatus] | None = None
    init_container_statuses: list[_ContainerStatus] | None = None


class Pod(msgspec.Struct, gc=False):
    """`v1/Pod`, of which only this is decoded."""

    metadata: Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class PodRow(ObjectRow, frozen=True, array_like=True, gc=False):
    """One pod."""

    ready: int = 0
    containers: int = 0
    status: str = ""
    reason: str = ""
    """Why it is not running, in the words of the API."""
    restarts: int = 0
    restarted: float | None = None
    """When a container ended last, epoch seconds UTC."""
    gpu: int = 0
    node: str = ""
    ip: str = ""
    owner: str = ""
    """`kind/name` of its controller."""
    names: tuple[str, ...] = ()
    """Its containers, those that run beside them too."""


class _Counted:
    """What the statuses of containers add up to, by the rules of `kubectl get pods`."""

    def __init__(self, pod: Pod) -> None:
        status = pod.status
        sidecars = {each.name for each in pod.spec.init_containers or () if each.restart_policy == "Always"}
        self.containers = len(pod.spec.containers) + len(sidecars)
        self.ready = self.restarts = 0
        self.restarted: float | None = None
        self.reason = status.reason or status.phase
        self.message = status.message
        scheduled = condition(status.conditions, "PodScheduled")
        if scheduled is not None and scheduled.reason == "SchedulingGated":
            self.reason = "SchedulingGated"
        if scheduled is not None and scheduled.status == "False":
            self.message = self.message or scheduled.message
        initialized = condition(status.conditions, "Initialized")
        begins = self._init(pod, sidecars)
        if not begins or (initialized is not None and initialized.status == "True"):
            self._containers(pod, sidecars)
        if pod.metadata.deletion_timestamp and status.reason == "NodeLost":
            self.reason = "Unknown"
        elif pod.metadata.deletion_timestamp and status.phase not in ("Failed", "Succeeded"):
            self.reason = "Terminating"

    def _init(self, pod: Pod, sidecars: set[str]) -> bool:
        every = pod.spec.init_containers or ()
        for index, each in enumerate(pod.status.init_container_statuses or ()):
            self._restarts(each)
            ended, waiting = each.state.terminated, each.state.waiting
            if ended is not None and not ended.exit_code and not ended.signal:
                continue
            if each.name in sidecars and each.started:
                self.ready += each.ready
                continue
            if ended is not None:
                self.reason = f"Init:{_ending(ended)}"
            elif waiting is not None and waiting.reason and waiting.reason != "PodInitializing":
                self.reason, self.message = f"Init:{waiting.reason}", waiting.message
            else:
                self.reason = f"Init:{index}/{len(every)}"
            return True
        return False

    def _containers(self, pod: Pod, sidecars: set[str]) -> None:
        own = {each.name for each in pod.status.init_container_statuses or () if each.name not in sidecars}
        self.restarts = sum(
            each.restart_count for each in pod.status.init_container_statuses or () if each.name not in own
        )
        runs = False
        for each in reversed(pod.status.container_statuses or ()):
            self._restarts(each)
            waiting, ended = each.state.waiting, each.state.terminated
            if waiting is not None and waiting.reason:
                self.reason, self.message = waiting.reason, waiting.message or self.message
            elif ended is not None:
                self.reason = _ending(ended)
            elif each.ready and each.state.running is not None:
                runs = True
                self.ready += 1
        if self.reason == "Completed" and runs:
            ready = condition(pod.status.conditions, "Ready")
            self.reason = "Running" if ready is not None and ready.status == "True" else "NotReady"

    def _restarts(self, each: _ContainerStatus) -> None:
        self.restarts += each.restart_count
        ended = each.last_state.terminated
        at = moment(ended.finished_at) if ended is not None and ended.finished_at else None
        if at is not None and (self.restarted is None or at > self.restarted):
            self.restarted = at


def _ending(ended: _Terminated) -> str:
    return ended.reason or (f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}")


def pod_row(pod: Pod) -> PodRow:
    """Return the row of a pod."""
    meta, spec = pod.metadata, pod.spec
    counted = _Counted(pod)
    kind, owner = meta.owner
    sidecars = [each for each in spec.init_containers or () if each.restart_policy == "Always"]
    return PodRow(
        uid=meta.key,
        name=tidy(meta.name),
        namespace=tidy(meta.namespace),
        health=_health(counted, pod.status.phase),
        created=meta.created,
        tags=meta.tags(),
        ready=counted.ready,
        containers=counted.containers,
        status=tidy(counted.reason) or "Unknown",
        reason=tidy(counted.message),
        restarts=counted.restarts,
        restarted=counted.restarted,
        gpu=sum(_gpus(each) for each in (*spec.containers, *sidecars)),
        node=tidy(spec.node_name),
        ip=tidy(pod.status.pod_ip),
        owner=f"{kind}/{owner}" if kind else "",
        names=tuple(tidy(each.name) for each in (*spec.containers, *sidecars)),
    )


def _gpus(container: _Container) -> int:
    return gpus(container.resources.requests) or gpus(container.resources.limits)


def _health(counted: _Counted, phase: str) -> str:
    reason = counted.reason
    if reason == "Terminating":
        return "parked"
    if phase == "Succeeded" or reason == "Completed":
        return "muted"
    if reason == "Running":
        return "ok" if counted.ready >= counted.containers else "warn"
    if reason in _STARTING or (reason.startswith("Init:") and "/" in reason):
        return "work"
    return "bad"


def _facts(row: PodRow, look: Look) -> tuple[Facts, ...]:
    restarts = f"{row.restarts}, the last {since_text(row.restarted, look.now)} ago" if row.restarted else row.restarts
    facts = (
        ("status", f"{row.status}: {row.reason}" if row.reason else row.status),
        ("ready", f"{row.ready} of {row.containers} containers"),
        ("restarts", str(restarts)),
        ("node", row.node or "- (not scheduled)"),
        ("address", row.ip or "-"),
        ("controller", row.owner or "none: it is not started again elsewhere"),
        ("containers", ", ".join(row.names)),
        *((("in use", look.usage.text(row.uid)),) if look.usage is not None else ()),
        *((("GPUs asked", str(row.gpu)),) if row.gpu else ()),
        ("namespace", row.namespace),
        ("age", since_text(row.created, look.now)),
    )
    labels = tuple((key, value) for key, _, value in (tag.partition(":") for tag in row.tags))
    return (("POD", facts), *((("LABELS", labels),) if labels else ()))


def _ready_tone(row: PodRow) -> str:
    return "muted" if row.health in ("ok", "muted") else "warn"


TABLE: Table[PodRow] = Table(
    "pod",
    columns=(
        Column("sign", "", 1, value=lambda row, look: sign(row), tone=lambda row: row.health, order=by_harm),
        Column("name", "POD", 16, most=44, tone="strong"),
        Column("namespace", "NAMESPACE", 9, most=20),
        Column(
            "ready", "READY", 5, right=True, value=lambda row, look: f"{row.ready}/{row.containers}", tone=_ready_tone,
            order=lambda row: (row.ready - row.containers, row.containers),
        ),
        Column("status", "STATUS", 16, most=24, tone=lambda row: row.health),
        Column(
            "restarts", "RESTARTS", 8, right=True, order=lambda row: -row.restarts,
            value=lambda row, look: f"{row.restarts}", tone=lambda row: "warn" if row.restarts else "muted",
        ),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
        Column("node", "NODE", 8, most=28),
        Column("used_cpu", "CPU/m", 5, right=True, down=True, tone="muted",
               value=lambda row, look: look.usage.cpu(row.uid) if look.usage is not None else None),
        Column("used_memory", "MEM/Mi", 6, right=True, down=True, tone="muted",
               value=lambda row, look: look.usage.memory(row.uid) if look.usage is not None else None),
        Column("gpu", "GPU", 3, right=True, value=lambda row, look: row.gpu or "-", tone="muted",
               order=lambda row: -row.gpu),
        Column("ip", "IP", 11, most=39, tone="muted"),
        Column("restarted", "RESTARTED", 9, right=True, age=True, tone="muted"),
        Column("owner", "CONTROLLER", 10, most=40, tone="muted"),
        Column("reason", "REASON", 12, weight=3),
    ),
    listing=("name", "namespace", "ready", "status", "restarts", "created", "node"),
    fields=(
        FilterField("name", "text", "name of the pod", searched=True),
        FilterField("namespace", "word", "its namespace", aliases=("ns",), searched=True),
        FilterField("status", "text", "as kubectl prints it: Running, CrashLoopBackOff", searched=True),
        FilterField("health", "word", "ok, work, warn, bad, parked or muted"),
        FilterField("node", "text", "node that it runs on", searched=True),
        FilterField("ip", "text", "its address", searched=True),
        FilterField("restarts", "number", "restarts of its containers"),
        FilterField("gpu", "number", "GPUs that it asks for"),
        FilterField("owner", "text", "its controller, kind/name", aliases=("controller",), searched=True),
        FilterField("label", "tags", "a label: label:key, label.key:value", source="tags", aliases=("tag", "tags")),
        FilterField("reason", "text", "why it does not run", searched=True),
        FilterField("age", "age", "time since it was created", source="created"),
    ),
    example="status:CrashLoopBackOff  namespace:shop  -l app=web  restarts>3  node:edge-1",
    facts=_facts,
    headline=lambda row: f"{row.namespace}/{row.name}: {row.status}",
    nothing="No pods here.",
    sort="sign",
)  # fmt: skip

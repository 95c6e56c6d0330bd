"""The ordered checklist of a cluster that forms or changes: done, running, waiting for whom, failed with its reason.

Made from what hosts report in heartbeats and what the leader reports about the cluster, so the plane and a client can
show it without asking a host. What was not reported is unknown, never done.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from edgewright.core import times
from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import OPERATOR, read_step_id, with_titles
from edgewright.core.clusters.model import ABSENT, VIP, WORKER, ClusterDocument
from edgewright.core.clusters.planning.duties import in_order
from edgewright.core.text import clean

DONE, RUNNING, WAITING, FAILED, PENDING, UNKNOWN = "done", "running", "waiting", "failed", "pending", "unknown"
STATES = (FAILED, RUNNING, WAITING, UNKNOWN, PENDING, DONE)
"""From the one that a group of hosts shows first."""
NEXT_TRY = "its next try"
"""What a step waits for that failed and starts again by itself, in the words of a host's progress."""
NO_REASON = "its reason follows"
"""What a list shows of a failure that a host has reported without its reason, as agents of earlier versions do."""
PREPARE = (steps.PREFLIGHT, steps.FETCH, steps.ACTIVATE, steps.RUNTIME, steps.PRELOAD)


class Host(NamedTuple):
    """A member as the checklist needs it."""

    host_uid: str
    node_name: str
    role: str
    absent: bool = False


class Outline(NamedTuple):
    """What the checklist needs of a document: the plane has it without reading the document."""

    hosts: Tuple[Host, ...]
    init_host_uid: str
    vip: bool
    layers: Tuple[str, ...]
    """Names in the order of their installation."""

    @property
    def present(self) -> Tuple[Host, ...]:
        """Return the hosts that belong to the cluster."""
        return tuple(host for host in self.hosts if not host.absent)


def outline(document: ClusterDocument) -> Outline:
    """Return the outline of a document."""
    hosts = tuple(Host(m.host_uid, m.node_name, m.role, m.state == ABSENT) for m in document.members)
    layers = tuple(layer.name for layer in in_order(document))
    return Outline(hosts, document.bootstrap.init_host_uid, document.endpoint.kind == VIP, layers)


class HostReport(NamedTuple):
    """What a host reports about this cluster: its current step (name in the registry) and how that is.

    `step` is empty when nothing is left to do. `since` is epoch seconds. `error` is the reason of the last failure with
    the last line of its log; `operator`: it waits for an operator. A host without a report is left out. `beside` is a
    step that runs beside it, or is done already: the fetch beside the preflight.
    """

    step: str = ""
    state: str = RUNNING
    since: Optional[float] = None
    percent: Optional[int] = None
    attempt: int = 0
    waiting_for: str = ""
    error: str = ""
    operator: bool = False
    layer: str = ""
    """The layer that the leader installs now."""
    beside: str = ""
    beside_percent: int = 0
    """100 when it is done."""

    def at(self, step: str) -> HostReport:
        """Return what is known of a step: of one beside the current one, how far it is."""
        return HostReport(step, percent=self.beside_percent) if step == self.beside else self


class ClusterReport(NamedTuple):
    """What the leader reports: whether each Node is ready, and each layer (`True` ready, else why not)."""

    ready: Mapping[str, bool] = {}
    layers: Mapping[str, Tuple[bool, str]] = {}


class Item(NamedTuple):
    """One row: a step of one or more hosts. `since` and `expected` are seconds; `text` is what to show besides."""

    step: str
    title: str
    state: str
    hosts: Tuple[str, ...]
    text: str = ""
    since: Optional[float] = None
    expected: Optional[float] = None

    def sentence(self, now: float) -> str:
        """Return the row as text, with its time at `now` (epoch seconds)."""
        parts = [self.title]
        if self.state == RUNNING and self.since is not None:
            usual = f", usually {duration(self.expected)}" if self.expected else ""
            parts.append(f"running for {duration(max(0.0, now - self.since))}{usual}")
        elif self.state in (WAITING, FAILED) and self.since is not None:
            parts.append(f"{self.state} for {duration(max(0.0, now - self.since))}")
        else:
            parts.append(self.state)
        return ": ".join(part for part in (" ".join((parts[0] + ":", parts[1])), self.text) if part)


def read_report(progress: Optional[Mapping[str, Any]], settled: bool, error: str = "") -> Optional[HostReport]:
    """Return the report of a host from the progress in its heartbeat (P69); `None` when nothing is known.

    `settled`: it has reported that it applied the present document; `error` is what it reported of the failure of this
    step in its facts: all of the sentence that a heartbeat has the beginning of.
    """
    if not progress:
        return HostReport("") if settled else None
    step = read_step_id(str(progress.get("step") or ""))
    if step is None:
        return None
    name, target = step
    try:
        since = times.parse(str(progress.get("since") or ""))
    except ValueError:
        since = None
    waiting, percent, attempt = str(progress.get("waitingFor") or ""), progress.get("percent"), progress.get("attempt")
    operator = waiting == OPERATOR
    failed = operator or waiting == NEXT_TRY
    beginning = str(progress.get("error") or "")
    beside, beside_percent = read_step_id(str(progress.get("beside") or "")), progress.get("besidePercent")
    return HostReport(
        name,
        FAILED if failed else WAITING if waiting else RUNNING,
        since,
        _integer(percent),
        _integer(attempt) or 0,
        "" if failed else with_titles(clean(waiting, 300)),
        clean(error if error.startswith(beginning.rstrip("…")) else beginning, 300) if failed else "",
        operator,
        target.rpartition("-")[0] if name == steps.LAYER else "",
        beside[0] if beside is not None else "",
        _integer(beside_percent) or 0,
    )


def _integer(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sequence(shape: Outline, host: Host) -> Tuple[str, ...]:
    """Return the steps of a host in order."""
    if host.absent:
        return (steps.RELEASE if shape.present else steps.DELETE,)
    if host.role == WORKER:
        return (*PREPARE, steps.JOIN_WORKER)
    first = host.host_uid == shape.init_host_uid
    own = (*((steps.VIP,) if shape.vip else ()), steps.INIT) if first else (steps.JOIN_CONTROL_PLANE,)
    return (*PREPARE, *own, steps.MARK, *((steps.KEEPALIVED,) if shape.vip else ()))


def checklist(shape: Outline, hosts: Mapping[str, HostReport], cluster: Optional[ClusterReport] = None) -> List[Item]:
    """Return all rows in order; `hosts` by host UID, `cluster` is `None` while no leader reports."""
    order = {host.host_uid: sequence(shape, host) for host in shape.hosts}
    present = shape.present
    rows: List[Item] = []
    for step in PREPARE:
        if present:
            rows.append(_group(step, present, order, hosts))
    for step in (steps.VIP, steps.INIT):
        rows += [_group(step, (host,), order, hosts) for host in present if step in order[host.host_uid]]
    joining = [host for host in present if steps.JOIN_CONTROL_PLANE in order[host.host_uid]]
    for host in [*joining, *(host for host in present if host.role == WORKER)]:
        row = _group(order[host.host_uid][len(PREPARE)], (host,), order, hosts)
        ready = cluster is not None and cluster.ready.get(host.node_name, False)
        rows.append(row._replace(state=DONE, text=host.node_name, since=None) if ready else row)
    serving = tuple(host for host in present if steps.KEEPALIVED in order[host.host_uid])
    if serving:
        rows.append(_group(steps.KEEPALIVED, serving, order, hosts))
    if present:
        rows += _layers(shape, hosts, cluster)
    rows += [_group(order[host.host_uid][0], (host,), order, hosts) for host in shape.hosts if host.absent]
    return rows


def _group(
    step: str, members: Sequence[Host], order: Dict[str, Tuple[str, ...]], hosts: Mapping[str, HostReport]
) -> Item:
    spec = steps.BY_ID[step]
    states = {m.host_uid: _state(step, order[m.host_uid], hosts.get(m.host_uid)) for m in members}
    worst = min(states.values(), key=STATES.index)
    behind = [m for m in members if states[m.host_uid] == worst]
    reports = {m.host_uid: hosts[m.host_uid].at(step) for m in behind if m.host_uid in hosts}
    names = tuple(m.node_name for m in members)
    done = sum(1 for state in states.values() if state == DONE)
    text = f"{done} of {len(members)} hosts" if len(members) > 1 else names[0]
    since = None
    if worst in (RUNNING, WAITING, FAILED):
        details = [_detail(m, reports[m.host_uid], len(members) > 1) for m in behind if m.host_uid in reports]
        text = "; ".join(part for part in (text, *details[:3]) if part)
        since = min((report.since for report in reports.values() if report.since is not None), default=None)
    elif worst == UNKNOWN:
        text = f"{text}; no report from {', '.join(m.node_name for m in behind[:5])}"
    return Item(step, spec.title, worst, names, text, since, spec.expected)


def _state(step: str, order: Tuple[str, ...], report: Optional[HostReport]) -> str:
    if report is None:
        return UNKNOWN
    if not report.step or report.step not in order:
        # A duty of the leader comes after its own steps; a step of another release is not known here.
        return DONE if not report.step or report.step in steps.BY_ID else UNKNOWN
    if step == report.beside:
        return RUNNING if report.beside_percent < 100 else DONE
    place, now = order.index(step), order.index(report.step)
    if place != now:
        return DONE if place < now else PENDING
    return FAILED if report.operator else report.state


_RETRY = "edgewright host retry"


def _retrying(report: HostReport) -> str:
    """Return the reason of a failure after which the host tries again by itself."""
    return f"retrying: {report.error or NO_REASON}"


def _detail(member: Host, report: HostReport, several: bool) -> str:
    reason = (report.error or NO_REASON) if report.operator else ""
    if report.state == FAILED and not report.operator:
        reason = _retrying(report)
    if report.state == WAITING and report.waiting_for:
        reason = f"waits: {report.waiting_for}" + (f" ({report.error})" if report.error else "")
    if report.percent is not None and not reason:
        reason = f"{report.percent} %"
    if report.attempt > 1:
        reason = f"attempt {report.attempt}" + (f": {reason}" if reason else "")
    if report.operator:
        reason = f"{reason}; then: {_RETRY}"
    return f"{member.node_name} {reason}".strip() if several else reason


def _layers(shape: Outline, hosts: Mapping[str, HostReport], cluster: Optional[ClusterReport]) -> List[Item]:
    spec = steps.BY_ID[steps.LAYER]
    working = {report.layer: report for report in hosts.values() if report.step == steps.LAYER and report.layer}
    rows = []
    for layer in shape.layers:
        title = f"{spec.title} {layer}"
        report = working.get(layer)
        ready, problem = cluster.layers.get(layer, (False, "")) if cluster is not None else (False, "")
        if ready:
            rows.append(Item(steps.LAYER, title, DONE, ()))
        elif report is not None:
            state = FAILED if report.operator else report.state
            text = report.error or report.waiting_for or problem or (NO_REASON if state == FAILED else "")
            text = _retrying(report) if state == FAILED and not report.operator else text
            rows.append(Item(steps.LAYER, title, state, (), text, report.since, spec.expected))
        else:
            rows.append(Item(steps.LAYER, title, PENDING, (), problem))
    return rows


def duration(seconds: Optional[float]) -> str:
    """Return a duration in one unit: `45 s`, `3 min`, `2 h`."""
    if seconds is None:
        return "unknown"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"

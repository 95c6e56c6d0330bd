"""Rows of objects: the status of pods by the rules of kubectl, nodes, GPUs, deployments, services, quantities."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from edgewright.store.table import Look
from edgewright.store.workloads.describing import described, facts_of
from edgewright.store.workloads.kinds import DEPLOYMENTS, EVENTS, KINDS, MACHINES, NODES, PODS, SERVICES, Kind
from edgewright.store.workloads.nodes import gpu_text, on_nodes, pods_text, with_pods
from edgewright.store.workloads.objects import quantity
from tests.tui import workloads
from tests.tui.samples import NOW, ago


def row(kind: Kind, document: dict[str, Any]) -> Any:
    return kind.row_of(msgspec.Raw(msgspec.json.encode(document)))[1]


def status(**more: Any) -> dict[str, Any]:
    return {**workloads.pod("web-0"), "status": {"phase": "Running", **more}}


def ended(code: int, reason: str = "", signal: int = 0) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}


RUNS = {"running": {"startedAt": None}}
INIT = {"initContainers": [{"name": "a"}, {"name": "b"}]}
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("running", workloads.pod("a-0"), "Running", "ok"),
    ("waits", workloads.pod("a-0", state="CrashLoopBackOff"), "CrashLoopBackOff", "bad"),
    ("not scheduled", workloads.pod("a-0", state="Pending"), "Pending", "work"),
    ("done", workloads.pod("a-0", state="Completed"), "Completed", "muted"),
    ("evicted", status(phase="Failed", reason="Evicted"), "Evicted", "bad"),
    ("exit code", status(containerStatuses=[{"name": "main", "state": ended(3)}]), "ExitCode:3", "bad"),
    ("signal", status(containerStatuses=[{"name": "main", "state": ended(137, "", 9)}]), "Signal:9", "bad"),
    (
        "init runs",
        {
            **status(initContainerStatuses=[{"name": "a", "state": ended(0)}, {"name": "b", "state": RUNS}]),
            "spec": INIT,
        },
        "Init:1/2",
        "work",
    ),
    (
        "init fails",
        {**status(initContainerStatuses=[{"name": "a", "state": ended(1, "Error")}]), "spec": INIT},
        "Init:Error",
        "bad",
    ),
    (
        "gated",
        status(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
        "SchedulingGated",
        "work",
    ),
]


@pytest.mark.parametrize(("document", "word", "health"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_status_of_a_pod_is_that_of_kubectl(document: dict[str, Any], word: str, health: str) -> None:
    made = row(PODS, document)
    assert (made.status, made.health) == (word, health)


def test_a_pod_that_ends_is_terminating_and_one_of_a_lost_node_unknown() -> None:
    document = workloads.pod("web-0", metadata={"deletionTimestamp": ago(5)})
    assert row(PODS, document).status == "Terminating"
    document["status"]["reason"] = "NodeLost"
    assert row(PODS, document).status == "Unknown"


def test_sidecars_count_as_containers_and_restarts_are_added() -> None:
    document = workloads.pod("web-0", restarts=2)
    document["spec"]["initContainers"] = [{"name": "mesh", "restartPolicy": "Always"}, {"name": "setup"}]
    document["status"]["initContainerStatuses"] = [
        {"name": "mesh", "ready": True, "started": True, "restartCount": 3, "state": RUNS},
        {"name": "setup", "restartCount": 5, "state": ended(0)},
    ]
    made = row(PODS, document)
    assert (made.ready, made.containers, made.restarts) == (2, 2, 5) and made.names == ("main", "mesh")


def test_gpus_asked_for_and_present() -> None:
    pods = [row(PODS, each) for each in [*workloads.HEALTHY_PODS, *workloads.FAILED_PODS]]
    assert [each.gpu for each in pods if each.gpu] == [2, 4]
    sums = on_nodes(pods)
    nodes = {each["metadata"]["name"]: with_pods(row(NODES, each), sums) for each in workloads.OBJECTS[workloads.NODES]}
    assert gpu_text(nodes["edge-11d1"]) == "2/4" and gpu_text(nodes["edge-7f3a"]) == "-"
    assert pods_text(nodes["edge-11d0"]) == "1/110"  # the pod that ended uses nothing
    assert pods_text(row(NODES, workloads.node("edge-1"))) == "-/110"  # pods are not known


def test_nodes() -> None:
    assert row(NODES, workloads.node("edge-1")).status == "Ready"
    cordoned = row(NODES, workloads.node("edge-1", cordoned=True))
    assert (cordoned.status, cordoned.health) == ("Ready,cordoned", "parked")
    failed = row(NODES, workloads.node("edge-1", ready=False))
    assert (failed.status, failed.health) == ("NotReady", "bad") and "cni plugin" in failed.reason
    unknown = workloads.node("edge-1")
    unknown["status"]["conditions"] = []
    assert row(NODES, unknown).health == "muted"
    pressed = workloads.node("edge-1")
    pressed["status"]["conditions"].append({"type": "DiskPressure", "status": "True", "message": "disk is full"})
    assert (row(NODES, pressed).health, row(NODES, pressed).reason) == ("warn", "disk is full")


def test_deployments_and_services() -> None:
    assert row(DEPLOYMENTS, workloads.deployment("web", 2, 2)).health == "ok"
    lacks = row(DEPLOYMENTS, workloads.deployment("web", 2, 1))
    assert (lacks.health, lacks.reason) == ("warn", "1 of its pods not available")
    late = row(DEPLOYMENTS, workloads.deployment("web", 3, 1, workloads.TOO_SLOW))
    assert (late.health, late.reason) == ("bad", "rollout timed out, 2 of its pods not available")
    stuck = workloads.deployment("web", 2, 1, "replica sets are not found")
    stuck["status"]["conditions"][-1]["reason"] = "ReplicaSetCreateError"
    assert row(DEPLOYMENTS, stuck).reason == "replica sets are not found"
    assert row(DEPLOYMENTS, workloads.deployment("web", 0, 0)).reason == "scaled to 0"
    waits = row(SERVICES, workloads.service("web", "LoadBalancer"))
    assert (waits.external, waits.health, waits.ports) == ("pending", "work", "80/TCP")
    assert row(SERVICES, workloads.service("web", "LoadBalancer", "10.4.1.100")).ports == "80:30080/TCP"


def test_machines_and_events() -> None:
    machine = {
        "metadata": workloads.meta("till-1", "shop"),
        "spec": {"running": True},
        "status": {"printableStatus": "Running"},
    }
    made = row(MACHINES, machine)
    assert (made.status, made.strategy, made.health) == ("Running", "Always", "ok")
    event = row(EVENTS, workloads.event("e1", "web-0", "BackOff", "two\nlines", "Warning"))
    assert (event.about, event.count, event.message, event.at) == ("Pod/web-0", 3, "two lines", NOW - 60)


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("500m", 0.5),
        ("4", 4.0),
        ("16Gi", 16 * 2**30),
        ("1e3", 1000.0),
        ("1.5G", 1.5e9),
        ("", 0.0),
        ("x", 0.0),
        (None, 0.0),
    ],
)
def test_quantities(given: Any, number: float) -> None:
    assert quantity(given) == number


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_columns_and_fields_have_values_of_a_row(kind: Kind) -> None:
    """A column or field that names no value of its row would be empty without a word."""
    document = {"metadata": workloads.meta("x", "shop"), "spec": {}, "status": {}}
    made, look = row(kind, document), Look(NOW)
    names = set(type(made).__struct_fields__)
    for column in kind.table.columns:
        assert column.value is not None or (column.field or column.id) in names, column.id
        column.sorted_by(made, look)
    for field in kind.table.fields:
        assert field.get in names, field.name
    assert kind.table.facts(made, look) and kind.table.headline(made)


def test_a_description_has_containers_conditions_and_events() -> None:
    events = [workloads.event("e2", "web-0", "BackOff", "Back-off restarting failed container", "Warning")]
    blocks = dict(described(PODS, workloads.pod("web-0", state="CrashLoopBackOff", restarts=3), events, NOW))
    containers = "\n".join(text for _, text in blocks["CONTAINERS"])
    assert "main: waiting: CrashLoopBackOff: back-off 5m0s" in containers and "3 restarts" in containers
    assert ("warn", "  1m  BackOff (3 x): Back-off restarting failed container") in blocks["EVENTS"]
    headline, facts = facts_of(PODS, workloads.pod("web-0"), NOW)
    assert headline == "shop/web-0: Running" and ("node", "edge-7f3a") in facts[0][1]
    assert facts_of(PODS, {"metadata": {"name": 7}}, NOW)[1] == ()

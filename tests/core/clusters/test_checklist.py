"""The checklist of `cluster show`: in order, with times, whom it waits for, and the log line of a failure."""

from __future__ import annotations

import dataclasses

import pytest

from edgewright.core.clusters import actions
from edgewright.core.clusters.checklist import (
    FAILED,
    NEXT_TRY,
    RUNNING,
    WAITING,
    ClusterReport,
    HostReport,
    checklist,
    duration,
    outline,
    read_report,
)
from tests.core.clusters.documents import document

RETRY = "edgewright host retry"


def shown(*items: object, now: float = 100.0) -> list[str]:
    return [item.sentence(now) for item in items]  # type: ignore[attr-defined]


def test_a_cluster_that_forms() -> None:
    doc = document(3, 1)
    reports = {
        "host-1": HostReport("init", RUNNING, since=88.0),
        "host-2": HostReport("preload", RUNNING, since=40.0, percent=60),
        "host-3": HostReport("join-control-plane", WAITING, 50.0, waiting_for="n1 has not formed the cluster yet"),
        "host-4": HostReport("fetch", FAILED, since=30.0, attempt=3, error="no space left on the disk", operator=True),
    }
    assert shown(*checklist(outline(doc), reports)) == [
        "Preflight: done: 4 of 4 hosts",
        "Fetch content: failed for 70 s: 3 of 4 hosts; n4 attempt 3: no space left on the disk; then: " + RETRY,
        "Activate the tree: pending: 3 of 4 hosts",
        "Container runtime: pending: 3 of 4 hosts",
        "Preload images: running for 60 s, usually 20 s: 2 of 4 hosts; n2 60 %",
        "Set the VIP: done: n1",
        "Form the cluster: running for 12 s, usually 30 s: n1",
        "Join as control plane: pending: n2",
        "Join as control plane: waiting for 50 s: n3; waits: n1 has not formed the cluster yet",
        "Join as worker: pending: n4",
        "Serve the VIP: pending: 0 of 3 hosts",
        "Install an add-on cni: pending",
        "Install an add-on metrics: pending",
    ]


def test_a_step_that_is_tried_again_by_itself_differs_from_one_that_waits_for_an_operator() -> None:
    doc = document(1, 1)
    progress = {"step": "cluster-c0ffee-fetch-1", "waitingFor": NEXT_TRY, "attempt": 2}
    report = read_report(progress, False, "registry.example: connection refused")
    assert report is not None
    rows = shown(*checklist(outline(doc), {"host-1": report, "host-2": report}))
    reason = "attempt 2: retrying: registry.example: connection refused"
    assert rows[1] == f"Fetch content: failed: 0 of 2 hosts; n1 {reason}; n2 {reason}"
    waiting = read_report({**progress, "waitingFor": "operator"}, False, "the digest is another one")
    assert waiting is not None and waiting.operator
    assert "retrying" not in shown(*checklist(outline(doc), {"host-1": waiting}))[1]


def test_what_no_host_has_reported_is_unknown() -> None:
    doc = document(1, 1)
    rows = checklist(outline(doc), {"host-1": HostReport("")})
    assert rows[0].sentence(0) == "Preflight: unknown: 1 of 2 hosts; no report from n2"
    assert {row.state for row in rows if row.hosts == ("n1",)} == {"done"}
    ready = checklist(outline(doc), {"host-1": HostReport("")}, ClusterReport({"n2": True}, {"cni": (True, "")}))
    assert [row.state for row in ready if row.step in ("join-worker", "layer")] == ["done", "done", "pending"]
    assert {row.state for row in checklist(outline(doc), {"host-1": HostReport("future-step")})} == {
        "unknown",
        "pending",
    }


def test_the_layer_that_the_leader_installs() -> None:
    doc = document(1)
    report = {"host-1": HostReport("layer", WAITING, 10.0, waiting_for="0 of 1 pods ready", layer="metrics")}
    rows = checklist(outline(doc), report, ClusterReport({"n1": True}, {"cni": (True, ""), "metrics": (False, "x")}))
    assert shown(*rows)[-3:] == [
        "Serve the VIP: done: n1",
        "Install an add-on cni: done",
        "Install an add-on metrics: waiting for 90 s: 0 of 1 pods ready",
    ]


def test_a_host_that_leaves_and_a_cluster_that_is_deleted() -> None:
    doc = document(3)
    leaving = dataclasses.replace(doc.members[2], state="absent", release_id="r1")
    doc = dataclasses.replace(doc, members=(*doc.members[:2], leaving))
    report = {"host-3": HostReport("release", WAITING, 40.0, waiting_for="the leader drains this host first")}
    assert checklist(outline(doc), report)[-1].sentence(100) == (
        "Leave the cluster: waiting for 60 s: n3; waits: the leader drains this host first"
    )
    ended = tuple(dataclasses.replace(m, state="absent", release_id="r1") for m in doc.members)
    rows = checklist(outline(dataclasses.replace(doc, members=ended)), {})
    assert [(row.step, row.state) for row in rows] == [("delete", "unknown")] * 3


def test_durations() -> None:
    assert [duration(value) for value in (0, 119, 120, 7199, 7200, None)] == [
        "0 s", "119 s", "2 min", "120 min", "2 h", "unknown",
    ]  # fmt: skip


def test_the_report_of_a_host_is_read_from_its_heartbeat() -> None:
    progress = {
        "step": "cluster-0123abcd-preload-0a1b",
        "since": "1970-01-01T00:00:40.000Z",
        "attempt": 1,
        "percent": 60,
    }
    assert read_report(progress, False) == HostReport("preload", RUNNING, 40.0, 60, 1)
    waiting = read_report({**progress, "waitingFor": "n1 first"}, False)
    assert waiting is not None and (waiting.state, waiting.waiting_for) == (WAITING, "n1 first")
    stopped = read_report({**progress, "waitingFor": "operator", "errorClass": "exit-1"}, False, "no space left")
    assert stopped is not None and (stopped.state, stopped.operator, stopped.error) == (FAILED, True, "no space left")
    layer = read_report({**progress, "step": "cluster-0123abcd-layer-metrics-server-0a1b2c3d4e5f"}, False)
    assert layer is not None and layer.layer == "metrics-server"
    assert read_report(None, True) == HostReport("")
    waiting = read_report({**progress, "waitingFor": "step cluster-0123abcd-fetch-1 of an earlier document"}, False)
    assert waiting is not None and waiting.waiting_for == "step Fetch content of an earlier document"
    assert read_report(None, False) is read_report({"step": "trial-1", "since": "x"}, True) is None


@pytest.mark.parametrize(
    ("beginning", "facts", "reason"),
    [
        ("", "", "its reason follows"),
        ("port 6443 is in use", "", "port 6443 is in use"),
        ("port 6443 is", "port 6443 is in use (exit 1)", "port 6443 is in use (exit 1)"),
        ("no swap allowed", "port 6443 is in use (exit 1)", "no swap allowed"),
        ("", "from an earlier agent", "from an earlier agent"),
    ],
)
def test_a_failure_has_its_reason_with_the_heartbeat_that_reports_it(beginning: str, facts: str, reason: str) -> None:
    """The facts have all of the sentence, and may be those of the attempt before."""
    progress = {"step": "cluster-c0ffee-preflight-1", "errorClass": "exit-1", "error": beginning}
    for waiting, text in ((NEXT_TRY, f"retrying: {reason}"), ("operator", f"{reason}; then: {RETRY}")):
        report = read_report({**progress, "waitingFor": waiting, "since": "1970-01-01T00:01:30Z"}, False, facts)
        assert report is not None
        rows = checklist(outline(document(1)), {"host-1": report})
        assert rows[0].sentence(100.0) == f"Preflight: failed for 10 s: n1; {text}"


@pytest.mark.parametrize(
    ("percent", "row"),
    [
        (100, "Fetch content: done: 2 of 2 hosts"),
        (60, "Fetch content: running: 1 of 2 hosts; n1 60 %"),
        (None, "Fetch content: running: 1 of 2 hosts; n1 0 %"),
    ],
)
def test_what_is_fetched_beside_the_preflight_is_not_pending(percent: int | None, row: str) -> None:
    beat = {"step": "cluster-c0ffee-preflight-1", "beside": "cluster-c0ffee-fetch-2", "besidePercent": percent}
    report = read_report(beat, False)
    assert report is not None
    rows = checklist(outline(document(1, 1)), {"host-1": report, "host-2": HostReport("activate")})
    assert shown(*rows)[:2] == ["Preflight: running: 1 of 2 hosts; n1", row]


def test_a_user_names_a_step_as_it_is_shown() -> None:
    names = ("preflight", "Preflight", "cluster-0123abcd-preflight-1")
    assert all(actions.names_step(name, "cluster-0123abcd-preflight-1") for name in names)
    assert actions.names_step("Install an add-on web", "cluster-0123abcd-layer-web-1")
    assert actions.names_step("trial-1", "trial-1") and not actions.names_step("", "cluster-0123abcd-preflight-1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Step cluster-0dc9e047-join-control-plane-e1-1 failed.", "Join as control plane failed."),
        ("edge-1 joining  cluster-e7f51f87-layer-web-5164828", "edge-1 joining  Install an add-on web"),
        ("cluster-12345678-nothing-1 is no step", "cluster-12345678-nothing-1 is no step"),
    ],
)
def test_steps_in_a_text_have_their_titles(text: str, shown: str) -> None:
    assert actions.with_titles(text) == shown

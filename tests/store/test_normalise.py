"""Rows from documents: what is read, what is unknown, and that nothing of a host steers a terminal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.times import rfc3339
from edgewright.store.collections.audits import audit_row
from edgewright.store.collections.conditions import condition_of_row
from edgewright.store.collections.feed import event_row
from edgewright.store.collections.hosts import HostRow, host_row
from edgewright.store.collections.projects import project_row
from edgewright.store.collections.tokens import token_row

FULL: dict[str, Any] = {
    "aclmeta": {"projectUid": "p1"},
    "metadata": {
        "uid": "edge-7f3a",
        "name": "till 7",
        "labels": {"site": "berlin-04", "spare": "spectro__tag"},
        "creationTimestamp": "2026-11-23T08:08:46.851Z",
        "lastModifiedTimestamp": "0001-01-01T00:00:00.000Z",
    },
    "spec": {
        "device": {
            "archType": "amd64",
            "cpu": {"cores": 8},
            "memory": {"sizeInMB": 32000},
            "disks": [
                {"partitions": [{"mountPoint": "/boot", "totalSpace": 100, "usedSpace": 5}]},
                {"partitions": [{"mountPoint": "/", "totalSpace": 100, "usedSpace": 97}]},
            ],
            "nics": [
                {"nicName": "lxc1", "ip": "172.16.0.1", "macAddr": "02:00"},
                {"nicName": "eno1", "ip": "10.4.1.7", "macAddr": "aa:bb"},
            ],
            "gpus": [{"model": "T4", "gpuCount": 2}],
            "os": {"family": "ubuntu", "version": "22.04", "kernelVersion": "5.15.0"},
            "hostType": "appliance",
        },
        "edgewright": {"cpuPercent": 41.26, "memoryUsedMB": 16000, "bootSlot": "active", "simulated": True},
    },
    "status": {
        "state": "in-use",
        "health": {"state": "unhealthy", "message": "m", "agentVersion": "1.2.0"},
        "inUseClustersRef": [{"name": "pos-berlin", "uid": "c1"}],
        "edgewright": {
            "healthState": "unhealthy",
            "reason": "No heartbeat from till 7 for 14 min.",
            "since": "2026-11-23T08:00:00.000Z",
            "deadline": "2026-11-23T08:10:00.000Z",
            "who": "person",
            "lastHeartbeat": "2026-11-23T08:00:00.000Z",
            "tokenUid": "t1",
            "tokenName": "shop",
            "address": "192.0.2.7",
            "heartbeats": 12,
            "silenceLimit": 600,
        },
    },
}


def test_a_full_document_becomes_a_full_row() -> None:
    row = host_row(FULL, 5.0)
    assert row is not None
    assert (row.uid, row.name, row.project_uid, row.state, row.health) == (
        "edge-7f3a",
        "till 7",
        "p1",
        "in-use",
        "unhealthy",
    )
    assert row.tags == ("site:berlin-04", "spare") and row.site == "berlin-04"
    assert row.get("tag.site") == "berlin-04" and row.get("tag.spare") == "" and row.get("tag.no") is None
    assert (row.disk_percent, row.disk_mount) == (97.0, "/")
    assert (row.cpu_percent, row.memory_percent) == (41.3, 50.0)
    assert (row.ip, row.mac) == ("10.4.1.7", "aa:bb")
    assert (row.gpu, row.cluster, row.os, row.kernel) == ("2 x T4", "pos-berlin", "ubuntu 22.04", "5.15.0")
    assert row.last_seen == row.since and row.deadline == (row.since or 0) + 600
    assert row.modified is None and row.created is not None
    assert (row.simulated, row.observed, row.boot_slot, row.token_uid, row.fetched_at) == (
        True,
        False,
        "active",
        "t1",
        5.0,
    )


def test_keys_in_another_case_and_nulls_are_read_alike() -> None:
    odd = {
        "Metadata": {"UID": "edge-7f3a", "Labels": None},
        "spec": None,
        "STATUS": {"State": "Ready", "health": {"State": "Healthy"}, "inUseClusters": None},
    }
    row = host_row(odd, 1.0)
    assert row is not None and (row.uid, row.name, row.state, row.health) == (
        "edge-7f3a",
        "edge-7f3a",
        "ready",
        "healthy",
    )
    assert row.cpu is None and row.last_seen is None and row.ip == ""


def test_unknown_health_is_said_as_unknown() -> None:
    row = host_row({"metadata": {"uid": "a"}, "status": {"health": {}}}, 1.0)
    assert row is not None and row.health == "unknown" and row.state == "unpaired"


def test_what_has_no_uid_is_no_row() -> None:
    assert host_row({}, 1.0) is None
    assert token_row({"metadata": None}, 1.0) is None
    assert event_row({}) is None and audit_row({}) is None and project_row({}) is None


def test_a_token_row_never_holds_the_secret() -> None:
    row = token_row({"metadata": {"uid": "t"}, "spec": {"token": "ewt_secret"}, "status": {"isActive": True}}, 1.0)
    assert row is not None and row.active and "ewt_secret" not in repr(row)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "spec",
                    "status",
                    "device",
                    "nics",
                    "disks",
                    "partitions",
                    "labels",
                    "uid",
                    "health",
                    "edgewright",
                    "usedSpace",
                    "totalSpace",
                    "state",
                    "gpus",
                    "os",
                    "memory",
                    "sizeInMB",
                    "creationTimestamp",
                    "ip",
                    "Tag",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "Spec"]), anything))
def test_no_document_raises_and_every_text_is_harmless(doc: dict[str, Any]) -> None:
    meta = doc.get("metadata")
    doc["metadata"] = {**(meta if isinstance(meta, dict) else {}), "uid": "u\x1b[2J\u202e"}
    row = host_row(doc, 1.0)
    assert row is not None
    for name in HostRow.__struct_fields__:
        value = getattr(row, name)
        for text in value if isinstance(value, tuple) else [value]:
            if isinstance(text, str):
                assert not any(ord(character) < 32 or character == "\u202e" for character in text)


@pytest.mark.parametrize("make", [event_row, audit_row, project_row])
def test_the_other_rows_bear_anything(make: Any) -> None:
    oddities: list[Any] = [None, [], "x", 3, {"user": []}]
    for odd in oddities:
        make({"metadata": {"uid": "a", "annotations": odd}, "spec": odd, "source": odd, "involvedObject": odd})


@pytest.mark.parametrize(
    ("interval", "limit", "label", "due"), [(900, 2700, "healthy", 600), (None, 600, "late", -240)]
)
def test_a_host_is_late_by_its_own_interval(interval: float | None, limit: float, label: str, due: float) -> None:
    """A host on a metered link was late two minutes after each heartbeat, with the next one due in the past."""
    seen, now = 1_795_860_000.0, 1_795_860_300.0
    judged = {"lastHeartbeat": rfc3339(seen), "deadline": rfc3339(seen + limit), "silenceLimit": limit}
    if interval:
        judged["interval"] = interval
    status = {"health": {"state": "healthy"}, "state": "ready", "edgewright": judged}
    row = host_row({"metadata": {"uid": "a"}, "status": status}, now)
    assert row is not None and row.interval == interval
    condition = condition_of_row(row, now)
    assert condition.state.label == label and condition.next_check is not None
    assert condition.next_check - now == due


@pytest.mark.parametrize(
    ("cluster", "text"),
    [
        ({"uid": "c1", "name": "pos-berlin", "role": "worker", "state": "member"}, "pos-berlin (worker)"),
        ({"uid": "c1", "name": "pos-berlin", "role": "worker", "state": "differs"}, "pos-berlin (differs)"),
        (None, "pos-berlin"),
    ],
)
def test_a_host_shows_its_cluster_with_its_role_or_what_is_wrong(cluster: dict[str, str] | None, text: str) -> None:
    status = {**FULL["status"], "edgewright": {**FULL["status"]["edgewright"], "cluster": cluster}}
    row = host_row({**FULL, "status": status}, 5.0)
    assert row is not None and (row.cluster, row.cluster_text) == ("pos-berlin", text)
    unknown = {"uid": "c2", "name": "harbour", "role": "control-plane", "state": "unknown", "message": "adopt it"}
    alone = host_row({"metadata": {"uid": "a"}, "status": {"edgewright": {"cluster": unknown}}}, 5.0)
    assert alone is not None and (alone.cluster_text, alone.cluster_note) == ("harbour (unknown)", "adopt it")

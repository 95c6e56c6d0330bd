"""Clusters in each state as documents of a plane, with a fixed clock: what the screens of clusters are shown."""

from __future__ import annotations

from typing import Any

from edgewright.core.times import DAY, rfc3339
from tests.tui.samples import NOW, ago

STEPS = (
    ("preflight", "Preflight", 20), ("fetch", "Fetch content", 60), ("activate", "Activate the tree", 15),
    ("runtime", "Container runtime", 5), ("preload", "Preload images", 20), ("vip", "Set the VIP", 3),
    ("init", "Form the cluster", 30), ("join-control-plane", "Join as control plane", 40),
    ("join-control-plane", "Join as control plane", 40), ("keepalived", "Serve the VIP", 3),
    ("layer", "Install an add-on cni", 45), ("layer", "Install an add-on web", 45),
)  # fmt: skip


def member(name: str, uid: str, ready: bool | None = True, **more: Any) -> dict[str, Any]:
    """Return a host of a cluster."""
    return {
        "uid": uid, "name": name, "node": name, "pool": "control-planes", "role": "control-plane",
        "address": "10.4.1.7", "state": "present", "ready": ready, "version": "v1.36.3" if ready is not None else "",
        "vip": False, "cordoned": False, "progress": None, **more,
    }  # fmt: skip


def checklist(done: int, state: str = "", text: str = "", since: float = 12.0) -> list[dict[str, Any]]:
    """Return a checklist whose first steps are done; the next one is in `state`."""
    rows = []
    for index, (step, title, expected) in enumerate(STEPS):
        word = "done" if index < done else (state or "pending") if index == done else "pending"
        row = {"step": step, "title": title, "state": word, "hosts": ["edge-7f3a"], "text": "", "expected": expected}
        row["since"] = ago(since) if index == done and state else None
        row["text"] = text if index == done else "3 of 3 hosts" if index < 5 else ""
        rows.append({**row, "sentence": f"{title}: {word}"})
    return rows


MEMBERS = [
    member("edge-7f3a", "uid-edge-7f3a", vip=True),
    member("edge-11d0", "uid-edge-11d0"),
    member("edge-11d1", "uid-edge-11d1"),
]
ETCD = [
    {"name": row["node"], "voter": True, "healthy": True, "leader": row["node"] == "edge-11d0", "dbSize": 41_943_040}
    for row in MEMBERS
]
LAYERS = [
    {"name": "cni", "version": "1.18.13", "state": "ready", "message": ""},
    {"name": "web", "version": "6.9.2", "state": "ready", "message": ""},
]
CERTIFICATES = [
    {"name": "apiserver", "node": "edge-11d0", "notAfter": rfc3339(NOW + 212 * DAY)},
    {"name": "ca", "node": "edge-11d0", "notAfter": rfc3339(NOW + 3500 * DAY)},
]
HEALTHY: dict[str, Any] = {
    "healthState": "Healthy", "members": MEMBERS, "etcd": ETCD, "layers": LAYERS, "certificates": CERTIFICATES,
    "firstEnd": CERTIFICATES[0], "nodes": {"ready": 3, "total": 3}, "leader": "edge-11d0", "reportedAt": ago(21),
    "vip": {"state": "one", "hosts": ["edge-7f3a"]}, "checklist": checklist(len(STEPS)), "hosts": 3, "applied": 3,
    "conditions": [{"type": "Bootstrapped", "status": "True", "message": "The cluster is formed."}],
    "reach": {"direct": {"state": "no", "since": ago(900), "error": "No route to host."},
              "ssh": {"state": "unknown", "since": None, "error": ""},
              "relay": {"state": "yes", "since": ago(120), "error": ""}},
}  # fmt: skip
NOT_FORMED: dict[str, Any] = {
    **HEALTHY, "healthState": "Unknown", "etcd": [], "certificates": [], "firstEnd": None, "leader": "",
    "nodes": {"ready": None, "total": 3}, "reportedAt": None, "vip": {"state": "unknown", "hosts": []}, "applied": 0,
    "reason": "No control plane has reported yet.", "layers": [{**row, "state": ""} for row in LAYERS],
    "conditions": [{"type": "Bootstrapped", "status": "False", "message": "edge-7f3a: init"}],
}  # fmt: skip
STEP = "cluster-12345678-preload-0011223344"
NO_SPACE = "write /var/lib/containerd: no space left on device"


def problem(kind: str, text: str, *hosts: str, since: float | None = 840) -> dict[str, Any]:
    """Return something that is wrong."""
    return {"kind": kind, "text": text, "hosts": list(hosts), "since": None if since is None else ago(since)}


DOWN = "no quorum: 2 of 3 control planes silent: edge-7f3a, edge-11d1"
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "healthy": ("pos-kiel", "Running", HEALTHY),
    "forming": ("pos-ulm", "Provisioning", {
        **NOT_FORMED,
        "members": [
            member("edge-7f3a", "uid-edge-7f3a", None, progress={
                "step": "cluster-12345678-init-0011223344", "n": 7, "of": 9, "percent": 40,
            }),
            *(member(row["name"], row["uid"], None) for row in MEMBERS[1:]),
        ],
        "checklist": checklist(6, "running", "edge-7f3a"),
    }),
    "degraded": ("pos-berlin", "Running", {
        **HEALTHY, "healthState": "UnHealthy", "nodes": {"ready": 2, "total": 3},
        "reason": "1 node not ready: edge-7f3a.", "change": "applied by 2 of 3",
        "problems": [
            problem("node", "1 node not ready: edge-7f3a", "edge-7f3a"),
            problem("certificate", "certificate ends in 12 days: apiserver of edge-11d0", "edge-11d0", since=None),
        ],
        "members": [{**MEMBERS[0], "ready": False, "vip": False}, {**MEMBERS[1], "vip": True}, MEMBERS[2]],
        "etcd": [{**ETCD[0], "healthy": False}, *ETCD[1:]], "vip": {"state": "one", "hosts": ["edge-11d0"]},
        "certificates": [{**CERTIFICATES[0], "notAfter": rfc3339(NOW + 12 * DAY)}, CERTIFICATES[1]],
        "firstEnd": {**CERTIFICATES[0], "notAfter": rfc3339(NOW + 12 * DAY)},
        "layers": [LAYERS[0], {**LAYERS[1], "state": "installing", "message": "deployment web: 1 of 2 pods ready"}],
    }),
    "failed": ("pos-graz", "Provisioning", {
        **NOT_FORMED, "healthState": "UnHealthy", "reason": f"Preload images failed on edge-7f3a: {NO_SPACE}.",
        "problems": [problem("step", f"Preload images failed on edge-7f3a: {NO_SPACE}", "edge-7f3a")],
        "members": [
            member("edge-7f3a", "uid-edge-7f3a", None, progress={
                "step": STEP, "n": 5, "of": 9, "attempt": 3, "waitingFor": "operator",
            }),
            *(member(row["name"], row["uid"], None) for row in MEMBERS[1:]),
        ],
        "checklist": checklist(4, "failed", f"2 of 3 hosts; edge-7f3a attempt 3: {NO_SPACE}; then: host retry", 300),
    }),
    "down": ("pos-lille", "Running", {
        **HEALTHY, "healthState": "UnHealthy", "reason": f"{DOWN}.", "reportedAt": ago(900),
        "problems": [problem("quorum", DOWN, "edge-7f3a", "edge-11d1", since=240)],
        "vip": {"state": "none", "hosts": []},
    }),
    "handover": ("pos-linz", "Running", {
        **HEALTHY, "healthState": "UnHealthy", "reason": "1 host silent: edge-7f3a.", "leader": "edge-7f3a",
        "problems": [problem("silent", "1 host silent: edge-7f3a", "edge-7f3a", since=70)], "reportedAt": ago(80),
        "members": [MEMBERS[0], {**MEMBERS[1], "vip": True}, MEMBERS[2]],
        "vip": {"state": "one", "hosts": ["edge-11d0"]},
        "checklist": checklist(len(STEPS) - 1), "change": "applied by 2 of 3",
    }),
    "stale": ("pos-bern", "Running", {
        **HEALTHY, "healthState": "Unknown", "reason": "The last report of a control plane is 90 min old.",
        "reportedAt": ago(5400),
    }),
    "simulated": ("demo-pos", "Running", {**HEALTHY, "simulated": True}),
}  # fmt: skip
"""Name, state and what the plane adds to Palette's document, by case."""


def cluster(case: str) -> dict[str, Any]:
    """Return the cluster of a case as the plane's search has it."""
    name, state, ours = CASES[case]
    return {
        "metadata": {
            "uid": f"c-{case}", "name": name, "labels": {"team": "shops"}, "creationTimestamp": ago(9 * DAY),
            "lastModifiedTimestamp": ago(DAY),
        },
        "specSummary": {"projectMeta": {"uid": "p-shops", "name": "shops"}},
        "status": {
            "state": state,
            "edgewright": {
                "projectUid": "p-shops", "distribution": "kubeadm", "version": "v1.36.3", "endpoint": "10.4.1.100",
                "profiles": ["store 1.0.0"], "problems": [], "change": "", "reason": "", "simulated": False, **ours,
            },
        },
    }  # fmt: skip


def clusters() -> list[dict[str, Any]]:
    """Return one cluster of each case."""
    return [cluster(case) for case in CASES]


def event(uid: str, back: float, severity: str, case: str, message: str, reason: str) -> dict[str, Any]:
    """Return an event about a cluster."""
    about = {"kind": "spectrocluster", "uid": f"c-{case}", "name": CASES[case][0]}
    return {
        "metadata": {"uid": uid, "creationTimestamp": ago(back)}, "severity": severity, "reason": reason,
        "message": message, "involvedObject": about, "source": {"component": "hub", "host": ""},
    }  # fmt: skip

"""A small fleet with a fixed clock, as documents of a plane: what the screens are shown in tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewright.core.times import DAY, rfc3339
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import Minute, Model
from edgewright.store.engine.store import Store
from tui.session import Session, TerminalChoice

NOW = 1795442531.0  # 2026-11-23T14:02:11Z
GI = 1024**3


def ago(seconds: float) -> str:
    return rfc3339(NOW - seconds)


def host(
    name: str,
    site: str,
    health: str = "healthy",
    reason: str = "",
    since: float = 9 * DAY,
    seen: float | None = 21,
    who: str = "nobody",
    disk: float = 0.31,
    token: str = "tok-shop",
    cluster: str = "",
    tags: Sequence[str] = (),
    **extra: Any,
) -> dict[str, Any]:
    labels = {"site": site, **dict(tag.split(":", 1) for tag in tags)} if site else {}
    status: dict[str, Any] = {
        "state": "in-use" if cluster else "ready",
        "health": {"agentVersion": "1.2.0", "message": reason, **({} if health == "unknown" else {"state": health})},
        "inUseClusters": [{"uid": f"c-{cluster}", "name": cluster}] if cluster else None,
        "edgewright": {
            "healthState": health,
            "reason": reason,
            "since": ago(since),
            "deadline": ago(seen - 600) if seen is not None else None,
            "who": who,
            "lastHeartbeat": None if seen is None else ago(seen),
            "registeredAt": ago(30 * DAY),
            "tokenUid": token,
            "tokenName": "shop-install",
            "address": "10.4.1.7",
            "generation": 7,
            "observedGeneration": 7,
            "silenceLimit": 600,
        },
    }
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": labels,
            "creationTimestamp": ago(40 * DAY),
            "lastModifiedTimestamp": ago(60),
        },
        "spec": {
            "device": {
                "archType": "amd64",
                "cpu": {"cores": 8},
                "memory": {"sizeInMB": 32768},
                "os": {"family": "ubuntu", "version": "24.04", "kernelVersion": "6.8.0-45-generic"},
                "hostType": "appliance",
                "disks": [
                    {
                        "size": 60 * GI,
                        "partitions": [
                            {"mountPoint": "/", "totalSpace": 29 * GI, "usedSpace": int(29 * GI * disk)},
                            {"mountPoint": "/var/lib/containerd", "totalSpace": 30 * GI, "usedSpace": 12 * GI},
                        ],
                    }
                ],
                "nics": [
                    {
                        "nicName": "eno1",
                        "ip": "10.4.1.7",
                        "subnet": "255.255.255.0",
                        "gateway": "10.4.1.1",
                        "dns": ["10.4.1.1"],
                        "macAddr": "52:54:00:12:34:56",
                        "isDefault": True,
                    },
                    {"nicName": "eno2", "ip": "", "macAddr": "52:54:00:12:34:57", "dns": None},
                    *[{"nicName": f"cali{i:08x}", "macAddr": "ee:ee:ee:ee:ee:ee"} for i in range(28)],
                ],
                "gpus": None,
            },
            "host": {"hostUid": f"uid-{name}", "hostAuthToken": "ewt_very-secret-token", "remoteSsh": "disabled"},
            "edgewright": {
                "bootSlot": "active",
                "sshHostKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAyLyB2ZZkYFP0mOZ0bWzF0Yc3dQ1Y3b2Z0bWzF0Yc3d"],
                "uptimeSeconds": 1_234_567,
                "load1": 0.42,
                "cpuPercent": 12.0,
                "memoryUsedMB": 15728,
                "uidFrom": "deviceUIDPaths",
                **extra,
            },
        },
        "status": status,
    }


def fleet() -> list[dict[str, Any]]:
    docs = [
        host("edge-7f3a", "berlin-04", "unhealthy", "", since=240, seen=840, who="person", cluster="pos-berlin"),
        host("edge-0c11", "kiel-02", seen=8, disk=0.97, cluster="pos-kiel", tags=["line:2", "os:stig"]),
        host("edge-2222", "", "unknown", "no heartbeat since it was announced", since=3 * DAY, seen=None, token=""),
        *[host(f"edge-{0x11D0 + i:x}", "berlin-04", cluster="pos-berlin", tags=["line:1"]) for i in range(2)],
        *[
            host(f"hh-{i}", "hamburg-01", "unhealthy", "no heartbeat", 1260, 1860, "person", tags=["line:2"])
            for i in range(3)
        ],
        *[host(f"kiel-{i:02}", f"kiel-{i % 3 + 3:02}", tags=["line:1", "os:stig"]) for i in range(12)],
    ]
    docs[2]["status"]["state"] = "unpaired"
    return docs


def token(uid: str, name: str, ends: float | None, active: bool = True, about: str = "") -> dict[str, Any]:
    return {
        "metadata": {
            "uid": uid,
            "name": name,
            "annotations": {"description": about},
            "creationTimestamp": ago(24 * DAY),
        },
        "spec": {
            "defaultProject": {"uid": "p-shops", "name": "shops"},
            "expiry": rfc3339(None if ends is None else NOW + ends),
            "token": "ewt_shop-secret-text",
        },
        "status": {"isActive": active},
    }


def tokens() -> list[dict[str, Any]]:
    return [
        token("tok-shop", "shop-install", 6 * DAY, about="installer of the shops"),
        token("tok-lab", "lab", 90 * DAY, about="hosts of the lab"),
        token("tok-old", "pilot-2025", -40 * DAY, about="the first twelve"),
        token("tok-lost", "lost-laptop", 20 * DAY, active=False, about="was on the stolen laptop"),
    ]


def event(uid: str, back: float, severity: str, name: str, message: str, reason: str = "Told") -> dict[str, Any]:
    return {
        "metadata": {"uid": uid, "creationTimestamp": ago(back)},
        "severity": severity,
        "reason": reason,
        "message": message,
        "involvedObject": {"kind": "edgehost", "uid": f"uid-{name}", "name": name},
        "source": {"component": "agent", "host": name},
    }


def feed() -> list[dict[str, Any]]:
    return [
        event("e1", 31, "Warning", "edge-0c11", "disk / above 95 %", "DiskPressure"),
        event("e2", 240, "Error", "edge-7f3a", "silent for 10 min: unhealthy", "HeartbeatLost"),
        event("e3", 1260, "Error", "hh-0", "silent for 10 min: unhealthy", "HeartbeatLost"),
        event("e4", 3600, "Normal", "kiel-03", "registered with token shop-install", "Registered"),
        event("e5", 30 * 3600, "Normal", "kiel-04", "agent 1.2.0 started", "AgentStarted"),
    ]


def audits() -> list[dict[str, Any]]:
    def entry(uid: str, back: float, who: str, action: str, kind: str, name: str, said: str) -> dict[str, Any]:
        return {
            "metadata": {"uid": uid, "creationTimestamp": ago(back)},
            "spec": {
                "actionMsg": said,
                "actionType": action,
                "actor": {
                    "actorType": "user",
                    "user": {"emailId": who},
                    "project": {"uid": "p-shops", "name": "shops"},
                },
                "resource": {"kind": kind, "uid": f"uid-{name}", "name": name},
                "edgewright": {"address": "10.4.0.77"},
            },
        }

    return [
        entry("a1", 600, "noc-2@example.com", "update", "edgetoken", "lost-laptop", "Token lost-laptop was revoked"),
        entry(
            "a2", 7200, "admin@edgewright.local", "delete", "edgehost", "edge-dead", "Edge host edge-dead was deleted"
        ),
        entry("a3", 86400 * 3, "admin@edgewright.local", "create", "edgetoken", "lab", "Token lab was made"),
    ]


def operation(uid: str, host: str, left: float = 840, state: str = "pending", **more: Any) -> dict[str, Any]:
    return {
        "id": uid,
        "hostUid": f"uid-{host}",
        "kind": more.get("kind", "reset"),
        "state": state,
        "created": rfc3339(NOW + left - 900),
        "deadline": rfc3339(NOW + left),
        "finished": rfc3339(NOW - 5) if more.get("message") else None,
        "actor": "noc-2",
        "result": {"message": more["message"]} if more.get("message") else None,
    }


def fill(store: Store, hosts: Sequence[dict[str, Any]] | None = None, state: str = "live") -> Store:
    """Let the store see the fleet."""
    docs = list(fleet() if hosts is None else hosts)
    minute = int(NOW // 60)
    told_minutes = tuple(Minute(minute - 59 + i, 0 if 38 <= i < 42 else 15 + (i * 7) % 5, 15, 4, 1) for i in range(60))
    store.restore(Model(pulse=told_minutes))
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": docs}, NOW - 3)
    store.emit("plane", TOKENS.seen, {"docs": tokens(), "complete": True}, NOW - 3)
    projects = [{"metadata": {"uid": "p-shops", "name": "shops"}}, {"metadata": {"uid": "p-lab", "name": "lab"}}]
    store.emit("plane", PROJECTS.seen, {"docs": projects, "complete": True}, NOW - 3)
    store.emit("plane", FEED.seen, {"docs": feed()}, NOW - 3)
    store.emit("plane", AUDITS.seen, {"docs": audits()}, NOW - 3)
    source = {"state": state, "message": "", "since": NOW - 240, "next_try": NOW + 12 if state == "lost" else None}
    store.emit("plane", kinds.SOURCE_STATE, {**source, "contact": NOW - (240 if state == "lost" else 3)}, NOW - 3)
    store.flush()
    return store


def session(store: Store | None = None, theme: str = "dark", **fields: Any) -> Session:
    """Return a session over the small fleet, with a clock that stands still."""
    if store is None:
        store = fill(Store(clock=lambda: NOW))
    return Session(
        store=store,
        context_name="prod",
        plane="hub 10.4.0.2",
        now=lambda: NOW,
        terminal=TerminalChoice(theme=theme),
        **fields,
    )

"""A seeded fleet with a fixed clock, and sessions and apps over it. Import as `from tests.tui.fleet import ...`."""

from __future__ import annotations

import random
from typing import Any

from edgewright.core import times
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine.events import HOSTS_SEEN, SOURCE_STATE
from edgewright.store.engine.store import Store
from tui.session import Session, TerminalChoice

NOW = 1795442551.0
"""Mon 23 Nov 2026 14:02:31 UTC."""
SITES = ("berlin-04", "kiel-02", "hamburg-01", "munich-07", "bremen-03", "koeln-11")


def host_document(index: int, now: float = NOW, **changes: Any) -> dict[str, Any]:
    """Return the document of one host as a hub reports it; `changes` replace values by these names."""
    rng = random.Random(index)
    site = changes.get("site", SITES[index % len(SITES)])
    health = changes.get("health", "healthy")
    since = changes.get("since", now - rng.randrange(3600, 20 * 86400))
    heard = changes.get("heard", now - rng.randrange(2, 50))
    uid = changes.get("uid", f"edge-{0x11D0 + index * 37:04x}")
    labels = {"site": site, "line": ("pos", "signage", "cold")[index % 3]} if site else {}
    health_part = {} if health == "unknown" else {"health": {"state": health, "agentVersion": "1.2.0"}}
    return {
        "metadata": {
            "name": changes.get("name", uid),
            "uid": uid,
            "labels": labels,
            "creationTimestamp": times.rfc3339(now - 30 * 86400 - index * 3600),
            "lastModifiedTimestamp": times.rfc3339(since),
        },
        "spec": {
            "host": {
                "hostAddress": f"10.4.{index // 200}.{index % 200 + 5}",
                "macAddress": f"02:42:0a:04:{index // 200:02x}:{index % 200 + 5:02x}",
            },
            "device": {
                "archType": "amd64",
                "cpu": {"cores": 8},
                "memory": {"sizeInMB": 32768},
                "os": {"family": "ubuntu", "version": "24.04"},
                "nics": [
                    {
                        "nicName": "eno1",
                        "ip": f"10.4.{index // 200}.{index % 200 + 5}",
                        "macAddr": f"02:42:0a:04:{index // 200:02x}:{index % 200 + 5:02x}",
                    }
                ],
                "disks": [
                    {
                        "controller": "nvme0",
                        "size": 256,
                        "partitions": [
                            {
                                "mountPoint": "/",
                                "totalSpace": 200,
                                "usedSpace": changes.get("disk", 20 + rng.randrange(50)) * 2,
                                "freeSpace": 1,
                            }
                        ],
                    }
                ],
                "gpus": [],
            },
            "edgewright": {
                "cpuPercent": float(changes.get("cpu", rng.randrange(4, 70))),
                "memoryUsedMB": rng.randrange(6000, 24000),
                "bootSlot": "active",
                "simulated": bool(changes.get("simulated", False)),
                "observed": bool(changes.get("observed", False)),
            },
        },
        "status": {
            "state": changes.get("state", "in-use"),
            **health_part,
            "inUseClusters": [{"name": f"pos-{site.split('-')[0]}", "uid": "c1"}] if site else [],
            "edgewright": {
                "healthState": health,
                "reason": changes.get("reason", ""),
                "since": times.rfc3339(since),
                "lastHeartbeat": times.rfc3339(heard) if heard is not None else None,
                "who": changes.get("who", "nobody" if health == "healthy" else "host"),
                "silenceLimit": 600,
                "tokenName": "shop-install",
            },
        },
    }


def documents(count: int = 40, now: float = NOW) -> list[dict[str, Any]]:
    """Return the documents of a fleet: mostly well, two hosts sick, two never heard of."""
    docs = [host_document(index, now) for index in range(count)]
    if count >= 8:
        docs[3] = host_document(
            3, now, uid="edge-7f3a", site="berlin-04", health="unhealthy", since=now - 840, heard=now - 840,
            reason="No heartbeat from edge-7f3a for 14 min. "
            "The other two hosts of berlin-04 answer, so the link is up: look at the host.",
        )  # fmt: skip
        docs[5] = host_document(
            5, now, uid="edge-0c11", site="kiel-02", health="unhealthy", since=now - 7300, disk=97,
            reason="The disk / is 97 % full: nothing can be written soon.",
        )  # fmt: skip
        docs[6] = host_document(6, now, uid="edge-2222", site="", state="ready", health="unknown", heard=None)
        docs[7] = host_document(
            7, now, uid="edge-3333", site="kiel-02", state="unpaired", health="unknown", heard=None, who="person"
        )
    return docs


def event_documents(now: float = NOW) -> list[dict[str, Any]]:
    """Return some component events of the sick hosts."""
    events = [
        (30, "edge-7f3a", "Warning", "NoHeartbeat", "No word for 14 min: the host is unhealthy"),
        (850, "edge-7f3a", "Info", "Heartbeat", "last heartbeat"),
        (857, "edge-7f3a", "Info", "Load", "load 11.2"),
        (1800, "edge-0c11", "Warning", "DiskFull", "disk / above 95 %"),
    ]
    return [
        {
            "metadata": {"uid": f"ev{index}", "creationTimestamp": times.rfc3339(now - ago)},
            "involvedObject": {"kind": "edgehost", "uid": uid, "name": uid},
            "severity": severity,
            "reason": reason,
            "message": message,
            "source": {"component": "agent", "host": uid},
        }
        for index, (ago, uid, severity, reason, message) in enumerate(events)
    ]


def token_documents(now: float = NOW) -> list[dict[str, Any]]:
    """Return two registration tokens, one ends soon."""
    return [
        {
            "metadata": {"uid": f"tok{index}", "name": name, "creationTimestamp": times.rfc3339(now - 86400 * 90)},
            "spec": {"expiry": times.rfc3339(now + days * 86400), "defaultProject": {"name": "Default", "uid": "p1"}},
            "status": {"isActive": True},
        }
        for index, (name, days) in enumerate((("shop-install", 6), ("lab", 200)))
    ]


def store_of(docs: list[dict[str, Any]], now: float = NOW, state: str = "live", message: str = "") -> Store:
    """Return a store that has heard of these hosts from a plane in `state`."""
    store = Store(clock=lambda: now)
    if docs:
        store.emit("plane", HOSTS_SEEN, {"docs": docs}, at=now - 3)
        store.emit("plane", FEED.seen, {"docs": event_documents(now)}, at=now - 3)
        store.emit("plane", TOKENS.seen, {"docs": token_documents(now), "complete": True}, at=now - 3)
        store.emit("plane", AUDITS.seen, {"docs": []}, at=now - 3)
    away = state in ("lost", "refused")
    source: dict[str, Any] = {"state": state, "message": message, "since": now - 240 if away else now - 3}
    if away:
        source["next_try"] = now + 12
    store.emit("plane", SOURCE_STATE, source, at=now - 3)
    store.emit("plane", "message", {"level": "info", "text": "edge-0c11 is back after 9 min"}, at=now - 20)
    store.flush()
    return store


def session_of(
    docs: list[dict[str, Any]] | None = None,
    *,
    state: str = "live",
    message: str = "",
    view: str = "hosts",
    target: str = "",
    theme: str = "dark",
    ascii_only: bool = False,
    console_glyphs: bool = False,
    now: float = NOW,
    **more: Any,
) -> Session:
    """Return a session over a seeded fleet with a fixed clock."""
    store = store_of(documents() if docs is None else docs, now, state, message)
    return Session(
        store=store,
        context_name="prod",
        plane="hub 10.4.0.2",
        start_view=view,
        start_target=target,
        now=lambda: now,
        terminal=TerminalChoice(theme=theme, ascii_only=ascii_only, console_glyphs=console_glyphs),
        **more,
    )

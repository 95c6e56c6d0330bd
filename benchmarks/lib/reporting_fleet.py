"""A console over hosts that report all the time, for `slow_link.py` and the test of thin links.

reporting_fleet.py N PERIOD VIEW [stock]   N hosts, each reports every PERIOD seconds; `stock` paints as Textual does.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from typing import Any

SITES = ("berlin", "kiel", "hamburg", "munich", "bremen", "koeln", "aarhus", "graz")


def document(index: int, heard: float, rng: random.Random) -> dict[str, Any]:
    """Return what host `index` reports at `heard`; every 60th host is unhealthy and silent."""
    from edgewright.core import times

    silent = index % 60 == 59
    site = SITES[index % len(SITES)]
    state = "unhealthy" if silent else "healthy"
    return {
        "metadata": {
            "name": f"{site}-{index:03d}",
            "uid": f"uid-{index:05d}",
            "labels": {"site": site, "line": ("pos", "cold")[index % 2]},
            "creationTimestamp": times.rfc3339(STARTED - 9e6),
        },
        "spec": {
            "host": {"hostAddress": f"10.4.{index >> 8}.{index & 255}"},
            "device": {
                "archType": "amd64",
                "cpu": {"cores": 8},
                "memory": {"sizeInMB": 32768},
                "os": {"family": "ubuntu", "version": "24.04"},
                "disks": [
                    {
                        "controller": "nvme0",
                        "size": 256,
                        "partitions": [{"mountPoint": "/", "totalSpace": 200, "usedSpace": 90}],
                    }
                ],
            },
            "edgewright": {"cpuPercent": float(rng.randrange(5, 95)), "memoryUsedMB": 8000 + rng.randrange(9) * 400},
        },
        "status": {
            "state": "in-use",
            "health": {"state": state, "agentVersion": "1.2.0"},
            "inUseClusters": [{"name": f"pos-{site}", "uid": "c1"}],
            "edgewright": {
                "healthState": state,
                "reason": f"No heartbeat for {14 + index // 60} min." if silent else "",
                "since": times.rfc3339(STARTED - 5000 - index * 60),
                "lastHeartbeat": times.rfc3339(STARTED - 840 if silent else heard),
                "who": "host" if silent else "nobody",
                "silenceLimit": 600,
                "tokenName": "shop-install",
            },
        },
    }


def event(number: int, at: float) -> dict[str, Any]:
    """Return a component event."""
    from edgewright.core import times

    index = number * 37 % 300
    return {
        "metadata": {"uid": f"ev{number}", "creationTimestamp": times.rfc3339(at)},
        "involvedObject": {"kind": "edgehost", "uid": f"uid-{index:05d}", "name": f"{SITES[index % 8]}-{index:03d}"},
        "severity": "Info",
        "reason": "Load",
        "message": f"load {number % 9}.{number % 7}",
        "source": {"component": "agent", "host": f"uid-{index:05d}"},
    }


def token(number: int) -> dict[str, Any]:
    """Return a registration token."""
    from edgewright.core import times

    return {
        "metadata": {
            "uid": f"tok{number}",
            "name": f"shop-{number}",
            "creationTimestamp": times.rfc3339(STARTED - 8e6),
        },
        "spec": {
            "expiry": times.rfc3339(STARTED + 86400.0 * (6 + number)),
            "defaultProject": {"name": "Default", "uid": "p1"},
        },
        "status": {"isActive": True},
    }


def cluster(number: int) -> dict[str, Any]:
    """Return a cluster of three hosts; the first one forms."""
    from edgewright.core import times

    forms, site = number == 0, SITES[number % len(SITES)]
    members = [
        {"uid": f"uid-{number * 3 + each:05d}", "name": f"{site}-{number * 3 + each:03d}", "role": "control-plane",
         "address": f"10.4.{number}.{each}", "state": "present", "ready": not forms}
        for each in range(3)
    ]  # fmt: skip
    steps = [
        {"step": name, "title": name.title(), "state": state, "hosts": [], "sentence": f"{name.title()}: {state}"}
        for name, state in (("preflight", "done"), ("fetch", "running" if forms else "done"), ("init", "waiting"))
    ]
    return {
        "metadata": {
            "uid": f"c{number}", "name": f"pos-{site}-{number}", "creationTimestamp": times.rfc3339(STARTED - 9e5),
        },
        "specSummary": {},
        "status": {
            "state": "Provisioning" if forms else "Running",
            "edgewright": {
                "healthState": "unknown" if forms else "healthy", "version": "v1.36.3", "distribution": "kubeadm",
                "endpoint": f"10.4.{number}.200", "hosts": 3, "applied": 3, "members": members, "forming": forms,
                "nodes": {"total": 3, "ready": 0 if forms else 3}, "vip": {"state": "one"}, "profiles": ["pos"],
                "reportedAt": times.rfc3339(STARTED), "checklist": steps if forms else [],
                "layers": [{"name": "flannel", "state": "ready", "version": "1.0.0"}],
            },
        },
    }  # fmt: skip


def main(count: int, period: float, view: str, stock: bool) -> None:
    """Open `view` and let the hosts report until the console is left."""
    from edgewright.store.collections.catalogue.clusters import CLUSTERS
    from edgewright.store.collections.feed import FEED
    from edgewright.store.collections.tokens import TOKENS
    from edgewright.store.engine.events import HOSTS_SEEN, SOURCE_STATE
    from edgewright.store.engine.store import Store
    from tui.app import EdgewrightApp
    from tui.session import Session
    from tui.terminal.detect import choose

    rng = random.Random(1)
    store = Store()
    docs = [document(index, STARTED - rng.random() * period, rng) for index in range(count)]
    store.emit("plane", HOSTS_SEEN, {"docs": docs}, at=STARTED)
    store.emit("plane", FEED.seen, {"docs": [event(number, STARTED - 9 * number) for number in range(100)]}, at=STARTED)
    store.emit("plane", TOKENS.seen, {"docs": [token(number) for number in range(12)], "complete": True}, at=STARTED)
    every = [cluster(number) for number in range(30)]
    store.emit("plane", CLUSTERS.seen, {"docs": every, "complete": True}, at=STARTED)
    store.emit("plane", SOURCE_STATE, {"state": "live", "since": STARTED}, at=STARTED)
    store.flush()

    async def reports() -> None:
        loop = asyncio.get_running_loop()
        began, sent, number = loop.time(), 0, 100
        while True:
            await asyncio.sleep(0.25)
            now, due = time.time(), int((loop.time() - began) * count / period)
            batch = [document(index % count, now, rng) for index in range(sent, due)]
            sent = due
            store.emit("plane", HOSTS_SEEN, {"docs": batch}, at=now)
            if number - 100 < (loop.time() - began) / 4:
                store.emit("plane", FEED.seen, {"docs": [event(number, now)]}, at=now)
                number += 1

    class Stock(EdgewrightApp):
        """The same console, painted by Textual alone."""

        def _display(self, screen: Any, renderable: Any) -> None:
            from textual.app import App

            App._display(self, screen, renderable)

        def post_display_hook(self) -> None:
            """Ask nothing."""

    session = Session(store=store, context_name="bench", start_view=view, start=reports, terminal=choose(os.environ))
    app = (Stock if stock else EdgewrightApp)(session)
    app.run(mouse=session.terminal.mouse)


if __name__ == "__main__":
    STARTED = time.time()
    from tui.terminal.detect import choose as _choose
    from tui.terminal.detect import prepare

    prepare(os.environ, _choose(os.environ))
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], "stock" in sys.argv[4:])

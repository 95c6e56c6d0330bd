"""Text that a made-up host sends when it is asked: what fills its disk, with figures that add up to its facts."""

from __future__ import annotations

import random
from typing import List

from edgewright.agent.facts.device import Facts
from edgewright.agent.kernel.disk_usage import DiskUsage, report

_PLACES = {
    "/": (
        "/var/log/journal",
        "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs",
        "/var/log/pods",
        "/usr/lib",
    ),
    "/var/lib/data": ("/var/lib/data/video", "/var/lib/data/queue", "/var/lib/data/cache"),
}
_SHARES = (0.52, 0.24, 0.11, 0.06)
_MB = 1_000_000


def made_up_usage(facts: Facts, mount: str, rng: random.Random) -> List[str]:
    """Return the lines of `disk-usage` for a made-up host; the sizes add up to the used space of its facts."""
    parts = [part for disk in facts.device["disks"] for part in disk["partitions"] if part["mountPoint"] == mount]
    if not parts:
        return [f"{mount} is not a mount point of this host."]
    total, used = parts[0]["totalSpace"] * _MB, parts[0]["usedSpace"] * _MB
    places = _PLACES.get(mount, (mount,))
    sizes = [int(used * share * rng.uniform(0.9, 1.0)) for share in _SHARES]
    directories = list(zip(sizes, places))
    files = [
        (int(sizes[0] * share), f"{places[0]}/{name}") for share, name in ((0.3, "system.journal"), (0.2, "old.1"))
    ]
    return report(mount, DiskUsage(directories, files, used, True), (total, used, total - used))

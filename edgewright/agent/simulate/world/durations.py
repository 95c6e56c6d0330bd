"""How long stages of steps take, in seconds, measured on hosts of the lab (containers on a two-core machine)."""

from __future__ import annotations

from typing import Dict

MEASURED = "2026-11-28"
"""Day of the runs."""

SECONDS: Dict[str, float] = {
    "preflight": 3.0,
    "fetch": 12.0,
    "activate": 4.0,
    "runtime": 2.0,
    "preload": 3.3,
    "vip": 1.0,
    "init": 7.3,
    "mark": 0.5,
    "keepalived": 1.0,
    "serve-join": 0.6,
    "join-control-plane": 12.0,
    "join-worker": 6.0,
    "end-grant": 0.6,
    "layer": 8.7,
    "remove-layer": 2.0,
    "etcd-space": 2.0,
    "drain": 4.0,
    "remove-member": 0.6,
    "remove-node": 0.3,
    "release": 1.4,
    "delete": 1.4,
}
"""By step. `init`, `preload`, `layer` (a chart until its pods serve) and `release` (`kubeadm reset`) were measured, the
others are estimates."""

"""Facts of a machine under strain: its temperature, and units that a cluster needs and that have failed."""

from __future__ import annotations

import os
from typing import List, Optional

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.programs import run

UNITS = (
    "kubelet.service",
    "containerd.service",
    "crio.service",
    "docker.service",
    "k3s.service",
    "k3s-agent.service",
    "rke2-server.service",
    "rke2-agent.service",
    "chronyd.service",
    "chrony.service",
    "systemd-timesyncd.service",
)
"""Units that are watched: without them a node does not work. Other failed units are no condition of a host."""
_SECONDS, _MOST = 5.0, 65536
_COLDEST, _HOTTEST = 1, 130
"""Degrees Celsius that a sensor may report; others are defects of the sensor."""


def temperature(root: Root) -> Optional[int]:
    """Return the highest temperature of the kernel's thermal zones in degrees Celsius, `None` without a sensor."""
    readings = []
    for zone in root.names("/sys/class/thermal"):
        if zone.startswith("thermal_zone"):
            degrees = root.number(f"/sys/class/thermal/{zone}/temp") // 1000
            if _COLDEST <= degrees <= _HOTTEST:
                readings.append(degrees)
    return max(readings, default=None)


def failed_units(root: Root) -> List[str]:
    """Return the watched units that have failed or are restarted again and again; none where systemd does not run."""
    if not root.real or not root.has("/run/systemd/system"):
        return []
    command = ["systemctl", "show", "--no-pager", "-p", "Id,ActiveState,SubState", *UNITS]
    environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "LC_ALL": "C"}
    try:
        ended = run(command, _SECONDS, _MOST, environment)
    except (OSError, ValueError):
        return []
    return parse_units(ended.output.decode("utf-8", "replace"))


def parse_units(text: str) -> List[str]:
    """Return the failed units in the output of `systemctl show -p Id,ActiveState,SubState`, in its order."""
    failed = []
    for block in text.split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if values.get("ActiveState") == "failed" or values.get("SubState") == "auto-restart":
            failed.append(values.get("Id", ""))
    return list(dict.fromkeys(unit for unit in failed if unit))

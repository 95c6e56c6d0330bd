"""What Edgewright takes of a control plane while its cluster runs: memory and CPU, against the kubelet, in one run.

python benchmarks/cluster_agent.py [--seconds 180]
One host of a lab forms a cluster (`edgewright lab up --kubernetes`), which is left alone for a minute first. CPU is
that of the control groups of the units, read on this machine: the agent's service, the registry of the host's images,
the server for the other members, and the reconciler, which looks at the steps of the cluster and ends. Memory is
resident: at the end, of the reconciler the most that was seen. keepalived and its check of the API are a row apart.
Aims: the agent's service 40 MB; Edgewright's four together at most 2 % of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.kube_lab import Lab, lab  # noqa: E402 - the source tree beside this script
from edgewright.lab import groups  # noqa: E402
from edgewright.lab.kubernetes import versions  # noqa: E402
from tests.e2e.kubernetes.formed import Formed  # noqa: E402

AIM_MB, AIM_PERCENT = 40.0, 2.0
SETTLE, EVERY = 60.0, 0.5
"""Seconds after the cluster is healthy that are not counted; seconds between two samples."""
HOST = "edge1"
AGENT, RECONCILER = "edgewright-agent", "edgewright-reconciler"
OURS = (AGENT, "edgewright-images", "edgewright-peer", RECONCILER)
OTHERS = ("edgewright-keepalived", "kubelet", "edgewright-containerd")


class Units:
    """The units of a host, sampled; a unit that ended and started again counts on."""

    def __init__(self, there: Lab) -> None:
        name = str(there.shown["name"])
        trees = [groups.ROOT / "unified", groups.ROOT]
        places = [tree / name / HOST / "payload/system.slice" for tree in trees]
        self._place = next(place for place in places if place.is_dir())
        self._last = {unit: self._cpu(unit) for unit in (*OURS, *OTHERS)}
        self.cpu = dict.fromkeys(self._last, 0.0)
        self.rss = dict.fromkeys(self._last, 0.0)

    def sample(self) -> None:
        """Look at all units once."""
        for unit, before in self._last.items():
            now = self._cpu(unit)
            self.cpu[unit] += now - before if now >= before else now
            self._last[unit] = now
            resident = self._rss(unit)
            self.rss[unit] = max(self.rss[unit], resident) if unit == RECONCILER else resident

    def _cpu(self, unit: str) -> float:
        try:
            lines = (self._place / f"{unit}.service/cpu.stat").read_text().splitlines()
        except OSError:
            return 0.0
        return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6

    def _rss(self, unit: str) -> float:
        total = 0
        try:
            for process in (self._place / f"{unit}.service/cgroup.procs").read_text().split():
                text = Path(f"/proc/{process}/status").read_text()
                total += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")), 0)
        except OSError:
            pass  # it ended between two reads
        return total / 1024


def main() -> int:
    """Measure for a while; return 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0, help="how long to watch")
    seconds = parser.parse_args().seconds
    with lab(1) as there:
        formed = Formed(there, versions.DEFAULT)
        formed.profile("lab")
        formed.apply("bench", [HOST])
        formed.healthy("bench", 1)
        time.sleep(SETTLE)
        units, began = Units(there), time.monotonic()
        while time.monotonic() - began < seconds:
            units.sample()
            time.sleep(EVERY)
        spent = time.monotonic() - began
    for unit in (*OURS, *OTHERS):
        print(f"{unit:<24} {units.rss[unit]:6.1f} MB {100 * units.cpu[unit] / spent:6.2f} % of a core")
    share, kubelet = (100 * sum(units.cpu[unit] for unit in some) / spent for some in (OURS, ("kubelet",)))
    resident = units.rss[AGENT] / units.rss["kubelet"]
    print(f"CPU {share:.2f} % of a core (aim {AIM_PERCENT} %), {share / kubelet:.2f} times the kubelet")
    print(f"agent {units.rss[AGENT]:.1f} MB resident (aim {AIM_MB:.0f} MB), {resident:.2f} times the kubelet")
    return 0 if share <= AIM_PERCENT and units.rss[AGENT] <= AIM_MB else 1


if __name__ == "__main__":
    sys.exit(main())

"""What Edgewright takes of a control plane while its cluster runs: memory and CPU, against the kubelet, in one run.

python benchmarks/cluster_agent.py [--seconds 300]
One host of a lab forms a cluster (`edgewright lab up --kubernetes`), which is left alone for a minute first. CPU is
that of the control groups of the units, read on this machine: the agent's service, the registry of the host's images,
the server for the other members. The reconciler looks at the steps of the cluster once a minute and ends, and its
control group ends with it: systemd in the host keeps what each of its runs took, which is asked for after it. Memory is
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

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script
from benchmarks.lib.kube_lab import Lab, lab  # noqa: E402 - the source tree beside this script
from edgewright.lab import groups  # noqa: E402
from edgewright.lab.kubernetes import versions  # noqa: E402
from tests.e2e.kubernetes.formed import Formed  # noqa: E402

AIM_MB, AIM_PERCENT = 40.0, 2.0
SETTLE, EVERY = 60.0, 0.5
"""Seconds after the cluster is healthy that are not counted; seconds between two samples."""
ASK = 4
"""Samples after which systemd is asked for the reconciler: it rests for most of a minute between two runs."""
HOST = "edge1"
AGENT, RECONCILER = "edgewright-agent", "edgewright-reconciler"
OURS = (AGENT, "edgewright-images", "edgewright-peer", RECONCILER)
OTHERS = ("edgewright-keepalived", "kubelet", "edgewright-containerd")


class Runs:
    """What each run of a unit took, by its invocation: systemd keeps the sum of the last one until the next begins."""

    def __init__(self, there: Lab, unit: str) -> None:
        self._there, self._command = there, ("systemctl", "show", "--property=InvocationID,CPUUsageNSec", unit)
        self._took: dict[str, float] = {}
        self.sample()
        self._before = sum(self._took.values())

    def sample(self) -> None:
        """Ask for the run that is or was the last one."""
        shown = dict(line.split("=", 1) for line in self._there.within(HOST, *self._command).splitlines())
        if shown.get("InvocationID") and shown.get("CPUUsageNSec", "").isdigit():
            self._took[shown["InvocationID"]] = int(shown["CPUUsageNSec"]) / 1e9

    @property
    def count(self) -> int:
        """Return how many runs were seen."""
        return len(self._took)

    @property
    def seconds(self) -> float:
        """Return the seconds of CPU of all runs since the first sample."""
        return sum(self._took.values()) - self._before


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
    parser.add_argument("--seconds", type=float, default=300.0, help="how long to watch")
    seconds = parser.parse_args().seconds
    with lab(1) as there:
        formed = Formed(there, versions.DEFAULT)
        formed.profile("lab")
        formed.apply("bench", [HOST])
        formed.healthy("bench", 1)
        time.sleep(SETTLE)
        units, runs, began, samples = Units(there), Runs(there, RECONCILER), time.monotonic(), 0
        while time.monotonic() - began < seconds:
            units.sample()
            samples += 1
            if samples % ASK == 0:
                runs.sample()
            time.sleep(EVERY)
        runs.sample()
        spent = time.monotonic() - began
    sampled, units.cpu[RECONCILER] = units.cpu[RECONCILER], runs.seconds
    for unit in (*OURS, *OTHERS):
        print(f"{unit:<24} {units.rss[unit]:6.1f} MB {100 * units.cpu[unit] / spent:6.2f} % of a core")
    print(
        f"{RECONCILER}: {runs.count} runs, {runs.seconds:.2f} s of CPU in {spent:.0f} s (samples saw {sampled:.2f} s)"
    )
    share, kubelet = (100 * sum(units.cpu[unit] for unit in some) / spent for some in (OURS, ("kubelet",)))
    resident = units.rss[AGENT] / units.rss["kubelet"]
    print(f"CPU {share:.2f} % of a core (aim {AIM_PERCENT} %), {share / kubelet:.2f} times the kubelet")
    print(f"agent {units.rss[AGENT]:.1f} MB resident (aim {AIM_MB:.0f} MB), {resident:.2f} times the kubelet")
    return 0 if share <= AIM_PERCENT and units.rss[AGENT] <= AIM_MB else 1


if __name__ == "__main__":
    run_main(main)

"""What the agent takes of a control plane while its cluster runs: memory and CPU, against the kubelet, in one run.

python benchmarks/cluster_agent.py [--seconds 180]
One host of a lab forms a cluster (`edgewright lab up --kubernetes`), which is left alone for a minute first. CPU is
that of the control groups of the units: the agent's service, and every start of its reconciler, which looks at the
steps of the cluster and ends. Memory of the service is its resident memory at the end, of the reconciler the most that
was seen.
Aims: 40 MB resident for the service; service and reconciler together at most 2 % of one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.kube_lab import Lab, lab  # noqa: E402 - the source tree beside this script
from edgewright.lab.kubernetes import versions  # noqa: E402
from tests.e2e.kubernetes.formed import Formed  # noqa: E402

AIM_MB, AIM_PERCENT = 40.0, 2.0
SETTLE = 60.0
"""Seconds after the cluster is healthy that are not counted."""
HOST = "edge1"
AGENT, RECONCILER = "edgewright-agent", "edgewright-reconciler"
SERVICES = (AGENT, "edgewright-local", "kubelet", "edgewright-containerd")
GROUPS = "/sys/fs/cgroup/system.slice"


def cpu(there: Lab, unit: str) -> float:
    """Return the CPU seconds of a service's control group since its start; 0 where there is no such service."""
    text = there.within(HOST, "sh", "-c", f"cat {GROUPS}/{unit}.service/cpu.stat 2>/dev/null", check=False)
    fields = dict(line.split() for line in text.splitlines())
    return int(fields.get("usage_usec", 0)) / 1e6


def rss(there: Lab, unit: str) -> float:
    """Return the resident MB of a service's processes."""
    script = f"for p in $(cat {GROUPS}/{unit}.service/cgroup.procs); do grep VmRSS /proc/$p/status; done 2>/dev/null"
    lines = there.within(HOST, "sh", "-c", script, check=False).splitlines()
    return sum(int(line.split()[1]) for line in lines) / 1024


def ended(there: Lab, unit: str, seconds: float) -> list[float]:
    """Return the CPU seconds of each run of a unit that ended in the last `seconds`, as systemd counted them."""
    words = ("journalctl", "-q", "-o", "json", "--since", f"-{seconds:.0f}s", "_PID=1", f"UNIT={unit}.service")
    entries = [json.loads(line) for line in there.within(HOST, *words, check=False).splitlines()]
    return [int(entry["CPU_USAGE_NSEC"]) / 1e9 for entry in entries if "CPU_USAGE_NSEC" in entry]


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
        before = {unit: cpu(there, unit) for unit in SERVICES}
        began, most = time.monotonic(), 0.0
        while time.monotonic() - began < seconds:
            most = max(most, rss(there, RECONCILER))
            time.sleep(0.5)
        spent = time.monotonic() - began
        used = {unit: cpu(there, unit) - before[unit] for unit in SERVICES}
        runs = ended(there, RECONCILER, spent)
        memory = {unit: rss(there, unit) for unit in SERVICES}
    print(f"{'service':<24} {'RSS':>8} {'CPU of a core':>14}")
    for unit in SERVICES:
        print(f"{unit:<24} {memory[unit]:5.1f} MB {100 * used[unit] / spent:12.2f} %")
    reconciling = 100 * sum(runs) / spent
    each = sum(runs) / max(1, len(runs))
    print(f"{RECONCILER:<24} {most:5.1f} MB {reconciling:12.2f} %  {len(runs)} runs of {each:.2f} s")
    share = 100 * (used[AGENT] + used["edgewright-local"]) / spent + reconciling
    kubelet = 100 * used["kubelet"] / spent
    resident = memory[AGENT] / memory["kubelet"]
    print(f"CPU {share:.2f} % of a core (aim {AIM_PERCENT} %), {share / kubelet:.2f} times the kubelet")
    print(f"agent {memory[AGENT]:.1f} MB resident (aim {AIM_MB:.0f} MB), {resident:.2f} times the kubelet")
    return 0 if share <= AIM_PERCENT and memory[AGENT] <= AIM_MB else 1


if __name__ == "__main__":
    sys.exit(main())

"""How long hosts take from `edgewright apply` to Ready nodes, against a bare kubeadm script, for one and three hosts.

python benchmarks/cluster_form.py [--only 1] [--rounds 1]
All run in one lab (`edgewright lab up --kubernetes`), on hosts that were never in a cluster, from the lab's registry:
for each round one host and three hosts for either way. The hosts of one measurement lose their power before the next.
The script (tests/e2e/kubernetes/activate.py, kubeadm init and join) fetches the tree, unpacks it, starts containerd,
imports all images, on three hosts at the same time; then it runs init, applies flannel, and joins one host after the
other. It checks nothing, has no VIP, and survives no reboot.

Edgewright's time begins with the first contact: when the first host has the document (its part of it is on its disk).
The time from the start of the command to there is printed apart. Both end when all nodes are Ready, asked every 0.5 s.
Aim: at most 1.3 times the script.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script
from benchmarks.lib.kube_lab import Lab, lab  # noqa: E402 - the source tree beside this script
from edgewright.lab.kubernetes import versions  # noqa: E402
from tests.e2e.fleet import until  # noqa: E402
from tests.e2e.kubernetes.by_hand import KUBECONFIG, ByHand  # noqa: E402
from tests.e2e.kubernetes.formed import Formed  # noqa: E402

AIM = 1.3
KUBECTL = "/run/edgewright/kubernetes/kubectl"


def ready(there: Lab, host: str, count: int) -> bool:
    """Return whether so many nodes are Ready, as the API on a host has them."""
    command = (KUBECTL, f"--kubeconfig={KUBECONFIG}", "get", "nodes", "--no-headers")
    lines = there.within(host, *command, check=False).splitlines()
    return sum(line.split()[1] == "Ready" for line in lines) == count


def by_edgewright(there: Lab, formed: Formed, hosts: Sequence[str]) -> tuple[float, float]:
    """Form a cluster by the product; returns seconds to the first contact, and from there to Ready."""
    formed.vip = f"{formed.net}.{200 + int(hosts[0].removeprefix('edge'))}"
    folders = [there.var_lib(name) / "edgewright/cluster-slices" for name in hosts]
    contact: list[float] = []

    def watch() -> None:
        until("a host with the document", 300.0, lambda: any(folder.is_dir() for folder in folders), 0.1)
        contact.append(time.monotonic())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.monotonic()
    formed.apply(f"bench-{hosts[0]}", list(hosts))
    until("nodes Ready", 900.0, lambda: ready(there, hosts[0], len(hosts)), 0.5)
    return contact[0] - began, time.monotonic() - contact[0]


def by_hand(there: Lab, hosts: Sequence[str]) -> float:
    """Form a cluster by the script; returns the seconds to Ready."""
    hand = ByHand(there, versions.DEFAULT)
    hand.first = hosts[0]
    began = time.monotonic()
    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(hand.activate, hosts))
    hand.init()
    hand.apply("flannel.yaml")
    for host in hosts[1:]:
        hand.join(host)
    until("nodes Ready", 600.0, lambda: ready(there, hosts[0], len(hosts)), 0.5)
    return time.monotonic() - began


def switch_off(there: Lab, hosts: Sequence[str]) -> None:
    """Take the power of the hosts of a measurement, so that the next one has the machine for itself."""
    for host in hosts:
        there.lab("fault", "power-cut", host)


def measure(sizes: Sequence[int], rounds: int) -> dict[int, list[float]]:
    """Print a row for each measurement and return the ratios by number of hosts."""
    names = [f"edge{number}" for number in range(1, 2 * rounds * sum(sizes) + 1)]
    ratios: dict[int, list[float]] = {size: [] for size in sizes}
    with lab(len(names)) as there:
        formed = Formed(there, versions.DEFAULT)
        formed.profile("lab")
        for turn in range(rounds):
            for size in sizes:
                mine, theirs = names[:size], names[size : 2 * size]
                names = names[2 * size :]
                contact = seconds = script = 0.0
                for way in ("product", "script") if turn % 2 == 0 else ("script", "product"):
                    if way == "product":
                        contact, seconds = by_edgewright(there, formed, mine)
                        switch_off(there, mine)
                    else:
                        script = by_hand(there, theirs)
                        switch_off(there, theirs)
                ratios[size].append(seconds / script)
                print(
                    f"{size} host{'s' if size > 1 else ''}: first contact {contact:.1f} s, from there to Ready "
                    f"{seconds:.1f} s; script {script:.1f} s; ratio {ratios[size][-1]:.2f}",
                    flush=True,
                )
    return ratios


def main() -> int:
    """Measure; return 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=int, choices=(1, 3), help="one host or three hosts alone")
    parser.add_argument("--rounds", type=int, default=1, help="how often; 8 hosts are booted for each")
    args = parser.parse_args()
    ratios = measure([args.only] if args.only else [1, 3], args.rounds)
    medians = {size: statistics.median(values) for size, values in ratios.items()}
    for size, ratio in medians.items():
        print(f"{size} of {size} Ready: {ratio:.2f} times the script (aim {AIM})")
    return 0 if all(ratio <= AIM for ratio in medians.values()) else 1


if __name__ == "__main__":
    run_main(main)

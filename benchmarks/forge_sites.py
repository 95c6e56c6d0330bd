"""100 sites from a plan: seed ISOs (cidata), checked, against writing as many files of the same bytes, in one run.

python benchmarks/forge_sites.py [--sites 100]
The floor writes, syncs and renames the same bytes. Ours reads
the plan, merges and checks each site's user-data, lays out each ISO, and writes the index. Also the peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script

AIM_MB = 64.0
COMMON = b"""#cloud-config
stylus:
  site:
    paletteEndpoint: plane.example.com
    edgeHostToken: abcdefghijklmnopqrstuvwxyz
    tags: {installer: shop}
install: {device: auto, poweroff: true}
"""


def plan_text(sites: int) -> str:
    """Return a plan in CSV."""
    rows = ["name,address,gateway,dns,vlan,tag.site"]
    for number in range(sites):
        net = f"10.{number // 250}.{number % 250}"
        rows.append(
            f"edge-{number},{net}.10/24,{net}.1,{net}.2,{number % 4000 + 1 if number % 2 else ''},site-{number}"
        )
    return "\n".join(rows) + "\n"


def floor(source: Path, target: Path) -> float:
    """Return the seconds of writing the same bytes, synced and renamed one by one."""
    files = [(path.name, path.read_bytes()) for path in sorted(source.glob("*.iso"))]
    target.mkdir()
    began = time.perf_counter()
    for name, data in files:
        part = target / (name + ".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target / name)
    return time.perf_counter() - began


def child(plan: Path, out: Path) -> int:
    """Make the seeds in this process and print seconds, files and peak memory in MB."""
    import yaml

    from edgewright.forge.progress import Job
    from edgewright.forge.sites.make import check_sites, make_seeds, write_index
    from edgewright.forge.sites.rows import read_plan

    began = time.perf_counter()
    sites = read_plan(plan)
    findings = check_sites(yaml.safe_load(COMMON), sites)
    checked = time.perf_counter() - began
    assert not [finding for finding in findings if finding.severity == "error"], findings[:3]
    out.mkdir()
    made = make_seeds(sites, out, Job())
    write_index(out, plan, made, complete=False, base=None)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(took, checked, len(made), sum(one.size for one in made), peak)
    return 0


def main() -> int:
    """Measure; return 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=100)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(Path(options.child[0]), Path(options.child[1]))
    with tempfile.TemporaryDirectory(prefix="forge-sites-") as text:
        folder = Path(text)
        plan = folder / "plan.csv"
        plan.write_text(plan_text(options.sites))
        words = [sys.executable, __file__, "--child", str(plan), str(folder / "out")]
        told = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        took, checked, count, size, peak = (float(word) for word in told)
        bare = floor(folder / "out", folder / "bare")
    verdict = "ok" if peak <= AIM_MB else "MISSED"
    print(f"{count:.0f} seed ISOs, {size / 1e6:.1f} MB")
    print(f"  made and checked {took:.2f} s (reading and checking the plan {checked:.2f} s)")
    print(f"  floor: the same bytes written and synced {bare:.2f} s; ratio {took / bare:.2f}")
    print(f"  peak memory {peak:.1f} MB, aim {AIM_MB:.0f} MB: {verdict}")
    return 0 if peak <= AIM_MB else 1


if __name__ == "__main__":
    run_main(main)

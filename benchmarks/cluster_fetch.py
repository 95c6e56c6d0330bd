"""A Kubernetes tree fetched and unpacked by the agent's code, against `skopeo copy` and `tar`, in one run; TLS.

python benchmarks/cluster_fetch.py [--pairs 5]
The tree is the newest one that `edgewright lab kubernetes build` made; docker-registry serves it on loopback. Both ways
check every digest and write to the same disk, which is synced at the end of each (the agent syncs file by file, so that
a power cut leaves no half tree; behind `tar` stands one `sync -f`). Each pair begins with empty folders, and who is
first alternates. Aim: fetch and activate together at most 1.2 times as long (median of the ratios).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script
from benchmarks.oci_pull import registry  # noqa: E402 - the source tree beside this script
from edgewright.agent.clusters.content.sources import Puller  # noqa: E402
from edgewright.agent.clusters.content.store import ContentStore  # noqa: E402
from edgewright.agent.clusters.host import Host  # noqa: E402
from edgewright.agent.clusters.machine.unpack import unpack  # noqa: E402
from edgewright.core.clusters.host_slice import REGISTRY, HostSlice, Source  # noqa: E402
from edgewright.core.clusters.tree import read_manifest  # noqa: E402
from edgewright.lab.kubernetes import build  # noqa: E402
from edgewright.lab.kubernetes.registry import STORAGE, seed  # noqa: E402
from edgewright.oci.work import Unwatched  # noqa: E402
from tools.bench import SKIPPED  # noqa: E402

AIM = 1.2


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Agent:
    """What the steps `fetch` and `activate` do with a tree, below a folder."""

    def __init__(self, folder: Path, ref: str, digest: str, ca: Path) -> None:
        self.host = Host(str(folder))
        self.store = ContentStore(self.host)
        self.ref, self.digest = ref, digest
        address = ref.partition("/")[0]
        self.part = HostSlice(sources=(Source(REGISTRY, f"https://{address}", ca.read_text()),))

    def fetch(self) -> None:
        """Bring all parts into the store."""
        with Puller(self.store, self.ref, self.digest, self.part, Unwatched()) as puller:
            manifest = read_manifest(puller.manifest(self.digest))
            for part in (manifest.config, *manifest.layers):
                puller.blob(part.digest, part.size)

    def unpack(self) -> None:
        """Unpack it as a host has it."""
        manifest = read_manifest(self.store.read(self.digest))
        layers = [self.store.path(layer.digest) for layer in manifest.layers]
        unpack(self.host, layers, "/opt/tree", self.store.read(manifest.config.digest), lambda name: None)


class Tools:
    """The same by `skopeo copy` and `tar`."""

    def __init__(self, folder: Path, ref: str, digest: str, certificates: Path) -> None:
        self.folder, self.certificates = folder, certificates
        self.source = f"docker://{ref.rpartition(':')[0]}@{digest}"

    def fetch(self) -> None:
        """Copy the artefact into a directory."""
        command = ["skopeo", "copy", "--quiet", "--src-cert-dir", str(self.certificates), self.source]
        subprocess.run([*command, f"dir:{self.folder / 'copy'}"], check=True)

    def unpack(self) -> None:
        """Unpack all layers with tar, and sync the disk."""
        tree = self.folder / "tree"
        tree.mkdir()
        manifest = json.loads((self.folder / "copy/manifest.json").read_bytes())
        for layer in manifest["layers"]:
            blob = self.folder / "copy" / layer["digest"].partition(":")[2]
            subprocess.run(["tar", "-C", str(tree), "--no-same-owner", "-xzf", str(blob)], check=True)
        subprocess.run(["sync", "-f", str(tree)], check=True)


def measure(folder: Path, built: build.Built, pairs: int) -> float:
    """Print a row for each way and return the median of the ratios of their sums."""
    known = json.loads((built.artefact / "artefact.json").read_text())
    seed(built.artefact / STORAGE, folder / "store")
    rows: dict[str, list[tuple[float, float]]] = {"agent": [], "skopeo and tar": []}
    with registry(folder, tls=True) as (address, ca):
        assert ca is not None
        certificates = folder / "certificates"
        certificates.mkdir()
        shutil.copy(ca, certificates / "ca.crt")
        ref = f"{address}/{known['repository']}:{known['tag']}"
        for number in range(pairs):
            names = list(rows) if number % 2 == 0 else list(reversed(rows))
            for name in names:
                place = folder / "work"
                place.mkdir()
                way = Agent(place, ref, known["digest"], ca) if name == "agent" else Tools(
                    place, ref, known["digest"], certificates
                )  # fmt: skip
                rows[name].append((timed(way.fetch), timed(way.unpack)))
                shutil.rmtree(place)
                subprocess.run(["sync", "-f", str(folder)], check=True)
    for name, seconds in rows.items():
        fetch, unpacked = (statistics.median(values) for values in zip(*seconds, strict=True))
        print(f"{name:<16} fetch {fetch:6.2f} s  unpack {unpacked:6.2f} s  together {fetch + unpacked:6.2f} s")
    ratios = [sum(mine) / sum(theirs) for mine, theirs in zip(*rows.values(), strict=True)]
    parts = [
        statistics.median(mine[part] / theirs[part] for mine, theirs in zip(*rows.values(), strict=True))
        for part in (0, 1)
    ]
    print(f"ratios, medians of {pairs} pairs: fetch {parts[0]:.2f}, unpack {parts[1]:.2f}")
    return float(statistics.median(ratios))


def main() -> int:
    """Measure; return 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="how often each way runs")
    pairs = parser.parse_args().pairs
    trees = build.trees()
    if not trees:
        print("there is no tree: edgewright lab kubernetes build", file=sys.stderr)
        return SKIPPED
    built = max(trees, key=lambda each: (each.artefact / "part.json").stat().st_mtime)
    with tempfile.TemporaryDirectory(prefix="cluster-fetch-") as text:
        ratio = measure(Path(text), built, pairs)
    print(f"fetch and activate: {ratio:.2f} times skopeo and tar (aim {AIM})")
    return 0 if ratio <= AIM else 1


if __name__ == "__main__":
    run_main(main)

"""What the agent takes of a host while it idles: memory and CPU, against a Python that only sleeps, in the same run.

A real hub, heartbeats at its ordinary 60 s. Aims: RSS at most 40 MB, CPU at most 0.5 % of one core. The binary carries
a starter process of its own; both its processes are counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script
from edgewright.agent.install import archive  # noqa: E402 - the source tree beside this script
from tests.hub_fixture import RunningHub, running_hub  # noqa: E402

AIM_MB = 40.0
AIM_PERCENT = 0.5
SETTLE = 5.0
"""Seconds after the start that are not counted: registration is no idling."""


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    found = [pid]
    for parent in found:
        tasks = Path(f"/proc/{parent}/task/{parent}/children")
        found += [int(child) for child in tasks.read_text().split()]
    return found


def rss_mb(pid: int) -> float:
    """Return the resident memory in MB."""
    total = 0
    for each in family(pid):
        for line in Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds used so far, to the nanosecond: the ticks of /proc/PID/stat are too coarse here."""
    nanoseconds = 0
    for each in family(pid):
        for task in Path(f"/proc/{each}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def agent_command(program: list[str], hub: RunningHub, folder: Path, name: str) -> list[str]:
    """Return the command of an agent of its own on the hub."""
    home = folder / name
    home.mkdir()
    (home / "token").write_text(hub.token(name)[1])
    (home / "user-data").write_text(f"#cloud-config\nstylus:\n  site:\n    name: {name}\n")
    words = ["run", "--endpoint", hub.url, "--ca", str(hub.ca), "--token-file", str(home / "token")]
    return [*program, *words, "--data", str(home / "data"), "--user-data", str(home / "user-data"), "--console", ""]


def main() -> int:
    """Measure for a while; return 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=65.0, help="how long to watch (default 65: a heartbeat or two)"
    )
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="footprint-") as text, running_hub() as hub:
        folder = Path(text)
        target = folder / "agent.pyz"
        archive.build(str(target), str(ROOT / "edgewright"))
        commands = {
            "sleep": [sys.executable, "-c", "import time; time.sleep(100000)"],
            "archive": agent_command([sys.executable, str(target)], hub, folder, "archive"),
        }
        binary = ROOT / "dist" / "edgewright-agent"
        if binary.exists():
            commands["binary"] = agent_command([str(binary)], hub, folder, "binary")
        else:
            print("binary: not built (make agent), not measured")
        running = {
            name: subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
            for name, command in commands.items()
        }
        try:
            time.sleep(SETTLE)
            begun = {name: (cpu_seconds(process.pid), time.monotonic()) for name, process in running.items()}
            time.sleep(seconds)
            missed = report(running, begun)
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(timeout=20)
        heard = {row["metadata"]["name"] for row in hosts(hub)}
        if not set(commands) - {"sleep"} <= {*heard, *uids(hub)}:
            raise SystemExit("an agent never registered: the figures mean nothing")
    return 1 if missed else 0


def hosts(hub: RunningHub) -> list[dict[str, dict[str, str]]]:
    """Return the hosts that the hub knows."""
    items: list[dict[str, dict[str, str]]] = (
        hub.client().post("/v1/dashboard/edgehosts/search?limit=50", json={}).json()["items"]
    )
    return items


def uids(hub: RunningHub) -> set[str]:
    """Return the UIDs that the hub knows."""
    return {row["metadata"]["uid"] for row in hosts(hub)}


def report(running: dict[str, subprocess.Popen[bytes]], begun: dict[str, tuple[float, float]]) -> bool:
    """Print the figures; tell whether an aim was missed."""
    floor = rss_mb(running["sleep"].pid)
    missed = False
    print(f"{'':<9}{'RSS MB':>8}{'x floor':>9}{'CPU ms':>9}{'seconds':>9}{'CPU %':>8}")
    for name, process in running.items():
        used, since = cpu_seconds(process.pid) - begun[name][0], time.monotonic() - begun[name][1]
        memory, percent = rss_mb(process.pid), 100 * used / since
        over = name != "sleep" and (memory > AIM_MB or percent > AIM_PERCENT)
        missed = missed or over
        verdict = "" if name == "sleep" else ("  MISSED" if over else "  ok")
        figures = f"{memory:>8.1f}{memory / floor:>9.2f}{1000 * used:>9.1f}{since:>9.1f}{percent:>8.3f}"
        print(f"{name:<9}{figures}{verdict}")
    print(
        f"aims: RSS <= {AIM_MB:.0f} MB, CPU <= {AIM_PERCENT} % of a core; floor: a Python of the same kind that sleeps"
    )
    return missed


if __name__ == "__main__":
    run_main(main)

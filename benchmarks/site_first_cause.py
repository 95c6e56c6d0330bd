"""From dialling to the first right cause over a link of 300 ms, in units of one connect on the same link.

A real sshd runs in a network namespace of its own at the end of a link with a delay, and, in the second row, of 64
kbit/s. It has no default route, which is the fault: all probes run, and the first cause must be `no-route`. A unit is
the median time until a connection is open and authenticated; the row is the median time until the cause is known, in
units.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from edgewright.clients.ssh.auth.asking import NoAnswers
from edgewright.clients.ssh.config.resolve import Files, route_of
from edgewright.clients.ssh.config.settings import this_machine
from edgewright.clients.ssh.connection import connect
from edgewright.clients.ssh.hostkeys.trust import KnownFiles
from edgewright.clients.ssh.probes.reading import examine
from edgewright.clients.ssh.probes.sets import chosen
from edgewright.clients.ssh.target import read_target
from edgewright.core.doctor.diagnose import diagnose
from tests.clients.ssh.wire import Wire, unusable

AIM = 3.0
SKIPPED = 77
FAULT = "no-route"
RATES = {"300 ms": 0.0, "300 ms, 64 kbit/s": 8000.0}
"""Links to their bytes a second, 0 for any."""


def start_sshd(folder: Path, wire: Wire, stack: ExitStack) -> None:
    """Start an sshd at the far end of a link, and write the configuration for it."""
    os.makedirs("/run/sshd", 0o755, exist_ok=True)
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd is not None
    (folder / "sshd_config").write_text(
        f"Port 22\nListenAddress {wire.there}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nUseDNS no\nLogLevel ERROR\nSetEnv HOME={folder}\n"
    )
    process = subprocess.Popen([*wire.inside, sshd, "-D", "-f", str(folder / "sshd_config")], stdin=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    (folder / "known_hosts").write_text(f"{wire.there} {' '.join((folder / 'host.pub').read_text().split()[:2])}\n")
    (folder / "config").write_text(
        f"Host *\nIdentityFile {folder}/user\nUserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile none\n"
        "IdentityAgent none\n"
    )
    time.sleep(1)


async def once(folder: Path, host: str) -> tuple[float, float]:
    """Return the seconds until the connection is open, and until the cause is known. Raises `RuntimeError` else."""
    files, machine = Files(None, None, folder / "config"), this_machine()._replace(environment={})
    route = route_of(files, machine, read_target(f"root@{host}"))
    began = time.monotonic()
    connection = await connect(route, KnownFiles(), NoAnswers(), timeout=60)
    opened = time.monotonic() - began
    try:
        examined = await examine(connection, chosen())
        first = diagnose(examined.facts).first
        known = time.monotonic() - began
    finally:
        await connection.aclose()
    if first is None or first.symptom != FAULT or not examined.run.complete:
        raise RuntimeError(f"the first cause is {first and first.key}, not {FAULT}")
    return opened, known


def measure(folder: Path, link: str, rounds: int) -> float:
    """Print a row; return its ratio."""
    with ExitStack() as stack:
        wire = stack.enter_context(Wire(rate=RATES[link]))
        start_sshd(folder, wire, stack)
        runs = [asyncio.run(once(folder, wire.there)) for _ in range(rounds)]
    unit, known = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"{link}: connect {unit:.2f} s, first cause after {known:.2f} s, {known / unit:.2f} connects", flush=True)
    return float(known / unit)


def main() -> int:
    """Return 0 when the aim is reached, 1 when not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    why = unusable()
    if why or shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        print(why or "openssh-server is not installed", file=sys.stderr)
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="first-cause-", dir="/tmp") as name:
        folder = Path(name)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
        print(f"{len(chosen())} probes, {options.rounds} rounds, aim {AIM:g} connects", flush=True)
        ratios = [measure(folder, link, options.rounds) for link in RATES]
    return 0 if max(ratios) <= AIM else 1


if __name__ == "__main__":
    run_main(main)

"""Facts from 200 sshd instances: our connections in one process, against `xargs -P ssh`, each with its best number.

Two rows. *New connections*: nothing is open; a connection, one script over stdin, its output. *Open connections*: the
same script again, where ours stay open and ssh has a master for each host (ControlMaster). All sshd run on this machine
and use its processors too: the rows compare clients whose servers cost the same. Runs alternate; the row is the ratio
of medians. With `ansible` on PATH, its module `raw` (the same script) or `setup` (its own facts) does it once, for
information.
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
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from edgewright.clients.ssh.auth.asking import NoAnswers
from edgewright.clients.ssh.config.resolve import Files, HostSettings, route_of
from edgewright.clients.ssh.config.settings import this_machine
from edgewright.clients.ssh.connection import SshConnection, connect
from edgewright.clients.ssh.hostkeys.trust import KnownFiles
from edgewright.clients.ssh.target import read_target

AIM = 1.3
SKIPPED = 77
PARALLEL = (8, 32)
"""How many connections at a time are tried; the best of each side counts."""
SCRIPT = b"uname -a; cat /proc/uptime /proc/loadavg; df -kP /; id\n"
LIMIT = 100_000


def start_servers(folder: Path, count: int, stack: ExitStack) -> list[str]:
    """Start the sshd processes, write configuration and known_hosts for both sides; return the names of the hosts."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    if os.getuid() == 0:
        os.makedirs("/run/sshd", 0o755, exist_ok=True)
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd is not None
    public = " ".join((folder / "host.pub").read_text().split()[:2])
    names, blocks, known = [], [], []
    for number in range(count):
        port = 20_000 + number
        config = folder / f"sshd-{number}"
        config.write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
            f"PidFile none\nStrictModes no\nUsePAM no\nMaxStartups 500\nLogLevel ERROR\nSetEnv HOME={folder}\n"
        )
        process = subprocess.Popen([sshd, "-D", "-f", str(config)], stdin=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        names.append(f"h{number}")
        blocks.append(f"Host h{number}\n  HostName 127.0.0.1\n  Port {port}\n")
        known.append(f"[127.0.0.1]:{port} {public}\n")
    (folder / "known_hosts").write_text("".join(known))
    every = (
        f"Match all\n  IdentityFile {folder}/user\n  UserKnownHostsFile {folder}/known_hosts\n  IdentityAgent none\n"
    )
    (folder / "config").write_text("".join(blocks) + every + "  GlobalKnownHostsFile none\n")
    (folder / "script").write_bytes(SCRIPT)
    return names


def by_xargs(folder: Path, names: Sequence[str], parallel: int, *options: str) -> float:
    """Return the seconds that xargs takes. Raises `RuntimeError` when a host is not in the output."""
    ssh = ["ssh", "-F", str(folder / "config"), "-o", "BatchMode=yes", *options]
    command = f'exec "$@" "$0" "sh -s" < {folder}/script'
    began = time.monotonic()
    done = subprocess.run(
        ["xargs", "-P", str(parallel), "-I", "{}", "sh", "-c", command, "{}", *ssh],
        input="\n".join(names).encode(),
        capture_output=True,
    )
    seconds = time.monotonic() - began
    if done.returncode or done.stdout.count(b"Filesystem") != len(names):
        raise RuntimeError(f"xargs ssh: {done.returncode} {done.stderr[-300:]!r}")
    return seconds


def end_masters(folder: Path, names: Sequence[str]) -> None:
    """End the masters of ssh, which outlive what started them."""
    for name in names:
        if (folder / f"m-{name}").exists():
            command = ["ssh", "-F", str(folder / "config"), "-o", f"ControlPath={folder}/m-%n", "-O", "exit", name]
            subprocess.run(command, capture_output=True)


async def opened(routes: Sequence[Sequence[HostSettings]], parallel: int) -> tuple[float, list[SshConnection]]:
    """Return the seconds for new connections with one script each, and the connections."""
    gate = asyncio.Semaphore(parallel)

    async def one(route: Sequence[HostSettings]) -> SshConnection:
        async with gate:
            connection = await connect(route, KnownFiles(), NoAnswers(), timeout=60)
            await facts(connection)
            return connection

    began = time.monotonic()
    connections = await asyncio.gather(*map(one, routes))
    return time.monotonic() - began, list(connections)


async def facts(connection: SshConnection) -> None:
    """Run the script. Raises `RuntimeError` where its output is not complete."""
    result = await connection.run_script(SCRIPT, timeout=60, limit=LIMIT)
    if result.status or b"Filesystem" not in result.output:
        raise RuntimeError(f"{connection.facts.host}: {result}")


async def again(connections: Sequence[SshConnection], parallel: int) -> float:
    """Return the seconds for the script on open connections."""
    gate = asyncio.Semaphore(parallel)

    async def one(connection: SshConnection) -> None:
        async with gate:
            await facts(connection)

    began = time.monotonic()
    await asyncio.gather(*map(one, connections))
    return time.monotonic() - began


def row(name: str, ours: dict[int, list[float]], theirs: dict[int, list[float]]) -> float:
    """Print the medians of both sides, each with its best number at a time; return the ratio."""

    def best(runs: dict[int, list[float]]) -> tuple[int, float]:
        return min(((parallel, statistics.median(seconds)) for parallel, seconds in runs.items()), key=lambda p: p[1])

    (ours_at, mine), (theirs_at, other) = best(ours), best(theirs)
    print(
        f"{name}: ours {mine:.2f} s ({ours_at} at a time), xargs ssh {other:.2f} s ({theirs_at}), {mine / other:.2f} x"
    )
    return mine / other


def by_ansible(folder: Path, names: Sequence[str], module: str) -> None:
    """Print what ansible takes, where it is installed: for the same script (`raw`), or its own facts (`setup`)."""
    if shutil.which("ansible") is None:
        print("ansible: not installed")
        return
    inventory = folder / "inventory"
    inventory.write_text("\n".join(names) + "\n")
    command = ["ansible", "all", "-i", str(inventory), "-f", "32", "-m", module]
    command += ["-a", SCRIPT.decode().strip()] if module == "raw" else []
    environment = {**os.environ, "ANSIBLE_SSH_ARGS": f"-F {folder}/config", "ANSIBLE_HOST_KEY_CHECKING": "True"}
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, env=environment)
    print(f"ansible {module}: {time.monotonic() - began:.2f} s, exit code {done.returncode}")


async def measure(folder: Path, names: Sequence[str], rounds: int) -> tuple[float, float]:
    """Run both sides in turn; return the ratios for new and for open connections."""
    files, machine = Files(None, None, folder / "config"), this_machine()._replace(environment={})
    routes = [route_of(files, machine, read_target(name)) for name in names]
    run: Callable[..., float] = by_xargs
    new: tuple[dict[int, list[float]], dict[int, list[float]]] = ({}, {})
    kept: tuple[dict[int, list[float]], dict[int, list[float]]] = ({}, {})
    master = ("-o", f"ControlPath={folder}/m-%n", "-o", "ControlMaster=auto", "-o", "ControlPersist=300")
    for _ in range(rounds):
        for parallel in PARALLEL:
            theirs = await asyncio.to_thread(run, folder, names, parallel)
            new[1].setdefault(parallel, []).append(theirs)
            seconds, connections = await opened(routes, parallel)
            new[0].setdefault(parallel, []).append(seconds)
            kept[0].setdefault(parallel, []).append(await again(connections, parallel))
            await asyncio.gather(*(connection.aclose() for connection in connections))
            await asyncio.to_thread(run, folder, names, parallel, *master)
            kept[1].setdefault(parallel, []).append(await asyncio.to_thread(run, folder, names, parallel, *master))
            end_masters(folder, names)
    return row("new connections", *new), row("open connections", *kept)


def main() -> int:
    """Return 0 when the aim is reached, 1 when not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ansible", choices=("raw", "setup"), default="raw", help="its module, where it is installed")
    options = parser.parse_args()
    if not all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("sshd", "ssh", "xargs")):
        print("openssh-server or xargs is not installed", file=sys.stderr)
        return SKIPPED
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ssh-fanout-", dir="/tmp")))
        names = start_servers(folder, options.hosts, stack)
        stack.callback(end_masters, folder, names)
        time.sleep(1 + options.hosts / 100)
        print(f"{options.hosts} sshd on this machine, {options.rounds} rounds, aim {AIM} x", flush=True)
        ratios = asyncio.run(measure(folder, names, options.rounds))
        by_ansible(folder, names, options.ansible)
    return 0 if max(ratios) <= AIM else 1


if __name__ == "__main__":
    run_main(main)

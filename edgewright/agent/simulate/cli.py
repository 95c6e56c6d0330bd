"""`edgewright agent simulate`: run simulated hosts against a plane until stopped."""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import Any, Dict, Optional, Sequence

from edgewright.agent import cli
from edgewright.agent.kernel.state import read_secret
from edgewright.agent.simulate.cluster_faults import KINDS, read_faults
from edgewright.agent.simulate.host import run_simulated
from edgewright.agent.simulate.work import MOST
from edgewright.core.errors import UsageError


def main(argv: Optional[Sequence[str]] = None, prog: str = "edgewright-agent") -> int:
    """Run one verb of the agent, `simulate` among them; return its exit code."""
    return cli.main(argv, prog, [cli.Verb("simulate", add_parser, simulate)])


def add_parser(verbs: Any) -> None:
    """Add the verb to the subparsers of the agent's command line."""
    verb = verbs.add_parser("simulate", help="run simulated hosts against a plane", epilog=cli.EPILOG)
    verb.add_argument("--hosts", type=int, default=20, metavar="N", help="how many (%(default)s)")
    verb.add_argument("--endpoint", required=True, metavar="URL")
    verb.add_argument("--token-file", required=True, metavar="FILE")
    verb.add_argument("--ca", default="", metavar="FILE")
    verb.add_argument("--no-faults", action="store_true", help="every host stays healthy")
    verb.add_argument("--seed", type=int, default=1, help="the same seed makes the same hosts (%(default)s)")
    verb.add_argument("--speed", type=float, default=1.0, metavar="X", help="faults come X times faster (%(default)s)")
    verb.add_argument("--interval", type=cli.seconds, default=0.0, metavar="S", help="seconds between heartbeats")
    verb.add_argument(
        "--idle-connections",
        type=int,
        default=MOST,
        metavar="N",
        help="hosts that learn of work at once; the others with their next heartbeat (%(default)s)",
    )
    verb.add_argument(
        "--cluster-fault",
        action="append",
        default=[],
        metavar="NAME=KIND",
        help=f"what goes wrong with the cluster of a name: {', '.join(KINDS)}",
    )
    verb.add_argument("--for", dest="seconds", type=float, default=0.0, metavar="S", help="stop after S seconds")


def simulate(namespace: argparse.Namespace) -> int:
    """Run simulated hosts until a signal or the end of `--for`. Raises `UsageError`, `EdgewrightError`."""
    if namespace.idle_connections < 0:
        raise UsageError("--idle-connections must be 0 or more.", "See: edgewright agent simulate --help")
    if namespace.hosts < 1:
        raise UsageError("--hosts must be 1 or more.", "See: edgewright agent simulate --help")
    faults = read_faults(namespace.cluster_fault)
    asyncio.run(_until_stopped(namespace, read_secret(namespace.token_file, "registration token"), faults))
    return 0


async def _until_stopped(namespace: argparse.Namespace, token: str, faults: Dict[str, str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    run = asyncio.ensure_future(
        run_simulated(
            namespace.hosts, namespace.endpoint, token, namespace.ca, not namespace.no_faults,
            namespace.seed, namespace.speed, namespace.interval,
            lambda line: print(line, flush=True), connections=namespace.idle_connections,
            cluster_faults=faults,
        )
    )  # fmt: skip
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait([run, waiting], timeout=namespace.seconds or None, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if run.done():
        run.result()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

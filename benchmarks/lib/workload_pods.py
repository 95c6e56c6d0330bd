"""The nodes and pods of the comparison with k9s: kept by kwok, or with a status that a stand-in sets once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.e2e.kubernetes.workloads import kwok
from tests.e2e.kubernetes.workloads.api_server import ApiServer
from tests.e2e.kubernetes.workloads.stand_ins import Maker

SPACES = ("shop", "kitchen", "stock", "media")
ALL = "-7d9f8c6b5-"
"""What the names of all pods contain."""
UNWELL = 7
"""The node that is not ready."""
CHANGES_IN = 20
"""Seconds in which changes are counted."""


def _nodes(pods: int) -> list[str]:
    return [f"edge-{at:02d}" for at in range(max(pods // 100, 3))]


async def fill(server: ApiServer, pods: int) -> None:
    """Make nodes and pods and set their status, once: most run, some wait, some crash."""
    print("pods by a stand-in for kubelets: each status is set once, and nothing changes while the programs watch")
    began = time.monotonic()
    maker, nodes = Maker(server, time.time()), _nodes(pods)
    await maker.namespaces(SPACES)
    await asyncio.gather(
        *(maker.node(name, ready=at != UNWELL, gpus=2 * (at % 5 == 0)) for at, name in enumerate(nodes))
    )
    states = ["CrashLoopBackOff" if at % 500 == 3 else "Pending" if at % 700 == 5 else "Running" for at in range(pods)]
    made = (
        maker.pod(SPACES[at % 4], f"web{at % 50}{ALL}{at:05d}", nodes[at % len(nodes)], states[at], int(at % 250 == 0))
        for at in range(pods)
    )
    await asyncio.gather(*made)
    print(f"{pods} pods made in {time.monotonic() - began:.0f} s", flush=True)
    await maker.aclose()


async def keep(server: ApiServer, pods: int, program: Path) -> None:
    """Make the same nodes and pods for kwok to keep; one in a hundred is not ready at times."""
    print(f"pods by kwok ({kwok.version(program)}), placed by kube-scheduler", flush=True)
    began = time.monotonic()
    kwok.start(server, program)
    keeper, nodes = kwok.Keeper(server), _nodes(pods)
    await keeper.maker.namespaces(SPACES)
    await keeper.nodes(nodes, [2 * (at % 5 == 0) for at in range(len(nodes))])
    labels = [kwok.CRASHES if at % 500 == 3 else kwok.FLAPS if at % 100 == 50 else "" for at in range(pods)]
    waiting = [at % 700 == 5 for at in range(pods)]
    made = (
        keeper.pod(SPACES[at % 4], f"web{at % 50}{ALL}{at:05d}", int(at % 250 == 0), labels[at], not waiting[at])
        for at in range(pods)
    )
    await asyncio.gather(*made)
    await keeper.running(pods, sum(waiting))
    print(f"{pods} pods made, {pods - sum(waiting)} of them run after {time.monotonic() - began:.0f} s", flush=True)
    if len(nodes) > UNWELL:
        await keeper.unwell(nodes[UNWELL])
    changed, renewed = await keeper.changes(CHANGES_IN)
    print(f"in {CHANGES_IN} s of rest: {changed} changes of pods, {renewed} leases of {len(nodes)} nodes renewed")
    await keeper.maker.aclose()

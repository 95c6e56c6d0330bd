"""Nodes and pods that kwok keeps: kube-scheduler places the pods, the node controller judges nodes by their leases.

kwok (kwok.sigs.k8s.io) answers for the kubelets: it sets the status of every node and pod, renews leases and sends
events, as `kwok-stages.yaml` says. Nothing runs in a pod, so there are no logs, no shells and no usage.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from edgewright.yamltext.writer import write
from tests.e2e.kubernetes.workloads.api_server import ApiServer
from tests.e2e.kubernetes.workloads.stand_ins import Maker

STAGES = Path(__file__).parent / "kwok-stages.yaml"
HINT = "build it (make build/bin/kwok), or name one that is there: EDGEWRIGHT_KWOK=FILE"
CRASHES, FLAPS, UNWELL = "edgewright/crashes", "edgewright/flaps", "edgewright/unwell"
"""Labels by which the stages choose: a container that ends again and again, a probe that fails, an unwell node."""
RATE = 400
"""Requests a second that the scheduler may send; its default places 5,000 pods in two minutes."""


def program() -> Path | None:
    """Return kwok: `EDGEWRIGHT_KWOK`, else the one on PATH, else None."""
    named = Path(os.environ.get("EDGEWRIGHT_KWOK") or "")
    found = str(named) if named.is_file() else shutil.which("kwok")
    return Path(found) if found else None


def version(kwok: Path) -> str:
    """Return what `kwok --version` prints, such as `kwok version v0.8.0 go1.26.8 (linux/amd64)`."""
    done = subprocess.run([kwok, "--version"], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def start(server: ApiServer, kwok: Path) -> None:
    """Start kwok, the scheduler and the node controller beside an API; they end with it.

    `server.folder` has its kubeconfig already.
    """
    folder, config = server.folder, str(server.folder / "kubeconfig")
    client = {"kubeconfig": config, "qps": RATE, "burst": RATE}
    kind = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
    (folder / "scheduler.yaml").write_text(
        write({**kind, "clientConnection": client, "leaderElection": {"leaderElect": False}})
    )
    for name, words in (
        ("kube-scheduler", ["--config=scheduler.yaml"]),
        (
            "kube-controller-manager",
            [f"--kubeconfig={config}", "--leader-elect=false", "--controllers=node-lifecycle-controller"],
        ),
    ):
        server.beside(name, [str(folder / name), *words, "--secure-port=0"])
    given = {"kubeconfig": config, "config": str(STAGES), "manage-all-nodes": "true", "cidr": "10.244.0.0/16",
             "node-ip": "10.4.1.7", "node-lease-duration-seconds": "40"}  # fmt: skip
    server.beside("kwok", [str(kwok), *(f"--{name}={value}" for name, value in given.items())])


class Keeper:
    """Makes what kwok keeps, and waits for it."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self.maker = Maker(server, time.time())

    async def pod(self, namespace: str, name: str, gpus: int = 0, label: str = "", placed: bool = True) -> None:
        """Make a pod for the scheduler; no node has what a pod asks for that is not `placed`."""
        app = name.rpartition("-")[0]
        labels = {"app": app, "pod-template-hash": "7d9f8c6b5", **({label: ""} if label else {})}
        more: dict[str, Any] = {} if placed else {"nodeSelector": {"zone": "none"}}
        await self.maker.pod(namespace, name, state="", gpus=gpus, metadata={"labels": labels}, **more)

    async def running(self, pods: int, waiting: int, within: float = 300.0) -> None:
        """Wait until all pods but those that wait for a node run. Raises `RuntimeError` with the ends of the logs."""
        end = time.monotonic() + within
        while True:
            counts = [await self._count(f"status.phase={phase}") for phase in ("Running", "Pending")]
            if counts == [pods - waiting, waiting]:
                return
            if time.monotonic() > end:
                logs = [f"{name}: {self._server.log(name)}" for name in ("kwok", "kube-scheduler")]
                raise RuntimeError(
                    f"{counts[0]} pods run and {counts[1]} wait after {within:.0f} s\n" + "\n".join(logs)
                )
            await asyncio.sleep(1.0)

    async def unwell(self, node: str, within: float = 120.0) -> None:
        """Let a node fall ill, and wait until it is not ready. Raises `TimeoutError`."""
        path = f"/api/v1/nodes/{node}"
        await self.maker.send("PATCH", path, {"metadata": {"labels": {UNWELL: ""}}}, "application/merge-patch+json")
        async with asyncio.timeout(within):
            while True:
                conditions = (await self.maker.client.get(path)).json()["status"]["conditions"]
                if any(each["type"] == "Ready" and each["status"] == "False" for each in conditions):
                    return
                await asyncio.sleep(0.5)

    async def changes(self, seconds: int) -> tuple[int, int]:
        """Return how many changes of pods and of leases a watch gets in a time."""
        paths = ("/api/v1/pods", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")
        pods, leases = await asyncio.gather(*(self._watched(path, seconds) for path in paths))
        return pods, leases

    async def _watched(self, path: str, seconds: int) -> int:
        listed = (await self.maker.client.get(path, params={"limit": 1})).json()
        asked = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": seconds}
        return len((await self.maker.client.get(path, params=asked)).text.splitlines())

    async def _count(self, fields: str) -> int:
        kind = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
        reply = await self.maker.client.get("/api/v1/pods", params={"fieldSelector": fields}, headers=kind)
        return len(msgspec.json.decode(reply.content)["items"] or ())

    async def nodes(self, names: Iterable[str], gpus: Iterable[int]) -> None:
        """Make nodes without a condition: kwok says whether they are ready."""
        await asyncio.gather(
            *(self.maker.node(name, ready=None, gpus=count) for name, count in zip(names, gpus, strict=True))
        )

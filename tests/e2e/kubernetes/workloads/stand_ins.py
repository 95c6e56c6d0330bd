"""Nodes, pods and what belongs to them, made through a real API; their status is set here, in place of kubelets.

Where kwok answers for the kubelets they are made here without one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import httpx
import msgspec

from edgewright.core.times import rfc3339
from tests.e2e.kubernetes.workloads.api_server import ApiServer

AT_A_TIME = 24
"""Requests at a time."""


class Maker:
    """Makes objects in a real API."""

    def __init__(self, server: ApiServer, now: float) -> None:
        self._server, self._now = server, now
        self._gate = asyncio.Semaphore(AT_A_TIME)
        self.client = httpx.AsyncClient(
            verify=server.context(), base_url=f"https://{server.address}:6443", timeout=60,
            limits=httpx.Limits(max_connections=AT_A_TIME, max_keepalive_connections=AT_A_TIME), trust_env=False,
        )  # fmt: skip

    async def send(self, method: str, path: str, body: Any, kind: str = "application/json") -> bytes:
        """Send one request. Raises `AssertionError` when it is refused; what exists already is fine."""
        async with self._gate:
            reply = await self.client.request(
                method, path, content=msgspec.json.encode(body), headers={"Content-Type": kind}
            )
        answer = f"{method} {path}: {reply.status_code} {reply.text[:500]}"
        assert reply.status_code < 300 or reply.status_code == 409, answer
        return reply.content

    async def status(self, path: str, status: Any) -> None:
        """Set the status of an object."""
        await self.send("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")

    async def namespaces(self, names: Iterable[str]) -> None:
        """Make namespaces."""
        for name in names:
            await self.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    async def node(self, name: str, ready: bool | None = True, gpus: int = 0) -> None:
        """Make a node as its kubelet would register it; with None it has no condition yet."""
        labels = {"kubernetes.io/arch": "amd64", "node-role.kubernetes.io/worker": "", "kubernetes.io/hostname": name}
        size = {"cpu": "16", "memory": "65536000Ki", "pods": "250", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
        at = rfc3339(self._now)
        condition = {
            "type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": at, "lastHeartbeatTime": at,
            "reason": "KubeletReady" if ready else "KubeletNotReady",
            "message": "" if ready else "container runtime network not ready",
        }  # fmt: skip
        info = {
            "kubeletVersion": "v1.36.3", "osImage": "Debian GNU/Linux 12", "architecture": "amd64", "bootID": "",
            "containerRuntimeVersion": "containerd://2.1.4", "kernelVersion": "6.1.0", "machineID": "",
            "systemUUID": "", "kubeProxyVersion": "", "operatingSystem": "linux",
        }  # fmt: skip
        addresses = [{"type": "InternalIP", "address": "10.4.1.7"}]
        conditions = [] if ready is None else [condition]
        status = {"capacity": size, "allocatable": size, "addresses": addresses, "conditions": conditions}
        made = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {**status, "nodeInfo": info}}
        await self.send("POST", "/api/v1/nodes", made)

    async def pod(
        self, namespace: str, name: str, node: str = "", state: str = "Running", gpus: int = 0, **more: Any
    ) -> None:
        """Make a pod in a state: Running, Pending, or what a container waits for (`CrashLoopBackOff`).

        With "" for state no status is set.
        """
        app = more.pop("app", name.rpartition("-")[0] or name)
        limits = {"nvidia.com/gpu": str(gpus)} if gpus else {}
        container = {
            "name": "main", "image": f"registry.example/{app}:1.4.2", "env": [{"name": "MODE", "value": "production"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi", **limits}, "limits": limits},
        }  # fmt: skip
        meta = {"name": name, "labels": {"app": app, "pod-template-hash": "7d9f8c6b5"}, **more.pop("metadata", {})}
        spec = {"containers": [container], "nodeName": node, "terminationGracePeriodSeconds": 1, **more}
        await self.send("POST", f"/api/v1/namespaces/{namespace}/pods", {"metadata": meta, "spec": spec})
        if state:
            await self.status(f"/api/v1/namespaces/{namespace}/pods/{name}", self.pod_status(state))

    def pod_status(self, state: str, restarts: int = 0) -> dict[str, Any]:
        """Return a status as a kubelet reports it."""
        at = rfc3339(self._now)
        ready = state == "Running"
        waits = {"waiting": {"reason": state, "message": f"{state} of main"}}
        if state == "Pending":
            scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            return {"phase": "Pending", "conditions": [{**scheduled, "message": "0/3 nodes are available"}]}
        kinds = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        container = {
            "name": "main", "ready": ready, "started": ready, "restartCount": restarts, "lastState": {},
            "state": {"running": {"startedAt": at}} if ready else waits,
            "image": "registry.example/web:1.4.2", "imageID": "sha256:0000",
        }  # fmt: skip
        return {
            "phase": "Running", "podIP": f"10.244.{random.randrange(250)}.{random.randrange(2, 250)}", "startTime": at,
            "conditions": [
                {"type": kind, "status": "True" if ready else "False", "lastTransitionTime": at} for kind in kinds
            ],
            "containerStatuses": [container],
        }  # fmt: skip

    async def aclose(self) -> None:
        """End the connections."""
        await self.client.aclose()

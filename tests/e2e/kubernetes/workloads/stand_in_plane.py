"""A plane that lives in a dict and has one cluster, whose API is a real one: a stand-in for a hub."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from edgewright.clients.ports import CanCall, CanListProjects, CanRelay
from edgewright.core import times
from edgewright.core.errors import Refused, Unreachable
from edgewright.wire.protocol import clusters as wire

UID = "c-workloads"


class Reply(NamedTuple):
    data: Any


class StandInPlane:
    """Gives the row of the cluster and its kubeconfig; it has no relay."""

    peer = "127.0.0.1"
    project_uid = None

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = (folder / "kubeconfig").read_text()
        self.document = cluster_document((folder / "address").read_text().strip())

    async def port(self, wanted: type) -> Any:
        if wanted in (CanCall, CanRelay):
            return self
        if wanted is CanListProjects:
            return SimpleNamespace(all=self._projects)
        raise Refused("This stand-in has no other ports.")

    async def _projects(self) -> list[dict[str, Any]]:
        return []

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        if path.endswith(wire.KUBECONFIG_CLIENT.rpartition("/")[2]):
            return Reply(self.kubeconfig)
        items = [self.document] if path == wire.SEARCH else []
        return Reply({"items": items, "listmeta": {"count": len(items)}})

    async def open_stream(self, *_: Any, **__: Any) -> Any:
        raise Unreachable("There is no relay here.")

    async def aclose(self) -> None: ...


def cluster_document(address: str) -> dict[str, Any]:
    """Return the cluster as a plane has it."""
    ours = {
        "healthState": "Healthy", "nodes": {"ready": 3, "total": 3}, "members": [], "endpoint": address,
        "reportedAt": times.rfc3339(times.now()), "vip": {"state": "one", "hosts": []}, "checklist": [],
    }  # fmt: skip
    return {
        "metadata": {"uid": UID, "name": "workloads", "creationTimestamp": times.rfc3339(times.now())},
        "specSummary": {},
        "status": {"state": "Running", "edgewright": ours},
    }

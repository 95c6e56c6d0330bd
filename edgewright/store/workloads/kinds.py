"""Every kind of object that has a screen: where it is in the API, its row, its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from edgewright.store.table import Table
from edgewright.store.workloads import cluster_events, deployments, machines, nodes, pods, services, sets
from edgewright.store.workloads.objects import ObjectRow, is_key


class Kind(NamedTuple):
    """One kind; `view` is the screen that lists it."""

    name: str
    """Plural in paths of the API."""
    view: str
    title: str
    single: str
    """What kubectl calls one."""
    base: str
    """Path of its group and version."""
    namespaced: bool
    decoder: msgspec.json.Decoder[Any]
    row: Callable[[Any], ObjectRow]
    table: Table[Any]
    optional: bool = False
    """Whether a cluster may not have it."""

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of a list, or of one object."""
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.base}{within}/{self.name}{f'/{name}' if name else ''}"

    def path_of(self, key: str) -> str:
        """Return the path of an object by the key of its row."""
        namespace, _, name = key.rpartition("/")
        return self.path(namespace, name)

    def row_of(self, raw: Any) -> tuple[str, ObjectRow]:
        """Return key and row of an object. Raises `msgspec.DecodeError`, and `ValueError` for what is not a name."""
        row = self.row(self.decoder.decode(raw))
        if not is_key(row.uid):
            raise ValueError("not a name of an object")
        return row.uid, row


_Decoder = msgspec.json.Decoder
PODS: Final = Kind(
    "pods", "pods", "Pods", "pod", "/api/v1", True, _Decoder(pods.Pod), pods.pod_row, pods.TABLE
)  # fmt: skip
NODES: Final = Kind(
    "nodes", "nodes", "Nodes", "node", "/api/v1", False, _Decoder(nodes.Node), nodes.node_row, nodes.TABLE
)
DEPLOYMENTS: Final = Kind(
    "deployments", "deployments", "Deployments", "deployment", "/apis/apps/v1", True, _Decoder(deployments.Deployment),
    deployments.deployment_row, deployments.TABLE,
)  # fmt: skip
STATEFULSETS: Final = Kind(
    "statefulsets", "statefulsets", "Stateful sets", "statefulset", "/apis/apps/v1", True, _Decoder(sets.StatefulSet),
    sets.stateful_row, sets.STATEFUL_TABLE,
)  # fmt: skip
DAEMONSETS: Final = Kind(
    "daemonsets", "daemonsets", "Daemon sets", "daemonset", "/apis/apps/v1", True, _Decoder(sets.DaemonSet),
    sets.daemon_row, sets.DAEMON_TABLE,
)  # fmt: skip
SERVICES: Final = Kind(
    "services", "services", "Services", "service", "/api/v1", True, _Decoder(services.Service), services.service_row,
    services.TABLE,
)  # fmt: skip
EVENTS: Final = Kind(
    "events", "cluster-events", "Events", "event", "/api/v1", True, _Decoder(cluster_events.ClusterEvent),
    cluster_events.event_row, cluster_events.TABLE,
)  # fmt: skip
MACHINES: Final = Kind(
    "virtualmachines", "machines", "Machines", "virtualmachine", "/apis/kubevirt.io/v1", True,
    _Decoder(machines.Machine), machines.machine_row, machines.TABLE, optional=True,
)  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = (PODS, DEPLOYMENTS, STATEFULSETS, DAEMONSETS, SERVICES, NODES, EVENTS, MACHINES)
WITH_REPLICAS: Final = frozenset({DEPLOYMENTS.view, STATEFULSETS.view, DAEMONSETS.view})
"""Views of the kinds whose rows are `DeploymentRow`: what has pods by a template."""
BY_VIEW: Final = {kind.view: kind for kind in KINDS}

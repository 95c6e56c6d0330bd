"""The members of etcd with their health, as the guard needs them: each voter is asked itself."""

from __future__ import annotations

from typing import List, Tuple

from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.etcd import Etcd, reachable
from edgewright.core.clusters.quorum import EtcdMember


def members_with_health(context: Context) -> Tuple[EtcdMember, ...]:
    """Return the members as etcd reports them. Raises `EdgewrightError` when it does not answer with a majority."""
    etcd = Etcd(context.host)
    head = etcd.leader()
    result: List[EtcdMember] = []
    for item in etcd.members():
        healthy = item.started and not item.learner and reachable(context.host, item.address)
        result.append(EtcdMember(str(item.id), item.name, not item.learner, healthy, item.id == head, item.address))
    return tuple(result)

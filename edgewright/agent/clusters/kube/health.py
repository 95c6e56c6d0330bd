"""The members of etcd with their health, as the guard needs them: each voter is asked itself."""

from __future__ import annotations

from typing import List, Tuple

from edgewright.agent.clusters.checks.peer import ask_all
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.etcd import QUICK, Etcd, reachable
from edgewright.core.addresses import plain
from edgewright.core.clusters.model import CONTROL_PLANE
from edgewright.core.clusters.quorum import EtcdMember
from edgewright.core.errors import EdgewrightError, Failed


def answering(context: Context) -> Tuple[Etcd, int]:
    """Return the etcd of the first control plane that has a leader, this host's own first, and who leads.

    Raises `EdgewrightError` when none answers.
    """
    others = [m.address for m in context.document.members if m.role == CONTROL_PLANE and m.host_uid != context.host_uid]
    problem: EdgewrightError = Failed("No etcd answers.", "Look at the control planes.")
    for address in ("127.0.0.1", *others):
        try:
            head = Etcd(context.host, address, QUICK).leader()
        except EdgewrightError as error:
            problem = error
            continue
        if head:
            return Etcd(context.host, address), head
    raise problem


def members_with_health(context: Context) -> Tuple[EtcdMember, ...]:
    """Return the members as etcd reports them. Raises `EdgewrightError` when it does not answer with a majority."""
    etcd, head = answering(context)
    result: List[EtcdMember] = []
    listed = context.document.members if context.k3s else ()  # k3s adds a suffix
    names = {plain(member.address): member.node_name for member in listed}
    alarms, members = etcd.alarms(), etcd.members()
    asked = [item.address for item in members if item.started and not item.learner]
    there = dict(zip(asked, ask_all(lambda address: reachable(context.host, address), asked)))
    for item in members:
        healthy = there.get(item.address, False)
        name = names.get(plain(item.address), item.name) if item.started else ""
        raised = tuple(alarms.get(item.id, ()))
        result.append(EtcdMember(str(item.id), name, not item.learner, healthy, item.id == head, item.address, raised))
    return tuple(result)

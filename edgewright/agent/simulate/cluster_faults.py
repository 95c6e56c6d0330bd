"""What goes wrong with clusters of made-up hosts, by the name of the cluster: faults of its world, not of the plane.

The planner, the engine and the protocol are the real ones: they find out about a fault as on real hosts.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Tuple

from edgewright.agent.simulate.world.runner import ERROR, Upset
from edgewright.agent.simulate.world.site import ScriptedHost, Site
from edgewright.core.clusters import steps
from edgewright.core.clusters.model import CONTROL_PLANE
from edgewright.core.errors import UsageError

SLOW, FAILED, NODE, QUORUM, CERTIFICATE = "slow", "failed", "node", "quorum", "certificate"
KINDS: Tuple[str, ...] = (SLOW, FAILED, NODE, QUORUM, CERTIFICATE)
"""A registry that does not answer for half an hour, a chart that does not start, hosts without power, an old
certificate."""
SLOW_FOR = 1800.0
AFTER = 20.0
"""Seconds after the formation when a host loses its power."""
DAYS, DAYS_LEFT = 365.0, 12.0
"""Days for which certificates are made, and those that are left of old ones."""
LAYER = "web"
TEXT = "helm: timed out waiting for the condition: deployment web has 0 of 1 pods ready"


def read_faults(texts: List[str]) -> Dict[str, str]:
    """Return the kind by cluster of `NAME=KIND`. Raises `UsageError`."""
    result = {}
    for text in texts:
        name, _, kind = text.partition("=")
        if not name or kind not in KINDS:
            raise UsageError(f"{text} is not a fault of a cluster.", f"Write NAME=KIND; kinds: {', '.join(KINDS)}")
        result[name] = kind
    return result


class ClusterFaults:
    """The faults of all clusters of a fleet; `wanted` is the kind by the name of the cluster."""

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._wanted = wanted
        self._kinds: Dict[str, str] = {}
        self._formed: Dict[str, float] = {}

    def begin(self, uid: str, name: str, site: Site) -> None:
        """Take a cluster whose first host has its document now."""
        kind = self._kinds[uid] = self._wanted.get(name, "")
        if kind == SLOW:
            site.world.registry_up = False
        if kind == FAILED:
            site.upsets.append(Upset(steps.LAYER, ERROR, 1, left=1000, layer=LAYER, text=TEXT))

    def look(self, uid: str, site: Site) -> None:
        """Let happen what is due."""
        world, kind = site.world, self._kinds.get(uid, "")
        if kind == SLOW and world.now > SLOW_FOR:
            world.registry_up = True
        if kind not in (NODE, QUORUM) or not _is_formed(site):
            return
        formed = self._formed.setdefault(uid, world.now)
        if world.now < formed + AFTER:
            return
        del self._kinds[uid]
        leader = world.cluster.leader
        others = [host for host in _control_planes(site) if host.machine.uid != leader]
        for host in others[: 1 if kind == NODE else 2]:
            world.note(f"{host.machine.name} loses its power")
            host.power_off()

    def days_left(self, uid: str) -> float:
        """Return the days for which the certificates of a cluster are valid still."""
        return DAYS_LEFT if self._kinds.get(uid) == CERTIFICATE else DAYS

    def fix(self, uid: str, site: Site) -> None:
        """Take the cause of failed steps away: an operator who retries has fixed it."""
        if self._kinds.get(uid) == FAILED:
            site.upsets.clear()


def _control_planes(site: Site) -> List[ScriptedHost]:
    result = []
    for uid, host in site.hosts.items():
        member = host.machine.document.member(uid) if host.machine.document is not None else None
        if member is not None and member.role == CONTROL_PLANE:
            result.append(host)
    return result


def _is_formed(site: Site) -> bool:
    """Return whether all hosts have joined and all layers are ready."""
    cluster = site.world.cluster
    documents = [host.machine.document for host in site.hosts.values() if host.machine.document is not None]
    if cluster.done is None or cluster.grant is not None or not documents:
        return False
    ready = [layer for layer, state in cluster.layers.items() if state.ready]
    newest = max(documents, key=lambda document: document.generation)
    return len(cluster.nodes) == len(newest.present) and len(ready) == len(newest.layers)

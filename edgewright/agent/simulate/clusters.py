"""Clusters of made-up hosts: each is a scripted world, in real time, under the real planner and engine.

A made-up host takes the document of its cluster from the plane by the real protocol (P100), reports its progress in
heartbeats (P69), what it is in the cluster (P102), and as the leader what the cluster is (P103). There is no API and
no kubeconfig behind it. A document of a cluster that is not marked as simulated is refused.
"""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from edgewright.agent.reconcile.observed import progress_document
from edgewright.agent.reconcile.reconciler import EVENTS
from edgewright.agent.reconcile.steps import State, transition_text
from edgewright.agent.simulate.cluster_faults import ClusterFaults
from edgewright.agent.simulate.world.site import KIND, ScriptedHost, Site
from edgewright.agent.simulate.world.state import PROOF
from edgewright.core import times
from edgewright.core.clusters.actions import with_titles
from edgewright.core.clusters.document import as_json
from edgewright.core.clusters.model import ABSENT, CONTROL_PLANE, ClusterDocument

LOOK = 0.5
"""Seconds between two looks at all worlds."""
COALESCE = 30.0
"""Seconds between two reports of a leader."""
REPEAT = 240.0
"""Seconds after which a leader reports again what is the same: at the plane a report of 600 s is too old."""
CERTIFICATES = ("apiserver", "apiserver-kubelet-client", "etcd-server", "etcd-peer", "front-proxy-client")


class Event(NamedTuple):
    """A transition of a step, for the plane (P70)."""

    reason: str
    message: str


class SimulatedClusters:
    """All clusters of one fleet. `clock` are seconds; `speed` lets the worlds run faster.

    `faults` are kinds of `cluster_faults.KINDS` by the name of a cluster.
    """

    def __init__(
        self, clock: Callable[[], float], speed: float = 1.0, faults: Optional[Mapping[str, str]] = None
    ) -> None:
        self._clock, self._speed = clock, max(0.01, speed)
        self._began = clock()
        self.faults = ClusterFaults(faults or {})
        self.sites: Dict[str, Site] = {}
        self._hosts: Dict[str, ScriptedHost] = {}
        self._offered: Dict[str, ClusterDocument] = {}
        """Documents of another lineage that wait for an operator, by host (P73)."""
        self._reported: Dict[str, Any] = {}
        self._reported_at: Dict[str, float] = {}

    @property
    def now(self) -> float:
        """Return the time of the worlds."""
        return (self._clock() - self._began) * self._speed

    def take(self, host_uid: str, document: ClusterDocument) -> bool:
        """Give a host the document of its cluster; return whether it took it."""
        member = document.member(host_uid)
        if member is None or not document.simulated:
            return False
        site = self.sites.get(document.uid)
        if site is None:
            site = self.sites[document.uid] = Site()
            site.world.now = self.now
            system = uuid.uuid5(uuid.NAMESPACE_OID, document.uid)
            self.faults.begin(document.uid, document.name, site)
            site.world.proof = dataclasses.replace(PROOF, at=times.rfc3339(times.now()), kube_system_uid=str(system))
        # Hosts that never get the document (they may be down) are there all the same, for the others to miss.
        host = site.hosts.get(host_uid) or site.add(member)
        host.machine.document = document
        host.again = 0.0
        self._hosts[host_uid] = host
        return True

    def offer(self, host_uid: str, document: ClusterDocument) -> None:
        """Give a host a document of the plane; other content of another lineage waits for an operator (P73)."""
        before = self.document(host_uid)
        same = before is not None and before.uid == document.uid
        if before is not None and same and before.lineage != document.lineage and before.digest != document.digest:
            self._offered[host_uid] = document
            return
        if before is not None and not same:
            self.forget(host_uid)
        self._offered.pop(host_uid, None)
        self.take(host_uid, document)

    def accept(self, host_uid: str, params: Any) -> bool:
        """Take the document that waits, when it is the one that the operator saw (P86); return whether it is."""
        document, named = self._offered.get(host_uid), params if isinstance(params, dict) else {}
        if document is None or (document.uid, document.digest) != (named.get("document"), named.get("digest")):
            return False
        del self._offered[host_uid]
        return self.take(host_uid, document)

    def adoption(self, host_uid: str, wanted: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
        """Return what a host hands over of its document (P106); a simulated cluster has no secrets."""
        document = self.document(host_uid)
        if document is None or (document.uid, document.digest) != (wanted.get("uid"), wanted.get("digest")):
            return None
        secrets = {"version": 1, "clusterSecret": "", "maskedValues": {}}
        return {"id": str(wanted.get("id") or ""), "document": as_json(document), **secrets}

    def forget(self, host_uid: str) -> None:
        """Forget a host that has left its cluster."""
        self._offered.pop(host_uid, None)
        host = self._hosts.pop(host_uid, None)
        if host is None:
            return
        host.machine.document = None
        for name in [name for name in self._reported if name.startswith(host_uid + " ")]:
            del self._reported[name]
        for uid, site in list(self.sites.items()):
            if all(other.machine.document is None for other in site.hosts.values()):
                del self.sites[uid]

    def document(self, host_uid: str) -> Optional[ClusterDocument]:
        """Return the document that a host has."""
        host = self._hosts.get(host_uid)
        return host.machine.document if host is not None else None

    async def run(self) -> None:
        """Let the worlds run until cancelled."""
        while True:
            for uid, site in list(self.sites.items()):
                if site.hosts and site.due() <= self.now:
                    site.advance(self.now)
                    self.faults.look(uid, site)
                    await asyncio.sleep(0)
            await asyncio.sleep(LOOK / self._speed)

    def progress(self, host_uid: str) -> Optional[Dict[str, Any]]:
        """Return where a host is, for its heartbeat; `None` when nothing is left to do."""
        host = self._hosts.get(host_uid)
        place = next((place for place in host.positions if not place.done), None) if host is not None else None
        if place is None or place.action is None or place.step is None:
            return None
        step, action = place.step, place.action
        offset = times.now() - self.now / self._speed
        since = offset + step.since / self._speed
        running = step.state is State.RUNNING
        deadline = times.rfc3339(since + action.limit / self._speed) if running and action.limit < 86_400 else ""
        return progress_document(
            action.step, action.n, action.of, times.rfc3339(since), step.attempt, place.percent, deadline,
            place.waiting_for, step.error_class, step.error if place.waiting_for else "", place.beside,
        )  # fmt: skip

    def events(self, host_uid: str) -> List[Event]:
        """Return the transitions of a host's steps since the last call."""
        host = self._hosts.get(host_uid)
        if host is None:
            return []
        noted, host.noted = host.noted, []
        result = []
        for step, event in noted:
            reason = EVENTS.get(event)
            if reason is not None:
                result.append(Event(reason, with_titles(transition_text(step, event))))
        return result

    def is_off(self, host_uid: str) -> bool:
        """Return whether a host has no power in its world: it sends nothing then."""
        host = self._hosts.get(host_uid)
        return host is not None and not host.machine.up

    def documents(self, host_uid: str) -> List[Dict[str, Any]]:
        """Return what a host reports of its document (P73), with name and role: the plane may not have it (P106)."""
        host = self._hosts.get(host_uid)
        document = host.machine.document if host is not None else None
        if host is None or document is None:
            return []
        place = {"lineage": document.lineage, "generation": document.generation, "digest": document.digest}
        entry: Dict[str, Any] = {"uid": document.uid, "kind": KIND, "wanted": place, "name": document.name}
        member, offered = document.member(host_uid), self._offered.get(host_uid)
        if member is not None:
            entry["role"] = member.role
            if member.state == ABSENT:
                entry["leaving"] = True
        if offered is not None:
            named = {"lineage": offered.lineage, "generation": offered.generation, "digest": offered.digest}
            entry["offered"] = named
        if host.positions and all(position.done for position in host.positions):
            entry["applied"] = dict(place)
        failed = [p.step for p in host.positions if p.step is not None and p.step.error and not p.done]
        if failed:
            entry["failed"] = {"step": failed[0].step, "error": failed[0].error[:300], "attempt": failed[0].attempt}
        return [entry]

    def log(self, host_uid: str, unit: str) -> List[str]:
        """Return the last lines of a step's program; empty for another unit."""
        host = self._hosts.get(host_uid)
        steps_ = [p.step for p in host.positions if p.step is not None] if host is not None else []
        return next(([step.error] for step in steps_ if fnmatchcase(step.unit, unit) and step.error), [])

    def retry(self, host_uid: str) -> bool:
        """Let failed steps of a host start again, their cause fixed; return whether there were any."""
        host = self._hosts.get(host_uid)
        if host is None or host.machine.document is None:
            return False
        self.faults.fix(host.machine.document.uid, host.site)
        wanted = {p.action.step for p in host.positions if p.action is not None}
        host.again = 0.0
        return bool(host.engine.retry(wanted))

    def released(self, host_uid: str) -> str:
        """Return the release id of a host that has left, empty for every other one."""
        host = self._hosts.get(host_uid)
        document = host.machine.document if host is not None else None
        member = document.member(host_uid) if document is not None else None
        if host is None or member is None or member.state != ABSENT or not host.machine.clean:
            return ""
        return member.release_id

    def report(self, host_uid: str) -> Optional[Dict[str, Any]]:
        """Return what a host reports of itself (P102) when that has changed."""
        host = self._hosts.get(host_uid)
        document = host.machine.document if host is not None else None
        if host is None or document is None:
            return None
        done = bool(host.positions) and all(place.done for place in host.positions)
        pinned = len(document.images) if host.machine.images else 0
        body: Dict[str, Any] = {
            "lineage": document.lineage,
            "generation": document.generation,
            "appliedDigest": document.digest if done else "",
            "versions": {"kubelet": document.kubernetes.version} if host.machine.joined else {},
            "pins": {"ok": pinned, "of": len(document.images)},
            "vip": {"held": host.machine.vip},
        }
        member = document.member(host_uid)
        if member is not None and member.role == CONTROL_PLANE:
            body["api"] = {"ready": host.site.world.serves(host_uid)}
        return body if self._changed(f"{host_uid} host", body) else None

    def observed(self, host_uid: str) -> Optional[Dict[str, Any]]:
        """Return what the leader reports of the cluster (P103) when that has changed, `None` for every other host."""
        host = self._hosts.get(host_uid)
        if host is None or host.machine.document is None:
            return None
        world, document = host.site.world, host.machine.document
        cluster = world.cluster
        if cluster.leader != host_uid or cluster.done is None or not world.api(host_uid):
            return None  # without an API there is nothing to report of the cluster
        name = f"{host_uid} cluster"
        if self._clock() - self._reported_at.get(name, -COALESCE) < COALESCE / self._speed:
            return None
        names = {uid: machine.name for uid, machine in world.machines.items()}
        layers = [
            {"name": layer, "state": "ready" if state.ready else "pending", "message": state.problem}
            for layer, state in sorted(cluster.layers.items())
        ]
        body: Dict[str, Any] = {
            "leaseTransitions": cluster.transitions,
            "leader": names[host_uid],
            "nodes": [
                {
                    "name": node,
                    "ready": world.ready(node),
                    "version": document.kubernetes.version,
                    "cordoned": entry.cordoned,
                }
                for node, entry in sorted(cluster.nodes.items())
            ],
            "etcd": [
                {"id": m.id[:32], "name": names[m.uid], "voter": m.voter, "healthy": world.healthy(m.uid)}
                for m in cluster.members
            ],
            "layers": layers,
            "certificates": self._certificates(document.uid, names[host_uid], cluster.done.at),
            "bootstrap": {
                "at": cluster.done.at,
                "caSpkiSha256": cluster.done.ca_spki_sha256,
                "kubeSystemUid": cluster.done.kube_system_uid,
            },
        }
        old = self._clock() - self._reported_at.get(name, 0.0) > REPEAT
        if not self._changed(name, body) and not old:
            return None
        self._reported_at[name] = self._clock()
        return body

    def _certificates(self, uid: str, node: str, formed: str) -> List[Dict[str, Any]]:
        """Return certificates as kubeadm makes them with the cluster; the CA has ten years."""
        made = times.parse(formed) or times.now()
        end = made + self.faults.days_left(uid) * times.DAY
        rows = [{"name": name, "node": node, "notAfter": times.rfc3339(end)} for name in CERTIFICATES]
        return [*rows, {"name": "ca", "node": node, "notAfter": times.rfc3339(made + 3650 * times.DAY)}]

    def _changed(self, name: str, body: Any) -> bool:
        if self._reported.get(name) == body:
            return False
        self._reported[name] = body
        return True

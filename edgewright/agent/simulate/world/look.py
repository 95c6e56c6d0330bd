"""What one host of a scripted world observes: the same type that a real host fills in."""

from __future__ import annotations

import dataclasses
from typing import Dict

from edgewright.agent.simulate.world.state import Machine, World
from edgewright.core.clusters.model import ClusterDocument
from edgewright.core.clusters.observed import (
    NO_OWNER,
    ONE_OWNER,
    TWO_OWNERS,
    Api,
    Lease,
    Local,
    Node,
    Observed,
    Peer,
    Vip,
)
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.quorum import NOSPACE, EtcdMember


def look(world: World, uid: str, document: ClusterDocument) -> Observed:
    """Return what a host observes now."""
    machine = world.machines[uid]
    answers = world.api(uid)
    return Observed(uid, _local(world, machine, document), _api(world, uid, answers), _peers(world, uid, document))


def _local(world: World, machine: Machine, document: ClusterDocument) -> Local:
    report = machine.preflight
    if report is not None:
        report = dataclasses.replace(report, age=world.now - machine.preflight_at)
    owners = world.owners()
    many = NO_OWNER if not owners else ONE_OWNER if len(owners) == 1 else TWO_OWNERS
    return Local(
        preflight=report,
        content_missing=0 if machine.fetched == targets.content(document) else 1,
        tree=machine.tree,
        runtime=machine.runtime,
        images_missing=0 if machine.images == targets.images(document) else 1,
        etcd_epoch=machine.etcd_epoch,
        api_ready=world.serves(machine.uid),
        admitted=machine.uid in world.cluster.served and world.api(machine.uid),
        kubelet_ca=machine.kubelet_ca,
        joined=machine.joined,
        done=machine.done,
        clean=machine.clean,
        resetting=machine.resetting,
        reset=machine.reset,
        vip=Vip(many, machine.vip, owners == {machine.uid}, machine.keepalived),
    )


def _api(world: World, uid: str, answers: bool) -> Api:
    machine, cluster = world.machines[uid], world.cluster
    if not answers or not machine.kubelet_ca:
        return Api(answers=answers)  # without credentials, or without an API, nothing can be read
    nodes: Dict[str, Node] = {
        name: Node(node.uid, world.ready(name), "", node.cordoned, node.release, node.host_uid)
        for name, node in cluster.nodes.items()
    }
    if not machine.etcd_epoch:
        return Api(answers=True, nodes=nodes)  # a worker reads Nodes only
    etcd = tuple(
        EtcdMember(
            entry.id,
            world.machines[entry.uid].name if entry.started else "",
            entry.voter,
            world.healthy(entry.uid) and world.reach(uid, entry.uid),
            False,
            world.machines[entry.uid].address,
            (NOSPACE,) if entry.uid in cluster.full else (),
        )
        for entry in cluster.members
    )
    grant = cluster.grant._replace(age=world.now - cluster.granted) if cluster.grant is not None else None
    lease = Lease(cluster.leader, world.now - cluster.renewed, cluster.transitions) if cluster.leader else None
    return Api(
        answers=True,
        done=cluster.done,
        done_readable=True,
        nodes=nodes,
        etcd=etcd,
        lease=lease,
        lease_readable=True,
        grant=grant,
        last_expired=cluster.last_expired,
        grantee_ready=None if grant is None else world.reach(uid, grant.host_uid) and world.serves(grant.host_uid),
        joined=dict(cluster.joined),
        served=frozenset(cluster.served),
        layers=dict(cluster.layers),
        config_matches=cluster.config,
    )


def _peers(world: World, uid: str, document: ClusterDocument) -> Dict[str, Peer]:
    peers = {}
    for member in document.members:
        if member.host_uid == uid or member.host_uid not in world.machines:
            continue
        other = world.machines[member.host_uid]
        if not world.reach(uid, member.host_uid):
            peers[member.host_uid] = Peer(None, False, "cannot be reached", False)
            continue
        report = other.preflight
        passed = None if report is None else not report.failures
        reason = report.failures[0] if report is not None and report.failures else ""
        prepared = other.images == targets.images(document)
        peers[member.host_uid] = Peer(
            passed, prepared, reason or ("" if prepared else "prepares"), world.serves(member.host_uid), other.clean
        )
    return peers

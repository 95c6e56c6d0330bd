"""Steps as state machines: what each stage changes, and what it needs. A step that is cut off leaves what it had done.

An effect returns the reason why it cannot be made, empty when it was. Effects may be made twice: a step runs again
after a crash, and each looks at what is there, as its program does.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Tuple

from edgewright.agent.simulate.world.durations import SECONDS
from edgewright.agent.simulate.world.look import look
from edgewright.agent.simulate.world.state import CA, Machine, Member, Registered, World
from edgewright.core.clusters import quorum, steps
from edgewright.core.clusters.grants import JOIN, LIMITS, REMOVE, Grant
from edgewright.core.clusters.model import ClusterDocument
from edgewright.core.clusters.observed import LayerState, Preflight

DISK, API, REGISTRY = "disk", "API", "registry"


class Run(NamedTuple):
    """One attempt of a step on a host."""

    world: World
    machine: Machine
    document: ClusterDocument
    target: str
    params: Mapping[str, Any]


Effect = Callable[[Run], str]


class Stage(NamedTuple):
    """A part of a step: its share of the time, its effect, and what it needs."""

    share: float
    effect: Effect
    needs: Tuple[str, ...] = ()


def missing(run: Run, stage: Stage) -> str:
    """Return what a stage needs and does not have."""
    if DISK in stage.needs and run.machine.full:
        return "no space left on device"
    if API in stage.needs and not run.world.api(run.machine.uid):
        return "the API does not answer"
    return ""


def stalls(run: Run, stage: Stage) -> bool:
    """Return whether a stage waits inside of its program: a pull tries its sources again and again."""
    return REGISTRY in stage.needs and not run.world.registry_up


def _nothing(run: Run) -> str:
    return ""


def _preflight(run: Run) -> str:
    failures = ["disk: 0.0 GB free"] if run.machine.full else []
    for member in run.document.present:
        if not run.world.reach(run.machine.uid, member.host_uid):
            failures.append(f"{member.node_name} cannot be reached on 6443")
    run.machine.preflight = Preflight(run.target, tuple(failures))
    run.machine.preflight_at = run.world.now
    return failures[0] if failures else ""


def _set(name: str, value: Callable[[Run], Any]) -> Effect:
    def effect(run: Run) -> str:
        setattr(run.machine, name, value(run))
        return ""

    return effect


def _target(run: Run) -> str:
    return run.target


def _etcd_data(run: Run) -> str:
    world, machine = run.world, run.machine
    machine.kubelet_ca = CA
    if machine.etcd_epoch == 0:
        machine.etcd_epoch = run.document.bootstrap.epoch
        world.formed += 1
        world.cluster.members.append(Member(f"m-{machine.uid}", machine.uid, True, True))
    return ""


def _api_up(run: Run) -> str:
    if run.machine.api_since is None:
        run.machine.api_since = run.world.now
    return ""


def _register(run: Run) -> str:
    machine, nodes = run.machine, run.world.cluster.nodes
    if machine.name not in nodes:
        nodes[machine.name] = Registered(f"node-{machine.name}-{run.world.now:.0f}", machine.uid)
    return ""


def _config(run: Run) -> str:
    run.world.cluster.config = True
    return ""


def _mark_cluster(run: Run) -> str:
    run.world.cluster.done = run.world.proof
    run.world.cluster.joined.setdefault(run.document.bootstrap.init_host_uid, 1)
    return ""


def _serve_vip(run: Run) -> str:
    run.machine.keepalived = run.target
    if not run.world.owners():
        run.machine.vip = True
    return ""


def _take_grant(action: str) -> Effect:
    def effect(run: Run) -> str:
        cluster, uid = run.world.cluster, run.params["hostUid"]
        if action == JOIN and run.params.get("role") == "worker":
            return ""
        if cluster.grant is not None and (cluster.grant.host_uid, cluster.grant.action) != (uid, action):
            return f"{cluster.grant.host_uid} has the grant"
        if cluster.leader != run.machine.uid:
            return "another host is the leader"
        if cluster.grant is None:
            name = run.world.machines[uid].name
            node = cluster.nodes[name].uid if name in cluster.nodes else ""
            cluster.grant, cluster.granted = Grant(uid, action, "", LIMITS[action], node=node), run.world.now
        return ""

    return effect


def _serve(run: Run) -> str:
    run.world.cluster.served.add(run.params["hostUid"])
    return ""


def _learner(run: Run) -> str:
    world, machine = run.world, run.machine
    if run.params.get("wipe"):
        machine.etcd_epoch, machine.api_since = 0, None
    entry = world.member(machine.uid)
    if entry is None:
        if machine.uid not in world.cluster.served:
            return "its token is not valid any more"
        verdict = quorum.may_add(look(world, machine.uid, run.document).api.etcd or _members(world))
        if not verdict.allowed:
            return verdict.reason
        world.cluster.members.append(Member(f"m-{machine.uid}-{world.now:.0f}", machine.uid))
    return ""


def _members(world: World) -> Tuple[quorum.EtcdMember, ...]:
    result = []
    for entry in world.cluster.members:
        name = entry.uid if entry.started else ""
        result.append(quorum.EtcdMember(entry.id, name, entry.voter, world.healthy(entry.uid)))
    return tuple(result)


def _start_etcd(run: Run) -> str:
    entry = run.world.member(run.machine.uid)
    if entry is None:
        return "etcd does not list this host"
    run.machine.etcd_epoch = run.document.bootstrap.epoch
    entry.started = True
    return ""


def _promote(run: Run) -> str:
    entry = run.world.member(run.machine.uid)
    if entry is None:
        return "etcd does not list this host"
    entry.voter = True
    return _api_up(run)


def _end_record(run: Run) -> str:
    if run.params["fulfilled"]:
        run.world.cluster.joined[run.params["hostUid"]] = run.params["joinEpoch"]
    return ""


def _end_tokens(run: Run) -> str:
    cluster, uid = run.world.cluster, run.params["hostUid"]
    entry = run.world.member(uid)
    if not run.params["fulfilled"] and entry is not None and not entry.voter:
        cluster.members.remove(entry)
    cluster.served.discard(uid)
    return ""


def _end_grant(run: Run) -> str:
    cluster, uid = run.world.cluster, run.params["hostUid"]
    if cluster.grant is not None and cluster.grant.host_uid == uid:
        cluster.grant = None
        cluster.last_expired = "" if run.params["fulfilled"] else uid
    return ""


def _layer(ready: bool) -> Effect:
    def effect(run: Run) -> str:
        run.world.cluster.layers[run.params["layer"]] = LayerState(run.target, ready)
        return ""

    return effect


def _remove_layer(run: Run) -> str:
    run.world.cluster.layers.pop(run.params["layer"], None)
    return ""


def _end_alarm(run: Run) -> str:
    run.world.cluster.full.discard(run.machine.uid)
    return ""


def _cordon(run: Run) -> str:
    node = run.world.cluster.nodes.get(run.params["nodeName"])
    if node is not None:
        node.cordoned = True
    return ""


def _drained(run: Run) -> str:
    node = run.world.cluster.nodes.get(run.params["nodeName"])
    if node is not None:
        node.release = run.params["releaseId"]
    return ""


def _remove_member(run: Run) -> str:
    cluster, identifier = run.world.cluster, run.params["memberId"]
    verdict = quorum.may_remove(_members(run.world), identifier)
    if not verdict.allowed:
        return verdict.reason
    cluster.members = [entry for entry in cluster.members if entry.id != identifier]
    return ""


def _remove_node(run: Run) -> str:
    run.world.cluster.nodes.pop(run.params["nodeName"], None)
    return ""


def _stop(run: Run) -> str:
    machine = run.machine
    machine.resetting = run.params["releaseId"]
    entry = run.world.member(machine.uid)
    if entry is not None and run.world.has_quorum(machine.uid) and len(run.world.cluster.members) > 1:
        run.world.cluster.members.remove(entry)  # kubeadm reset removes its own member where it can
    machine.api_since = None
    machine.vip, machine.keepalived = False, ""
    return ""


def _clean(run: Run) -> str:
    machine = run.machine
    machine.etcd_epoch, machine.kubelet_ca, machine.joined, machine.done = 0, "", 0, None
    machine.tree = machine.runtime = machine.images = machine.fetched = ""
    machine.preflight = None
    return ""


MACHINES: Dict[str, List[Stage]] = {
    steps.PREFLIGHT: [Stage(1.0, _preflight)],
    steps.FETCH: [
        Stage(0.4, _nothing, (REGISTRY, DISK)),
        Stage(0.5, _nothing, (REGISTRY, DISK)),
        Stage(0.1, _set("fetched", _target), (REGISTRY, DISK)),
    ],
    steps.ACTIVATE: [
        Stage(0.8, _nothing, (DISK,)),
        Stage(0.2, _set("tree", lambda run: run.document.tree.digest), (DISK,)),
    ],
    steps.RUNTIME: [Stage(1.0, _set("runtime", _target))],
    steps.PRELOAD: [Stage(0.7, _nothing, (DISK,)), Stage(0.3, _set("images", _target), (DISK,))],
    steps.VIP: [Stage(1.0, _set("vip", lambda run: True))],
    steps.INIT: [
        Stage(0.2, _nothing, (DISK,)),
        Stage(0.3, _etcd_data, (DISK,)),
        Stage(0.2, _api_up, (DISK,)),
        Stage(0.2, _register, (API,)),
        Stage(0.1, _config, (API,)),
    ],
    steps.MARK: [Stage(0.5, _set("done", lambda run: run.world.proof), (DISK,)), Stage(0.5, _mark_cluster, (API,))],
    steps.KEEPALIVED: [Stage(1.0, _serve_vip, (DISK,))],
    steps.SERVE_JOIN: [Stage(0.5, _take_grant(JOIN), (API,)), Stage(0.5, _serve, (API,))],
    steps.JOIN_CONTROL_PLANE: [
        Stage(0.1, _nothing, (API, DISK)),
        Stage(0.2, _learner, (API,)),
        Stage(0.1, _set("kubelet_ca", lambda run: CA), (DISK,)),
        Stage(0.2, _start_etcd, (DISK,)),
        Stage(0.2, _promote, (API,)),
        Stage(0.2, _register, (API,)),
    ],
    steps.JOIN_WORKER: [
        Stage(0.5, _set("kubelet_ca", lambda run: CA), (API, DISK)),
        Stage(0.5, _register, (API,)),
    ],
    steps.END_GRANT: [
        Stage(0.4, _end_record, (API,)),
        Stage(0.3, _end_tokens, (API,)),
        Stage(0.3, _end_grant, (API,)),
    ],
    steps.LAYER: [Stage(0.4, _layer(False), (API,)), Stage(0.6, _layer(True), (API,))],
    steps.REMOVE_LAYER: [Stage(1.0, _remove_layer, (API,))],
    steps.ETCD_SPACE: [Stage(0.8, _nothing, (DISK,)), Stage(0.2, _end_alarm, (API,))],
    steps.DRAIN: [Stage(0.3, _cordon, (API,)), Stage(0.7, _drained, (API,))],
    steps.REMOVE_MEMBER: [Stage(0.5, _take_grant(REMOVE), (API,)), Stage(0.5, _remove_member, (API,))],
    steps.REMOVE_NODE: [Stage(1.0, _remove_node, (API,))],
    steps.RELEASE: [Stage(0.6, _stop), Stage(0.4, _clean)],
    steps.DELETE: [Stage(0.6, _stop), Stage(0.4, _clean)],
}


def seconds_of(step: str, stage: Stage) -> float:
    """Return how long a stage takes."""
    return SECONDS[step] * stage.share

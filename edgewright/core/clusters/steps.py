"""The registry of steps: the one source for planner, host engine and documentation. Names never change.

A step is what a host does to come nearer to its document. Whether it is done is observed, never taken from an exit
status; `done` is the sentence for users, `judge.py` the rule. A step of the leader is for another host or for the
cluster, all others are for the host itself.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

from edgewright.core.clusters.model import CONTROL_PLANE, WORKER

MINUTE = 60.0

PREFLIGHT = "preflight"
FETCH = "fetch"
ACTIVATE = "activate"
RUNTIME = "runtime"
PRELOAD = "preload"
VIP = "vip"
INIT = "init"
MARK = "mark"
KEEPALIVED = "keepalived"
LAYER = "layer"
REMOVE_LAYER = "remove-layer"
ETCD_SPACE = "etcd-space"
JOIN_CONTROL_PLANE = "join-control-plane"
JOIN_WORKER = "join-worker"
SERVE_JOIN = "serve-join"
END_GRANT = "end-grant"
DRAIN = "drain"
REMOVE_MEMBER = "remove-member"
REMOVE_NODE = "remove-node"
RELEASE = "release"
DELETE = "delete"
SNAPSHOT = "snapshot"
"""Reserved: no planner asks for it yet."""

BOTH = (CONTROL_PLANE, WORKER)
FORM, CHANGE, LEAVE = "form", "change", "leave"


class StepSpec(NamedTuple):
    """One row. `limit` are seconds for one attempt, `None` for none; `expected` what an attempt usually takes."""

    id: str
    title: str
    phase: str
    roles: Tuple[str, ...]
    precondition: str
    action: str
    done: str
    undo: str
    limit: Optional[float]
    expected: float
    leader: bool = False
    """Done by the leader alone, for another host or for the cluster."""
    grant: bool = False
    """Changes the members of etcd or restarts an API server: one at a time in a cluster."""
    target: str = "document"
    """What its id contains, so that another one is another step."""


STEPS: Tuple[StepSpec, ...] = (
    StepSpec(
        PREFLIGHT, "Preflight", FORM, BOTH,
        "the document is on the host",
        "checks ports, swap, modules, SELinux, disk, clock, names, machine-id, addresses and networks, the VIP, "
        "foreign Kubernetes, and connections between all members; reads only and reports all failures at once",
        "a report without failures, less than 10 minutes old, of this set of members",
        "nothing to undo", 2 * MINUTE, 20.0, target="members",
    ),
    StepSpec(
        FETCH, "Fetch content", FORM, BOTH,
        "the document is on the host; space for all content",
        "fetches tree, images and add-ons by digest, with the next source after 2 minutes without a byte; unpacks the "
        "tree on a host that has none",
        "every digest of the document is in the store",
        "remove incomplete files", None, 60.0, target="content",
    ),
    StepSpec(
        ACTIVATE, "Activate the tree", FORM, BOTH,
        "preflight, fetch",
        "unpacks the tree beside its place, syncs and renames it; one link for each component",
        "the tree is complete and the links lead to it",
        "the links of the tree before", 15 * MINUTE, 15.0, target="tree",
    ),
    StepSpec(
        RUNTIME, "Container runtime", FORM, BOTH,
        "activate",
        "starts containerd of the tree with its own configuration, and the local registry",
        "the runtime is ready with the configuration of this tree",
        "stop it", 10 * MINUTE, 5.0, target="tree",
    ),
    StepSpec(
        PRELOAD, "Preload images", FORM, BOTH,
        "runtime",
        "imports and pins all images of the document",
        "the runtime reports every image as pinned",
        "unpin them", 10 * MINUTE, 20.0, target="images",
    ),
    StepSpec(
        VIP, "Set the VIP", FORM, (CONTROL_PLANE,),
        "preload; the host may form the cluster; nothing answers for the VIP",
        "sets the VIP on this host, without health check, because init calls the endpoint",
        "one MAC answers for the VIP, that of this host",
        "remove the address", 30.0, 3.0, target="endpoint",
    ),
    StepSpec(
        INIT, "Form the cluster", FORM, (CONTROL_PLANE,),
        "vip; preflight passed on all members; no proof of formation; no foreign etcd data; the API of no other member "
        "answers",
        "kubeadm init",
        "etcd has one voter, this host; its API is ready; its Node is there; the stored configuration equals the "
        "document",
        "the same configuration and CA: run again; after two crashes reset, while no second member or node exists",
        6 * MINUTE, 30.0, target="epoch",
    ),
    StepSpec(
        MARK, "Record the formation", FORM, (CONTROL_PLANE,),
        "init, or join-control-plane",
        "writes the proof of formation to disk, into the cluster and to the plane; one that joined, to its disk",
        "the proof is on disk and in the cluster",
        "nothing: forward only", 2 * MINUTE, 3.0, target="epoch",
    ),
    StepSpec(
        KEEPALIVED, "Serve the VIP", FORM, (CONTROL_PLANE,),
        "mark, or join-control-plane",
        "runs keepalived with all control planes as peers and the health check",
        "keepalived runs with this configuration",
        "stop it, remove the address", 2 * MINUTE, 3.0, target="endpoint",
    ),
    StepSpec(
        JOIN_CONTROL_PLANE, "Join as control plane", FORM, (CONTROL_PLANE,),
        "preload; a grant; voters healthy, no learner; the guard allows it; no ready node of this name",
        "kubeadm join --control-plane",
        "its etcd member is a started voter, its API is ready, its Node is ready",
        "member never started: removed by a voter, reset, join; learner running: wait; voter: never reset",
        10 * MINUTE, 40.0, grant=True, target="join",
    ),
    StepSpec(
        JOIN_WORKER, "Join as worker", FORM, (WORKER,),
        "preload; the API answers through the endpoint with this host's token",
        "kubeadm join",
        "the kubelet has credentials of this CA, and its Node is ready",
        "credentials are good: start the kubelet only; else reset, join", 6 * MINUTE, 20.0, target="join",
    ),
    StepSpec(
        SERVE_JOIN, "Admit a host", FORM, (CONTROL_PLANE,),
        "this host is the leader; the member has not joined in this join epoch; a control plane has the grant",
        "writes the token of the host for 30 minutes, for a control plane also the encrypted certificates",
        "token, and for a control plane certificates, are in the cluster",
        "delete both", 2 * MINUTE, 3.0, leader=True, target="host",
    ),
    StepSpec(
        END_GRANT, "End a grant", FORM, (CONTROL_PLANE,),
        "this host is the leader; the host has joined, or the grant is past its limit, or its host is not a member",
        "records the join epoch, or removes a learner that never started; then removes token, certificates and grant",
        "no grant, no token, no certificates of that host",
        "nothing: forward only", 2 * MINUTE, 3.0, leader=True, target="host",
    ),
    StepSpec(
        LAYER, "Install an add-on", FORM, (CONTROL_PLANE,),
        "this host is the leader; mark; the layers before are ready",
        "applies CRDs, namespace, then the chart by helm or the manifests by server-side apply, and waits for its "
        "objects",
        "the release or set has the digest of this layer and its objects are ready",
        "nothing: forward only", 15 * MINUTE, 45.0, leader=True, target="layer",
    ),
    StepSpec(
        REMOVE_LAYER, "Remove an add-on", CHANGE, (CONTROL_PLANE,),
        "this host is the leader; the layer is in the cluster and not in the document",
        "deletes the release or the objects of the set, unless the layer leaves them; volumes, CRDs and namespaces "
        "stay",
        "the cluster has no record of the layer",
        "nothing: forward only", 15 * MINUTE, 10.0, leader=True, target="layer",
    ),
    StepSpec(
        ETCD_SPACE, "Make room in etcd", CHANGE, (CONTROL_PLANE,),
        "etcd has the alarm NOSPACE for its member here, and for none that comes before it by name",
        "removes the history of etcd, defragments the member of this host, and ends its alarm when there is room",
        "etcd has no alarm for this member",
        "nothing: forward only", 10 * MINUTE, 10.0, target="epoch",
    ),
    StepSpec(
        DRAIN, "Drain a leaving host", LEAVE, (CONTROL_PLANE,),
        "this host is the leader; the member is absent with a release id and not declared lost",
        "cordons the node and moves its pods away, as its pool wants it",
        "the node is cordoned and marked as drained for this release id, or it is not there",
        "uncordon, until the host has begun to reset", 15 * MINUTE, 60.0, leader=True, target="host",
    ),
    StepSpec(
        REMOVE_MEMBER, "Remove a member of etcd", LEAVE, (CONTROL_PLANE,),
        "drain, or the member is declared lost; a grant; the guard allows it, with its numbers",
        "moves the leader of etcd away from it, then removes it from the members, by a survivor",
        "etcd does not list it",
        "nothing: forward only", 2 * MINUTE, 5.0, leader=True, grant=True, target="host",
    ),
    StepSpec(
        REMOVE_NODE, "Remove a node", LEAVE, (CONTROL_PLANE,),
        "the member is absent and has reset itself, or is declared lost; etcd does not list it",
        "deletes the Node, its token and its record",
        "the Node is not there",
        "nothing: forward only", 2 * MINUTE, 3.0, leader=True, target="host",
    ),
    StepSpec(
        RELEASE, "Leave the cluster", LEAVE, BOTH,
        "absent with a release id; drained; etcd does not list it",
        "stops Kubernetes and undoes exactly what the ledger lists",
        "the ledger is empty and nothing of the cluster is left on the host",
        "nothing once it has begun: forward only", 15 * MINUTE, 20.0, target="release",
    ),
    StepSpec(
        DELETE, "Delete the cluster here", LEAVE, BOTH,
        "all members are absent; workers first, then control planes, the leader last; no API for 10 minutes: at once",
        "stops Kubernetes without a drain and undoes exactly what the ledger lists",
        "the ledger is empty and nothing of the cluster is left on the host",
        "nothing: forward only", 30 * MINUTE, 20.0, target="release",
    ),
    StepSpec(
        SNAPSHOT, "Snapshot of etcd", CHANGE, (CONTROL_PLANE,),
        "before each change of members or version",
        "reserved: a later release makes it",
        "reserved", "reserved", 10 * MINUTE, 10.0, target="document",
    ),
)  # fmt: skip
"""In the order in which a host comes to them."""

BY_ID: Dict[str, StepSpec] = {spec.id: spec for spec in STEPS}
RESERVED = (SNAPSHOT,)
NO_LIMIT = 365 * 86_400.0
"""Seconds for the unit of a step without a limit."""


def limit_of(step: str) -> float:
    """Return the seconds that one attempt of a step may take. Raises `KeyError` for an unknown step."""
    limit = BY_ID[step].limit
    return NO_LIMIT if limit is None else limit


def markdown() -> str:
    """Return the table of steps for the documentation."""
    rows = ["| Step | Who | Starts when | Does | Done when (observed) | Way back | Limit |", "|" + "---|" * 7]
    for spec in STEPS:
        if spec.id in RESERVED:
            continue
        who = "leader" if spec.leader else "every host" if spec.roles == BOTH else " and ".join(spec.roles)
        grant = "; needs the grant" if spec.grant else ""
        limit = (
            "none" if spec.limit is None else f"{spec.limit:.0f} s" if spec.limit < 60 else f"{spec.limit / 60:.0f} min"
        )
        cells = [f"`{spec.id}`", who + grant, spec.precondition, spec.action, spec.done, spec.undo, limit]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"

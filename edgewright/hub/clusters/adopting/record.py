"""What the plane makes of a document that the hosts of a cluster have: its own record of it (P106)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from edgewright.core.clusters import model
from edgewright.core.clusters.document import sealed
from edgewright.core.errors import InvalidDocument
from edgewright.hub.clusters import form, resolver
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http.problems import Problem
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_SERVED = resolver.CONTROL_PLANE_TAINT


def refused(text: str) -> Problem:
    """Return the 409 of a document that the plane does not take."""
    return Problem(409, wire.E_ADOPTION, text)


def placed(document: model.ClusterDocument, generation: int) -> model.ClusterDocument:
    """Return a document as the plane stores it: no lineage, a generation of the plane's own, the same digest."""
    change = model.Change(document.uid, generation)
    return dataclasses.replace(document, lineage="", generation=generation, change=change)


def head_of(document: model.ClusterDocument, before: Json, hosts: Mapping[str, HostEntry], now: float) -> Json:
    """Return the head of a cluster whose document is that of its hosts.

    `before` is the head that the plane has: profiles, tags, role bindings and namespaces stay. Raises `Problem` 409
    when the plane would make another document of it with its next change.
    """
    head = {**before, "pools": _pools(document, before, hosts, now)}
    point = dict(before["cloudConfig"].get("controlPlaneEndpoint") or {})
    if document.endpoint.kind == model.VIP or point.get("type") not in ("DDNS", "External"):
        point["type"] = "VIP" if document.endpoint.kind == model.VIP else "DDNS"
    head["cloudConfig"] = {
        **before["cloudConfig"],
        "controlPlaneEndpoint": {**point, "host": document.endpoint.host},
        "ntpServers": list(document.host_settings.ntp),
        "sshKeys": list(document.host_settings.ssh_keys),
    }
    head["clusterConfig"] = {**before["clusterConfig"], "timezone": document.policy.timezone}
    done = document.bootstrap.done
    head.update(
        initHostUid=document.bootstrap.init_host_uid,
        epoch=document.bootstrap.epoch,
        done=None
        if done is None
        else {"at": done.at, "caSpkiSha256": done.ca_spki_sha256, "kubeSystemUid": done.kube_system_uid},
        kubernetes={"distribution": document.kubernetes.distribution, "version": document.kubernetes.version},
        simulated=document.simulated,
        packOf={layer.name: before["packOf"].get(layer.name, "") for layer in document.layers},
        blobs=sorted({digest for layer in document.layers for digest in (*layer.content, layer.values) if digest}),
        registries=resolver.registries_of(document),
    )
    try:
        again = resolver.with_members(document, head, document.generation)
    except InvalidDocument as wrong:
        raise refused(f"The document of the cluster '{document.name}' cannot be used: {wrong.message}") from None
    if again.digest != sealed(document).digest:
        text = f"The document of the cluster '{document.name}' has pools or members that this plane would change."
        raise refused(f"{text} Update the plane to the release that made it.")
    return head


def _pools(document: model.ClusterDocument, before: Json, hosts: Mapping[str, HostEntry], now: float) -> list[Json]:
    known = {pool["name"]: pool for pool in before["pools"]}
    old = {machine["hostUid"]: machine for _pool, machine in form.machines(before)}
    pools = {pool.name: pool for pool in document.pools}
    for member in document.members:
        pools.setdefault(member.pool, model.Pool(member.pool))
    result = []
    for name, pool in pools.items():
        members = [member for member in document.members if member.pool == name]
        stored = known.get(name, {})
        machines = [_machine(member, old.get(member.host_uid), hosts.get(member.host_uid), now) for member in members]
        made: Json = {"name": name, "config": _config(pool, members, stored.get("config") or {}), "machines": machines}
        if machines and all(machine["state"] == wire.ABSENT for machine in machines) and not document.ending:
            made["removing"] = True
        result.append(made)
    return result


def _config(pool: model.Pool, members: list[model.Member], stored: Json) -> Json:
    """Return the configuration of a pool that gives the members as the document has them."""
    config = {**stored, "name": pool.name, "size": len([member for member in members if member.state == model.PRESENT])}
    strategy = {"type": "RollingUpdateScaleOut", **(stored.get("updateStrategy") or {})}
    config["updateStrategy"] = {**strategy, "maxUnavailable": str(pool.max_unavailable)}
    config["skipK8sUpgrade"] = "enabled" if pool.paused else "disabled"
    if not members:
        config.setdefault("isControlPlane", False)
        return config
    first = members[0]
    controls = first.role == model.CONTROL_PLANE
    taints = [taint for taint in first.taints if taint != _SERVED]
    config.update(
        isControlPlane=controls,
        labels=["control-plane" if controls else "worker"],
        useControlPlaneAsWorker=controls and _SERVED not in first.taints,
        additionalLabels=dict(first.labels),
        additionalAnnotations=dict(first.annotations),
        taints=[{"key": taint.key, "effect": taint.effect, "value": taint.value} for taint in taints],
    )
    return config


def _machine(member: model.Member, old: Json | None, entry: HostEntry | None, now: float) -> Json:
    name = entry.facts.name if entry is not None else member.node_name
    machine: Json = {
        "uid": new_uid(),
        "hostName": name,
        "nic": {},
        "created": now,
        "maintenance": {},
        **(old or {}),
        "hostUid": member.host_uid,
        "nodeName": member.node_name,
        "address": member.address,
        "nicName": member.nic,
        "state": member.state,
        "releaseId": member.release_id,
        "joinEpoch": member.join_epoch,
        "peerSpki": member.peer_spki,
    }
    if member.lost:
        machine["lost"] = True
    if member.cordoned:
        machine["maintenance"] = {"action": "cordon"}
    elif machine["maintenance"].get("action") == "cordon":
        machine["maintenance"] = {}
    return machine

"""Clusters as clients see them: Palette's documents."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.core.clusters.actions import with_titles
from edgewright.hub.clusters import checklists, form, judging, status
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.clusters.settings import waiting
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles.documents import reference
from edgewright.hub.relay.waiting import Reaches
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
API_PORT = 6443
_HIDDEN = ("clusterMetaAttribute", "controlPlaneHealthCheckTimeout", "lifecycleConfig", "machineManagementConfig")
_CONFIG = (*_HIDDEN, "hostClusterConfig", "hyperShiftConfig", "timezone", "updateWorkerPoolsInParallel")


def metadata(cluster: Cluster) -> Json:
    """Return the metadata; labels and annotations as they were sent."""
    record, stored = cluster.record, cluster.head["metadata"]
    annotations = {**(stored.get("annotations") or {}), "scope": "project", "projectUid": record.project_uid}
    result = {
        **stored,
        "uid": record.uid,
        "name": record.name,
        "labels": stored.get("labels") or {},
        "annotations": annotations,
        "creationTimestamp": times.rfc3339(record.created),
        "lastModifiedTimestamp": times.rfc3339(record.modified),
    }
    if record.deleted_at is not None:
        result["deletionTimestamp"] = times.rfc3339(record.deleted_at)
    return result


def cluster(hub: Services, item: Cluster, profiles: list[Json] | None, now: float) -> Json:
    """Return a cluster (`v1SpectroCluster`); with `profiles` (as stored) the packs have their values."""
    head = item.head
    config = {key: head["clusterConfig"][key] for key in _CONFIG if key in head["clusterConfig"]}
    resources = {
        name: [{"kind": kind, "name": row["metadata"]["name"], "uid": row["metadata"]["uid"]} for row in head[name]]
        for name, kind in (("namespaces", "namespace"), ("rbacs", "rbac"))
    }
    return {
        "apiVersion": "v1",
        "kind": "SpectroCluster",
        "metadata": metadata(item),
        "spec": {
            "cloudConfigRef": {"kind": "edge-native", "name": item.record.name, "uid": head["configUid"]},
            "cloudType": wire.CLOUD_TYPE,
            "clusterType": "PureManage",
            "clusterConfig": {**config, "clusterResources": resources},
            "clusterProfileTemplates": templates(hub, item, profiles),
        },
        "status": _status(hub, item, now),
    }


def templates(hub: Services, item: Cluster, profiles: list[Json] | None) -> list[Json]:
    """Return the profiles that a cluster is to have (`v1ClusterProfileTemplate`)."""
    index = hub.part(PackIndex)
    full: dict[str, list[Json]] = {item["uid"]: item["content"]["packs"] for item in profiles or ()}
    return [
        {
            "uid": profile["uid"],
            "name": profile["name"],
            "cloudType": wire.CLOUD_TYPE,
            "type": profile["type"],
            "profileVersion": profile["version"],
            "version": 1,
            "packServerSecret": "",
            "packServerRefs": [],
            "packs": [
                reference({"values": "", **pack}, index) for pack in full.get(profile["uid"]) or profile["packs"]
            ],
        }
        for profile in waiting.profiles(item.head)
    ]


def _status(hub: Services, item: Cluster, now: float) -> Json:
    head = item.head
    listed = status.members(hub, item)
    result: Json = {
        "state": status.state(item, listed),
        "conditions": status.conditions(hub, item, listed, now),
        "apiEndpoints": endpoints(item),
        "packs": pack_states(hub, item),
        "profileStatus": {"hasUserMacros": False},
        "fips": {"mode": "none"},
        "spcApply": head["spcApply"],
        "repave": {"state": (head.get("repave") or {}).get("state") or "Approved"},
        "services": [],
        "upgrades": [],
        "addOnServices": [],
    }
    location = head["clusterConfig"].get("location")
    if location:
        result["location"] = location
    return result


def endpoints(item: Cluster) -> list[Json]:
    """Return where the API of a cluster is."""
    host = str((item.head["cloudConfig"].get("controlPlaneEndpoint") or {}).get("host") or "")
    return [{"host": host, "port": API_PORT}] if host else []


def pack_states(hub: Services, item: Cluster) -> list[Json]:
    """Return the state of each layer, as the leader reports it (`v1ClusterPackStatus`)."""
    reported = {str(row.get("name") or ""): row for row in hub.part(Reports).document(item.uid).get("layers") or ()}
    done = item.head["done"] is not None
    rows = []
    for profile in item.head["profiles"]:
        for pack in profile["packs"]:
            own = [row for name, row in reported.items() if item.head["packOf"].get(name) == pack["name"]]
            ready = all(row.get("state") == "ready" for row in own) if own else done and pack["layer"] in ("os", "k8s")
            message = next((str(row.get("message")) for row in own if row.get("message")), "")
            condition = {
                "type": "Ready",
                "status": "True" if ready else "False",
                "reason": "Ready" if ready else "Waiting",
                "message": message,
            }
            rows.append(
                {
                    "name": pack["name"],
                    "profileUid": profile["uid"],
                    "type": pack["type"],
                    "version": pack["tag"],
                    "condition": condition,
                    "manifests": [],
                    "services": [],
                }
            )
    return rows


def summary(hub: Services, item: Cluster, now: float) -> Json:
    """Return a cluster as lists have it (`v1SpectroClusterSummary`), with our parts beside it."""
    listed = status.members(hub, item)
    project = hub.state.projects.get(item.record.project_uid)
    return {
        "metadata": metadata(item),
        "specSummary": {
            "archTypes": archs(hub, item),
            "cloudConfig": cloud_meta(item, listed),
            "clusterConfig": {"timezone": str(item.head["clusterConfig"].get("timezone") or "")},
            "clusterProfileTemplates": [_template_meta(profile) for profile in item.head["profiles"]],
            "projectMeta": {"uid": item.record.project_uid, "name": project.name if project is not None else ""},
        },
        "status": {
            "state": status.state(item, listed),
            "health": health(hub, item, listed, now),
            "fips": {"mode": "none"},
            "repave": {"state": (item.head.get("repave") or {}).get("state") or "Approved"},
            "notifications": {"isAvailable": False, "isTemplateVariableResolutionPending": False},
            "edgewright": ours(hub, item, listed, now),
        },
    }


def overview(hub: Services, item: Cluster, kubeconfigs: tuple[bool, bool], now: float) -> Json:
    """Return a cluster with its health (`v1SpectroClusterUidSummary`)."""
    listed = status.members(hub, item)
    full = _status(hub, item, now)
    keys = ("state", "conditions", "apiEndpoints", "packs", "services", "spcApply", "upgrades", "addOnServices", "fips")
    return {
        "metadata": metadata(item),
        "spec": {
            "archTypes": archs(hub, item),
            "cloudConfig": cloud_meta(item, listed),
            "clusterProfileTemplates": [_template_meta(profile) for profile in item.head["profiles"]],
        },
        "status": {
            **{key: full[key] for key in keys},
            "health": health(hub, item, listed, now),
            "kubeMeta": {
                "hasKubeConfig": kubeconfigs[0],
                "hasKubeConfigClient": kubeconfigs[1],
                "hasManifest": False,
                "kubernetesVersion": str(item.head["kubernetes"].get("version") or ""),
            },
            "notifications": {"isAvailable": False, "isTemplateVariableResolutionPending": False},
            "workspaces": [],
            "edgewright": ours(hub, item, listed, now),
        },
    }


def ours(hub: Services, item: Cluster, listed: list[status.Member], now: float) -> Json:
    """Return what Palette has no property for."""
    head, record = item.head, item.record
    report = hub.part(Reports).record(item.uid)
    verdict, reason = status.health(hub, item, listed, now)
    count, total = status.applied(item, listed)
    return {
        "projectUid": record.project_uid,
        "generation": record.generation,
        "digest": record.digest,
        "distribution": str(head["kubernetes"].get("distribution") or ""),
        "version": str(head["kubernetes"].get("version") or ""),
        "simulated": head["simulated"],
        "endpoint": (endpoints(item) or [{"host": ""}])[0]["host"],
        "healthState": verdict,
        "reason": reason,
        "applied": count,
        "hosts": total,
        "vip": status.vip(hub, listed, now),
        "reach": hub.part(Reaches).document(item.uid),
        "reportedAt": None if report is None else times.rfc3339(report.at),
        "conditions": status.conditions(hub, item, listed, now),
        "deletingSince": None if record.deleting_at is None else times.rfc3339(record.deleting_at),
        "members": [_member(member) for member in listed],
        "checklist": checklists.rows(hub, item, listed, now),
        **judging.observed(hub, item, listed, now),
        "profiles": [f"{profile['name']} {profile['version']}" for profile in head["profiles"]],
    }


def _member(member: status.Member) -> Json:
    machine = member.machine
    return {
        "uid": machine["hostUid"],
        "name": machine["hostName"],
        "node": machine["nodeName"],
        "pool": member.pool["name"],
        "role": wire.CONTROL_PLANE if form.is_control_plane(member.pool["config"]) else wire.WORKER,
        "address": machine["address"],
        "state": machine["state"],
        "ready": member.node.get("ready"),
        "version": str(member.node.get("version") or ""),
        "cordoned": member.node.get("cordoned") is True,
        "vip": (member.report.get("vip") or {}).get("held") is True,
        "progress": _progress(member.progress),
    }


def _progress(progress: Json | None) -> Json | None:
    """Return the progress of a host with the title of its step, so that no client has to know the steps."""
    return None if progress is None else {**progress, "title": with_titles(str(progress.get("step") or ""))}


def archs(hub: Services, item: Cluster) -> list[str]:
    """Return the architectures of the hosts."""
    entries = (hub.state.hosts.get(machine["hostUid"]) for _pool, machine in item.machines())
    known = {str(entry.facts.architecture or "amd64") for entry in entries if entry is not None}
    return sorted(known & {"amd64", "arm64"})


def cloud_meta(item: Cluster, listed: list[status.Member]) -> Json:
    """Return the pools with their sizes (`v1CloudConfigMeta`)."""
    pools = []
    for pool in item.head["pools"]:
        own = [member for member in listed if member.pool is pool]
        pools.append(
            {
                "cloudType": wire.CLOUD_TYPE,
                "healthy": sum(1 for member in own if member.node.get("ready") is True),
                "isControlPlane": form.is_control_plane(pool["config"]),
                "labels": pool["config"].get("labels") or [],
                "maintenanceMode": sum(1 for member in own if member.machine["maintenance"].get("action") == "cordon"),
                "size": len(form.present(pool)),
            }
        )
    return {"cloudType": wire.CLOUD_TYPE, "uid": item.head["configUid"], "machinePools": pools}


def _template_meta(profile: Json) -> Json:
    return {
        "uid": profile["uid"],
        "name": profile["name"],
        "type": profile["type"],
        "cloudType": wire.CLOUD_TYPE,
        "scope": "project",
        "version": 1,
        "packs": [
            {
                "name": pack["name"],
                "layer": pack["layer"],
                "type": pack["type"],
                "tag": pack["tag"],
                "version": pack["tag"],
            }
            for pack in profile["packs"]
        ],
    }


def health(hub: Services, item: Cluster, listed: list[status.Member], now: float) -> Json:
    """Return the health (`v1SpectroClusterHealthStatus`); its state is empty while it is unknown."""
    verdict, reason = status.health(hub, item, listed, now)
    report = hub.part(Reports).record(item.uid)
    result: Json = {"state": "" if verdict == status.UNKNOWN_HEALTH else verdict, "agentVersion": "", "conditions": []}
    if reason:
        about = {"kind": wire.KIND, "uid": item.uid, "name": item.record.name}
        result["conditions"].append({"type": verdict, "message": reason, "relatedObject": about})
    if report is not None:
        result["lastHeartBeatTimestamp"] = times.rfc3339(report.at)
    return result

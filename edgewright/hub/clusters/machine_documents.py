"""The cloud configuration of a cluster with pools and machines: Palette's documents."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.hub.clusters import form, status
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_POOL = (
    "additionalAnnotations", "additionalLabels", "additionalTags", "isControlPlane", "labels", "machinePoolProperties",
    "maxSize", "minSize", "name", "nodeRepaveInterval", "overrideKubeadmConfiguration", "size", "taints",
    "updateStrategy", "useControlPlaneAsWorker", "skipK8sUpgrade",
)  # fmt: skip


def cloud_config(item: Cluster) -> Json:
    """Return everything of the cloud configuration (`v1EdgeNativeCloudConfig`)."""
    record = item.record
    return {
        "apiVersion": "v1",
        "kind": "EdgeNativeCloudConfig",
        "metadata": {
            "uid": item.head["configUid"],
            "name": record.name,
            "labels": {},
            "annotations": {"clusterUid": record.uid, "projectUid": record.project_uid},
            "creationTimestamp": times.rfc3339(record.created),
            "lastModifiedTimestamp": times.rfc3339(record.modified),
        },
        "spec": {
            "clusterConfig": item.head["cloudConfig"],
            "machinePoolConfig": [_pool(pool) for pool in item.head["pools"]],
        },
        "status": {"conditions": [], "nodeImage": "", "sourceImageId": ""},
    }


def _pool(pool: Json) -> Json:
    config = {key: pool["config"][key] for key in _POOL if key in pool["config"]}
    hosts = []
    for machine in form.present(pool):
        host = {
            "hostUid": machine["hostUid"],
            "hostName": machine["hostName"],
            "hostAddress": machine["address"],
            "nic": machine["nic"],
        }
        hosts.append(host)
    return {
        **config,
        "name": pool["name"],
        "isControlPlane": form.is_control_plane(config),
        "size": len(hosts),
        "hosts": hosts,
    }


def machine(hub: Services, item: Cluster, member: status.Member) -> Json:
    """Return one machine (`v1EdgeNativeMachine`). Its `metadata.name` is the name of the host, as clients expect."""
    own = member.machine
    entry = hub.state.hosts.get(own["hostUid"])
    device = ((entry.document().get("spec") or {}).get("device") or {}) if entry is not None else {}
    ready = member.node.get("ready") is True
    created = times.rfc3339(own["created"])
    beat = entry.live.at if entry is not None else None
    result: Json = {
        "apiVersion": "v1",
        "kind": "EdgeNativeMachine",
        "metadata": {
            "uid": own["uid"],
            "name": own["hostName"],
            "labels": {},
            "annotations": {},
            "creationTimestamp": created,
            "lastModifiedTimestamp": times.rfc3339(item.record.modified),
        },
        "spec": {
            "edgeHostUid": own["hostUid"],
            "instanceType": {
                "name": "",
                "numCPUs": int((device.get("cpu") or {}).get("cores") or 0),
                "memoryMiB": int((device.get("memory") or {}).get("sizeInMB") or 0),
            },
            "nics": [{"networkName": own["nicName"], "privateIPs": [own["address"]]}],
        },
        "status": {
            "addresses": [{"type": "InternalIP", "address": own["address"]}] if own["address"] else [],
            "instanceState": state(item, member),
            "ready": ready,
            "maintenanceStatus": maintenance(member),
            "health": {"state": "Healthy" if ready else "UnHealthy", "conditions": []},
        },
    }
    if beat is not None:
        result["status"]["health"]["lastHeartBeatTimestamp"] = times.rfc3339(beat)
    return result


def maintenance(member: status.Member) -> Json:
    """Return what is asked of a node (`cordon`, `uncordon`), and whether the leader reports it as done."""
    action = str(member.machine["maintenance"].get("action") or "")
    done = member.node.get("cordoned") is (action == "cordon")
    text = "" if done or not action else "The leader of the cluster sets it within a minute."
    return {"action": action, "state": ("Completed" if done else "Initiated") if action else "", "message": text}


def state(item: Cluster, member: status.Member) -> str:
    """Return the state of a machine: what the leader reports of its node, else how far the host is."""
    if member.machine["state"] == wire.ABSENT:
        return "Deleting"
    if member.node:
        return "Running"
    return "Provisioning" if member.report or member.progress else "Pending"

"""Edge hosts, as the store has them. The reducer has code of its own for them: thousands change in a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.hosts import tags as core_tags
from edgewright.core.hosts.health import INTERVAL
from edgewright.store.collection import Collection
from edgewright.store.collections.document_values import (
    EXTENSION,
    MAX_ITEMS,
    flag,
    integer,
    number,
    part,
    parts,
    text,
    tidy,
    value,
    when,
)
from edgewright.store.collections.rows import Row, tag_value

if TYPE_CHECKING:
    from edgewright.wire.palette.edgehost import EdgeHost

_VIRTUAL = ("lo", "cni", "lxc", "veth", "cali", "flannel", "cilium", "docker", "virbr", "br-", "tunl", "kube", "vxlan")


class HostRow(Row, frozen=True, array_like=True, gc=False):
    """One edge host.

    `state` is unpaired, ready or in-use; `health` is healthy, unhealthy or unknown; the two are never mixed. `who`
    is the owner: a value of `core.hosts.states.OWNERS`. `deadline` is when the present state becomes overdue.
    `last_seen` is the last heartbeat, `fetched_at` when this copy came from the plane.
    """

    uid: str
    name: str = ""
    project_uid: str = ""
    state: str = ""
    health: str = "unknown"
    reason: str = ""
    since: float | None = None
    deadline: float | None = None
    who: str = ""
    last_seen: float | None = None
    site: str = ""
    tags: tuple[str, ...] = ()
    cpu: int | None = None
    memory_mb: int | None = None
    disk_percent: float | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    os: str = ""
    kernel: str = ""
    ip: str = ""
    mac: str = ""
    arch: str = ""
    gpu: str = ""
    cluster: str = ""
    agent: str = ""
    host_type: str = ""
    boot_slot: str = ""
    address: str = ""
    created: float | None = None
    modified: float | None = None
    simulated: bool = False
    observed: bool = False
    token_uid: str = ""
    fetched_at: float = 0.0
    token_name: str = ""
    registered: float | None = None
    heartbeats: int | None = None
    silence_limit: float | None = None
    disk_mount: str = ""
    """Mount point of the fullest partition, the one that `disk_percent` speaks of."""
    interval: float | None = None
    """Seconds between two heartbeats, where the plane names them: a metered link has its own."""
    cluster_role: str = ""
    """`control-plane` or `worker`; empty without a cluster."""
    cluster_state: str = ""
    """What its cluster is to the plane: `member`, or `unknown`, `differs`, `removed`, `adopting` (P106)."""
    cluster_note: str = ""
    """What is wrong with that, with the next step."""
    link: str = ""
    """State of the SSH connection by which alone it is known (`rows.LINKS`); empty for a host of the plane."""
    plane_uid: str = ""
    """Of one that is open by SSH: the uid under which a plane has it, where that is known."""
    sites: tuple[str, ...] = ()
    """Of one that is open by SSH: `LINK TARGET` of each connection that leads to it, the first one opened in front."""
    way: str = ""
    """Of one that is open by SSH: `ssh:TARGET` of a connection that is up, of the first one where none is."""

    @property
    def beat(self) -> float:
        """Return the seconds between two heartbeats, the usual ones where they are not known."""
        return self.interval or INTERVAL

    @property
    def cluster_text(self) -> str:
        """Return the cluster with the role of the host, or what is wrong: `store-7 (worker)`, `store-7 (unknown)`."""
        note = self.cluster_state if self.cluster_state not in ("", "member") else self.cluster_role
        return f"{self.cluster} ({note})" if self.cluster and note else self.cluster

    def get(self, field: str) -> object:
        """Return the value of `field`, or of a tag for `tag.NAME`; `None` when there is no such thing."""
        if field.startswith("tag."):
            return tag_value(self.tags, field[4:])
        return Row.get(self, field)


def host_row(doc: Mapping[str, Any] | EdgeHost, fetched_at: float) -> HostRow | None:
    """Return the row of a host document that was fetched at `fetched_at`; `None` when it names no uid."""
    raw: Mapping[str, Any] = doc if isinstance(doc, dict) else getattr(doc, "raw", {})
    meta, spec, status = part(raw, "metadata"), part(raw, "spec"), part(raw, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    device, host = part(spec, "device"), part(spec, "host")
    ours, reported = part(spec, EXTENSION), part(status, EXTENSION)
    health = part(status, "health")
    labels = _tags(part(meta, "labels"))
    memory = integer(part(device, "memory"), "sizeInMB")
    used = number(ours, "memoryUsedMB")
    disk, mount = _fullest(device)
    ip, mac = _address(device, host)
    os = part(device, "os")
    condition = text(reported, "healthState").lower() or text(health, "state").lower()
    return HostRow(
        uid=uid,
        name=text(meta, "name") or uid,
        project_uid=_project(raw, spec, host),
        state=text(status, "state").lower() or "unpaired",
        health=condition if condition in ("healthy", "unhealthy") else "unknown",
        reason=text(reported, "reason") or text(health, "message"),
        since=when(reported, "since"),
        deadline=when(reported, "deadline"),
        who=text(reported, "who"),
        last_seen=when(reported, "lastHeartbeat"),
        site=tag_value(labels, core_tags.SITE) or "",
        tags=labels,
        cpu=integer(part(device, "cpu"), "cores") or None,
        memory_mb=memory or None,
        disk_percent=disk,
        cpu_percent=_share(number(ours, "cpuPercent"), 100.0),
        memory_percent=_share(used, float(memory)) if memory else None,
        os=" ".join(filter(None, (text(os, "family"), text(os, "version")))),
        kernel=text(os, "kernelVersion") or text(os, "kernel"),
        ip=ip,
        mac=mac,
        arch=text(device, "archType"),
        gpu=_gpus(device),
        cluster=_cluster(status) or text(part(reported, "cluster"), "name"),
        agent=text(health, "agentVersion") or text(part(spec, "service"), "version") or text(spec, "version"),
        host_type=text(device, "hostType"),
        boot_slot=text(ours, "bootSlot"),
        address=text(reported, "address"),
        created=when(meta, "creationTimestamp"),
        modified=when(meta, "lastModifiedTimestamp"),
        simulated=flag(ours, "simulated"),
        observed=flag(ours, "observed"),
        token_uid=text(reported, "tokenUid"),
        fetched_at=fetched_at,
        token_name=text(reported, "tokenName"),
        registered=when(reported, "registeredAt"),
        heartbeats=integer(reported, "heartbeats"),
        silence_limit=number(reported, "silenceLimit"),
        disk_mount=mount,
        interval=number(reported, "interval"),
        cluster_role=text(part(reported, "cluster"), "role"),
        cluster_state=text(part(reported, "cluster"), "state"),
        cluster_note=text(part(reported, "cluster"), "message", 512),
    )


def _tags(labels: Mapping[str, Any]) -> tuple[str, ...]:
    if not labels:
        return ()
    shown = {str(key): other for key, other in labels.items() if not isinstance(other, (dict, list))}
    return tuple(tidy(tag) for tag in core_tags.labels_to_tags(shown)[:MAX_ITEMS])


def _project(raw: Mapping[str, Any], spec: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    return (
        text(part(raw, "aclmeta"), "projectUid")
        or text(part(spec, "projectMeta"), "uid")
        or text(part(host, "project"), "uid")
    )


def _share(used: float | None, of: float) -> float | None:
    return None if used is None or of <= 0 else round(min(100.0, max(0.0, used * 100.0 / of)), 1)


def _fullest(device: Mapping[str, Any]) -> tuple[float | None, str]:
    """Return used percent and mount point of the fullest mounted partition."""
    best: float | None = None
    where = ""
    for disk in parts(device, "disks"):
        for partition in parts(disk, "partitions"):
            total, used = number(partition, "totalSpace"), number(partition, "usedSpace")
            if not total or used is None:
                continue
            percent = _share(used, total)
            if percent is not None and (best is None or percent > best):
                best, where = percent, text(partition, "mountPoint")
    return best, where


def _address(device: Mapping[str, Any], host: Mapping[str, Any]) -> tuple[str, str]:
    """Return IP and MAC of the card that is meant: the default one, else the first real one with an address."""
    chosen: Mapping[str, Any] | None = None
    for nic in parts(device, "nics"):
        if flag(nic, "isDefault"):
            chosen = nic
            break
        if chosen is None and value(nic, "ip") and not text(nic, "nicName").startswith(_VIRTUAL):
            chosen = nic
    if chosen is None:
        return text(host, "hostAddress"), text(host, "macAddress")
    return text(chosen, "ip") or text(host, "hostAddress"), text(chosen, "macAddr") or text(host, "macAddress")


def _gpus(device: Mapping[str, Any]) -> str:
    names = []
    for gpu in parts(device, "gpus"):
        count = integer(gpu, "gpuCount") or 1
        name = text(gpu, "model") or text(gpu, "vendor") or "GPU"
        names.append(f"{count} x {name}" if count > 1 else name)
    return ", ".join(names[:4])


def _cluster(status: Mapping[str, Any]) -> str:
    used = parts(status, "inUseClustersRef") or parts(status, "inUseClusters")
    return ", ".join(filter(None, (text(ref, "name") or text(ref, "uid") for ref in used[:3])))


HOSTS = Collection(
    "hosts",
    HostRow,
    host_row,
    noun="host",
    getter="CanListHosts",
    change_kind="host",
    documents=True,
    audit_kind="edgehost",
)

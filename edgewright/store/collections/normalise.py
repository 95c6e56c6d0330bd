"""From a plane's document to a row. One function a kind; none of them raises for what a plane may send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.hosts import tags as core_tags
from edgewright.store.collections.document_values import (
    EXTENSION,
    flag,
    number,
    part,
    parts,
    text,
    tidy,
    value,
    when,
    whole,
)
from edgewright.store.collections.rows import (
    AlertRow,
    AuditRow,
    EventRow,
    HandlingRow,
    HostRow,
    OperationRow,
    ProjectRow,
    TokenRow,
    tag_value,
)

if TYPE_CHECKING:
    from edgewright.wire.palette.edgehost import EdgeHost

MAX_TAGS = 64
"""Tags of one host that a row contains; the document has all of them."""

_VIRTUAL = ("lo", "cni", "lxc", "veth", "cali", "flannel", "cilium", "docker", "virbr", "br-", "tunl", "kube", "vxlan")


def host_row(doc: Mapping[str, Any] | EdgeHost, fetched_at: float) -> HostRow | None:
    """Return the row of a host document that was fetched at `fetched_at`; `None` when it names no uid."""
    raw: Mapping[str, Any] = doc if isinstance(doc, dict) else getattr(doc, "raw", {})
    meta, spec, status = part(raw, "metadata"), part(raw, "spec"), part(raw, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    device, host = part(spec, "device"), part(spec, "host")
    ours, told = part(spec, EXTENSION), part(status, EXTENSION)
    health = part(status, "health")
    labels = _tags(part(meta, "labels"))
    memory = whole(part(device, "memory"), "sizeInMB")
    used = number(ours, "memoryUsedMB")
    disk, mount = _fullest(device)
    ip, mac = _address(device, host)
    os = part(device, "os")
    condition = text(told, "healthState").lower() or text(health, "state").lower()
    return HostRow(
        uid=uid,
        name=text(meta, "name") or uid,
        project_uid=_project(raw, spec, host),
        state=text(status, "state").lower() or "unpaired",
        health=condition if condition in ("healthy", "unhealthy") else "unknown",
        reason=text(told, "reason") or text(health, "message"),
        since=when(told, "since"),
        deadline=when(told, "deadline"),
        who=text(told, "who"),
        last_seen=when(told, "lastHeartbeat"),
        site=tag_value(labels, core_tags.SITE) or "",
        tags=labels,
        cpu=whole(part(device, "cpu"), "cores") or None,
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
        cluster=_cluster(status),
        agent=text(health, "agentVersion") or text(part(spec, "service"), "version") or text(spec, "version"),
        host_type=text(device, "hostType"),
        boot_slot=text(ours, "bootSlot"),
        address=text(told, "address"),
        created=when(meta, "creationTimestamp"),
        modified=when(meta, "lastModifiedTimestamp"),
        simulated=flag(ours, "simulated"),
        observed=flag(ours, "observed"),
        token_uid=text(told, "tokenUid"),
        fetched_at=fetched_at,
        token_name=text(told, "tokenName"),
        registered=when(told, "registeredAt"),
        heartbeats=whole(told, "heartbeats"),
        silence_limit=number(told, "silenceLimit"),
        disk_mount=mount,
    )


def token_row(doc: Mapping[str, Any], fetched_at: float) -> TokenRow | None:
    """Return the row of a registration token, without its secret; `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    project = part(spec, "defaultProject")
    return TokenRow(
        uid=uid,
        name=text(meta, "name"),
        description=text(part(meta, "annotations"), "description"),
        project_uid=text(project, "uid") or text(spec, "defaultProjectUid"),
        project=text(project, "name"),
        active=flag(part(doc, "status"), "isActive"),
        expiry=when(spec, "expiry"),
        created=when(meta, "creationTimestamp"),
        modified=when(meta, "lastModifiedTimestamp"),
        fetched_at=fetched_at,
    )


def event_row(doc: Mapping[str, Any]) -> EventRow | None:
    """Return the row of a component event; `None` when it names no uid."""
    meta, involved, source = part(doc, "metadata"), part(doc, "involvedObject"), part(doc, "source")
    uid = text(meta, "uid")
    if not uid:
        return None
    related = part(doc, "relatedObject")
    return EventRow(
        uid=uid,
        at=when(meta, "creationTimestamp") or when(meta, "lastModifiedTimestamp") or 0.0,
        severity=text(doc, "severity").lower(),
        reason=text(doc, "reason"),
        message=text(doc, "message"),
        kind=text(involved, "kind") or text(related, "kind"),
        object_uid=text(involved, "uid") or text(related, "uid"),
        object_name=text(involved, "name") or text(related, "name"),
        component=text(source, "component"),
        host=text(source, "host"),
    )


def audit_row(doc: Mapping[str, Any]) -> AuditRow | None:
    """Return the row of an audit entry; `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    actor, resource = part(spec, "actor"), part(spec, "resource")
    user, project = part(actor, "user"), part(actor, "project")
    names = " ".join(filter(None, (text(user, "firstName"), text(user, "lastName"))))
    return AuditRow(
        uid=uid,
        at=when(meta, "creationTimestamp") or 0.0,
        action=text(spec, "actionType"),
        actor=text(user, "emailId") or names or text(actor, "serviceName") or text(user, "uid"),
        actor_type=text(actor, "actorType"),
        kind=text(resource, "kind"),
        resource_uid=text(resource, "uid"),
        resource=text(resource, "name") or text(resource, "label") or text(resource, "uid"),
        message=text(spec, "actionMsg") or text(spec, "contentMsg"),
        note=text(spec, "userMsg"),
        project_uid=text(project, "uid"),
        project=text(project, "name"),
        address=text(part(spec, EXTENSION), "address") or text(part(meta, EXTENSION), "address"),
    )


def operation_row(doc: Mapping[str, Any]) -> OperationRow | None:
    """Return the row of an operation on a host; `None` when it names no id or no host."""
    uid, host = text(doc, "id"), text(doc, "hostUid")
    if not uid or not host:
        return None
    return OperationRow(
        uid=uid,
        at=when(doc, "created") or 0.0,
        host_uid=host,
        kind=text(doc, "kind"),
        state=text(doc, "state").lower(),
        deadline=when(doc, "deadline"),
        finished=when(doc, "finished"),
        actor=text(doc, "actor"),
        message=text(part(doc, "result"), "message"),
    )


def alert_row(doc: Mapping[str, Any]) -> AlertRow | None:
    """Return the row of an alert; `None` when it names no uid."""
    uid = text(doc, "uid")
    if not uid:
        return None
    return AlertRow(
        uid=uid,
        kind=text(doc, "kind"),
        subject=text(doc, "subject"),
        text=text(doc, "text") or text(doc, "message"),
        message=text(doc, "message"),
        hint=text(doc, "hint"),
        code=text(doc, "code"),
        host_uids=_texts(doc, "hostUids"),
        addresses=_texts(doc, "addresses"),
        since=when(doc, "since"),
        last=when(doc, "last"),
        count=max(0, whole(doc, "count") or 0),
        owner=text(doc, "owner"),
    )


def handling_row(doc: Mapping[str, Any]) -> HandlingRow | None:
    """Return the row of who handles a problem; `None` when it names no key."""
    key = text(doc, "key")
    if not key:
        return None
    return HandlingRow(
        key=key,
        acknowledged_by=text(doc, "acknowledgedBy"),
        acknowledged_at=when(doc, "acknowledgedAt"),
        assignee=text(doc, "assignee"),
        note=text(doc, "note"),
        silenced_until=when(doc, "silencedUntil"),
        updated_by=text(doc, "updatedBy"),
        updated_at=when(doc, "updatedAt") or 0.0,
    )


def _texts(doc: Mapping[str, Any], key: str) -> tuple[str, ...]:
    items = value(doc, key)
    return tuple(tidy(item) for item in items[:MAX_TAGS] if isinstance(item, str)) if isinstance(items, list) else ()


def project_row(doc: Mapping[str, Any]) -> ProjectRow | None:
    """Return the row of a project's metadata; `None` when it names no uid."""
    meta = part(doc, "metadata")
    uid = text(meta, "uid")
    if not uid:
        return None
    return ProjectRow(uid=uid, name=text(meta, "name"), description=text(part(meta, "annotations"), "description"))


def _tags(labels: Mapping[str, Any]) -> tuple[str, ...]:
    if not labels:
        return ()
    shown = {str(key): other for key, other in labels.items() if not isinstance(other, (dict, list))}
    return tuple(tidy(tag) for tag in core_tags.labels_to_tags(shown)[:MAX_TAGS])


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
        count = whole(gpu, "gpuCount") or 1
        name = text(gpu, "model") or text(gpu, "vendor") or "GPU"
        names.append(f"{count} x {name}" if count > 1 else name)
    return ", ".join(names[:4])


def _cluster(status: Mapping[str, Any]) -> str:
    used = parts(status, "inUseClustersRef") or parts(status, "inUseClusters")
    return ", ".join(filter(None, (text(ref, "name") or text(ref, "uid") for ref in used[:3])))

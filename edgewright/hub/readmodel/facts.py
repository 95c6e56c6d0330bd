"""What the search, the quick lists and the token list need of a host's document, read once when the record changes.

A search over 30,000 hosts looks at a few values of each; decoding every document for it would take a second and more.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from edgewright.core.hosts.nics import universal_macs
from edgewright.core.search.search import host_values
from edgewright.core.text import clean
from edgewright.wire.protocol.generations import read_generation

_REPORTED = 4
"""Clusters of which a host may report documents: one, and others while it changes between them."""


class ReportedCluster(NamedTuple):
    """A cluster document that a host reports (rule P73): `waits` when one of this plane waits for an operator."""

    uid: str
    name: str
    role: str
    lineage: str
    generation: int
    digest: str
    waits: bool


class Facts(msgspec.Struct, frozen=True, gc=False):
    """The values of a stored document that can be searched, sorted and listed by."""

    name: str
    tags: tuple[str, ...]
    site: str | None
    cluster: str | None
    architecture: Any
    host_type: Any
    cpu: Any
    memory: Any
    simulated: Any
    observed: Any
    kind: str
    """`spec.type`, `edge-native` unless the document sets another."""
    disk: tuple[float, str] | None = None
    """Percent used and mount point of the fullest file system."""
    hardware: tuple[str, ...] = ()
    """What distinguishes one machine from another, as `kind:value`: machine-id, firmware UUID, set of network cards."""
    clusters: tuple[ReportedCluster, ...] = ()
    """The cluster documents that the host reports and converges on."""


def read_facts(uid: str, document: Mapping[str, Any]) -> Facts:
    """Return the facts of a stored document."""
    get = host_values(document)
    spec = document.get("spec") or {}
    name = str(get("name") or uid)
    name = uid if name == uid else name  # one object
    tags, site, cluster = get("tags"), get("site"), get("clusterName")
    return Facts(
        name=name,
        tags=tuple(map(_same, tags)) if isinstance(tags, list) else (),
        site=_same(str(site)) if site is not None else None,
        cluster=_same(str(cluster)) if cluster is not None else None,
        architecture=_same(get("architecture")),
        host_type=_same(get("hostType")),
        cpu=get("cpu"),
        memory=get("memory"),
        simulated=get("simulated"),
        observed=get("observed"),
        kind=_same(str(spec.get("type") or "edge-native")),
        disk=fullest_disk(spec),
        hardware=hardware_keys(spec),
        clusters=reported_clusters(spec),
    )


def reported_clusters(spec: Mapping[str, Any]) -> tuple[ReportedCluster, ...]:
    """Return the clusters whose documents a host reports; those that it has left are not among them."""
    extension = spec.get("edgewright")
    documents = extension.get("documents") if isinstance(extension, dict) else None
    result: list[ReportedCluster] = []
    for item in documents if isinstance(documents, list) else []:
        if not isinstance(item, dict) or item.get("kind") != "cluster" or len(result) >= _REPORTED:
            continue
        uid, wanted = item.get("uid"), item.get("wanted")
        if not isinstance(uid, str) or not _is_uid(uid) or not isinstance(wanted, dict) or item.get("leaving"):
            continue
        generation = read_generation(wanted.get("generation"))
        lineage, digest = str(wanted.get("lineage") or "")[:16], str(wanted.get("digest") or "")[:64]
        name, role = clean(str(item.get("name") or uid), 63), clean(str(item.get("role") or ""), 20)
        if generation is not None:
            waits = isinstance(item.get("offered"), dict)
            result.append(ReportedCluster(uid, name, _same(role), _same(lineage), generation, digest, waits))
    return tuple(result)


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= 64 and text.isascii() and text.replace("-", "").isalnum()


def fullest_disk(spec: Mapping[str, Any]) -> tuple[float, str] | None:
    """Return percent used and mount point of the fullest file system; `None` when the host reports none."""
    device = spec.get("device")
    disks = device.get("disks") if isinstance(device, dict) else None
    best: tuple[float, str] | None = None
    for disk in disks if isinstance(disks, list) else []:
        partitions = disk.get("partitions") if isinstance(disk, dict) else None
        for part in partitions if isinstance(partitions, list) else []:
            total, used = (part.get("totalSpace"), part.get("usedSpace")) if isinstance(part, dict) else (None, None)
            if isinstance(total, (int, float)) and isinstance(used, (int, float)) and total > 0:
                percent = round(min(100.0, max(0.0, used * 100.0 / total)), 1)
                if best is None or percent > best[0]:
                    best = percent, _same(str(part.get("mountPoint") or ""))
    return best


def hardware_keys(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what distinguishes the machine of a document: only signs that no two machines should share."""
    extension, device = spec.get("edgewright"), spec.get("device")
    hardware = extension.get("hardware") if isinstance(extension, dict) else None
    keys = []
    if isinstance(hardware, dict):
        for kind in ("machine", "product"):
            value = hardware.get(kind)
            if isinstance(value, str) and value:
                keys.append(f"{kind}:{value[:64]}")
    nics = device.get("nics") if isinstance(device, dict) else None
    macs = universal_macs(nics if isinstance(nics, list) else [])
    if macs:
        keys.append("macs:" + "+".join(macs))
    return tuple(keys)


def _same(value: Any) -> Any:
    """Return one and the same object for equal texts, since a fleet repeats them a thousand times."""
    return sys.intern(value) if type(value) is str else value

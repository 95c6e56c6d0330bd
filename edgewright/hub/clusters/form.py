"""The stored form of a cluster: what a body becomes, and how pools and machines change.

The head is a dictionary with: `configUid`, `metadata`, `cloudConfig`, `clusterConfig`, `policies` (as sent), `pools`
(`name`, `config` as sent, `machines`), `profiles` (uid, name, version, type, packs without values), `rbacs`,
`namespaces`, `initHostUid`, `epoch`, `done`, `kubernetes`, `simulated`, `packOf` (pack by layer of the document),
`blobs`, `registries` (those that the document names), `spcApply`, `author`; and `repave`, `conditions`, `pending`,
`waiting` (`profiles`, `blobs`, `since`: a change of profiles that waits),
`adoption` (`id`, `hostUid`, `digest`, `by`, `since`), `wanted` (`hostUid`, `digests`: content to be handed over) where
there are such.
A machine has `uid`, `hostUid`, `hostName`, `nodeName`, `nic`, `address`, `nicName`, `state`, `releaseId`, `joinEpoch`,
`created` (epoch seconds) and `maintenance`; `lost` where an operator declared it lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edgewright.core import times
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, conflict, invalid, not_found
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
Hosts = Mapping[str, HostEntry]
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CONTROL_PLANE_LABELS = ("control-plane", "master")
_UNFIT = re.compile(r"[^a-z0-9.-]+")
NODE_NAME = 63


def check_name(name: str, what: str = "metadata.name") -> str:
    """Return a name that Kubernetes takes; raises 422."""
    if not name:
        raise invalid(problems.REQUIRED, f"{what} in body is required")
    if not _NAME.fullmatch(name):
        raise invalid(problems.PATTERN, f"{what} in body should have small letters, digits and '-' only, at most 63")
    return name


def new_head(body: Json, hosts: Hosts, now: float) -> Json:
    """Return the head of a cluster that is to be made, without profiles; raises `Problem` 422."""
    spec = body.get("spec") or {}
    config = dict(spec.get("clusterConfig") or {})
    resources = config.pop("resources", None) or {}
    head: Json = {
        "configUid": new_uid(),
        "metadata": {},
        "cloudConfig": spec.get("cloudConfig") or {},
        "clusterConfig": config,
        "policies": spec.get("policies") or {},
        "pools": [],
        "profiles": [],
        "rbacs": named_resources(resources.get("rbacs") or [], [], "rbac", now),
        "namespaces": named_resources(resources.get("namespaces") or [], [], "namespace", now),
        "initHostUid": "",
        "epoch": 1,
        "done": None,
        "kubernetes": {},
        "simulated": False,
        "packOf": {},
        "blobs": [],
        "spcApply": spc_apply("DownloadAndInstall", True, now),
    }
    for sent in spec.get("machinepoolconfig") or []:
        add_pool(head, sent, hosts, now)
    return head


def spc_apply(action: str, can_be_applied: bool, now: float) -> Json:
    """Return `status.spcApply`, which clients require of every cluster."""
    moment = times.rfc3339(now)
    applied = {"patchAppliedTime": moment} if can_be_applied else {}
    return {"actionType": action, "canBeApplied": can_be_applied, "lastModifiedTime": moment, **applied}


def is_control_plane(config: Mapping[str, Any]) -> bool:
    """Return whether a pool is that of the control planes, by its flag or its label."""
    labels = config.get("labels") or ()
    return bool(config.get("isControlPlane")) or any(word in labels for word in _CONTROL_PLANE_LABELS)


def find_pool(head: Json, name: str) -> Json:
    """Return a pool by its name; raises 404."""
    pool: Json | None = next((pool for pool in head["pools"] if pool["name"] == name), None)
    if pool is None:
        raise not_found("machine pool", name)
    return pool


def find_machine(pool: Json, uid: str) -> Json:
    """Return a machine of a pool by its uid; raises 404."""
    machine: Json | None = next((machine for machine in pool["machines"] if machine["uid"] == uid), None)
    if machine is None:
        raise not_found("machine", uid)
    return machine


def present(pool: Json) -> list[Json]:
    """Return the machines of a pool that are not being released."""
    return [machine for machine in pool["machines"] if machine["state"] == wire.PRESENT]


def machines(head: Json) -> Iterator[tuple[Json, Json]]:
    """Yield each pool with each of its machines."""
    for pool in head["pools"]:
        for machine in pool["machines"]:
            yield pool, machine


def add_pool(head: Json, sent: Json, hosts: Hosts, now: float) -> None:
    """Add a pool; raises 409 for a name that the cluster has, and what `put_machines` raises."""
    config = dict(sent.get("poolConfig") or {})
    name = check_name(str(config.get("name") or ""), "poolConfig.name")
    if any(pool["name"] == name for pool in head["pools"]):
        raise conflict(f"The cluster has a machine pool named '{name}' already.", "DuplicatePool")
    pool: Json = {"name": name, "config": config, "machines": []}
    head["pools"].append(pool)
    put_machines(head, pool, sent, hosts, now)


def update_pool(head: Json, name: str, sent: Json, hosts: Hosts, now: float) -> Json:
    """Replace the configuration of a pool, and add the hosts that are new in it; hosts that are not named are released.

    Raises 404, 409 and 422.
    """
    pool = find_pool(head, name)
    config = dict(sent.get("poolConfig") or {})
    wanted = str(config.get("name") or name)
    if wanted != name:
        raise invalid(problems.ENUM, f"poolConfig.name in body should be {name}: a pool is not renamed")
    if is_control_plane(config) != is_control_plane(pool["config"]):
        raise conflict(
            f"The pool '{name}' does not change between control plane and worker; add another pool.", "PoolRole"
        )
    pool["config"] = {**pool["config"], **config}
    put_machines(head, pool, sent, hosts, now)
    return pool


def put_machines(head: Json, pool: Json, sent: Json, hosts: Hosts, now: float) -> None:
    """Make the machines of a pool those of a body; a body without `edgeHosts` changes none.

    Raises 422 for a host that is named twice or does not exist, 409 for one that is still being released.
    """
    listed = (sent.get("cloudConfig") or {}).get("edgeHosts")
    if listed is None:
        return
    names: set[str] = set()
    for item in listed:
        name = str(item.get("hostUid") or "")
        if name in names:
            text = f"The host '{name}' is named twice in the pool '{pool['name']}'; remove one."
            raise Problem(422, "HostTwice", text)
        names.add(name)
    before = {machine["hostUid"]: machine for machine in present(pool)}
    for uid, machine in before.items():
        if uid not in names:
            release(machine)
    for item in listed:
        uid = str(item["hostUid"])
        if uid in before:
            continue
        add_machine(head, pool, item, hosts, now)


def add_machine(head: Json, pool: Json, item: Json, hosts: Hosts, now: float) -> Json:
    """Add a host to a pool; raises 404 for one that does not exist, 409 for one that the cluster has."""
    uid = str(item.get("hostUid") or "")
    other = next(((other, machine) for other, machine in machines(head) if machine["hostUid"] == uid), None)
    if other is not None and other[1]["state"] == wire.ABSENT:
        text = f"The host '{uid}' is still being released from the pool '{other[0]['name']}'; add it when that is done."
        raise conflict(text, wire.E_IN_USE)
    if other is not None:
        text = f"The host '{uid}' is in the pool '{other[0]['name']}' already; a host is in one pool."
        raise Problem(422, "HostTwice", text)
    entry = hosts.get(uid)
    if entry is None:
        raise not_found("edge host", uid)
    nic = dict(item.get("nic") or {})
    if item.get("nicName") and not nic.get("nicName"):
        nic["nicName"] = item["nicName"]
    if item.get("staticIP") and not nic.get("ip"):
        nic["ip"] = item["staticIP"]
    address, nic_name = address_of(entry, nic)
    name = str(item.get("hostName") or entry.facts.name or uid)
    machine = {
        "uid": new_uid(),
        "hostUid": uid,
        "hostName": name,
        "nodeName": node_name(name, uid),
        "nic": nic,
        "address": address,
        "nicName": nic_name,
        "state": wire.PRESENT,
        "releaseId": "",
        "joinEpoch": 1,
        "created": now,
        "maintenance": {},
    }
    pool["machines"].append(machine)
    return machine


def release(machine: Json) -> None:
    """Ask a host to leave: the only way is an entry that is absent with a release id."""
    if machine["state"] != wire.ABSENT:
        machine["state"], machine["releaseId"] = wire.ABSENT, new_uid()


def drop_machine(head: Json, host_uid: str) -> bool:
    """Remove a host whose release is confirmed; returns whether it was there."""
    for pool in head["pools"]:
        rest = [machine for machine in pool["machines"] if machine["hostUid"] != host_uid]
        if len(rest) < len(pool["machines"]):
            pool["machines"] = rest
            if not rest and pool.get("removing"):
                head["pools"].remove(pool)
            return True
    return False


def node_name(name: str, uid: str) -> str:
    """Return the name that the node gets: the host's, as Kubernetes takes names."""
    for text in (name, uid):
        fit = _UNFIT.sub("-", text.lower()).strip("-.")[:NODE_NAME].strip("-.")
        if fit:
            return fit
    return "node"


def nics_of(entry: HostEntry) -> list[Json]:
    """Return the network cards that a host reports."""
    device = (entry.document().get("spec") or {}).get("device") or {}
    return [nic for nic in device.get("nics") or () if isinstance(nic, dict)]


def address_of(entry: HostEntry, nic: Mapping[str, Any]) -> tuple[str, str]:
    """Return the address of a host in its cluster and the network card: what was set, else what the host reports."""
    cards = nics_of(entry)
    wanted = str(nic.get("nicName") or "")
    card = next((item for item in cards if item.get("nicName") == wanted), None) if wanted else None
    if card is None and not wanted:
        card = next((item for item in cards if item.get("isDefault") and item.get("ip")), None)
    address = str(nic.get("ip") or (card or {}).get("ip") or "")
    if not address and not wanted:
        spec = entry.document().get("spec") or {}
        address = str((spec.get("host") or {}).get("hostAddress") or entry.record.address or "")
    return address, wanted or str((card or {}).get("nicName") or "")


def named_resources(sent: Iterable[Json], before: Iterable[Json], what: str, now: float) -> list[Json]:
    """Return role bindings or namespaces to store; one with the name of a stored one has its uid."""
    stored = {item["metadata"]["name"]: item for item in before}
    result: dict[str, Json] = {}
    for number, item in enumerate(sent):
        meta = dict(item.get("metadata") or {})
        name = str(meta.get("name") or (f"{what}-{number + 1}" if what == "rbac" else ""))
        if not name:
            raise invalid(problems.REQUIRED, f"{what}s.{number}.metadata.name in body is required")
        if name in result:
            raise conflict(f"The {what} '{name}' is there twice; remove one.", "DuplicateName")
        old = stored.get(name)
        uid = old["metadata"]["uid"] if old is not None else new_uid()
        created = old["created"] if old is not None else now
        named = {**meta, "name": name, "uid": uid}
        result[name] = {"metadata": named, "spec": item.get("spec") or {}, "created": created}
    return list(result.values())

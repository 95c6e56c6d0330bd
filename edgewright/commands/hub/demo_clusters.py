"""The simulated clusters of a demonstration: made over the plane's API, formed by the simulated hosts themselves.

It runs beside the console, after the hosts have registered, so that the first frame does not wait for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.config.credentials import read_key_file
from edgewright.core.errors import EdgewrightError
from edgewright.packs import catalogue
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.document_values import part, parts, text
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.commands.hub.local import HubInfo

MOST: Final = 30
"""Clusters of a demonstration."""
SIZES: Final = (3, 1, 1)
"""Hosts of the first, second and third cluster of a site; what is left stays free."""
FAULTS: Final[Mapping[str, str]] = {
    "demo-forming": "slow",
    "demo-failed": "failed",
    "demo-no-quorum": "quorum",
    "demo-node-down": "node",
    "demo-certificate": "certificate",
}
"""Clusters with which something goes wrong, and the fault of `agent simulate --cluster-fault`."""
PATIENCE: Final = 90.0
"""Seconds to wait for the hosts."""
LOOK: Final = 2.0
BETWEEN: Final = 0.5
"""Seconds between two clusters: the hub has other work too."""
PROFILE: Final = "demo-store"
BUILTIN: Final = catalogue.uid("edgewright", "built-in", "1")
"""The registry of the built-in catalogue, at every hub."""
log = logging.getLogger(__name__)


class Host(NamedTuple):
    """A simulated host that is free."""

    uid: str
    site: str
    arch: str
    network: str


class Wanted(NamedTuple):
    """A cluster to make."""

    name: str
    vip: str
    hosts: tuple[str, ...]


def fault_options() -> list[str]:
    """Return the options of `agent simulate` for the faults of the clusters."""
    return [word for name, kind in FAULTS.items() for word in ("--cluster-fault", f"{name}={kind}")]


def start(info: HubInfo, hosts: int, most: int = MOST) -> threading.Thread:
    """Make the clusters of a demonstration in a thread that ends with the program; what fails is in the log alone."""
    thread = threading.Thread(target=_run, args=(info, hosts, most), name="demo clusters", daemon=True)
    thread.start()
    return thread


def _run(info: HubInfo, hosts: int, most: int) -> None:
    try:
        if most:
            asyncio.run(make(info, hosts, most))
    except (EdgewrightError, OSError) as error:
        log.warning("The clusters of the demonstration are not complete: %s", error)


async def make(info: HubInfo, hosts: int, most: int = MOST) -> int:
    """Make the clusters once most hosts are there; return how many. Raises `EdgewrightError`."""
    key = await asyncio.to_thread(read_key_file, str(info.key_file))
    async with PlaneClient(info.url, Credential(api_key=key), ca=info.ca) as client:
        free = await _hosts(client, hosts)
        project = next((host.get("aclmeta", {}).get("projectUid", "") for host in free), "")
    async with PlaneClient(info.url, Credential(api_key=key), ca=info.ca, project_uid=project) as client:
        made = await client.call("POST", protocol.PROFILES, "profile", body=profile(), params={"publish": "true"})
        uid, count, faults = text(made.data, "uid"), 0, list(FAULTS)
        for wanted in planned([_host(document) for document in free], 2 * most):
            if count == most:
                break
            faulty = bool(faults) and len(wanted.hosts) == SIZES[0]
            try:
                await calls.create(client, body(wanted._replace(name=faults[0]) if faulty else wanted, uid))
            except EdgewrightError as error:  # a host may have failed meanwhile; the others continue
                log.warning("%s was not made: %s", wanted.name, error)
            else:
                count += 1
                faults = faults[1:] if faulty else faults
            await asyncio.sleep(BETWEEN)
        return count


async def _hosts(client: PlaneClient, wanted: int) -> list[dict[str, Any]]:
    """Return the healthy hosts when nearly all have registered, or those that have after `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while True:
        documents = [document async for document in client.hosts.each()]
        states = [text(part(part(each, "status"), "health"), "state") for each in documents]
        known = sum(1 for state in states if state)
        if known >= wanted * 0.95 or (time.monotonic() > end and known):
            return [each for each, state in zip(documents, states, strict=True) if state == "healthy"]
        await asyncio.sleep(LOOK)


def _host(document: Mapping[str, Any]) -> Host:
    meta, device = part(document, "metadata"), part(part(document, "spec"), "device")
    nic = next((each for each in parts(device, "nics") if each.get("isDefault")), {})
    try:
        network = str(ipaddress.ip_network(text(nic, "subnet"), strict=False))
    except ValueError:
        network = ""
    labels = part(meta, "labels")
    return Host(text(meta, "uid"), str(labels.get("site") or ""), text(device, "archType"), network)


def planned(hosts: Sequence[Host], most: int = MOST) -> list[Wanted]:
    """Return the clusters: of each site first one of three hosts, then of one; the first ones get the faults.

    Hosts of a cluster are of one site, network and architecture.
    """
    groups: dict[tuple[str, str, str], list[str]] = {}
    for host in sorted(hosts):
        if host.site and host.network:
            groups.setdefault((host.site, host.arch, host.network), []).append(host.uid)
    used = dict.fromkeys((site for site, _, _ in groups), 0)
    result: list[Wanted] = []
    for size in SIZES:
        for (site, _, network), free in groups.items():
            if len(free) < size or len(result) == most:
                continue
            chosen = tuple(free[:size])
            del free[:size]
            used[site] += 1
            name = f"pos-{site}-{used[site]}"
            vip = str(ipaddress.ip_network(network).broadcast_address - used[site])
            result.append(Wanted(name, vip, chosen))
    return result


def body(wanted: Wanted, profile_uid: str) -> dict[str, Any]:
    """Return the body of a create: all hosts are control planes that run workloads."""
    pool = {
        "name": "control-planes", "size": len(wanted.hosts), "labels": ["control-plane"], "isControlPlane": True,
        "useControlPlaneAsWorker": True,
    }  # fmt: skip
    hosts = {"edgeHosts": [{"hostUid": uid} for uid in wanted.hosts]}
    return {
        "metadata": {"name": wanted.name, "labels": {"demo": "simulated"}, "annotations": {}},
        "spec": {
            "cloudConfig": {"controlPlaneEndpoint": {"host": wanted.vip, "type": "VIP"}},
            "machinepoolconfig": [{"cloudConfig": hosts, "poolConfig": pool}],
            "profiles": [{"uid": profile_uid, "packValues": [], "variables": []}],
        },
    }


def profile() -> dict[str, Any]:
    """Return the profile of the clusters: nothing of it is ever fetched, since no host is real."""
    tree = f"tree:\n  ref: registry.example/kubernetes:1.36.3\n  digest: sha256:{'0' * 64}\n"
    networks = "cluster:\n  config:\n    clusterConfiguration:\n      networking:\n"
    networks += "        podSubnet: 100.64.0.0/18\n        serviceSubnet: 100.64.64.0/18\n"
    packs = [
        _pack("edge-native-byoi", "1.0.0", "os", "options:\n  system.uri: registry.example/os:1\n"),
        _pack("edge-k8s", "1.36.3", "k8s", tree + networks),
        *(_manifest(name, layer) for name, layer in (("network", "cni"), ("storage", "csi"), ("web", "addon"))),
    ]
    template = {"type": "cluster", "cloudType": "edge-native", "packs": packs}
    description = "Profile of the simulated clusters of a demonstration"
    meta = {"name": PROFILE, "annotations": {"description": description}}
    return {"metadata": meta, "spec": {"version": "1.0.0", "template": template, "variables": []}}


def _pack(name: str, version: str, layer: str, values: str) -> dict[str, Any]:
    uid = catalogue.uid(BUILTIN, name, version)
    return {
        "name": name, "tag": version, "uid": uid, "registryUid": BUILTIN, "type": "spectro", "layer": layer,
        "values": values, "manifests": [],
    }  # fmt: skip


def _manifest(name: str, layer: str) -> dict[str, Any]:
    content = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: kube-system\n"
    parts_ = [{"name": name, "content": content}]
    return {"name": name, "type": "manifest", "layer": layer, "manifests": parts_, "values": ""}

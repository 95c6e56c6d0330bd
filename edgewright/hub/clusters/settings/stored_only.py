"""Settings that clients read back and that have no effect on hosts yet: each is a warning of the check (`validate`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgewright.core.profiles.problems import Problem, warning

Json = dict[str, Any]
SETTINGS: dict[str, str] = {
    "clusterConfig.machineManagementConfig.osPatchConfig": "Patch the OS by a new image of the hosts.",
    "clusterConfig.lifecycleConfig.pause": "Changes reach the hosts at once.",
    "clusterConfig.timezone": "There are no maintenance windows yet that would use it.",
    "clusterConfig.controlPlaneHealthCheckTimeout": "A host is unhealthy after the plane's limit of silence.",
    "clusterConfig.updateWorkerPoolsInParallel": "There are no rolling updates of pools yet.",
    "namespaces.isRegex": "A quota needs the name of one namespace.",
    "poolConfig.minSize": "A pool has the hosts that are named.",
    "poolConfig.maxSize": "A pool has the hosts that are named.",
    "poolConfig.additionalTags": "Use additionalLabels, which become labels of the Nodes.",
    "poolConfig.nodeRepaveInterval": "No change repaves a host.",
    "poolConfig.overrideKubeadmConfiguration": "Set cluster.config of the Kubernetes layer.",
    "poolConfig.updateStrategy.maxSurge": "A pool has the hosts that are named.",
    "poolConfig.updateStrategy.maxUnavailable": "A percentage counts as one host; write a number.",
    "nic.gateway": "The network of a host is not changed: set it in its user-data.",
    "nic.dns": "The network of a host is not changed: set it in its user-data.",
}
"""The next step, by the path in the body of a create."""


def warnings(head: Json) -> Iterator[Problem]:
    """Yield a warning for each setting of a head that has no effect."""
    given = dict.fromkeys(_given(head))
    for path in given:
        yield warning("", path, f"{path} is stored and has no effect on hosts yet.", SETTINGS[path], "StoredOnly")


def _given(head: Json) -> Iterator[str]:
    config = head["clusterConfig"]
    patches = (config.get("machineManagementConfig") or {}).get("osPatchConfig") or {}
    later = str(patches.get("onDemandPatchAfter") or "")
    if patches.get("patchOnBoot") or patches.get("schedule") or (later and not later.startswith("0001-")):
        yield "clusterConfig.machineManagementConfig.osPatchConfig"
    if (config.get("lifecycleConfig") or {}).get("pause"):
        yield "clusterConfig.lifecycleConfig.pause"
    for key in ("timezone", "controlPlaneHealthCheckTimeout", "updateWorkerPoolsInParallel"):
        if config.get(key):
            yield f"clusterConfig.{key}"
    if any(item["spec"].get("isRegex") for item in head["namespaces"]):
        yield "namespaces.isRegex"
    for pool in head["pools"]:
        yield from _of_pool(pool)


def _of_pool(pool: Json) -> Iterator[str]:
    settings, size = pool["config"], len(pool["machines"])
    for key in ("minSize", "maxSize"):
        if settings.get(key) and settings[key] != size:
            yield f"poolConfig.{key}"
    for key in ("additionalTags", "nodeRepaveInterval", "overrideKubeadmConfiguration"):
        if settings.get(key):
            yield f"poolConfig.{key}"
    strategy = settings.get("updateStrategy") or {}
    if str(strategy.get("maxSurge") or "0") not in ("0", "0%"):
        yield "poolConfig.updateStrategy.maxSurge"
    if str(strategy.get("maxUnavailable") or "").endswith("%"):
        yield "poolConfig.updateStrategy.maxUnavailable"
    for machine in pool["machines"]:
        for key in ("gateway", "dns"):
            if machine["nic"].get(key):
                yield f"nic.{key}"

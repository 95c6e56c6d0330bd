"""What edge hosts can be searched and sorted by on the plane, and where a host document contains each value.

Palette's clients use the first five properties; the rest are ours. `GET .../search/schema` answers with this table, so
that a console knows what a plane can do.
"""

from __future__ import annotations

from collections.abc import Mapping  # `isinstance` of the one of typing takes ten times as long
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from edgewright.core import times
from edgewright.core.hosts.hosts import ARCHITECTURES, HOST_TYPES, Health, HostState
from edgewright.core.hosts.tags import BARE, SITE, labels_to_tags


class Property(NamedTuple):
    """One property: `type` is string, int, float, bool, date or tags (asked for as string or keyValue)."""

    name: str
    display: str
    type: str
    enum: Tuple[str, ...] = ()


PROPERTIES: Tuple[Property, ...] = (
    Property("name", "Name", "string"),
    Property("tags", "Tags", "tags"),
    Property("state", "State", "string", tuple(state.value for state in HostState)),
    Property("healthState", "Health", "string", tuple(health.value for health in Health)),
    Property("architecture", "Architecture", "string", ARCHITECTURES),
    Property("uid", "UID", "string"),
    Property("site", "Site", "string"),
    Property("clusterName", "Cluster", "string"),
    Property("agentVersion", "Agent version", "string"),
    Property("hostType", "Type", "string", HOST_TYPES),
    Property("cpu", "CPU cores", "int"),
    Property("memory", "Memory in MB", "int"),
    Property("simulated", "Simulated", "bool"),
    Property("observed", "Observed only", "bool"),
    Property("creationTimestamp", "Created", "date"),
    Property("lastModifiedTimestamp", "Changed", "date"),
    Property("lastHeartbeat", "Last heartbeat", "date"),
)

BY_NAME: Dict[str, Property] = {item.name: item for item in PROPERTIES}

SORT_FIELDS: Tuple[str, ...] = ("name", "state", "healthState", "creationTimestamp", "lastModifiedTimestamp")
"""What Palette accepts since 4.10; everything else is answered with 422."""


def schema_document() -> Dict[str, Any]:
    """Return the body of `GET /v1/dashboard/edgehosts/search/schema` (`v1SearchFilterSchemaSpec`)."""
    matches = []
    for item in PROPERTIES:
        entry: Dict[str, Any] = {
            "name": item.name,
            "displayName": item.display,
            "type": "string" if item.type == "tags" else item.type,
            "hideDisplay": False,
            "isDeprecated": False,
            "default": "",
        }
        if item.enum:
            entry["enum"] = list(item.enum)
            entry["enumValues"] = [{"displayValue": value, "value": value} for value in item.enum]
        matches.append(entry)
    return {"schema": {"properties": matches}}


_PATHS: Dict[str, Tuple[str, ...]] = {
    "name": ("metadata", "name"),
    "uid": ("metadata", "uid"),
    "state": ("status", "state"),
    "architecture": ("spec", "device", "archType"),
    "agentVersion": ("status", "health", "agentVersion"),
    "hostType": ("spec", "device", "hostType"),
    "cpu": ("spec", "device", "cpu", "cores"),
    "memory": ("spec", "device", "memory", "sizeInMB"),
    "simulated": ("spec", "edgewright", "simulated"),
    "observed": ("spec", "edgewright", "observed"),
    "creationTimestamp": ("metadata", "creationTimestamp"),
    "lastModifiedTimestamp": ("metadata", "lastModifiedTimestamp"),
    "lastHeartbeat": ("status", "edgewright", "lastHeartbeat"),
}


def host_values(document: Mapping[str, Any]) -> Callable[[str], object]:
    """Return a reader of search properties for a host document whose keys are spelled as in Palette's description.

    Unknown values are `None`, dates are epoch seconds, tags are a list of `key:value` and `key`.
    """

    def at(path: Tuple[str, ...]) -> Any:
        value: Any = document
        for part in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    def get(name: str) -> object:
        if name in ("tags", "site"):
            labels = at(("metadata", "labels"))
            labels = labels if isinstance(labels, Mapping) else {}
            if name == "tags":
                return labels_to_tags(labels)
            site = labels.get(SITE)
            return site if isinstance(site, str) and site != BARE else None
        if name == "healthState":
            judged = at(("status", "edgewright", "healthState")) or at(("status", "health", "state"))
            return judged or Health.UNKNOWN.value
        if name == "clusterName":
            names = _cluster_names(at(("status",)))
            return names[0] if names else None
        path = _PATHS.get(name)
        value = None if path is None else at(path)
        if value is None or BY_NAME[name].type != "date":
            return value
        try:
            return times.parse(value) if isinstance(value, str) else None
        except ValueError:
            return None

    return get


def _cluster_names(status: object) -> List[str]:
    if not isinstance(status, Mapping):
        return []
    for key in ("inUseClustersRef", "inUseClusters"):
        refs = status.get(key)
        if isinstance(refs, list) and refs:
            return [str(ref.get("name") or "") for ref in refs if isinstance(ref, Mapping)]
    return []

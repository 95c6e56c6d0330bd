"""Kubernetes objects: where the API has them, and in which order they are applied."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import quote

from edgewright.agent.clusters.kube.api import Api
from edgewright.core.errors import InvalidInput, NotFound

FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
)
"""Kinds that others need, in this order; webhooks are the last, since they judge everything after them."""
LAST = ("APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


class Kind(NamedTuple):
    """A kind as an object names it."""

    version: str
    kind: str

    @property
    def group(self) -> str:
        """Return its API group, empty for the core group."""
        return self.version.rpartition("/")[0]


class Resource(NamedTuple):
    """Where the API serves a kind."""

    path: str
    name: str
    namespaced: bool

    def collection(self, namespace: str) -> str:
        """Return the path of all objects of it in a namespace (of all namespaces when that is empty)."""
        place = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{self.path}{place}/{self.name}"


class Discovery:
    """What the API serves; asked once for each group and version."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: Dict[str, Dict[str, Resource]] = {}

    def forget(self) -> None:
        """Ask again, after new CRDs."""
        self._known.clear()

    def find(self, kind: Kind) -> Resource:
        """Return where a kind is. Raises `NotFound` for one that the API does not serve (yet)."""
        version = kind.version
        if version not in self._known:
            path = f"/apis/{version}" if "/" in version else f"/api/{version}"
            self._known[version] = {
                str(item.get("kind")): Resource(path, str(item.get("name")), item.get("namespaced") is True)
                for item in self._api.get(path).get("resources") or []
                if "/" not in str(item.get("name"))
            }
        resource = self._known[version].get(kind.kind)
        if resource is None:
            raise NotFound(f"The API has no kind {kind.kind} of {version}.", "Its CRD may belong to an earlier layer.")
        return resource


def kind_of(item: Mapping[str, Any]) -> Kind:
    """Return the kind of an object."""
    return Kind(str(item.get("apiVersion") or ""), str(item.get("kind") or ""))


def name_of(item: Mapping[str, Any]) -> Tuple[str, str]:
    """Return namespace and name of an object."""
    metadata = item.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def title(item: Mapping[str, Any]) -> str:
    """Return an object as people name it: `Deployment kube-system/coredns`."""
    namespace, name = name_of(item)
    return f"{item.get('kind')} {namespace + '/' if namespace else ''}{name}"


def read_objects(data: bytes) -> List[Dict[str, Any]]:
    """Return the objects of content of a layer: a JSON list, a `List`, or one object. Raises `InvalidInput`.

    The author of the document turns YAML into JSON: hosts need no YAML reader.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInput("The content of the layer is not JSON.", "Its author writes objects as JSON.") from None
    items = value if isinstance(value, list) else value.get("items") if _is_list(value) else [value]
    result = []
    for item in items or []:
        kind, (_, name) = (kind_of(item), name_of(item)) if isinstance(item, dict) else (Kind("", ""), ("", ""))
        if not kind.version or not kind.kind or not name:
            raise InvalidInput(
                "The content of the layer has an object without apiVersion, kind or name.", "Correct it."
            )
        result.append(item)
    return result


def ordered(items: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return objects in the order of applying; objects of one kind stay in theirs."""

    def rank(item: Dict[str, Any]) -> int:
        kind = str(item.get("kind"))
        if kind in FIRST:
            return FIRST.index(kind)
        return len(FIRST) + (1 + LAST.index(kind) if kind in LAST else 0)

    return sorted(items, key=rank)


def ready(item: Optional[Mapping[str, Any]], away: Optional[int] = None) -> str:
    """Return why an object is not ready, empty when it is; kinds without a state are ready when they are there.

    With `away`, the number of nodes that are not ready, nothing is missing that does not start by waiting: so many pods
    of a daemon set or its only node, what is paused, and pods that a strategy replaces on request alone.
    """
    if item is None:
        return "not there"
    spec, status = item.get("spec") or {}, item.get("status") or {}
    generation = (item.get("metadata") or {}).get("generation")
    kind = item.get("kind")
    if away is not None:
        update = spec.get("updateStrategy") or {}
        if spec.get("paused") is True:
            return ""
        if update.get("type") == "OnDelete" or (update.get("rollingUpdate") or {}).get("partition"):
            wanted = status.get("desiredNumberScheduled")
            status = {**status, "updatedReplicas": spec.get("replicas", 1), "updatedNumberScheduled": wanted}
    if kind in ("Deployment", "DaemonSet", "StatefulSet") and status.get("observedGeneration") != generation:
        return "not looked at yet"
    if kind == "Deployment":
        return _count(status.get("availableReplicas"), spec.get("replicas", 1), status.get("updatedReplicas"))
    if kind == "StatefulSet":
        return _count(status.get("readyReplicas"), spec.get("replicas", 1), status.get("updatedReplicas"))
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled") or 0
        if not wanted and away is None:
            return "no node has it yet"
        return _count(status.get("numberReady"), wanted - (away or 0), status.get("updatedNumberScheduled"))
    conditions = {str(c.get("type")): str(c.get("status")) for c in status.get("conditions") or []}
    if kind == "CustomResourceDefinition":
        return "" if conditions.get("Established") == "True" else "not established"
    if kind == "Job":
        return "" if conditions.get("Complete") == "True" else "not complete"
    if kind == "APIService":
        return "" if conditions.get("Available") == "True" else "not available"
    return ""


def _count(have: object, wanted: object, updated: object) -> str:
    number, most = int(str(have or 0)), int(str(wanted or 0))
    fresh = int(str(updated or 0))
    return "" if number >= most and fresh >= most else f"{min(number, fresh)} of {most} ready"


def _is_list(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("items"), list) and str(value.get("kind")).endswith("List")

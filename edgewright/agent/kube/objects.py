"""Objects of Kubernetes as values: what identifies one, and the order in which they are made and removed."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from edgewright.core.errors import InvalidInput

MOST_OBJECTS = 5_000
"""Objects of one layer at most."""

_FIRST = (
    "CustomResourceDefinition",
    "Namespace",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
)
_LAST = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService")


class Ref(NamedTuple):
    """What identifies an object in a cluster; `namespace` is empty for one that is in none."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """Return the API group, empty for the core one."""
        return self.api_version.rpartition("/")[0]

    @property
    def group_kind(self) -> str:
        """Return `Kind.group`, or `Kind` for the core group, as ApplySets write it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def __str__(self) -> str:
        """Return it as sentences name it: `Deployment kube-system/coredns`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def ref_of(value: Mapping[str, Any]) -> Ref:
    """Return what identifies an object. Raises `InvalidInput` for what is not one."""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    parts = [value.get("apiVersion"), value.get("kind"), metadata.get("namespace", ""), metadata.get("name")]
    if not all(isinstance(part, str) for part in parts) or not (parts[0] and parts[1] and parts[3]):
        raise InvalidInput("A manifest has an object without apiVersion, kind and metadata.name.")
    return Ref(*[str(part) for part in parts])


def read_objects(text: str, namespace: str = "") -> List[Dict[str, Any]]:
    """Return the objects of JSON documents that follow each other; lists are opened.

    `namespace` is for those that name none and are in one; the caller knows which kinds are (discovery).
    Raises `InvalidInput`.
    """
    decoder, position, objects = json.JSONDecoder(), 0, []  # type: json.JSONDecoder, int, List[Dict[str, Any]]
    while True:
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        if position == len(text):
            return objects
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            raise InvalidInput(f"A manifest is not JSON at character {position}.") from None
        objects.extend(_opened(value))
        if len(objects) > MOST_OBJECTS:
            raise InvalidInput(f"A layer has more than {MOST_OBJECTS} objects.")


def _opened(value: Any) -> Iterable[Dict[str, Any]]:
    if not isinstance(value, dict):
        raise InvalidInput("A manifest has a value that is not an object.")
    if str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _opened(item)
        return
    ref_of(value)
    yield value


def in_order(objects: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Return objects in the order in which they are made: definitions, namespaces, ... workloads, webhooks."""
    return sorted(objects, key=lambda value: _rank(str(value.get("kind", ""))))


def removal_order(refs: Iterable[Ref]) -> List[Ref]:
    """Return objects in the order in which they are removed: the other way round."""
    return sorted(refs, key=lambda ref: (-_rank(ref.kind), ref))


def _rank(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + 1 + (_LAST.index(kind) if kind in _LAST else -1)


def split_definitions(
    objects: Sequence[Mapping[str, Any]],
) -> Tuple[List[Mapping[str, Any]], List[Mapping[str, Any]], List[Mapping[str, Any]]]:
    """Return definitions, namespaces and the rest: each group must be there before the next one is accepted."""
    ordered = in_order(objects)
    definitions = [value for value in ordered if value.get("kind") == "CustomResourceDefinition"]
    namespaces = [value for value in ordered if value.get("kind") == "Namespace"]
    rest = [value for value in ordered if value.get("kind") not in ("CustomResourceDefinition", "Namespace")]
    return definitions, namespaces, rest

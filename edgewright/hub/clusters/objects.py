"""Role bindings, namespaces and quotas of a cluster as Kubernetes objects: the layer that the hub itself makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
LAYER = "cluster-resources"
QUOTA = "edgewright-quota"
_RBAC = "rbac.authorization.k8s.io"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def objects(head: Mapping[str, Any]) -> list[Json]:
    """Return the objects in the order in which they are applied: namespaces, quotas, bindings."""
    return [*_namespaces(head["namespaces"]), *_bindings(head["rbacs"])]


def problems(head: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the place and the sentence of each entry that gives no object."""
    for item in head["namespaces"]:
        name = item["metadata"]["name"]
        if not item["spec"].get("isRegex") and not _NAME.fullmatch(name):
            yield f"namespaces.{name}", "This is not the name of a namespace: use small letters, digits and '-'."
    for item in head["rbacs"]:
        for number, binding in enumerate(item["spec"].get("bindings") or ()):
            place = f"rbacs.{item['metadata']['name']}.bindings[{number}]"
            if not (binding.get("role") or {}).get("name"):
                yield place, "A binding needs the name of a role."
            if not binding.get("subjects"):
                yield place, "A binding needs at least one subject."
            if binding.get("type") == "RoleBinding" and not binding.get("namespace"):
                yield place, "A RoleBinding needs a namespace."


def _namespaces(items: list[Json]) -> Iterator[Json]:
    for item in items:
        if item["spec"].get("isRegex"):
            continue  # a pattern selects namespaces that exist; it makes none
        name = item["metadata"]["name"]
        meta: Json = {"name": name}
        for key in ("labels", "annotations"):
            if item["metadata"].get(key):
                meta[key] = item["metadata"][key]
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
        hard = _hard(item["spec"].get("resourceAllocation") or {})
        if hard:
            quota: Json = {"name": QUOTA, "namespace": name}
            yield {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": quota, "spec": {"hard": hard}}


def _hard(allocation: Mapping[str, Any]) -> dict[str, str]:
    """Return the limits of a quota: processors and memory that may be requested, and graphics processors."""
    hard = {}
    if allocation.get("cpuCores"):
        hard["requests.cpu"] = f"{round(float(allocation['cpuCores']) * 1000)}m"
    if allocation.get("memoryMiB"):
        hard["requests.memory"] = f"{round(float(allocation['memoryMiB']))}Mi"
    gpu = allocation.get("gpuConfig") or {}
    if gpu.get("limit"):
        hard[f"requests.{gpu.get('provider') or 'nvidia'}.com/gpu"] = str(int(gpu["limit"]))
    return hard


def _bindings(items: list[Json]) -> Iterator[Json]:
    for item in items:
        bindings = item["spec"].get("bindings") or []
        for number, binding in enumerate(bindings):
            scoped = binding.get("type") == "RoleBinding"
            name = item["metadata"]["name"] if len(bindings) == 1 else f"{item['metadata']['name']}-{number + 1}"
            meta: Json = {"name": name, **({"namespace": binding.get("namespace") or "default"} if scoped else {})}
            role = binding.get("role") or {}
            kind = "ClusterRole" if not scoped else str(role.get("kind") or "ClusterRole")
            yield {
                "apiVersion": f"{_RBAC}/v1",
                "kind": "RoleBinding" if scoped else "ClusterRoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": str(role.get("name") or "")},
                "subjects": [_subject(subject) for subject in binding.get("subjects") or ()],
            }


def _subject(subject: Mapping[str, Any]) -> Json:
    kind, name = str(subject.get("type") or "User"), str(subject.get("name") or "")
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": str(subject.get("namespace") or "default")}
    return {"apiGroup": _RBAC, "kind": kind, "name": name}

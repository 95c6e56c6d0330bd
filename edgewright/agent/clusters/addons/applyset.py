"""Manifests by server-side apply, and removal of what a layer no longer has, by the labels of an ApplySet (KEP-3659).

The parent is a ConfigMap in kube-system. Its kinds are widened before objects are applied and narrowed after the old
ones are pruned, so that a crash in between forgets no object.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Callable, Dict, Iterable, List, Set, Tuple

from edgewright.agent.clusters.addons.objects import Discovery, Kind, Resource, kind_of, name_of, ordered, title
from edgewright.agent.clusters.kube.api import Api
from edgewright.core.errors import Conflict, Failed, NotFound, Refused

TOOL = "edgewright/1"
PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
PARENTS = "/api/v1/namespaces/kube-system/configmaps"
DIGEST = "edgewright.io/content"
ON_REMOVE = "edgewright.io/on-remove"
"""Annotation of the parent: `delete` or `orphan`, what happens with the objects when the document drops the layer."""
NEVER = ("PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Namespace")
"""Kinds whose removal loses data: pruned only when the layer itself is removed with `delete`."""
MOST = 20
"""Objects that are pruned at once; more only while they are less than half of all."""
USERS = ("kubectl", "helm", "edgewright")
"""Managers of fields that people work with; a field of another one belongs to a controller."""

Report = Callable[[str], None]


class ApplySet:
    """The objects of one layer."""

    def __init__(self, api: Api, layer: str, on_remove: str = "delete") -> None:
        self.api, self.layer, self.on_remove = api, layer, on_remove
        self.parent = f"edgewright-layer-{layer}"
        text = f"{self.parent}.kube-system.ConfigMap."
        sum_ = hashlib.sha256(text.encode()).digest()
        self.id = "applyset-" + base64.urlsafe_b64encode(sum_).decode().rstrip("=") + "-v1"
        self.discovery = Discovery(api)

    def applied(self) -> str:
        """Return the digest of the content that was applied completely, empty when none was."""
        return str(self._annotations().get(DIGEST, ""))

    def apply(self, items: List[Dict[str, Any]], namespace: str, digest: str, report: Report) -> None:
        """Apply objects, then prune what is no longer among them. Raises `EdgewrightError` at the first that fails."""
        before_kinds, before_spaces = self._contents()
        wanted = {f"{kind_of(item).kind}.{kind_of(item).group}".rstrip(".") for item in items}
        spaces = {name_of(item)[0] or namespace for item in items} - {"", "kube-system"}
        self._write(before_kinds | wanted, before_spaces | spaces, "")
        uids: Set[str] = set()
        for item in ordered(items):
            uids.add(self._apply(item, namespace, report))
        self._prune(before_kinds | wanted, before_spaces | spaces, uids, report)
        self._write(wanted, spaces, digest)

    def remove(self, report: Report) -> None:
        """Remove every object of the layer, and its parent; of a layer with `orphan` the objects stay."""
        kinds, spaces = self._contents()
        if self._annotations().get(ON_REMOVE) == "orphan":
            report(f"the objects of {self.layer} stay, as the layer asked")
        else:
            self._prune(kinds, spaces, set(), report, everything=True)
        self.api.delete(f"{PARENTS}/{self.parent}")

    def members(self, kinds: Iterable[str], spaces: Iterable[str]) -> List[Tuple[Resource, Dict[str, Any]]]:
        """Return the objects with the label of this set."""
        result: List[Tuple[Resource, Dict[str, Any]]] = []
        for name in sorted(kinds):
            resource = self._resource(name)
            if resource is None:
                continue
            places = sorted({"kube-system", *spaces}) if resource.namespaced else [""]
            for place in places:
                items = self.api.items(resource.collection(place), labelSelector=f"{PART_OF}={self.id}")
                kind = name.partition(".")[0]
                result += [(resource, {"kind": kind, **item}) for item in items]
        return result

    def _apply(self, item: Dict[str, Any], namespace: str, report: Report) -> str:
        resource = self.discovery.find(kind_of(item))
        place = (name_of(item)[0] or namespace or "default") if resource.namespaced else ""
        metadata = {**item["metadata"]}
        metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: self.id}
        if place:
            metadata["namespace"] = place
        body = {**item, "metadata": metadata}
        path = f"{resource.collection(place)}/{name_of(item)[1]}"
        try:
            done = self.api.apply(path, body)
        except Conflict as error:
            controllers = [name for name in managers(error.message) if not name.startswith(USERS)]
            if controllers:
                raise Refused(
                    f"{title(body)}: a field belongs to {', '.join(controllers)}. {error.message}",
                    "Take the field out of the layer.",
                    "FieldConflict",
                ) from None
            done = self.api.apply(path, body, force=True)
        report(f"applied {title(body)}")
        if item.get("kind") == "CustomResourceDefinition":
            self.discovery.forget()
        return str((done.get("metadata") or {}).get("uid"))

    def _prune(
        self, kinds: Set[str], spaces: Set[str], uids: Set[str], report: Report, everything: bool = False
    ) -> None:
        members = self.members(kinds, spaces)
        old = [
            (resource, item)
            for resource, item in members
            if str((item.get("metadata") or {}).get("uid")) not in uids and (everything or item["kind"] not in NEVER)
        ]
        if not everything and len(old) > max(MOST, len(members) // 2):
            raise Refused(
                f"The layer {self.layer} would remove {len(old)} of {len(members)} objects.",
                "Delete those that are not needed with kubectl, then retry.",
                "PruneTooMany",
            )
        for resource, item in old:
            namespace, name = name_of(item)
            self.api.delete(f"{resource.collection(namespace)}/{name}", {"propagationPolicy": "Background"})
            report(f"removed {title(item)}")

    def _contents(self) -> Tuple[Set[str], Set[str]]:
        annotations = self._annotations()
        kinds = {name for name in str(annotations.get(KINDS, "")).split(",") if name}
        return kinds, {name for name in str(annotations.get(NAMESPACES, "")).split(",") if name}

    def _annotations(self) -> Dict[str, Any]:
        parent = self.api.maybe(f"{PARENTS}/{self.parent}")
        value = ((parent or {}).get("metadata") or {}).get("annotations")
        return value if isinstance(value, dict) else {}

    def _write(self, kinds: Set[str], spaces: Set[str], digest: str) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.parent,
                "namespace": "kube-system",
                "labels": {ID: self.id, "app.kubernetes.io/managed-by": "edgewright"},
                "annotations": {
                    TOOLING: TOOL,
                    KINDS: ",".join(sorted(kinds)),
                    NAMESPACES: ",".join(sorted(spaces)),
                    DIGEST: digest,
                    ON_REMOVE: self.on_remove,
                },
            },
        }
        self.api.apply(f"{PARENTS}/{self.parent}", body, force=True)

    def _resource(self, name: str) -> "Resource | None":
        kind, _, group = name.partition(".")
        try:
            if not group:
                return self.discovery.find(Kind("v1", kind))
            preferred = self.api.get(f"/apis/{group}").get("preferredVersion") or {}
            return self.discovery.find(Kind(str(preferred.get("groupVersion")), kind))
        except NotFound:
            return None  # its CRD is not there any more, and its objects with it
        except Failed:
            raise


def managers(message: str) -> List[str]:
    """Return the managers of fields that a conflict of server-side apply names: `conflict with "NAME"`."""
    names = []
    for part in message.split('conflict with "')[1:] + message.split('conflicts with "')[1:]:
        names.append(part.partition('"')[0])
    return names

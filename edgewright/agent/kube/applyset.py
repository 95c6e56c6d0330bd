"""What a layer of manifests owns in a cluster: an ApplySet, so that an object that a version leaves out is removed.

Labels and annotations are those of Kubernetes (KEP-3659); kubectl's own pruning is alpha and not used. The parent is
widened before anything is applied and narrowed after the last object is removed: an interruption between leaves a set
that names too many kinds, never an object that no set names.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

from edgewright.agent.kube.apply import Applier
from edgewright.agent.kube.objects import Ref, ref_of, removal_order
from edgewright.core.errors import NotFound, Refused

NAMESPACE = "kube-system"
PREFIX = "applyset.kubernetes.io/"
ID, PART_OF = PREFIX + "id", PREFIX + "part-of"
TOOLING, KINDS = PREFIX + "tooling", PREFIX + "contains-group-kinds"
NAMESPACES = PREFIX + "additional-namespaces"
VERSIONS = "edgewright.io/group-kind-versions"
"""Versions by group and kind, so that a set is listed without asking for each group's preferred one."""
TOOL = "edgewright/1"
LASTING = ("PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Namespace")
"""Kinds with data behind them: a layer that only leaves one out does not remove it."""
MANY = 20
"""Objects that one apply may remove without an approved list."""


def set_id(name: str) -> str:
    """Return the id of the set whose parent is the ConfigMap `name` in `kube-system`."""
    digest = hashlib.sha256(f"{name}.{NAMESPACE}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def parent_name(layer: str) -> str:
    """Return the name of the ConfigMap that is the parent of a layer's set."""
    return f"edgewright-layer-{layer}"


class Prune(NamedTuple):
    """What an apply would remove, and what it leaves although the layer has it no more."""

    remove: Tuple[Ref, ...]
    leave: Tuple[Ref, ...]


def prune_plan(present: Iterable[Ref], wanted: Iterable[Ref], on_remove: str = "orphan") -> Prune:
    """Return what of a set is not wanted any more. `on_remove` is the layer's: `delete` removes lasting kinds too."""
    keys = {_key(ref) for ref in wanted}
    unwanted = [ref for ref in present if _key(ref) not in keys]
    lasting = [ref for ref in unwanted if ref.kind in LASTING and on_remove != "delete"]
    return Prune(tuple(removal_order(ref for ref in unwanted if ref not in lasting)), tuple(sorted(lasting)))


def check_prune(layer: str, prune: Prune, size: int, approved: FrozenSet[str] = frozenset()) -> None:
    """Refuse a large removal that was not approved: more than `MANY` objects or more than half of a set.

    `approved` has the objects of the approved plan, as `str(ref)`. Raises `Refused` naming the counts.
    """
    unlisted = [ref for ref in prune.remove if str(ref) not in approved]
    count = len(prune.remove)
    if unlisted and count > 1 and (count > MANY or count * 2 > size):
        raise Refused(
            f"Layer {layer} would remove {count} of its {size} objects, {unlisted[0]} among them.",
            "Approve the plan that lists them, or put them back into the layer.",
            code="PruneNotApproved",
        )


class ApplySet:
    """The set of one layer in one cluster."""

    def __init__(self, applier: Applier, layer: str) -> None:
        self.layer = layer
        self.name = parent_name(layer)
        self.id = set_id(self.name)
        self._applier = applier
        self._parent = Ref("v1", "ConfigMap", NAMESPACE, self.name)

    def apply(
        self,
        objects: Sequence[Mapping[str, Any]],
        on_remove: str = "orphan",
        approved: FrozenSet[str] = frozenset(),
    ) -> Prune:
        """Apply objects in their order and remove what the layer has no more; returns what was removed and left.

        Interrupted anywhere, the same call again leads to the same end. Raises `Refused` before anything changes when
        the removal was not approved; `ApplyConflict`, and as `KubeApi.call` does.
        """
        wanted = [ref_of(value) for value in objects]
        known = self._known()
        present = self.members(known)
        prune = prune_plan(present, wanted, on_remove)
        check_prune(self.layer, prune, len(present), approved)
        self._write(known | {(ref.api_version, ref.kind, ref.namespace) for ref in wanted})
        for value in objects:
            self._applier.apply(self.labelled(value))
        for ref in prune.remove:
            self._applier.delete(ref)
        self._write({(ref.api_version, ref.kind, ref.namespace) for ref in (*wanted, *prune.leave)})
        return prune

    def labelled(self, value: Mapping[str, Any]) -> Dict[str, Any]:
        """Return an object with the label that makes it part of this set."""
        metadata = dict(value["metadata"])
        metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: self.id}
        return {**value, "metadata": metadata}

    def members(self, known: Set[Tuple[str, str, str]]) -> List[Ref]:
        """Return the objects of this set that the cluster has. Raises as `KubeApi.call` does."""
        present: Dict[Tuple[str, str, str, str], Ref] = {}  # one object is listed under each version of its kind
        for api_version, kind in sorted({(version, kind) for version, kind, _ in known}):
            try:
                path = self._applier.discovery.collection(api_version, kind)
            except NotFound:
                continue  # its definition was removed, and every object with it
            what = f"The objects of kind {kind} cannot be listed"
            for item in self._applier.api.items(path, f"{PART_OF}={self.id}", metadata_only=True, what=what):
                metadata = item.get("metadata") or {}
                if not metadata.get("deletionTimestamp"):
                    ref = Ref(api_version, kind, metadata.get("namespace", ""), metadata.get("name", ""))
                    present[_key(ref)] = ref
        return sorted(present.values())

    def delete(self, on_remove: str = "delete") -> Prune:
        """Remove the set with its objects, for a layer that no profile has any more. Raises as `apply` does."""
        prune = prune_plan(self.members(self._known()), (), on_remove)
        for ref in prune.remove:
            self._applier.delete(ref)
        self._applier.delete(self._parent)
        return prune

    def _known(self) -> Set[Tuple[str, str, str]]:
        """Return version, kind and namespace of what the parent names; empty where there is none yet."""
        try:
            metadata = self._applier.read(self._parent).get("metadata") or {}
        except NotFound:
            return set()
        versions = str((metadata.get("annotations") or {}).get(VERSIONS, ""))
        pairs = (entry.rpartition(":") for entry in versions.split(",") if ":" in entry)
        return {(version, kind, "") for version, _, kind in pairs}

    def _write(self, members: Set[Tuple[str, str, str]]) -> None:
        refs = {Ref(version, kind, namespace, "") for version, kind, namespace in members}
        spaces = sorted({ref.namespace for ref in refs if ref.namespace and ref.namespace != NAMESPACE})
        annotations = {
            TOOLING: TOOL,
            KINDS: ",".join(sorted({ref.group_kind for ref in refs})),
            NAMESPACES: ",".join(spaces),
            VERSIONS: ",".join(sorted({f"{ref.api_version}:{ref.kind}" for ref in refs})),
        }
        metadata = {"name": self.name, "namespace": NAMESPACE, "labels": {ID: self.id}, "annotations": annotations}
        self._applier.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def _key(ref: Ref) -> Tuple[str, str, str, str]:
    """Return what two versions of one object have in common."""
    return ref.group, ref.kind, ref.namespace, ref.name

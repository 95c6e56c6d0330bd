"""Which kinds a cluster has, under which path, and whether their objects are in namespaces."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple

from edgewright.agent.kube.api import KubeApi, path_of
from edgewright.agent.kube.objects import Ref, ref_of
from edgewright.core.errors import InvalidInput, NotFound


class Kind(NamedTuple):
    """One kind of a group and version."""

    plural: str
    namespaced: bool


class Discovery:
    """Asks the API for a group when one of its kinds is needed, and once more when a kind is not among them."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._groups: Dict[str, Dict[str, Kind]] = {}

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return a kind. Raises `NotFound` where the cluster has none of it, and as `KubeApi.call` does."""
        known = self._groups.get(api_version)
        if known is None or kind not in known:
            known = self._groups[api_version] = self._ask(api_version)
        if kind not in known:
            raise NotFound(
                f"The cluster has no kind {kind} of {api_version}.",
                "Its definition (CRD) belongs to a layer before this one.",
                code="NoSuchKind",
            )
        return known[kind]

    def path(self, ref: Ref) -> str:
        """Return the path of an object. Raises as `kind` does."""
        kind = self.kind(ref.api_version, ref.kind)
        return path_of(ref.api_version, kind.plural, ref.namespace if kind.namespaced else "", ref.name)

    def collection(self, api_version: str, kind: str, namespace: str = "") -> str:
        """Return the path of the objects of a kind, of one namespace or of all. Raises as `kind` does."""
        known = self.kind(api_version, kind)
        return path_of(api_version, known.plural, namespace if known.namespaced else "")

    def placed(self, value: Mapping[str, Any], namespace: str) -> Dict[str, Any]:
        """Return an object in the namespace of its layer where it names none and its kind is in one."""
        ref = ref_of(value)
        kind = self.kind(ref.api_version, ref.kind)
        metadata = dict(value["metadata"])
        if not kind.namespaced:
            metadata.pop("namespace", None)
        elif not ref.namespace:
            if not namespace:
                raise InvalidInput(f"{ref} names no namespace, and its layer has none.")
            metadata["namespace"] = namespace
        return {**value, "metadata": metadata}

    def _ask(self, api_version: str) -> Dict[str, Kind]:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            listed = self._api.call("GET", root, what=f"The kinds of {api_version} cannot be listed")
        except NotFound:
            return {}
        resources: List[Any] = listed.get("resources") or []
        return {
            str(entry["kind"]): Kind(str(entry["name"]), bool(entry.get("namespaced")))
            for entry in resources
            if isinstance(entry, dict) and entry.get("kind") and "/" not in str(entry.get("name", "/"))
        }

"""Server-side apply of objects by one field manager, and what happens when another manager has set a field.

An operator who used kubectl has changed an object manually: what the profile declares wins. A controller that has set a
field would set it again: the step stops and names field and manager (cluster design, section 4).
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from edgewright.agent.kube.api import KubeApi
from edgewright.agent.kube.discovery import Discovery
from edgewright.agent.kube.errors import ApplyConflict
from edgewright.agent.kube.objects import Ref, ref_of
from edgewright.core.errors import NotFound

MANAGER = "edgewright"
"""Field manager of what hosts apply."""
APPLY = "application/apply-patch+yaml"
OPERATORS = ("kubectl",)
"""Beginnings of the names of managers behind which an operator is."""


class Applier:
    """Applies and deletes objects in one cluster."""

    def __init__(self, api: KubeApi, discovery: Discovery, manager: str = MANAGER) -> None:
        self.api = api
        self.discovery = discovery
        self.manager = manager

    def apply(self, value: Mapping[str, Any], dry_run: bool = False) -> Dict[str, Any]:
        """Apply one object and return it as the cluster has it now.

        Raises `ApplyConflict` naming the fields that a controller has set, and as `KubeApi.call` does.
        """
        ref = ref_of(value)
        try:
            return self._patch(ref, value, dry_run, force=False)
        except ApplyConflict as conflict:
            foreign = [entry for entry in conflict.conflicts if not entry.manager.startswith(OPERATORS)]
            if not foreign:
                return self._patch(ref, value, dry_run, force=True)
            fields = ", ".join(f"{entry.field} ({entry.manager})" for entry in foreign[:5])
            raise ApplyConflict(
                f"{ref} cannot be applied: another controller has set {fields}. Leave the field out of the layer,"
                " or end that controller.",
                tuple(foreign),
            ) from None

    def read(self, ref: Ref) -> Dict[str, Any]:
        """Return an object. Raises `NotFound`, and as `KubeApi.call` does."""
        return self.api.call("GET", self.discovery.path(ref), what=f"{ref} cannot be read")

    def delete(self, ref: Ref, uid: str = "") -> bool:
        """Ask for an object's deletion; False when it is absent. `uid` guards against another one of that name."""
        options: Dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self.api.call("DELETE", self.discovery.path(ref), options, what=f"{ref} cannot be deleted")
        except NotFound:
            return False
        return True

    def _patch(self, ref: Ref, value: Mapping[str, Any], dry_run: bool, force: bool) -> Dict[str, Any]:
        query = {"fieldManager": self.manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return self.api.call(
            "PATCH", self.discovery.path(ref), value, query, what=f"{ref} cannot be applied", content=APPLY
        )

"""The record of installed add-ons in the cluster: the target of each, written when all of its objects were applied."""

from __future__ import annotations

import json
from typing import Callable, Dict

from edgewright.agent.clusters.kube.api import Api
from edgewright.core.errors import Conflict

NAME = "edgewright-layers"
PATH = f"/api/v1/namespaces/kube-system/configmaps/{NAME}"


def read(api: Api) -> Dict[str, str]:
    """Return the target of each installed layer by its name. Raises `EdgewrightError`."""
    body = api.maybe(PATH)
    try:
        value = json.loads(str(((body or {}).get("data") or {}).get("layers") or "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(target) for name, target in value.items()} if isinstance(value, dict) else {}


def change(api: Api, edit: Callable[[Dict[str, str]], None]) -> None:
    """Change the record. Raises `EdgewrightError`."""
    for _ in range(5):
        body = api.maybe(PATH)
        layers = read(api)
        edit(layers)
        data = {"layers": json.dumps(layers, sort_keys=True)}
        metadata = {"name": NAME, "namespace": "kube-system"}
        try:
            if body is None:
                fresh = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
                api.post(PATH.rpartition("/")[0], fresh)
            else:
                api.put(PATH, {**body, "data": data})
            return
        except Conflict:
            continue
    raise Conflict("The record of add-ons changes too often.", "It is tried again.")

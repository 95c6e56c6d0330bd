"""Labels, annotations, taints and cordon of Nodes as the document has them; the leader sets what differs.

What was set is noted at the Node, so that what the document does not have any more is removed again, and nothing else:
a label or a cordon that others set stays.
"""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Mapping, Optional

from edgewright.agent.clusters.kube.api import Api
from edgewright.core.clusters.model import CONTROL_PLANE, PRESENT, ClusterDocument, Member
from edgewright.core.errors import Conflict, EdgewrightError, NotFound, Unreachable

SET = "edgewright.io/set"
"""Annotation with what was set: `{"labels": [...], "annotations": [...], "taints": [...], "cordon": true}`."""
WORKER_LABEL = "node-role.kubernetes.io/worker"
Json = Dict[str, Any]
PATIENCE = 10.0
"""Seconds after which no further Node is tried once one was refused: a webhook may take long for each of them."""


def settle(api: Api, document: ClusterDocument) -> List[str]:
    """Let all Nodes be as the document has them; return the names of those that changed.

    Raises `EdgewrightError`; for a Node whose change is refused after the others were changed.
    """
    by_name = {str((item.get("metadata") or {}).get("name")): item for item in api.items("/api/v1/nodes")}
    changed: List[str] = []
    refusal: Optional[EdgewrightError] = None
    until = time.monotonic() + PATIENCE
    for member in document.members:
        node = by_name.get(member.node_name)
        body = None if node is None or member.state != PRESENT else difference(node, member)
        if body is None:
            continue
        try:
            api.merge(f"/api/v1/nodes/{member.node_name}", body)
        except (Conflict, NotFound):
            continue  # it was changed meanwhile: the next look compares again
        except Unreachable:
            raise
        except EdgewrightError as error:  # by a webhook of the site for example: the others are changed nevertheless
            refusal = refusal or error
            if time.monotonic() > until:
                break
            continue
        changed.append(member.node_name)
    if refusal is not None:
        raise refusal
    return changed


def difference(node: Mapping[str, Any], member: Member) -> Optional[Json]:
    """Return the merge patch that makes a Node what its member wants, `None` when it is."""
    metadata, spec = node.get("metadata") or {}, node.get("spec") or {}
    before = _noted(metadata)
    labels = dict(member.labels)
    if member.role != CONTROL_PLANE:
        labels[WORKER_LABEL] = ""
    patch_labels = _changes(metadata.get("labels") or {}, labels, before["labels"])
    patch_notes = _changes(metadata.get("annotations") or {}, dict(member.annotations), before["annotations"])
    taints = _taints(spec.get("taints") or [], member, before["taints"])
    cordoned = spec.get("unschedulable") is True
    release = bool(before["cordon"]) and not member.cordoned
    cordon = True if member.cordoned and not cordoned else None if release and cordoned else cordoned
    names: Json = {"labels": sorted(labels), "annotations": sorted(member.annotations)}
    names["taints"] = sorted(f"{taint.key}:{taint.effect}" for taint in member.taints)
    names["cordon"] = member.cordoned and (not cordoned or bool(before["cordon"]))
    noted = names != before
    if not (patch_labels or patch_notes or noted) and taints is None and cordon == cordoned:
        return None
    # The version lets the change fail when the Node was changed since it was read: lists are replaced.
    body: Json = {"metadata": {"resourceVersion": metadata.get("resourceVersion")}, "spec": {}}
    if patch_labels:
        body["metadata"]["labels"] = patch_labels
    text = json.dumps(names, sort_keys=True, separators=(",", ":"))
    body["metadata"]["annotations"] = {**patch_notes, SET: text}
    if taints is not None:
        body["spec"]["taints"] = taints or None
    if cordon != cordoned:
        body["spec"]["unschedulable"] = cordon
    return body


def _noted(metadata: Mapping[str, Any]) -> Json:
    try:
        value = json.loads((metadata.get("annotations") or {}).get(SET) or "{}")
    except (ValueError, RecursionError):
        value = {}
    value = value if isinstance(value, dict) else {}
    lists = {key: [str(item) for item in _list(value.get(key))] for key in ("labels", "annotations", "taints")}
    return {**lists, "cordon": value.get("cordon") is True}


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


def _changes(present: Mapping[str, Any], wanted: Mapping[str, str], before: List[str]) -> Json:
    changes: Json = {key: value for key, value in wanted.items() if present.get(key) != value}
    changes.update((key, None) for key in before if key not in wanted and key in present)
    return changes


def _taints(present: List[Any], member: Member, before: List[str]) -> Optional[List[Any]]:
    """Return the taints that the Node should have, `None` when it has them; those of others stay as they are."""
    wanted = {f"{taint.key}:{taint.effect}": taint for taint in member.taints}
    result, seen = [], set()
    for item in present:
        name = f"{item.get('key')}:{item.get('effect')}"
        taint = wanted.get(name)
        if taint is None and name in before:
            continue
        if taint is not None:
            seen.add(name)
            if str(item.get("value") or "") != taint.value:
                item = {**item, "value": taint.value}
        result.append(item)
    for name, taint in wanted.items():
        if name not in seen:
            item = {"key": taint.key, "effect": taint.effect}
            result.append({**item, "value": taint.value} if taint.value else item)
    return None if result == present else result

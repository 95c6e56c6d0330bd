"""The leader's Lease with its grant, and which hosts have joined; ages by the clock since the start of the host.

The grant is an annotation of the Lease, written only by its holder and only over the version that was read.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.api import Api, admin
from edgewright.core import times
from edgewright.core.clusters import grants
from edgewright.core.clusters.grants import Grant
from edgewright.core.clusters.observed import Lease
from edgewright.core.errors import Conflict, EdgewrightError, NotFound, Refused

PATH = f"/apis/coordination.k8s.io/v1/namespaces/{grants.LEASE_NAMESPACE}/leases"
LEASE = f"{PATH}/{grants.LEASE_NAME}"
MEMBERS = "/api/v1/namespaces/kube-system/configmaps/edgewright-members"
AGES = paths.RUN + "/ages.json"
"""When this host saw a value first (seconds since its start), in memory: a restart begins again."""
RELEASE = "edgewright.io/release"
"""Annotation of a Node: the release id for which it is drained."""


class View(NamedTuple):
    """What the Lease and the record of members show; `lease` is `None` when there is none."""

    lease: Optional[Lease]
    grant: Optional[Grant]
    last_expired: str
    joined: Dict[str, int]


def read(context: Context, api: Api) -> View:
    """Return the Lease. Raises `EdgewrightError`."""
    body = api.maybe(LEASE)
    joined = read_joined(api.maybe(MEMBERS))
    if body is None:
        return View(None, None, "", joined)
    spec, metadata = body.get("spec") or {}, body.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    text = str(annotations.get(grants.ANNOTATION) or "")
    holder = str(spec.get("holderIdentity") or "")
    lease = Lease(
        holder, age(context, "lease", f"{holder} {spec.get('renewTime')}"), int(spec.get("leaseTransitions") or 0)
    )
    grant = grants.read_grant(text, age(context, "grant", text)) if text else None
    return View(lease, grant, str(annotations.get(grants.LAST) or ""), joined)


def age(context: Context, name: str, value: str) -> float:
    """Return the seconds since this host saw a value first."""
    host, now = context.host, context.host.uptime()
    known = host.json(AGES)
    entry = known.get(name)
    if isinstance(entry, dict) and entry.get("value") == value and isinstance(entry.get("since"), (int, float)):
        return max(0.0, now - float(entry["since"]))
    known[name] = {"value": value, "since": now}
    host.write(AGES, json.dumps(known).encode(), 0o600, durable=False)
    return 0.0


def silent_for(context: Context, answering: bool) -> float:
    """Return the seconds for which the endpoint has not answered this host."""
    return 0.0 if age(context, "endpoint", str(answering)) < 0 or answering else age(context, "endpoint", "False")


def renew(context: Context, api: Api) -> bool:
    """Take or renew the Lease; return whether this host has it now. Raises `EdgewrightError`."""
    now = times.rfc3339(context.host.now()).rstrip("Z").partition(".")[0] + ".000000Z"
    body = api.maybe(LEASE)
    spec: Dict[str, Any] = {
        "holderIdentity": context.host_uid, "leaseDurationSeconds": int(grants.LEASE_SECONDS), "renewTime": now
    }  # fmt: skip
    try:
        if body is None:
            made = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": grants.LEASE_NAME, "namespace": grants.LEASE_NAMESPACE},
                "spec": {**spec, "acquireTime": now, "leaseTransitions": 0},
            }
            api.post(PATH, made)
            return True
        before = body.get("spec") or {}
        if before.get("holderIdentity") != context.host_uid:
            spec.update(acquireTime=now, leaseTransitions=int(before.get("leaseTransitions") or 0) + 1)
        api.put(LEASE, {**body, "spec": {**before, **spec}})
    except Conflict:
        return False  # another control plane was faster
    return True


def resign(context: Context, api: Api) -> None:
    """Let no host have the Lease if this one has it; its grant stays. Raises `EdgewrightError`."""
    body = api.get(LEASE)
    spec = body.get("spec") or {}
    if spec.get("holderIdentity") == context.host_uid:
        api.put(LEASE, {**body, "spec": {**spec, "holderIdentity": ""}})


def set_grant(context: Context, api: Api, grant: Optional[Grant], last_expired: str = "") -> None:
    """Write the grant of the Lease, or remove it. Raises `Refused` when this host does not hold the Lease any more."""
    body = api.get(LEASE)
    if (body.get("spec") or {}).get("holderIdentity") != context.host_uid:
        raise Refused("This host is not the leader any more.", "The new leader continues.", "NotLeader")
    annotations = dict((body.get("metadata") or {}).get("annotations") or {})
    if grant is None:
        annotations.pop(grants.ANNOTATION, None)
    else:
        annotations[grants.ANNOTATION] = grants.write_grant(grant)
    if last_expired:
        annotations[grants.LAST] = last_expired
    api.put(LEASE, {**body, "metadata": {**body["metadata"], "annotations": annotations}})


def new_grant(context: Context, host_uid: str, action: str) -> Grant:
    """Return a grant from now on."""
    return Grant(host_uid, action, times.rfc3339(context.host.now()), grants.LIMITS[action])


def grantee_ready(context: Context, grant: Optional[Grant]) -> Optional[bool]:
    """Return whether the API server of the host that may join is ready, `None` where there is none to be asked."""
    member = context.document.member(grant.host_uid) if grant is not None and grant.action == grants.JOIN else None
    if member is None:
        return None
    try:
        return admin(context.host, member.address).text("/readyz", 3.0)[0] == 200
    except EdgewrightError:
        return None


def read_joined(body: Optional[Mapping[str, Any]]) -> Dict[str, int]:
    """Return the join epoch in which each host has joined."""
    try:
        value = json.loads(str(((body or {}).get("data") or {}).get("joined") or "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {str(uid): epoch for uid, epoch in value.items() if isinstance(epoch, int) and not isinstance(epoch, bool)}


def note_joined(api: Api, change: Callable[[Dict[str, int]], None]) -> None:
    """Change the record of members over the version that was read. Raises `EdgewrightError`."""
    for _ in range(5):
        body = api.maybe(MEMBERS)
        joined = read_joined(body)
        change(joined)
        data = {"joined": json.dumps(joined, sort_keys=True)}
        try:
            if body is None:
                metadata = {"name": "edgewright-members", "namespace": "kube-system"}
                fresh = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
                api.post(MEMBERS.rpartition("/")[0], fresh)
            else:
                api.put(MEMBERS, {**body, "data": {**(body.get("data") or {}), **data}})
            return
        except (Conflict, NotFound):
            continue
    raise Conflict("The record of members changes too often.", "It is tried again.")

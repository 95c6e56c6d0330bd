"""One grant at a time for everything that changes the members of etcd or restarts an API server.

The grant is an annotation of the leader's Lease, so it survives a change of the leader. It ends when the observed
state shows that it is fulfilled, or past its limit, or when its host is not a member any more; the leader cleans up
first. Its age is measured by the host that looks, from when that host saw it first: clocks of hosts are not compared.
"""

from __future__ import annotations

import enum
import json
import re
from typing import NamedTuple, Optional

from edgewright.core.clusters.model import PRESENT, ClusterDocument, Member
from edgewright.core.clusters.steps import JOIN_CONTROL_PLANE, REMOVE_MEMBER, limit_of

ANNOTATION = "edgewright.io/grant"
LAST = "edgewright.io/last-expired"
"""Annotation with the host whose grant expired last: the others come before it."""
JOIN, REMOVE = "join", "remove"
LIMITS = {JOIN: limit_of(JOIN_CONTROL_PLANE), REMOVE: limit_of(REMOVE_MEMBER)}
MAX_ANNOTATION = 2048
LEASE_NAMESPACE, LEASE_NAME = "kube-system", "edgewright-leader"
LEASE_SECONDS = 150.0
_WHEN = re.compile(r"[0-9TZ:.+-]{0,40}", re.ASCII)


class Grant(NamedTuple):
    """A grant. `since` is for users only; `age` are seconds since this host saw it first and is not stored.

    `node` is the UID of the Node that its host had when the grant was given, empty for none: only another one, or one
    that is ready, shows that the kubelet has joined. `None`: not known.
    """

    host_uid: str
    action: str
    since: str
    limit: float
    age: float = 0.0
    node: Optional[str] = None


class GrantState(enum.Enum):
    """What has become of a grant."""

    OPEN = "open"
    FULFILLED = "fulfilled"
    EXPIRED = "past its limit"
    ORPHANED = "its host is not to do this any more"


def write_grant(grant: Grant) -> str:
    """Return the text of the annotation."""
    body = {"hostUid": grant.host_uid, "action": grant.action, "since": grant.since, "limit": grant.limit}
    if grant.node is not None:
        body["node"] = grant.node
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def read_grant(text: str, age: float = 0.0) -> Optional[Grant]:
    """Return the grant of an annotation, `None` for an empty or invalid one."""
    if not text or len(text) > MAX_ANNOTATION:
        return None
    try:
        body = json.loads(text)
        host, action, since, limit = (body[name] for name in ("hostUid", "action", "since", "limit"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    valid = isinstance(host, str) and 0 < len(host) <= 128 and action in LIMITS and isinstance(since, str)
    if not valid or not _WHEN.fullmatch(since) or isinstance(limit, bool) or not isinstance(limit, (int, float)):
        return None
    node = body.get("node")
    # A limit that another program wrote never makes a grant last longer.
    limit = float(min(max(0.0, limit), LIMITS[action]))  # 0.0 for NaN, which is not greater
    return Grant(host, action, since, limit, age, node if isinstance(node, str) and len(node) <= 128 else None)


def wanted(grant: Grant, document: ClusterDocument) -> Optional[Member]:
    """Return the member that a grant is for, `None` when the document does not want that (any more)."""
    member = document.member(grant.host_uid)
    if member is None or (grant.action == JOIN and member.state != PRESENT):
        return None
    return member  # an etcd member is removed of a host that leaves, or of one that joins again


def state_of(grant: Grant, document: ClusterDocument, fulfilled: Optional[bool]) -> GrantState:
    """Return what has become of a grant; `fulfilled` is what was observed, `None` when that is not known."""
    if fulfilled:
        return GrantState.FULFILLED
    if wanted(grant, document) is None:
        return GrantState.ORPHANED
    return GrantState.EXPIRED if grant.age > grant.limit else GrantState.OPEN

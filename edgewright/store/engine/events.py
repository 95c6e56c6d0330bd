"""What sources report to the store: one event form for live feeds, the cache, recordings and tests."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.store.collections.hosts import HOSTS
from edgewright.store.every import COLLECTIONS


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that a source saw.

    `seq` counts within one store from 1; `at` is epoch seconds UTC; `source` names the feed (`plane`, `cache`,
    `replay`, `command`); `kind` is one of `KINDS`; `payload` is plain JSON data.
    """

    seq: int
    at: float
    source: str
    kind: str
    payload: dict[str, Any]


HOSTS_SEEN = HOSTS.seen
"""`{"docs": [document, ...]}`: hosts as the plane sends them, complete documents."""
HOSTS_BEAT = "hosts.beat"
"""`{"beats": [[uid, time, count, vitals], ...]}`: heartbeats that changed nothing but these; time in epoch seconds."""
HOSTS_REMOVED = HOSTS.removed
"""`{"uids": [uid, ...]}`: hosts that the plane no longer has."""
HOSTS_COMPLETE = "hosts.complete"
"""`{"uids": [uid, ...]}`: the complete set of host uids now; what is not in it no longer exists."""
SOURCE_STATE = "source.state"
"""`{"state": live|polling|loading|lost|refused|replay, "message", "since", "next_try", "done", "total"}`."""
SITE_KNOWN = "site.known"
"""What is known of a site that is open by SSH; without `host` and `cluster` it is not open any more.

`{"uid": ssh:TARGET, "link": open|lost|connecting|shut, "sites": [{"target", "link"}, ...], "way": ssh:TARGET, "host",
"hostUid", "cluster", "clusterLink", "clusterSites", "clusterWay", "clusterOf": [uid, ...], "mayBe": [name, ...]}`:
documents in the form of a plane, the connections that lead there and one that is up, the uids under which a plane has
them, where those are known, and clusters that may be the same one. Older recordings have one `clusterUid`."""
MESSAGE = "message"
"""`{"level": info|ok|warn|bad, "text": str}`: one line for the message line and the message log."""
ACKNOWLEDGED = "problem.acknowledged"
"""`{"key": str, "on": bool}`: a user has seen a problem, or takes that back."""

KINDS: frozenset[str] = frozenset(
    {HOSTS_BEAT, HOSTS_COMPLETE, SITE_KNOWN, SOURCE_STATE, MESSAGE, ACKNOWLEDGED}
    | {kind for each in COLLECTIONS for kind in (each.seen, each.removed)}
)
"""Every kind of event; each collection has two of its own (`Collection.seen`, `Collection.removed`)."""

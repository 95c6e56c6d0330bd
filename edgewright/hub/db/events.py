"""Component events: what happened to a host, source its agent, by the hub or by a client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.db.shared.rows import insert_new
from edgewright.hub.security.secretbox import new_uid

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.readmodel.state import State

EDGE_HOST = "edgehost"
MAX_TEXT = 2048
"""Characters of a message of the hub's own events."""


def store_event(state: State, tx: Tx, document: dict[str, Any], project_uid: str) -> str:
    """Store an event once by its uid (rule P21); returns the uid."""
    name_host(state, document)
    row = event_row(document, project_uid, tx.now)
    if not insert_new(tx, schema.events, row):
        return str(row["uid"])  # it is known, perhaps to another hub since a moment ago: no change, no message
    tx.emit("event", "put", row["uid"], project_uid, document)
    return str(row["uid"])


def store_new_events(state: State, tx: Tx, events: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Store many events of the hub's own making, given with their projects, in one statement."""
    for document, _ in events:
        name_host(state, document)
    tx.connection.execute(
        schema.events.insert(), [event_row(document, project, tx.now) for document, project in events]
    )
    for document, project in events:
        tx.emit("event", "put", document["metadata"]["uid"], project, document)


def name_host(state: State, document: dict[str, Any]) -> None:
    """Put the present name of a known host into an event, so that a list names each host in one way.

    Agents, clients and the hub's own parts know the uid; what people gave as name is in the host's record.
    """
    for key in ("involvedObject", "relatedObject"):
        reference = document.get(key)
        if isinstance(reference, dict) and str(reference.get("kind") or "").lower() == EDGE_HOST:
            entry = state.hosts.get(str(reference.get("uid") or ""))
            if entry is not None:
                reference["name"] = entry.facts.name


def event_row(document: dict[str, Any], project_uid: str, now: float) -> dict[str, Any]:
    """Return the row of an event that is stored at `now`, and complete its document."""
    meta = document.get("metadata") or {}
    uid = str(meta.get("uid") or "") or new_uid()
    kind, object_uid = event_key(document)
    document["metadata"] = {
        **meta,
        "uid": uid,
        "name": meta.get("name") or uid,
        "creationTimestamp": meta.get("creationTimestamp") or times.rfc3339(now),
        "lastModifiedTimestamp": times.rfc3339(now),
    }
    return {
        "uid": uid,
        "project_uid": project_uid,
        "kind": kind,
        "object_uid": object_uid,
        "severity": str(document.get("severity") or ""),
        "reason": str(document.get("reason") or ""),
        "at": _at(document["metadata"]["creationTimestamp"], now),
        "doc": dump(document),
    }


def event_key(document: dict[str, Any]) -> tuple[str, str]:
    """Return kind and uid of the thing that an event is about."""
    related, involved = document.get("relatedObject") or {}, document.get("involvedObject") or {}
    kind = str(related.get("kind") or involved.get("kind") or "").lower()
    return kind, str(related.get("uid") or involved.get("uid") or "")


def _at(text: str, now: float) -> float:
    """Return when an event happened; a host's clock is evidence, but not from the future (rule P5)."""
    moment = times.parse(text)
    return now if moment is None else min(moment, now)


def plane_event(tenant_uid: str, severity: str, reason: str, message: str) -> dict[str, Any]:
    """Return an event of the hub about itself."""
    event = host_event(tenant_uid, "management plane", severity, reason, message)
    for reference in ("involvedObject", "relatedObject"):
        event[reference]["kind"] = "hub"
    return event


def host_event(uid: str, name: str, severity: str, reason: str, message: str) -> dict[str, Any]:
    """Return an event of the hub about a host; its message is cut where a host's own words made it too long."""
    return {
        "involvedObject": {"kind": EDGE_HOST, "uid": uid, "name": name},
        "relatedObject": {"kind": EDGE_HOST, "uid": uid, "name": name},
        "message": message[:MAX_TEXT],
        "reason": reason,
        "severity": severity,
        "source": {"component": "hub", "host": ""},
        "metadata": {"uid": new_uid(), "creationTimestamp": times.rfc3339(times.now())},
    }

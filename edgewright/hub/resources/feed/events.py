"""Component events (Palette's `/v1/events/components`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.core.roles import ADMIN, OPERATOR
from edgewright.hub.db import schema
from edgewright.hub.db.document_bounds import MAX_EVENT, limited
from edgewright.hub.db.events import EDGE_HOST, event_key, store_event
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.auth import HOST
from edgewright.hub.http.listing import filters, in_scope, newest
from edgewright.hub.http.problems import forbidden
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import text
from edgewright.hub.resources.feed import shapes
from edgewright.hub.resources.hosts.share import trim_events
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

_TABLE = schema.events
_COLUMNS: dict[str, Any] = {
    "severity": _TABLE.c.severity,
    "reason": _TABLE.c.reason,
    "metadata.uid": _TABLE.c.uid,
    "relatedObject.kind": _TABLE.c.kind,
    "relatedObject.uid": _TABLE.c.object_uid,
    "involvedObject.uid": _TABLE.c.object_uid,
}


_QUERY = {**bodies.NEWEST, "filters": text()}


def _conditions(call: Call) -> list[Any]:
    matches: list[Any] = filters(call.request.query_params.get("filters", ""), _COLUMNS)
    return [*matches, *in_scope(_TABLE.c.project_uid, call.scope)]


def _kind(call: Call) -> str:
    """Return the kind of the path; raises 422 for one that events cannot be about."""
    kind = call.params["objectKind"].lower()
    if kind not in protocol.EVENT_KINDS:
        allowed = " ".join(protocol.EVENT_KINDS)
        raise problems.invalid(problems.ENUM, f"objectKind in path should be one of [{allowed}]")
    return kind


async def listing(call: Call) -> Response:
    """List events of everything, newest first."""
    return await newest(call, _TABLE, _conditions(call))


async def of_object(call: Call) -> Response:
    """List events of one thing."""
    kind, uid = _kind(call), call.params["objectUid"]
    return await newest(call, _TABLE, [*_conditions(call), _TABLE.c.kind == kind, _TABLE.c.object_uid == uid])


def _owned(call: Call, event: dict[str, Any]) -> str:
    """Return the project of an event; a host may speak of itself only (rule P6)."""
    related = event.get("relatedObject") or event.get("involvedObject") or {}
    uid = str(related.get("uid") or "")
    if call.actor.role == HOST:
        named = {
            str((event.get(key) or {}).get("uid") or call.actor.uid) for key in ("relatedObject", "involvedObject")
        }
        if named != {call.actor.uid}:
            raise forbidden(f"The credential of host '{call.actor.uid}' does not open events of another thing.")
        reference = {"kind": EDGE_HOST, "uid": call.actor.uid, "name": call.actor.uid}
        event["relatedObject"] = {**reference, **(event.get("relatedObject") or {}), "kind": EDGE_HOST}
        uid = call.actor.uid
    project = _project(call, uid)
    call.require(OPERATOR, project)
    return project


def _project(call: Call, uid: str) -> str:
    """Return the project of events about a thing: that of the host, else the one of the call.

    Raises 404 for what is not a host that a user with roles in single projects may know of: events of a host displace
    its older ones.
    """
    if call.actor.is_user and not call.actor.grants.tenant:
        return call.host(uid).record.project_uid
    entry = call.hub.state.hosts.get(uid)
    return entry.record.project_uid if entry is not None else call.project


def _admit(call: Call, count: int) -> None:
    """Raise 429 for a host that sends too many events (rule P47)."""
    if call.actor.role == HOST:
        call.hub.intake.admit(call.actor.uid, count)


async def create(call: Call) -> Response:
    """Store one event."""
    event = await call.body()
    limited(event, MAX_EVENT, "The event")
    project = _owned(call, event)
    _admit(call, 1)

    def job(tx: Tx) -> str:
        uid = store_event(call.hub.state, tx, event, project)
        trim_events(tx, [event_key(event)], call.hub.options.max_host_events)
        if call.actor.is_user:
            call.audit(tx, "create", "event", uid, uid, f"An event was added: {event.get('reason') or ''}", project)
        return uid

    return call.created(await call.write(job))


async def create_bulk(call: Call) -> Response:
    """Store many events, each once by its uid (rule P21); answers with their uids."""
    events = await call.body()
    if not isinstance(events, list):
        raise problems.invalid(problems.TYPE, 'body in body must be of type array: "object"')
    for number, event in enumerate(events):
        limited(event, MAX_EVENT, f"Event {number}")
    with_projects = [(event, _owned(call, event)) for event in events if event is not None]
    _admit(call, len(with_projects))

    def job(tx: Tx) -> list[str]:
        uids = [store_event(call.hub.state, tx, event, project) for event, project in with_projects]
        keys = [event_key(event) for event, _ in with_projects]
        trim_events(tx, keys, call.hub.options.max_host_events)
        if call.actor.is_user and uids:
            projects = {project for _, project in with_projects}
            project = projects.pop() if len(projects) == 1 else ""
            call.audit(tx, "create", "event", uids[0], uids[0], f"{len(uids)} events were added", project)
        return uids

    uids = await call.write(job)
    return call.json([{"uid": uid} for uid in uids], 201)


async def delete(call: Call) -> Response:
    """Delete the events of one thing."""
    kind, uid = _kind(call), call.params["objectUid"]
    project = _project(call, uid)
    call.require(ADMIN, project)

    def job(tx: Tx) -> None:
        scope = in_scope(_TABLE.c.project_uid, call.scope)
        count = tx.run(_TABLE.delete().where(_TABLE.c.kind == kind, _TABLE.c.object_uid == uid, *scope))
        call.audit(tx, "delete", "event", uid, uid, f"{count} events of {kind} '{uid}' are deleted", project)

    await call.write(job)
    return call.empty()


ROUTES = (
    Route("GET", protocol.EVENTS, Access.READ, listing, query=_QUERY),
    Route("POST", protocol.EVENTS, Access.ANY_HOST_OR_OPERATE, create, On.OBJECT, body=shapes.EVENT),
    Route("POST", protocol.EVENTS_BULK, Access.ANY_HOST_OR_OPERATE, create_bulk, On.OBJECT, body=shapes.EVENTS),
    Route("GET", protocol.EVENTS_OF, Access.READ, of_object, query=_QUERY),
    Route("DELETE", protocol.EVENTS_OF, Access.WRITE, delete, On.OBJECT),
)

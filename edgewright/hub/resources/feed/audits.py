"""The audit log as clients read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.core.roles import ADMIN
from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.listing import in_scope, newest
from edgewright.hub.http.problems import not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import WHEN, text
from edgewright.hub.resources.feed import shapes
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

_TABLE = schema.audits
ACTIONS = ("create", "update", "delete", "publish", "deploy", "activity", "action")
_EQUAL: dict[str, Any] = {
    "userUid": _TABLE.c.user_uid,
    "projectUid": _TABLE.c.project_uid,
    "resourceKind": _TABLE.c.resource_kind,
    "resourceUid": _TABLE.c.resource_uid,
    "actionType": _TABLE.c.action_type,
}
_QUERY = {
    **bodies.NEWEST,
    **dict.fromkeys(_EQUAL, bodies.NAME),
    "actionType": text(16, *ACTIONS),
    "startTime": WHEN,
    "endTime": WHEN,
}


def _time(call: Call, name: str) -> float | None:
    try:
        return times.parse(call.request.query_params.get(name))
    except ValueError as error:
        raise problems.invalid(problems.TYPE, f"{name} in query must be of type date-time: {error}") from None


async def listing(call: Call) -> Response:
    """List audit entries, newest first, narrowed by Palette's query."""
    query = call.request.query_params
    call.choice("actionType")
    conditions = [column == query[name] for name, column in _EQUAL.items() if query.get(name)]
    conditions += in_scope(_TABLE.c.project_uid, call.scope)
    start, end = _time(call, "startTime"), _time(call, "endTime")
    if start is not None:
        conditions.append(_TABLE.c.at >= start)
    if end is not None:
        conditions.append(_TABLE.c.at <= end)
    return await newest(call, _TABLE, conditions)


async def _document(call: Call) -> dict[str, Any]:
    statement = select(_TABLE.c.doc).where(_TABLE.c.uid == call.uid, *in_scope(_TABLE.c.project_uid, call.scope))
    doc = await call.hub.read(lambda connection: connection.execute(statement).scalar())
    if doc is None:
        raise not_found("audit entry", call.uid)
    document: dict[str, Any] = msgspec.json.decode(doc)
    return document


async def get(call: Call) -> Response:
    """Return one entry."""
    return call.json(await _document(call))


async def system_message(call: Call) -> Response:
    """Return the messages of one entry (`v1AuditSysMsg`)."""
    spec = (await _document(call))["spec"]
    return call.json({"actionMsg": spec["actionMsg"], "contentMsg": spec["contentMsg"]})


async def user_message(call: Call) -> Response:
    """Add a user's note to an entry; what was recorded stays."""
    body = await call.body()
    document = await _document(call)
    project = str((document["spec"]["actor"].get("project") or {}).get("uid") or "")
    call.require(ADMIN, project)
    document["spec"]["userMsg"] = body.get("userMsg", "")

    def job(tx: Tx) -> None:
        tx.run(_TABLE.update().where(_TABLE.c.uid == call.uid).values(doc=dump(document)))
        message = f"A remark was added to the audit entry '{call.uid}'"
        call.audit(tx, "update", "audit", call.uid, call.uid, message, project)

    await call.write(job)
    return call.empty()


ROUTES = (
    Route("GET", protocol.AUDITS, Access.READ, listing, query=_QUERY),
    Route("GET", protocol.AUDIT, Access.READ, get),
    Route("GET", protocol.AUDIT + "/sysMsg", Access.READ, system_message),
    Route("PATCH", protocol.AUDIT + "/userMsg", Access.WRITE, user_message, On.OBJECT, body=shapes.USER_MESSAGE),
)

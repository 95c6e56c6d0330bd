"""Alerts (rule P39) and who handles a problem (rule P57), over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.core.roles import OPERATOR
from edgewright.hub.http import answers, problems, shapes
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resources.alerts import shapes as shapes_of
from edgewright.hub.resources.alerts.handling import MOST, Handling, HandlingRecord, changed, describe, visible
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

KIND = "problem"
_ITEM = protocol.HANDLING_ITEM.replace("{key}", "{key:path}")
"""A key may contain slashes."""


def project_of(call: Call, key: str) -> str:
    """Return the project that a problem belongs to; empty for a site, a fault at many hosts, or the plane.

    Raises 404 where a user with roles in single projects may not know of its subject: a record silences the problem for
    everyone.
    """
    kind, _, rest = key.partition("/")
    if kind == "host":
        entry = call.hub.state.hosts.get(rest.rpartition("/")[0]) or call.hub.state.hosts.get(rest.partition("/")[0])
        result = entry.record.project_uid if entry is not None else None
    elif kind == "token":
        token = call.hub.part(Tokens).by_uid.get(rest.partition("/")[0])
        result = (token.project_uid or "") if token is not None else None
    elif kind == "alert":
        alert = call.hub.alerts.get(rest.rpartition("/")[0])
        result = alert.project_uid if alert is not None else None
    else:
        return ""
    grants = call.actor.grants
    if not grants.tenant and not (result and grants.sees(result)):
        raise not_found("problem", key)
    return call.project if result is None else result


async def alerts(call: Call) -> Response:
    """List the alerts of the reader's scope."""
    return call.json({"items": call.hub.alerts.documents(call.scope)})


async def listing(call: Call) -> Response:
    """List the records that the reader may see."""
    return call.json({"items": call.hub.part(Handling).documents(call.scope)})


async def update(call: Call) -> Response:
    """Acknowledge, assign, note or silence a problem; what is not sent stays. Returns the record."""
    key = call.params["key"]
    if not key.isprintable() or not 0 < len(key) <= protocol.MAX_PROBLEM_KEY or key != key.strip():
        most = protocol.MAX_PROBLEM_KEY
        raise problems.invalid(problems.PATTERN, f"key in path should be 1 to {most} printable characters")
    raw: Any = shapes.decode(await call.raw_body())
    raw = {} if raw is None else raw  # as everywhere
    body: dict[str, Any] = shapes.check(raw, shapes_of.HANDLING)
    hub = call.hub

    def job(tx: Tx) -> dict[str, Any]:
        before = hub.part(Handling).stored(tx, key)
        if before is not None and before.project_uid and not visible(before.project_uid, call.scope):
            raise not_found("problem", key)
        record = before or HandlingRecord(key, project_of(call, key))
        call.require(OPERATOR, record.project_uid)
        after = changed(record, body, raw, call.origin, tx.now)
        if after == record:
            return record.document()
        if before is None and hub.part(Handling).count(tx, record.project_uid) >= MOST:
            raise Problem(
                409,
                protocol.E_TOO_MANY_HANDLED,
                f"{MOST} problems of this project are acknowledged, assigned, noted or silenced; clear some first.",
            )
        hub.part(Handling).store(tx, before, after)
        call.audit(tx, "update", KIND, key, key, describe(record, after, key), after.project_uid)
        return after.document()

    return call.json(await call.write(job))


ROUTES = (
    Route("GET", protocol.ALERTS, Access.READ, alerts, returns=answers.items(shapes_of.ALERT)),
    Route("GET", protocol.HANDLING, Access.READ, listing, returns=answers.items(shapes_of.HANDLING_SHOWN)),
    Route("PATCH", _ITEM, Access.OPERATE, update, On.OBJECT, body=shapes_of.HANDLING, returns=shapes_of.HANDLING_SHOWN),
)

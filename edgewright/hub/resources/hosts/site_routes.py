"""What comes up from a site: intents, logs, and the place reserved for the tunnel (rules P28 to P30)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.document_bounds import MAX_INTENT, limited
from edgewright.hub.db.events import host_event, store_event
from edgewright.hub.db.hosts import get_host_or_404
from edgewright.hub.db.records import dump
from edgewright.hub.db.shared.rows import lock_host
from edgewright.hub.http import answers, bodies, problems
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.hosts import shapes, share
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import MAX_GENERATION

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

_ID = re.compile(r"[0-9a-f]{24}")


def _intent(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "hostUid": row.host_uid,
        "field": row.field,
        "base": {"generation": row.base_generation, "value": msgspec.Raw(row.base_value.encode())},
        "value": msgspec.Raw(row.value.encode()),
        "actor": row.actor,
        "at": times.rfc3339(row.at),
        "note": row.note,
        "state": row.state,
        "received": times.rfc3339(row.received),
    }


async def offer_intent(call: Call) -> Response:
    """Store what was changed at the site, separate from what conflicts with the plane's own change (rule P28)."""
    body = await call.body()
    base = body.get("base") or {}
    if not _ID.fullmatch(body["id"]):
        raise problems.invalid(problems.PATTERN, "id in body should be 24 hex digits")
    if base.get("generation") is None:
        raise problems.invalid(problems.REQUIRED, "base.generation in body is required")
    if not 0 <= base["generation"] <= MAX_GENERATION:
        raise problems.invalid(problems.MAXIMUM, f"base.generation in body should be from 0 to {MAX_GENERATION}")
    value = limited(body.get("value"), MAX_INTENT, "The value of the intent")
    base_value = limited(base.get("value"), MAX_INTENT, "The base value of the intent")
    other_lineage = bool(base.get("lineage")) and base["lineage"] != call.hub.lineage.value
    table, fields = schema.intents, schema.host_fields
    call.hub.intake.admit(call.uid, 1)  # it becomes an event as well

    def job(tx: Tx) -> tuple[Any, bool]:
        mine = select(table).where(table.c.host_uid == call.uid, table.c.id == body["id"])
        record = get_host_or_404(tx, call.uid)
        stored = tx.first(mine)
        if stored is not None:
            return stored, False
        changed = tx.first(
            select(fields.c.generation).where(fields.c.host_uid == call.uid, fields.c.field == body["field"])
        )
        # A generation of another lineage cannot be compared: a restored plane may have changed the field or not.
        clash = other_lineage or (changed is not None and changed.generation > base["generation"])
        state = protocol.INTENT_CONFLICT if clash else protocol.INTENT_OFFERED
        tx.run(
            table.insert().values(
                id=body["id"],
                host_uid=call.uid,
                field=body["field"],
                base_generation=base["generation"],
                base_value=base_value,
                value=value,
                actor=str(body.get("actor") or ""),
                at=times.parse(body.get("at")),
                note=str(body.get("note") or ""),
                state=state,
                received=tx.now,
            )
        )
        reported = f"{body.get('actor') or 'Someone'} changed {body['field']} at the site of {call.uid}" + (
            "; the plane has changed it as well." if clash else "."
        )
        event = host_event(call.uid, call.uid, "Warning" if clash else "Info", "IntentOffered", reported)
        store_event(call.hub.state, tx, event, record.project_uid)
        share.trim_intents(call.hub, tx, call.uid, body["id"], record.project_uid)
        return tx.first(mine), True

    row, fresh = await call.write(job)
    return call.json(_intent(row), 201 if fresh else 200)


async def intents(call: Call) -> Response:
    """List the intents of a host."""
    call.host()
    table = schema.intents
    statement = select(table).where(table.c.host_uid == call.uid).order_by(table.c.received).limit(500)
    rows = await call.hub.read(lambda connection: connection.execute(statement).all())
    return call.json({"items": [_intent(row) for row in rows]})


async def add_log(call: Call) -> Response:
    """Store a piece of a log once by operation and offset (rule P29)."""
    body = await call.body()
    operation, offset = body["operationId"], body.get("offset", 0)
    if not 0 <= offset <= protocol.MAX_LOG_LINES:
        raise problems.invalid(problems.MAXIMUM, f"offset in body should be from 0 to {protocol.MAX_LOG_LINES}")
    lines = [line or "" for line in body.get("lines") or []]
    if offset + len(lines) > protocol.MAX_LOG_LINES:
        message = f"lines in body: a log has at most {protocol.MAX_LOG_LINES} lines"
        raise problems.invalid(problems.MAX_ITEMS, message)
    text = dump(lines)
    table = schema.logs

    def job(tx: Tx) -> None:
        known = select(schema.operations.c.id).where(
            schema.operations.c.host_uid == call.uid, schema.operations.c.id == operation
        )
        lock_host(tx, call.uid)
        if tx.first(known) is None:
            raise not_found("operation", operation)
        key = (table.c.host_uid == call.uid, table.c.operation_id == operation, table.c.offset == offset)
        if tx.first(select(table.c.offset).where(*key)) is None:
            if share.log_size(tx, call.uid, operation) + len(text) > share.MAX_LOG_BYTES:
                message = f"The log of operation {operation} has more than {share.MAX_LOG_BYTES} bytes."
                raise Problem(413, protocol.E_DOCUMENT, message)
            tx.run(
                table.insert().values(
                    host_uid=call.uid,
                    operation_id=operation,
                    offset=offset,
                    lines=text,
                    last=bool(body.get("last", False)),
                    received=tx.now,
                )
            )
            share.trim_logs(tx, call.uid)

    await call.write(job)
    return call.empty()


async def logs(call: Call) -> Response:
    """Return the log lines of an operation in order."""
    call.host()
    operation = call.request.query_params.get("operationId", "")
    table = schema.logs
    statement = (
        select(table).where(table.c.host_uid == call.uid, table.c.operation_id == operation).order_by(table.c.offset)
    )

    def query(connection: Any) -> tuple[list[str], bool]:
        rows = connection.execute(statement).all()
        return [line for row in rows for line in msgspec.json.decode(row.lines)], any(row.last for row in rows)

    lines, complete = await call.hub.read(query)
    return call.json({"operationId": operation, "lines": lines, "complete": complete})


ROUTES = (
    Route(
        "POST",
        protocol.INTENTS,
        Access.HOST,
        offer_intent,
        On.HOST,
        body=shapes.INTENT,
        returns=shapes.INTENT_SHOWN,
        status=201,
    ),
    Route("GET", protocol.INTENTS, Access.HOST_OR_READ, intents, On.HOST, returns=answers.items(shapes.INTENT_SHOWN)),
    Route("POST", protocol.LOGS, Access.HOST, add_log, On.HOST, body=shapes.LOG),
    Route(
        "GET", protocol.LOGS, Access.READ, logs, On.HOST, query={"operationId": bodies.NAME}, returns=shapes.LOG_SHOWN
    ),
)

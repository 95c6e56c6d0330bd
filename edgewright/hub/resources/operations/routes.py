"""Operations on hosts: asked for by users, run at most once by the agent, answered by a result (rules P23 to P26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.core import times
from edgewright.core.hosts.link_spec import BEATS_OF_SILENCE
from edgewright.hub.db import schema
from edgewright.hub.db.document_bounds import MAX_PARAMS, MAX_RESULT, limited
from edgewright.hub.db.events import host_event, store_event
from edgewright.hub.db.hosts import get_host_or_404, raise_generation
from edgewright.hub.db.records import dump
from edgewright.hub.db.shared.rows import lock_host
from edgewright.hub.http import answers, problems
from edgewright.hub.http.problems import bad_request, conflict, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.hosts import share
from edgewright.hub.resources.operations import shapes
from edgewright.hub.resources.operations.trials import check_trial
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

_TABLE = schema.operations
_TEXTS: dict[str, dict[str, int]] = {
    protocol.OP_COLLECT_LOGS: {"unit": 255},
    protocol.OP_DISK_USAGE: {"mount": protocol.MAX_MOUNT},
    protocol.OP_RETRY: {"step": 100},
    protocol.OP_ACCEPT: {"document": 64, "digest": 64},
}
"""Parameters that are texts, with the characters that each may have, by kind."""
_OVER = 200
"""Operations that are over and still listed for the entire fleet."""


def document(row: Any) -> dict[str, Any]:
    """Return an operation as users see it."""
    return {
        "id": row.id,
        "hostUid": row.host_uid,
        "kind": row.kind,
        "params": msgspec.Raw(row.params.encode()),
        "state": row.state,
        "generation": row.generation,
        "created": times.rfc3339(row.created),
        "deadline": times.rfc3339(row.deadline),
        "finished": times.rfc3339(row.finished) if row.finished is not None else None,
        "actor": row.actor,
        "result": msgspec.Raw(row.result.encode()) if row.result else None,
    }


async def pending_operations(hub: Services, uid: str) -> list[dict[str, Any]]:
    """Return what an agent has still to do, oldest first."""
    statement = (
        select(_TABLE)
        .where(_TABLE.c.host_uid == uid, _TABLE.c.state == protocol.OP_PENDING)
        .order_by(_TABLE.c.generation, _TABLE.c.created)
    )
    rows = await hub.read(lambda connection: connection.execute(statement).all())
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "params": msgspec.Raw(row.params.encode()),
            "generation": row.generation,
            "deadline": times.rfc3339(row.deadline),
        }
        for row in rows
    ]


def _check(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    if kind not in protocol.OPERATION_KINDS:
        allowed = " ".join(protocol.OPERATION_KINDS)
        raise problems.invalid(problems.ENUM, f"kind in body should be one of [{allowed}]")
    if kind == protocol.OP_COLLECT_LOGS:
        lines = params.get("lines", protocol.MAX_LOG_LINES)
        if not isinstance(lines, int) or isinstance(lines, bool):
            raise problems.invalid(problems.TYPE, "params.lines in body must be of type integer")
        if not 1 <= lines <= protocol.MAX_LOG_LINES:
            code = problems.MAXIMUM if lines > 1 else problems.MINIMUM
            raise problems.invalid(code, f"params.lines in body should be from 1 to {protocol.MAX_LOG_LINES}")
        params["lines"] = lines
    if kind == protocol.OP_TRIAL:
        check_trial(params)
    for name, most in _TEXTS.get(kind, {}).items():
        _check_text(params, name, most)
    return params


def _check_text(params: dict[str, Any], name: str, most: int) -> None:
    value = params.get(name, "")
    if not isinstance(value, str):
        raise problems.invalid(problems.TYPE, f"params.{name} in body must be of type string")
    if len(value) > most:
        raise problems.invalid(problems.TOO_LONG, f"params.{name} in body should be at most {most} chars long")


def _patience(call: Call, uid: str) -> float:
    """Return the seconds that an operation may wait: three beats at least of a link with its own interval (P78)."""
    entry = call.hub.state.hosts.get(uid)
    own = None if entry is None else entry.live.vitals.get("interval")
    return max(call.hub.options.operation_deadline, BEATS_OF_SILENCE * float(own or 0.0))


def make_operation(
    call: Call, tx: Tx, kind: str, params: dict[str, Any], key: str | None, host: str | None = None
) -> str:
    """Store an operation and raise the host's generation; the same key makes nothing new. Returns the id.

    `host` is the uid of the host where the path does not name it.
    """
    uid = call.uid if host is None else host
    record = get_host_or_404(tx, uid)
    if key:
        stored = tx.first(select(_TABLE).where(_TABLE.c.host_uid == uid, _TABLE.c.idempotency_key == key))
        if stored is not None:
            if (stored.kind, stored.params) != (kind, dump(params)):
                raise conflict("This Idempotency-Key was used for another operation.", protocol.E_IDEMPOTENCY)
            return str(stored.id)
    if record.registered_at is None:
        raise bad_request(
            f"The host '{uid}' has not registered yet and cannot run the operation.",
            protocol.E_HOST_NOT_REGISTERED,
        )
    if share.pending(tx, uid) >= share.MAX_PENDING:
        raise conflict(
            f"{share.MAX_PENDING} operations of the host '{uid}' wait for their result; try again later.",
            protocol.E_TOO_MANY_OPERATIONS,
        )
    share.trim_operations(tx, uid)
    newer = raise_generation(tx, uid)
    operation = new_uid()
    tx.run(
        _TABLE.insert().values(
            id=operation,
            host_uid=uid,
            kind=kind,
            params=dump(params),
            state=protocol.OP_PENDING,
            generation=newer.generation,
            created=tx.now,
            deadline=tx.now + _patience(call, uid),
            actor=call.origin,
            idempotency_key=key or None,
            result=None,
            finished=None,
        )
    )
    message = f"Operation {kind} is asked of edge host '{uid}'"
    call.audit(tx, "action", "edgehost", uid, uid, message, newer.project_uid)
    publish(tx, operation, newer.project_uid)
    return operation


def publish(tx: Tx, operation: str, project: str) -> None:
    """Notify readers of an operation, with its document as it is in this transaction."""
    row = tx.first(select(_TABLE).where(_TABLE.c.id == operation))
    if row is not None:
        reported = document(row)
        tx.emit("operation", "put", operation, project, reported)


async def create(call: Call) -> Response:
    """Ask a host for an operation."""
    body = await call.body()
    call.host()
    kind = str(body.get("kind") or "")
    params = _check(kind, dict(body.get("params") or {}))
    limited(params, MAX_PARAMS, "params in body")
    key = call.request.headers.get(protocol.H_IDEMPOTENCY, "")[:128]
    return call.created(await call.write(lambda tx: make_operation(call, tx, kind, params, key)))


async def reset(call: Call) -> Response:
    """Ask a host to forget its cluster; while one such operation waits, no second is made."""
    call.host()

    def job(tx: Tx) -> None:
        lock_host(tx, call.uid)
        waiting = select(_TABLE.c.id).where(
            _TABLE.c.host_uid == call.uid,
            _TABLE.c.kind == protocol.OP_RESET,
            _TABLE.c.state == protocol.OP_PENDING,
        )
        if tx.first(waiting) is None:
            make_operation(call, tx, protocol.OP_RESET, {}, None)
        else:
            message = f"Reset of edge host '{call.uid}' is asked again; one waits already"
            call.audit(tx, "action", "edgehost", call.uid, call.uid, message, get_host_or_404(tx, call.uid).project_uid)

    await call.write(job)
    return call.empty()


async def listing(call: Call) -> Response:
    """List the operations of a host, newest first."""
    call.host()
    statement = select(_TABLE).where(_TABLE.c.host_uid == call.uid).order_by(_TABLE.c.created.desc()).limit(200)
    rows = await call.hub.read(lambda connection: connection.execute(statement).all())
    return call.json({"items": [document(row) for row in rows]})


async def everything(call: Call) -> Response:
    """List what all hosts of the scope are asked to do: all that is pending, then the newest that is over."""
    pending = select(_TABLE).where(_TABLE.c.state == protocol.OP_PENDING).order_by(_TABLE.c.created.desc())
    over = select(_TABLE).where(_TABLE.c.state != protocol.OP_PENDING).order_by(_TABLE.c.created.desc()).limit(_OVER)
    rows = await call.hub.read(lambda connection: [*connection.execute(pending).all(), *connection.execute(over).all()])
    hosts, scope = call.hub.state.hosts, call.scope
    items = []
    async with call.pace() as pace:
        for row in rows:
            entry = None if scope.everything else hosts.get(row.host_uid)
            if scope.everything or (entry is not None and scope.covers(entry.record.project_uid)):
                items.append(document(row))
            if pace.due:
                await pace.rest()
    return call.json({"items": items})


async def get(call: Call) -> Response:
    """Return one operation."""
    call.host()
    operation = call.params["operationId"]
    statement = select(_TABLE).where(_TABLE.c.host_uid == call.uid, _TABLE.c.id == operation)
    row = await call.hub.read(lambda connection: connection.execute(statement).first())
    if row is None:
        raise not_found("operation", operation)
    return call.json(document(row))


async def result(call: Call) -> Response:
    """Take the result of an operation (rule P25)."""
    body = await call.body()
    operation = call.params["operationId"]
    text = limited(body, MAX_RESULT, "The result of the operation")

    def job(tx: Tx) -> None:
        lock_host(tx, call.uid)
        row = tx.first(select(_TABLE).where(_TABLE.c.host_uid == call.uid, _TABLE.c.id == operation))
        if row is None:
            raise not_found("operation", operation)
        if row.result is not None:
            stored = msgspec.json.decode(row.result)
            if (stored.get("state"), stored.get("message")) == (body["state"], body.get("message")):
                return
            raise conflict(
                f"The operation {operation} has another result already: {stored.get('state')}.",
                protocol.E_OPERATION_REPORTED,
            )
        late = row.state == protocol.OP_EXPIRED or (row.deadline is not None and row.deadline <= tx.now)
        state = protocol.OP_EXPIRED if late else body["state"]
        tx.run(_TABLE.update().where(_TABLE.c.id == operation).values(state=state, result=text, finished=tx.now))
        if row.state == protocol.OP_PENDING:
            project = raise_generation(tx, call.uid).project_uid
        else:
            project = get_host_or_404(tx, call.uid).project_uid
        severity = "Info" if body["state"] == protocol.OP_SUCCEEDED else "Warning"
        reported = f"Operation {row.kind} on {call.uid}: {body['state']}. {body.get('message') or ''}".strip()
        store_event(
            call.hub.state, tx, host_event(call.uid, call.uid, severity, "OperationFinished", reported), project
        )
        publish(tx, operation, project)

    await call.write(job)
    return call.empty()


ROUTES = (
    Route("GET", protocol.OPERATIONS_ALL, Access.READ, everything, returns=answers.items(shapes.OPERATION_SHOWN)),
    Route(
        "POST",
        protocol.OPERATIONS,
        Access.OPERATE,
        create,
        On.HOST,
        guards_observed=True,
        body=shapes.OPERATION,
        headers=(protocol.H_IDEMPOTENCY,),
        returns=answers.MADE,
        status=201,
    ),
    Route(
        "GET", protocol.OPERATIONS, Access.HOST_OR_READ, listing, On.HOST, returns=answers.items(shapes.OPERATION_SHOWN)
    ),
    Route("GET", protocol.OPERATION, Access.HOST_OR_READ, get, On.HOST, returns=shapes.OPERATION_SHOWN),
    Route("POST", protocol.OPERATION_RESULT, Access.HOST, result, On.HOST, body=shapes.RESULT),
    Route("PUT", protocol.HOST_RESET, Access.OPERATE, reset, On.HOST, guards_observed=True),
)

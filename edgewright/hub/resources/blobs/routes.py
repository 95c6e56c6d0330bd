"""Blobs over the API: sent in pieces by operators, read with ranges by users and by the hosts that are to have them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from edgewright.core import times
from edgewright.hub.http import problems, shapes
from edgewright.hub.http.answers import items
from edgewright.hub.http.auth import HOST
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.resources.blobs import store, tables
from edgewright.hub.resources.blobs.ranges import Unsatisfiable, read_range
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

KIND = "blob"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SENT_AT_ONCE = 128 * 1024
"""Bytes read for a connection at once, which waits while its peer does not read: many hosts on slow links fetch at the
same time."""
_LISTED = 1_000
_BYTES = "application/octet-stream"


def _digest(call: Call) -> str:
    digest = call.params["digest"]
    if not _DIGEST.fullmatch(digest):
        raise problems.invalid(problems.PATTERN, "digest in path should be 64 hexadecimal digits (SHA-256, lower case)")
    return digest


def _number(call: Call, name: str, most: int) -> int:
    text = call.request.query_params.get(name, "")
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    if not 0 <= value <= most:
        raise problems.invalid(problems.MAXIMUM, f"{name} in query should be from 0 to {most}")
    return value


async def put(call: Call) -> Response:
    """Take one piece of a blob; the same piece again changes nothing. Answers with what is to be sent next."""
    digest, project = _digest(call), call.project
    data = await call.raw_body()
    size = _number(call, "size", protocol.MAX_BLOB) if "size" in call.request.query_params else len(data)
    offset = _number(call, "offset", protocol.MAX_BLOB) if "offset" in call.request.query_params else 0
    if offset % protocol.BLOB_PIECE or (offset >= size and size) or (offset and not size):
        raise problems.invalid(
            problems.MAXIMUM, f"offset in query should be a multiple of {protocol.BLOB_PIECE} below size"
        )
    if len(data) != min(protocol.BLOB_PIECE, size - offset):
        wanted = min(protocol.BLOB_PIECE, size - offset)
        raise problems.invalid(problems.MAXIMUM, f"body should have {wanted} bytes and not {len(data)}")

    def job(tx: Tx) -> tuple[bool, int | None]:
        row = store.begin(tx, project, digest, size)
        if row.complete:
            return True, None
        store.add_piece(tx, project, digest, offset // protocol.BLOB_PIECE, data)
        return False, store.missing(tx, project, digest, size)

    done, following = await call.write(job)
    if not done and following is None:
        await _complete(call, project, digest, size)
        done = True
    return call.json({"digest": digest, "size": size, "complete": done, "next": following})


async def _complete(call: Call, project: str, digest: str, size: int) -> None:
    """Check the digest of what was sent, off the event loop and off the writer; raises 422 with all of it deleted."""
    if not await call.hub.read(partial(store.is_true, project=project, digest=digest, size=size)):
        await call.write(lambda tx: store.remove(tx, project, digest))
        raise Problem(422, "BlobDigest", f"What was sent has not the digest {digest}; send the blob again.")

    def job(tx: Tx) -> None:
        if store.complete(tx, project, digest):
            call.audit(
                tx, "create", KIND, digest, digest[:12], f"Blob {digest[:12]} of {size:,} bytes is added", project
            )

    await call.write(job)


async def _find(call: Call) -> Any:
    """Return the row of a complete blob that the caller may read; raises 404, as if it did not exist."""
    digest = call.params["digest"]
    rows = [row for row in await call.hub.read(partial(store.find, digest=digest)) if row.complete]
    if call.actor.role == HOST:
        record = call.host(call.actor.uid).record
        named = call.hub.part(BlobNames).names(record, digest)
        rows = [row for row in rows if named and row.project_uid in (record.project_uid, "")]
    else:
        rows = [row for row in rows if call.scope.covers(row.project_uid)]
    if not rows:
        raise not_found("blob", digest)
    return max(rows, key=lambda row: row.project_uid)


async def get(call: Call) -> Response:
    """Send a blob, or the range of it that is asked for."""
    row = await _find(call)
    etag = f'"{row.digest}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, max-age=31536000, immutable"}
    known = call.request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in known.split(",")):
        return Response(status_code=304, headers=headers)
    first, last, status = 0, row.size - 1, 200
    try:
        part = read_range(call.request.headers.get("range", ""), row.size)
    except Unsatisfiable:
        raise Problem(
            416, "BlobRange", f"The blob has {row.size} bytes.", {"Content-Range": f"bytes */{row.size}"}
        ) from None
    if part is not None:
        first, last = part
        status, headers["Content-Range"] = 206, f"bytes {first}-{last}/{row.size}"
    headers["Content-Length"] = str(last - first + 1)
    return StreamingResponse(_pieces(call.hub, row, first, last), status, headers, _BYTES)


async def _pieces(hub: Services, row: Any, first: int, last: int) -> AsyncIterator[bytes]:
    """Yield bytes `first` to `last` of a blob; a part of a piece is in memory at a time."""
    position = first
    while position <= last:
        number, start = divmod(position, protocol.BLOB_PIECE)
        length = min(_SENT_AT_ONCE, protocol.BLOB_PIECE - start, last - position + 1)
        of = {"project": row.project_uid, "digest": row.digest, "number": number}
        data = await hub.read(partial(store.read_part, **of, start=start, length=length))
        if not data:
            raise Problem(503, protocol.E_UNAVAILABLE, "The blob was deleted while it was sent.")
        yield data
        position += len(data)


async def listing(call: Call) -> Response:
    """List the blobs of the scope, newest first, also those that are not complete."""
    table = tables.blobs
    query = select(table).order_by(table.c.created.desc(), table.c.digest).limit(_LISTED)
    if not call.scope.everything:
        query = query.where(table.c.project_uid.in_(sorted(call.scope.projects or ())))
    rows = await call.hub.read(lambda connection: connection.execute(query).all())
    shown = [
        {
            "digest": row.digest,
            "size": row.size,
            "projectUid": row.project_uid,
            "complete": bool(row.complete),
            "created": times.rfc3339(row.created),
        }
        for row in rows
    ]
    return call.json({"items": shown})


SHOWN = shapes.obj(
    digest=shapes.text(64),
    size=shapes.INTEGER,
    projectUid=shapes.text(),
    complete=shapes.FLAG,
    created=shapes.text(),
)
STORED = shapes.obj(
    digest=shapes.text(64), size=shapes.INTEGER, complete=shapes.FLAG, next=shapes.optional(shapes.INTEGER)
)
_NUMBERS = {"size": shapes.text(12), "offset": shapes.text(12)}

ROUTES = (
    Route("GET", protocol.BLOBS, Access.READ, listing, returns=items(SHOWN)),
    Route(
        "PUT",
        protocol.BLOB,
        Access.OPERATE,
        put,
        On.SCOPE,
        body=shapes.ANY,
        sends=_BYTES,
        query=_NUMBERS,
        returns=STORED,
        status=200,
    ),
    Route(
        "GET",
        protocol.BLOB,
        Access.ANY_HOST_OR_READ,
        get,
        On.OBJECT,
        headers=("Range", "If-None-Match"),
        returns=shapes.ANY,
        media=_BYTES,
    ),
)

"""Lists that come from the database: newest first, paged, with Palette's older filter dialect where it is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Table, func, select

from edgewright.hub.problems import bad_request
from edgewright.wire import listmeta

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.routing import Call

_TERM = re.compile(r"\s*([A-Za-z.]+)\s*(!=|=)\s*(.*?)\s*")


def filters(text: str, columns: dict[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """Return the conditions of `a=bANDc!=d`; raises 400 for a property that is not offered."""
    found: list[ColumnElement[bool]] = []
    for part in re.split(r"AND", text) if text else []:
        term = _TERM.fullmatch(part)
        if term is None or term.group(1) not in columns:
            raise bad_request(f"The filter {part[:80]!r} is not understood; known are {', '.join(sorted(columns))}.")
        column, value = columns[term.group(1)], term.group(3)
        found.append(column == value if term.group(2) == "=" else column != value)
    return found


def ascending(order: str) -> bool:
    """Tell whether `orderBy` asks for the oldest first (`metadata.creationTimestamp=1`)."""
    return order.strip().endswith("=1")


async def newest(call: Call, table: Table, conditions: list[ColumnElement[bool]]) -> Response:
    """Return one page of a table's documents."""
    offset, limit = call.page()
    oldest_first = ascending(call.request.query_params.get("orderBy", ""))
    order = (table.c.at, table.c.id) if oldest_first else (table.c.at.desc(), table.c.id.desc())
    statement = select(table.c.doc).where(*conditions).order_by(*order).limit(limit).offset(offset)
    counting = select(func.count()).select_from(table).where(*conditions)

    def query(connection: Any) -> tuple[list[str], int]:
        return list(connection.execute(statement).scalars()), int(connection.execute(counting).scalar() or 0)

    docs, count = await call.hub.read(query)
    block = msgspec.json.encode(listmeta.block(offset, len(docs), count, limit))
    from starlette.responses import Response

    body = b'{"items":[' + b",".join(doc.encode() for doc in docs) + b'],"listmeta":' + block + b"}"
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

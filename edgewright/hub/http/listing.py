"""Lists that come from the database: newest first, paged, with Palette's older filter dialect where it is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Table, and_, func, or_, select
from starlette.responses import Response

from edgewright.core.filters import palette as listfilter
from edgewright.core.roles import Scope
from edgewright.hub.http.problems import bad_request
from edgewright.wire.palette import listmeta

if TYPE_CHECKING:
    from edgewright.hub.http.routing import Call

PAGE_BYTES = 8 * 1024 * 1024
"""Bytes of documents on one page; a page that would have more ends early, and its `continue` leads on."""


def filters(text: str, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """Return the conditions of a list's `filters` (`core.filters.palette`); raises 400 for an invalid one."""
    try:
        alternatives = listfilter.parse(text, columns)
    except ValueError as error:
        raise bad_request(str(error)) from None
    if not alternatives:
        return []
    return [or_(*(and_(*(_condition(term, columns) for term in terms)) for terms in alternatives))]


def _condition(term: listfilter.Term, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    column = columns[term.property]
    return column != term.value if term.negated else column == term.value


def in_scope(column: ColumnElement[Any], scope: Scope) -> list[ColumnElement[bool]]:
    """Return the condition that a project column is in a scope; none for the tenant."""
    return [] if scope.projects is None else [column.in_(sorted(scope.projects))]


def ascending(order: str) -> bool:
    """Return whether `orderBy` asks for the oldest first (`metadata.creationTimestamp=1`)."""
    return order.strip().endswith("=1")


async def newest(call: Call, table: Table, conditions: list[ColumnElement[bool]]) -> Response:
    """Return one page of a table's documents."""
    offset, limit = call.page()
    oldest_first = ascending(call.request.query_params.get("orderBy", ""))
    order = (table.c.at, table.c.id) if oldest_first else (table.c.at.desc(), table.c.id.desc())
    statement = select(table.c.doc).where(*conditions).order_by(*order).limit(limit).offset(offset)
    counting = select(func.count()).select_from(table).where(*conditions)

    def query(connection: Any) -> tuple[bytes, int, int]:
        body, delivered = _joined(connection.execute(statement).scalars())
        return body, delivered, int(connection.execute(counting).scalar() or 0)

    items, delivered, count = await call.hub.read(query)
    block = msgspec.json.encode(listmeta.block(offset, delivered, count, limit))
    body = b'{"items":[' + items + b'],"listmeta":' + block + b"}"
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _joined(docs: Iterable[str]) -> tuple[bytes, int]:
    """Return stored documents as the items of a list, and their number; what would pass `PAGE_BYTES` is left out."""
    parts: list[bytes] = []
    size = 0
    for doc in docs:
        part = doc.encode()
        size += len(part) + 1
        if parts and size > PAGE_BYTES:
            break
        parts.append(part)
    return b",".join(parts), len(parts)

"""Tag filters over the API (Palette's `/v1/filters`), of the tenant."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import FilterRecord, dump
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.palette_bodies import filters as shapes
from edgewright.hub.http.problems import invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import text
from edgewright.hub.resources.filters import render, store
from edgewright.hub.resources.filters.rules import check_spec
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

KIND = "filter"


def _sorted(call: Call) -> list[FilterRecord]:
    return sorted(call.hub.state.filters.values(), key=lambda record: (record.name.casefold(), record.uid))


def _name(body: dict[str, Any]) -> str:
    name = str((body.get("metadata") or {}).get("name") or "").strip()
    if not name:
        raise invalid(problems.REQUIRED, "metadata.name in body is required")
    return name


async def listing(call: Call) -> Response:
    """List the filters (`v1FiltersSummary`), paged; `limit=0`, which Palette's SDK sends, means all."""
    result = _sorted(call)
    every = call.request.query_params.get("limit") == "0"
    offset, limit = call.page()
    limit = len(result) if every else limit
    page = result[offset : offset + limit]
    items = [render.summary(record) for record in page]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(result), limit)})


async def metadata(call: Call) -> Response:
    """List uid, name and type of the filters (`v1FiltersMetadata`)."""
    wanted = call.choice("filterType")
    items = [{"uid": record.uid, "name": record.name, "filterType": wanted or render.TYPE} for record in _sorted(call)]
    return call.json({"items": items})


async def create(call: Call) -> Response:
    """Create a filter (`v1TagFilter`)."""
    body = await call.body()
    name, spec = _name(body), check_spec(body.get("spec") or {})
    document = {"metadata": merge_metadata({}, body.get("metadata") or {}), "spec": spec}
    doc = check_record(KIND, name, dump(document))

    def job(tx: Tx) -> str:
        record = FilterRecord(new_uid(), name, doc, tx.now, tx.now)
        store.insert(tx, record)
        call.audit(tx, "create", KIND, record.uid, name, f"Filter '{name}' is created")
        return record.uid

    return call.created(await call.write(job))


async def get(call: Call) -> Response:
    """Return one filter."""
    record = call.hub.state.filters.get(call.uid)
    if record is None:
        raise not_found(KIND, call.uid)
    return call.json(render.tag_filter(record))


async def update(call: Call) -> Response:
    """Replace the conditions of a filter, or change its name; what is not sent stays (rule P51)."""
    body = await call.body()
    meta = body.get("metadata") or {}
    spec = check_spec(body["spec"]) if body.get("spec") else None

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        name = str(meta.get("name") or "").strip() or record.name
        stored = msgspec.json.decode(record.doc)
        document = {"metadata": merge_metadata(stored.get("metadata") or {}, meta), "spec": spec or stored.get("spec")}
        store.update(tx, record, name=name, doc=check_record(KIND, name, dump(document), record.doc))
        call.audit(tx, "update", KIND, record.uid, name, f"Filter '{name}' is updated")

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a filter."""

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        store.delete(tx, record)
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Filter '{record.name}' is deleted")

    await call.write(job)
    return call.empty()


ROUTES = (
    Route("GET", protocol.FILTERS, Access.READ, listing, On.TENANT, query=bodies.PAGE),
    Route(
        "GET", protocol.FILTERS_METADATA, Access.READ, metadata, On.TENANT, query={"filterType": text(16, render.TYPE)}
    ),
    Route("POST", protocol.TAG_FILTERS, Access.WRITE, create, On.TENANT, body=shapes.TAG_FILTER),
    Route("GET", protocol.TAG_FILTER, Access.READ, get, On.TENANT),
    Route("PUT", protocol.TAG_FILTER, Access.WRITE, update, On.TENANT, body=shapes.TAG_FILTER),
    Route("DELETE", protocol.TAG_FILTER, Access.WRITE, delete, On.TENANT),
)

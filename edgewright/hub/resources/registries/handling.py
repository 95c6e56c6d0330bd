"""What the routes of all kinds of registries do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from edgewright.core.filters import palette as listfilter
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import bodies, shapes
from edgewright.hub.http.problems import bad_request, not_found
from edgewright.hub.http.routing import Call
from edgewright.hub.packs import fetching, store
from edgewright.hub.packs import registry_documents as documents
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.packs.tables import RegistryRecord
from edgewright.hub.resources.registries import rules, sync
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

KIND = "registry"
SCOPES = shapes.text(16, "system", "tenant", "all")
PAGED = {**bodies.PAGE, "filters": shapes.text(), "orderBy": shapes.text(64), "scope": SCOPES}
"""The query of a paged list of registries."""
SYNC = {"forceSync": shapes.text(8)}


def busy(call: Call, uid: str) -> bool:
    """Return whether a registry is read at present."""
    return uid in call.hub.part(Fetcher).syncing


def in_order(call: Call, kind: str = "") -> list[RegistryRecord]:
    """Return the registries of a kind by name."""
    records = call.hub.part(PackIndex).registries.values()
    matches = [record for record in records if kind in ("", record.kind)]
    return sorted(matches, key=lambda record: (record.name.casefold(), record.uid))


def get(call: Call, kind: str = "") -> RegistryRecord:
    """Return the registry of the path; raises 404."""
    record = call.hub.part(PackIndex).registries.get(call.uid)
    if record is None or kind not in ("", record.kind):
        raise not_found(KIND, call.uid)
    return record


def page(call: Call, items: Sequence[dict[str, Any]], scope: str, filters: str) -> Response:
    """Return one page of what `scope` and `filters` leave; raises 400 for a filter that is not understood."""
    try:
        alternatives = listfilter.parse(filters, ("metadata.name", "metadata.uid", "spec.endpoint"))
    except ValueError as error:
        raise bad_request(str(error)) from None
    every = [
        item
        for item in items
        if scope in ("", "all", item["spec"].get("scope"))
        and (not alternatives or any(all(_matches(item, term) for term in terms) for terms in alternatives))
    ]
    offset, limit = call.page()
    shown = every[offset : offset + limit]
    return call.json({"items": shown, "listmeta": listmeta.block(offset, len(shown), len(every), limit)})


def _matches(item: dict[str, Any], term: listfilter.Term) -> bool:
    part, _, key = term.property.partition(".")
    return (str(item[part].get(key) or "") == term.value) != term.negated


async def create(call: Call, kind: str, body: dict[str, Any], skip_sync: bool) -> Response:
    """Add a registry; it is read at once unless the request asks not to."""
    record = rules.new_record(new_uid(), kind, body, call.hub.box, call.now)

    def job(tx: Tx) -> None:
        store.insert_registry(tx, record)
        text = f"Registry '{record.name}' at {record.endpoint} is added"
        if record.private:
            text += ", private addresses allowed"
        call.audit(tx, "create", KIND, record.uid, record.name, text)

    await call.write(job)
    if not skip_sync:
        sync.begin(call.hub, record.uid)
    return call.created(record.uid)


async def validate(call: Call, kind: str, spec: dict[str, Any]) -> Response:
    """Try a registry without storing it: 204, or why it does not answer."""
    body = {"metadata": {"name": str(spec.get("name") or spec.get("endpoint") or "")[:128]}, "spec": spec}
    record = rules.new_record(new_uid(), kind, body, call.hub.box, call.now)
    access = fetching.access_of(record, call.hub.box)
    await call.hub.part(Fetcher).run(lambda: fetching.check(record, access), call.caller)
    text = f"Registry at {record.endpoint} is tried"
    await call.write(lambda tx: call.audit(tx, "action", KIND, record.uid, record.name, text))
    return call.empty()


async def update(call: Call, kind: str, body: dict[str, Any]) -> Response:
    """Replace the address and the login of a registry; a masked secret stays."""
    get(call, kind)

    def job(tx: Tx) -> None:
        record = store.registry_or_404(tx, call.uid)
        changes = rules.changes(record, body, call.hub.box, tx.now)
        store.update_registry(tx, record, **changes)
        text = f"Registry '{changes['name']}' at {changes['endpoint']} is updated"
        call.audit(tx, "update", KIND, record.uid, changes["name"], text)

    await call.write(job)
    return call.empty()


async def delete(call: Call, kind: str = "") -> Response:
    """Remove a registry and the packs that were fetched from it."""
    get(call, kind)

    def job(tx: Tx) -> None:
        record = store.registry_or_404(tx, call.uid)
        store.delete_registry(tx, record)
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Registry '{record.name}' is deleted")

    await call.write(job)
    return call.empty()


async def start_sync(call: Call, kind: str) -> Response:
    """Read a registry again, beside the request: 202."""
    record = get(call, kind)
    text = f"Registry '{record.name}' is read again"
    await call.write(lambda tx: call.audit(tx, "action", KIND, record.uid, record.name, text))
    sync.begin(call.hub, record.uid)
    return Response(status_code=202, headers={protocol.H_AUDIT: call.audit_uid})


def complete(call: Call, kind: str) -> Response:
    """Return one registry, its secrets masked."""
    record = get(call, kind)
    return call.json(documents.complete(record, busy(call, record.uid)))


def state(call: Call, kind: str) -> Response:
    """Return how the last look at a registry ended."""
    record = get(call, kind)
    return call.json(documents.sync(record, busy(call, record.uid)))

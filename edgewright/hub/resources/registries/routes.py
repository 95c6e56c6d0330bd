"""Registries over the API: Palette's paths for Helm and OCI registries and the built-in catalogue; of the tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from edgewright.core.filters import palette as listfilter
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import bodies, shapes
from edgewright.hub.http.palette_bodies import registries as palette
from edgewright.hub.http.problems import bad_request, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs import fetching, store, tables
from edgewright.hub.packs import registry_documents as documents
from edgewright.hub.packs.fetching import Fetcher
from edgewright.hub.packs.index import BUILTIN, PackIndex
from edgewright.hub.packs.tables import RegistryRecord
from edgewright.hub.resources.registries import rules, sync
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

KIND = "registry"
_SCOPES = shapes.text(16, "system", "tenant", "all")
Render = Callable[[RegistryRecord, bool], dict[str, Any]]


def _busy(call: Call, uid: str) -> bool:
    return uid in call.hub.part(Fetcher).syncing


def _sorted(call: Call, kind: str = "") -> list[RegistryRecord]:
    records = call.hub.part(PackIndex).registries.values()
    matches = [record for record in records if kind in ("", record.kind)]
    return sorted(matches, key=lambda record: (record.name.casefold(), record.uid))


def _record(call: Call, kind: str = "") -> RegistryRecord:
    record = call.hub.part(PackIndex).registries.get(call.uid)
    if record is None or kind not in ("", record.kind):
        raise not_found(KIND, call.uid)
    return record


def _filtered(call: Call, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items that `scope` and `filters` leave; raises 400 for a filter that is not understood."""
    scope = call.choice("scope") if "scope" in call.route.query else ""
    try:
        alternatives = listfilter.parse(
            call.request.query_params.get("filters", ""), ("metadata.name", "metadata.uid", "spec.endpoint")
        )
    except ValueError as error:
        raise bad_request(str(error)) from None

    def value(item: dict[str, Any], path: str) -> str:
        part, _, key = path.partition(".")
        return str(item[part].get(key) or "")

    return [
        item
        for item in items
        if scope in ("", "all", item["spec"].get("scope"))
        and (
            not alternatives
            or any(
                all((value(item, term.property) == term.value) != term.negated for term in terms)
                for terms in alternatives
            )
        )
    ]


def _page(call: Call, items: Sequence[dict[str, Any]]) -> Response:
    every = _filtered(call, items)
    offset, limit = call.page()
    page = every[offset : offset + limit]
    return call.json({"items": page, "listmeta": listmeta.block(offset, len(page), len(every), limit)})


async def metadata(call: Call) -> Response:
    """List name, kind and scope of all registries (`v1RegistriesMetadata`); not paged."""
    items = [documents.builtin_metadata(), *(documents.metadata_item(record) for record in _sorted(call))]
    scope = call.choice("scope")
    return call.json({"items": [item for item in items if scope in ("", "all", item["scope"])]})


async def listing(call: Call, render: Render = documents.complete) -> Response:
    """List the Helm registries (`v1HelmRegistries`, with `documents.summary` `v1HelmRegistriesSummary`), paged."""
    return _page(call, [render(record, _busy(call, record.uid)) for record in _sorted(call, tables.HELM)])


async def oci_summary(call: Call) -> Response:
    """List the OCI registries (`v1OciRegistries`); not paged."""
    items = [documents.summary(record, _busy(call, record.uid)) for record in _sorted(call, tables.OCI)]
    return call.json({"items": items})


async def create(call: Call, kind: str) -> Response:
    """Add a registry; it is read at once unless the request asks not to."""
    body = await call.body()
    record = rules.new_record(new_uid(), kind, body, call.hub.box, call.now)

    def job(tx: Tx) -> None:
        store.insert_registry(tx, record)
        text = f"Registry '{record.name}' at {record.endpoint} is added"
        if record.private:
            text += ", private addresses allowed"
        call.audit(tx, "create", KIND, record.uid, record.name, text)

    await call.write(job)
    option = (body.get("spec") or {}).get("createOption") or {}
    if not option.get("skipSync") and call.request.query_params.get("skipPackSync") != "true":
        sync.begin(call.hub, record.uid)
    return call.created(record.uid)


async def validate(call: Call, kind: str) -> Response:
    """Try a registry without storing it: 204, or why it does not answer."""
    spec = await call.body()
    body = {"metadata": {"name": str(spec.get("name") or spec.get("endpoint") or "")[:128]}, "spec": spec}
    record = rules.new_record(new_uid(), kind, body, call.hub.box, call.now)
    access = fetching.access_of(record, call.hub.box)
    await call.hub.part(Fetcher).run(lambda: fetching.check(record, access))
    text = f"Registry at {record.endpoint} is tried"
    await call.write(lambda tx: call.audit(tx, "validate", KIND, "", record.name, text))
    return call.empty()


async def get(call: Call, kind: str) -> Response:
    """Return one registry, its secrets masked."""
    record = _record(call, kind)
    return call.json(documents.complete(record, _busy(call, record.uid)))


async def get_short(call: Call) -> Response:
    """Return the address and the login of an OCI registry (`v1OciRegistryEntity`), its secrets masked."""
    shown = documents.spec(_record(call, tables.OCI))
    provider = shown.get("providerType") or "pack"
    content = {"auth": shown["auth"], "endpoint": shown["endpoint"], "providerType": provider}
    return call.json({**content, "scope": documents.TENANT, "type": "basic", "defaultRegion": ""})


async def update(call: Call, kind: str) -> Response:
    """Replace the address and the login of a registry; a masked secret stays."""
    body = await call.body()
    _record(call, kind)

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
    _record(call, kind)

    def job(tx: Tx) -> None:
        record = store.registry_or_404(tx, call.uid)
        store.delete_registry(tx, record)
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Registry '{record.name}' is deleted")

    await call.write(job)
    return call.empty()


async def start_sync(call: Call, kind: str) -> Response:
    """Read a registry again, beside the request: 202."""
    record = _record(call, kind)
    text = f"Registry '{record.name}' is read again"
    await call.write(lambda tx: call.audit(tx, "sync", KIND, record.uid, record.name, text))
    sync.begin(call.hub, record.uid)
    return Response(status_code=202, headers={protocol.H_AUDIT: call.audit_uid})


async def status(call: Call, kind: str) -> Response:
    """Return how the last look ended (`v1RegistrySyncStatus`)."""
    record = _record(call, kind)
    return call.json(documents.sync(record, _busy(call, record.uid)))


async def packs_listing(call: Call, full: bool) -> Response:
    """List the pack registries: the built-in catalogue."""
    return _page(call, [documents.builtin(full)])


async def packs_get(call: Call) -> Response:
    """Return the built-in catalogue as a registry."""
    if call.uid != BUILTIN:
        raise not_found(KIND, call.uid)
    return call.json(documents.builtin(True))


async def packs_status(call: Call) -> Response:
    """Return that the catalogue needs no look."""
    if call.uid != BUILTIN:
        raise not_found(KIND, call.uid)
    return call.json(documents.builtin(False)["status"]["sync"])


async def rows(call: Call) -> Response:
    """List the registries of all kinds in one form, the catalogue first."""
    index = call.hub.part(PackIndex)
    items = [documents.row(record, index, _busy(call, record.uid)) for record in _sorted(call)]
    return call.json({"items": [documents.builtin_row(index), *items]})


async def row(call: Call) -> Response:
    """Return a registry of any kind in that form."""
    index = call.hub.part(PackIndex)
    if call.uid == BUILTIN:
        return call.json(documents.builtin_row(index))
    record = _record(call)
    return call.json(documents.row(record, index, _busy(call, record.uid)))


_STATE = shapes.obj(
    isSyncSupported=shapes.FLAG,
    status=shapes.text(16),
    message=shapes.text(),
    lastRunTime=shapes.WHEN,
    lastSyncedTime=shapes.WHEN,
)
_ROW = shapes.obj(
    metadata=bodies.META,
    spec=shapes.obj(
        kind=shapes.text(8, "helm", "oci", "pack"),
        endpoint=shapes.text(),
        authType=shapes.text(16),
        username=shapes.text(),
        hasCa=shapes.FLAG,
        allowPrivate=shapes.FLAG,
    ),
    status=shapes.obj(sync=_STATE, packs=shapes.INTEGER),
)
_PAGED = {**bodies.PAGE, "filters": shapes.text(), "orderBy": shapes.text(64), "scope": _SCOPES}
_SYNC = {"forceSync": shapes.text(8)}
_SKIP = {"skipPackSync": shapes.text(8)}
_H: dict[str, Any] = {"kind": tables.HELM}
_O: dict[str, Any] = {"kind": tables.OCI}
Handler = Callable[[Call], Awaitable[Response]]


def _read(path: str, handler: Handler, **more: Any) -> Route:
    return Route("GET", path, Access.READ, handler, **more)


def _write(method: str, path: str, handler: Handler, **more: Any) -> Route:
    return Route(method, path, Access.WRITE, handler, On.TENANT, **more)


ROUTES = (
    _read(protocol.REGISTRIES_METADATA, metadata, query={"scope": _SCOPES}),
    _read(protocol.HELM_REGISTRIES, listing, query=_PAGED),
    _read(protocol.HELM_REGISTRIES_SUMMARY, partial(listing, render=documents.summary), query=_PAGED),
    _write("POST", protocol.HELM_REGISTRIES, partial(create, **_H), body=palette.HELM_REGISTRY_ENTITY),
    _write("POST", protocol.HELM_REGISTRIES_VALIDATE, partial(validate, **_H), body=palette.HELM_REGISTRY_SPEC),
    _read(protocol.HELM_REGISTRY, partial(get, **_H)),
    _write("PUT", protocol.HELM_REGISTRY, partial(update, **_H), body=palette.HELM_REGISTRY),
    _write("DELETE", protocol.HELM_REGISTRY, partial(delete, **_H)),
    _write("POST", protocol.HELM_REGISTRY_SYNC, partial(start_sync, **_H), query=_SYNC),
    _read(protocol.HELM_REGISTRY_STATUS, partial(status, **_H)),
    _read(protocol.OCI_REGISTRIES_SUMMARY, oci_summary),
    _write("POST", protocol.OCI_REGISTRIES, partial(create, **_O), body=palette.BASIC_OCI_REGISTRY, query=_SKIP),
    _write("POST", protocol.OCI_REGISTRIES_VALIDATE, partial(validate, **_O), body=palette.BASIC_OCI_REGISTRY_SPEC),
    _read(protocol.OCI_REGISTRY_SHORT, get_short),
    _read(protocol.OCI_REGISTRY, partial(get, **_O)),
    _write("PUT", protocol.OCI_REGISTRY, partial(update, **_O), body=palette.BASIC_OCI_REGISTRY),
    _write("DELETE", protocol.OCI_REGISTRY, partial(delete, **_O)),
    _write("POST", protocol.OCI_REGISTRY_SYNC, partial(start_sync, **_O), query=_SYNC),
    _read(protocol.OCI_REGISTRY_STATUS, partial(status, **_O)),
    _read(protocol.PACK_REGISTRIES, partial(packs_listing, full=True), query=_PAGED),
    _read(protocol.PACK_REGISTRIES_SUMMARY, partial(packs_listing, full=False), query=_PAGED),
    _read(protocol.PACK_REGISTRY, packs_get),
    _read(protocol.PACK_REGISTRY_STATUS, packs_status),
    _write("DELETE", protocol.PALETTE_REGISTRY, delete),
    _read(protocol.REGISTRIES, rows, returns=shapes.obj(items=shapes.many(_ROW))),
    _read(protocol.REGISTRY, row, returns=_ROW),
)

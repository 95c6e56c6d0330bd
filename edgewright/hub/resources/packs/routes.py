"""Packs over the API: Palette's paths, and the import of a pack in an archive; of the tenant."""

from __future__ import annotations

import asyncio
import shlex
from functools import partial
from typing import Any

from starlette.responses import Response

from edgewright.core.roles import OPERATOR, covers
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import answers, bodies, problems, shapes
from edgewright.hub.http.palette_bodies import packs as palette
from edgewright.hub.http.problems import conflict, forbidden, invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs import pack_documents as documents
from edgewright.hub.packs import store, use
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.index import IMPORTED, PackIndex, View
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.hub.resources.packs.search import filtered, searched
from edgewright.packs import catalogue, reader
from edgewright.packs.files import digest
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

KIND = "pack"
MOST_ROWS = 3_000
"""Packs in our own list."""
_ARCHIVE = "application/octet-stream"


def _registry(call: Call, view: View) -> str:
    return call.hub.part(PackIndex).registry_name(view.registry_uid)


async def listing(call: Call) -> Response:
    """List versions of packs with their values (`v1PackSummaries`), paged; what was not fetched yet has none."""
    views = filtered(call.hub.part(PackIndex), call.request.query_params.get("filters", ""))
    offset, limit = call.page()
    page = views[offset : offset + limit]
    texts = await use.texts(call.hub, page)
    items = [documents.summary(view, texts[view.uid][0], _registry(call, view)) for view in page]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(items), len(views), limit)})


async def search(call: Call) -> Response:
    """Search packs by name, layer, type, registry (`v1PackMetadataList`), paged."""
    index = call.hub.part(PackIndex)
    groups = searched(index, await call.body())
    offset, limit = call.page()
    items = [documents.search_result(group, index) for group in groups[offset : offset + limit]]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(items), len(groups), limit)})


async def versions(call: Call) -> Response:
    """Return a pack of a registry with all its versions, and the values of those that are there (`v1PackTagEntity`)."""
    name, registry = call.params["packName"], call.params["registryUid"]
    views = call.hub.part(PackIndex).versions_of(name, registry)
    layer = call.request.query_params.get("layer", "")
    views = [view for view in views if layer in ("", view.layer)]
    if not views:
        raise not_found(KIND, name)
    present = [view for view in views if view.pack is not None]
    texts = await use.texts(call.hub, present)
    return call.json(documents.tag_entity(views, [(view, *texts[view.uid]) for view in present]))


async def _present(call: Call) -> View:
    """Return the pack of the path, fetched first when only its registry lists it; that is for operators.

    A fetch sends requests to other machines and stores what they answer, which a role that may only read must not
    cause. Raises 403 for such a role, 404, and what fetching raises.
    """
    view, actor = use.view_or_404(call.hub, call.uid), call.actor
    role = actor.grants.role(call.project) if call.project else actor.grants.highest
    if view.pack is None and not covers(role, OPERATOR):
        raise forbidden(
            f"The pack {view.name} {view.version} is not stored yet, and this role does not fetch it. "
            f"An operator does: edgewright pack fetch {shlex.quote(view.name)}."
        )
    return await use.fetched(call.hub, view, call.caller)


async def get(call: Call) -> Response:
    """Return a version of a pack (`v1PackTagEntity`), fetched first when only its registry lists it."""
    view = await _present(call)
    texts = await use.texts(call.hub, [view])
    return call.json(documents.tag_entity([view], [(view, *texts[view.uid])]))


async def readme(call: Call) -> Response:
    """Return the README of a version (`v1PackReadme`)."""
    view = await _present(call)
    return call.json({"readme": (await use.texts(call.hub, [view]))[view.uid][1]})


async def rows(call: Call) -> Response:
    """List packs without their values: all that are there, and of what registries list the newest version of a name."""
    index = call.hub.part(PackIndex)
    seen: set[tuple[str, str]] = set()
    items = []
    for view in list(index.views.values()):
        if view.pack is None:
            if (view.registry_uid, view.name) in seen:
                continue
            seen.add((view.registry_uid, view.name))
        items.append(documents.summary(view, "", index.registry_name(view.registry_uid)))
        if len(items) >= MOST_ROWS:
            break
        if len(items) % 500 == 0:
            await asyncio.sleep(0)  # other requests are answered in between
    return call.json({"items": items})


async def shown(call: Call) -> Response:
    """Return a version as the list has it, with its README; fetched first when only its registry lists it."""
    view = await _present(call)
    values, text = (await use.texts(call.hub, [view]))[view.uid]
    document = documents.summary(view, values, _registry(call, view))
    document["spec"]["edgewright"]["readme"] = text
    return call.json(document)


async def add(call: Call) -> Response:
    """Import the pack in an archive (tar, plain or gzip), sent as a blob of the tenant before."""
    body = await call.body()
    if body.get("registryUid"):
        return await _from_registry(call, body)
    blob = str(body.get("blob") or "")
    if not blob:
        raise invalid(problems.REQUIRED, "blob in body is required, or registryUid with name and version")
    data = await _blob(call, blob)
    what = str(body.get("name") or "The archive")
    loaded = await call.hub.part(Fetcher).run(lambda: reader.from_archive(data, what), call.caller)
    pack = loaded.pack
    shipped = {(each.name, each.version) for each in catalogue.packs()}
    if (pack.name, pack.version) in shipped:
        raise conflict(f"The pack {pack.name} {pack.version} is in the built-in catalogue already.", "DuplicatePack")

    def job(tx: Tx) -> str:
        record = store.put_pack(tx, call.hub.part(BlobStore), loaded, IMPORTED)
        call.audit(tx, "create", KIND, record.uid, pack.name, f"Pack '{pack.name}' {pack.version} is imported")
        return record.uid

    return call.created(await call.write(job))


async def _from_registry(call: Call, body: dict[str, Any]) -> Response:
    """Fetch a pack of a registry by name and version, whether the registry lists it or not."""
    name, version = str(body.get("name") or ""), str(body.get("version") or "")
    view = await use.fetched_by_name(call.hub, str(body["registryUid"]), name, version, call.caller)

    def job(tx: Tx) -> None:
        call.audit(tx, "create", KIND, view.uid, name, f"Pack '{name}' {version} is imported from a registry")

    await call.write(job)
    return call.created(view.uid)


async def _blob(call: Call, wanted: str) -> bytes:
    """Return a complete blob of the tenant; raises 404, and 422 for a digest that is none."""
    data = await call.hub.read(partial(call.hub.part(BlobStore).read, project="", digest=wanted))
    if data is None or digest(data) != f"sha256:{wanted}":
        raise not_found("blob", wanted)
    return data


async def fetch(call: Call) -> Response:
    """Fetch what a pack of the catalogue refers to, and record its digest; or a pack of a registry."""
    view = use.view_or_404(call.hub, call.uid)
    if view.pack is None:
        view = await use.fetched(call.hub, view, call.caller)
    elif not view.stored:
        view = await use.fetched_upstream(call.hub, view, call.caller)
    text = f"The content of pack '{view.name}' {view.version} is fetched"
    await call.write(lambda tx: call.audit(tx, "action", KIND, view.uid, view.name, text))
    values = (await use.texts(call.hub, [view]))[view.uid][0]
    return call.json(documents.summary(view, values, _registry(call, view)))


async def delete(call: Call) -> Response:
    """Remove a pack that was imported or fetched; one of the catalogue or of a registry can be fetched again."""
    view = use.view_or_404(call.hub, call.uid)
    record = call.hub.part(PackIndex).packs.get(call.uid)
    if record is None:
        raise invalid(problems.ENUM, f"The pack {view.name} {view.version} is not stored, so it cannot be deleted.")

    def job(tx: Tx) -> None:
        store.delete_pack(tx, record)
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Pack '{record.name}' {record.version} is deleted")

    await call.write(job)
    return call.empty()


_LISTED = {**bodies.PAGE, "filters": shapes.text(), "orderBy": shapes.text(64), "fields": shapes.text()}
_VERSIONS = {"cloudType": shapes.text(32), "layer": shapes.text(16), "states": shapes.text()}
_IMPORT = shapes.obj(blob=shapes.name(64), name=shapes.name(), registryUid=shapes.name(), version=shapes.name(128))
_META = shapes.obj(
    uid=bodies.NAME,
    name=bodies.NAME,
    labels=shapes.LABELS,
    annotations=shapes.ANNOTATIONS,
    creationTimestamp=shapes.WHEN,
)
_SUMMARY: Any = shapes.obj(
    apiVersion=shapes.text(), kind=shapes.text(), metadata=_META, spec=shapes.ANY, status=shapes.ANY
)
ROUTES = (
    Route("GET", protocol.PACKS, Access.READ, listing, query=_LISTED),
    Route("POST", protocol.PACKS_SEARCH, Access.READ, search, body=palette.PACKS_FILTER_SPEC, query=bodies.PAGE),
    Route("GET", protocol.PACK_VERSIONS, Access.READ, versions, query=_VERSIONS),
    Route("GET", protocol.PACK, Access.READ, get),
    Route("GET", protocol.PACK_README, Access.READ, readme),
    Route("GET", protocol.OWN_PACKS, Access.READ, rows, returns=shapes.obj(items=shapes.many(_SUMMARY))),
    Route("POST", protocol.OWN_PACKS, Access.WRITE, add, On.TENANT, body=_IMPORT, returns=answers.MADE, status=201),
    Route("GET", protocol.OWN_PACK, Access.READ, shown, returns=_SUMMARY),
    Route("DELETE", protocol.OWN_PACK, Access.WRITE, delete, On.TENANT),
    Route("POST", protocol.PACK_CONTENT, Access.OPERATE, fetch, returns=_SUMMARY, status=200),
)

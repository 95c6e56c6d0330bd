"""Using a pack: its texts are read, and what only a registry lists is fetched first and stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from edgewright.core.packs.metadata import NAME, VERSION
from edgewright.core.packs.pack import Pack
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.packs import fetching, store, tables
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.index import BUILTIN, Listed, PackIndex, View
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.packs import catalogue
from edgewright.packs.reader import LoadedPack

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services


def view_or_404(hub: Services, uid: str) -> View:
    """Return a version of a pack by its uid; raises 404."""
    view = hub.part(PackIndex).views.get(uid)
    if view is None:
        raise not_found("pack", uid)
    return view


async def texts(hub: Services, views: Sequence[View]) -> dict[str, tuple[str, str]]:
    """Return values and README by uid; both empty for what was not fetched yet."""
    result = {view.uid: (view.pack.values, view.pack.readme) if view.pack is not None else ("", "") for view in views}
    stored = [view.uid for view in views if _has_row(view)]
    if stored:
        result.update(await hub.read(lambda connection: store.texts(connection, stored)))
    return result


def _has_row(view: View) -> bool:
    """Return whether the texts of a pack are in the database; those of shipped packs are in memory."""
    return view.stored and view.pack is not None and not view.pack.values and not view.pack.readme


async def fetched(hub: Services, view: View, caller: str = "") -> View:
    """Return a view whose pack is there, fetched and stored when only its registry lists it. Raises `Problem`."""
    fetcher = hub.part(Fetcher)

    async def fetch() -> View:
        present, index = view_or_404(hub, view.uid), hub.part(PackIndex)
        record, listed = index.registries.get(view.registry_uid), view.listed
        if present.pack is not None or record is None or listed is None:
            return present
        access = fetching.access_of(record, hub.box)
        loaded = await fetcher.run(lambda: fetching.fetch(record, access, listed), caller)
        return await _stored(hub, loaded, listed.name, listed.version, record.uid)

    return view if view.pack is not None else await fetcher.once(view.uid, fetch)


async def fetched_by_name(hub: Services, registry_uid: str, name: str, version: str, caller: str = "") -> View:
    """Return a version of a pack of a registry, fetched whether the registry lists it or not. Raises `Problem`."""
    index, fetcher = hub.part(PackIndex), hub.part(Fetcher)
    record = index.registries.get(registry_uid)
    if record is None:
        raise not_found("registry", registry_uid)
    uid = catalogue.uid(registry_uid, name, version)
    if uid in index.views:
        return await fetched(hub, index.views[uid], caller)
    if record.kind == tables.HELM or not NAME.fullmatch(name.replace("/", "-")) or not VERSION.fullmatch(version):
        raise not_found("pack", f"{name} {version}")

    async def fetch() -> View:
        access = fetching.access_of(record, hub.box)
        loaded = await fetcher.run(lambda: fetching.fetch(record, access, Listed(name, version, "oci")), caller)
        return await _stored(hub, loaded, name, version, registry_uid)

    return await fetcher.once(uid, fetch)


async def _stored(hub: Services, loaded: LoadedPack, name: str, version: str, registry_uid: str) -> View:
    """Store a pack under the name and version that its registry has for it."""
    named = LoadedPack(replace(loaded.pack, name=name, version=version), loaded.blobs)

    def job(tx: Tx) -> None:
        store.registry_or_404(tx, registry_uid)  # it may have been removed meanwhile
        store.put_pack(tx, hub.part(BlobStore), named, registry_uid, replace=True)

    await hub.write(job)
    return view_or_404(hub, catalogue.uid(registry_uid, name, version))


async def fetched_upstream(hub: Services, view: View, caller: str = "") -> View:
    """Fetch what a pack of the catalogue refers to, and record its digest. Raises `Problem`."""
    fetcher = hub.part(Fetcher)

    async def fetch() -> View:
        pack = view_or_404(hub, view.uid).pack
        if pack is None or view.registry_uid != BUILTIN or pack.upstream is None:
            raise Problem(422, "NothingToFetch", f"The pack {view.name} refers to nothing that could be fetched.")
        if pack.upstream.digest and pack.charts:
            return view_or_404(hub, view.uid)
        loaded = await fetcher.run(lambda: fetching.fetch_upstream(pack), caller)
        await hub.write(lambda tx: store.put_pack(tx, hub.part(BlobStore), loaded, BUILTIN, replace=True))
        return view_or_404(hub, view.uid)

    return await fetcher.once(view.uid, fetch)


async def complete(hub: Services, name: str, version: str, registry_uid: str = "") -> Pack:
    """Return a pack with all its texts by name and version, for profiles; raises 404 and what fetching raises.

    Without `registry_uid` the built-in catalogue is searched first.
    """
    index = hub.part(PackIndex)
    matches = [
        view
        for view in index.views.values()
        if view.name == name and view.version == version and registry_uid in ("", view.registry_uid)
    ]
    if not matches:
        raise not_found("pack", f"{name} {version}")
    view = await fetched(hub, min(matches, key=lambda match: match.registry_uid != BUILTIN))
    values, readme = (await texts(hub, [view]))[view.uid]
    assert view.pack is not None
    return replace(view.pack, values=values, readme=readme)

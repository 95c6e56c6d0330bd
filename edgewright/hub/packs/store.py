"""Registries and packs in the database, and in memory after the commit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from edgewright.hub.db.document_bounds import limited
from edgewright.hub.db.shared.rows import locked, queue
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found
from edgewright.hub.packs import document, index, tables
from edgewright.hub.packs.tables import PackRecord, RegistryRecord
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.packs import catalogue
from edgewright.packs.reader import LoadedPack

_REGISTRIES, _PACKS, _TEXTS = tables.registries, tables.packs, tables.pack_texts


def registry_or_404(tx: Tx, uid: str) -> RegistryRecord:
    """Return a registry, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(_REGISTRIES).where(_REGISTRIES.c.uid == uid)))
    if row is None:
        raise not_found("registry", uid)
    return RegistryRecord(**row._mapping)


def insert_registry(tx: Tx, record: RegistryRecord) -> None:
    """Store a new registry; raises 409 for a name that exists, or too many registries."""
    queue(tx, "registries")
    _refuse_duplicate(tx, record)
    if int(tx.first(select(func.count()).select_from(_REGISTRIES))[0]) >= index.MOST_REGISTRIES:
        raise Problem(
            409, "TooManyRegistries", f"A plane has at most {index.MOST_REGISTRIES} registries; remove one first."
        )
    tx.run(_REGISTRIES.insert().values(**msgspec.structs.asdict(record)))
    tx.changed(record)


def update_registry(tx: Tx, record: RegistryRecord, **changes: Any) -> None:
    """Change a registry; raises 409 for a name that exists."""
    newer = msgspec.structs.replace(record, **changes)
    _refuse_duplicate(tx, newer)
    tx.run(_REGISTRIES.update().where(_REGISTRIES.c.uid == record.uid).values(**changes))
    tx.changed(newer)


def _refuse_duplicate(tx: Tx, record: RegistryRecord) -> None:
    same = select(_REGISTRIES.c.uid).where(_REGISTRIES.c.name == record.name, _REGISTRIES.c.uid != record.uid)
    if record.name in index.OWN.values() or tx.first(same) is not None:
        raise conflict(f"A registry named '{record.name}' exists already.", "DuplicateName")


def delete_registry(tx: Tx, record: RegistryRecord) -> None:
    """Delete a registry and the packs that were fetched from it."""
    for row in tx.all(select(_PACKS).where(_PACKS.c.registry_uid == record.uid)):
        delete_pack(tx, PackRecord(**row._mapping))
    tx.run(_REGISTRIES.delete().where(_REGISTRIES.c.uid == record.uid))
    tx.removed(record)


def put_pack(tx: Tx, blobs: BlobStore, loaded: LoadedPack, registry_uid: str, replace: bool = False) -> PackRecord:
    """Store a pack with its content as blobs of the tenant; raises 409 for a version that exists, 413.

    `replace`: a pack that is fetched again takes the place of what was stored.
    """
    pack = loaded.pack
    uid = catalogue.uid(registry_uid, pack.name, pack.version)
    queue(tx, "packs")
    before = tx.first(select(_PACKS.c.uid).where(_PACKS.c.uid == uid))
    if before is not None and not replace:
        raise conflict(f"The pack {pack.name} {pack.version} exists already.", "DuplicatePack")
    if before is None and int(tx.first(select(func.count()).select_from(_PACKS))[0]) >= index.MOST_PACKS:
        raise Problem(409, "TooManyPacks", f"A plane has at most {index.MOST_PACKS} packs; remove a registry first.")
    doc = limited(document.of_pack(pack), document.MAX_DOCUMENT, f"The pack {pack.name} {pack.version}")
    record = PackRecord(uid, registry_uid, pack.name, pack.version, pack.layer, pack.kind, doc, tx.now)
    if before is not None:
        tx.run(_PACKS.delete().where(_PACKS.c.uid == uid))
        tx.run(_TEXTS.delete().where(_TEXTS.c.uid == uid))
    tx.run(_PACKS.insert().values(**msgspec.structs.asdict(record)))
    tx.run(_TEXTS.insert().values(uid=uid, values=pack.values, readme=pack.readme))
    for digest, data in loaded.blobs.items():
        blobs.put(tx, "", digest.removeprefix("sha256:"), data)
    tx.changed(record)
    return record


def delete_pack(tx: Tx, record: PackRecord) -> None:
    """Delete a pack; its blobs go when nothing names them any more."""
    tx.run(_PACKS.delete().where(_PACKS.c.uid == record.uid))
    tx.run(_TEXTS.delete().where(_TEXTS.c.uid == record.uid))
    tx.removed(record)


def texts(connection: Connection, uids: list[str]) -> dict[str, tuple[str, str]]:
    """Return values and README of packs by uid."""
    columns = (_TEXTS.c.uid, _TEXTS.c["values"], _TEXTS.c.readme)
    results = connection.execute(select(*columns).where(_TEXTS.c.uid.in_(uids)))
    return {uid: (values, readme) for uid, values, readme in results}

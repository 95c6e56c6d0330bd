"""Profiles and macros in the database, and in memory after the commit."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from edgewright.hub.db.shared.rows import locked, queue, retain_project
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found
from edgewright.hub.profiles import index, tables
from edgewright.hub.profiles.tables import MacroRecord, ProfileRecord

_PROFILES, _TEXTS, _MACROS = tables.profiles, tables.profile_texts, tables.macros


def get_or_404(tx: Tx, uid: str) -> ProfileRecord:
    """Return a version of a profile, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(_PROFILES).where(_PROFILES.c.uid == uid)))
    if row is None:
        raise not_found("cluster profile", uid)
    return ProfileRecord(**row._mapping)


def find(connection: Connection, uid: str) -> tuple[ProfileRecord, str, str] | None:
    """Return a profile with its draft and published content as stored (each may be empty); `None` without one."""
    query = select(_PROFILES, _TEXTS.c.draft, _TEXTS.c.published.label("live")).join(
        _TEXTS, _TEXTS.c.uid == _PROFILES.c.uid
    )
    row = connection.execute(query.where(_PROFILES.c.uid == uid)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    draft, live = values.pop("draft"), values.pop("live")
    return ProfileRecord(**values), draft, live


def insert(tx: Tx, record: ProfileRecord, draft: str, live: str) -> None:
    """Store a new version; raises 409 for one that exists, or too many of a project."""
    queue(tx, f"profiles {record.project_uid}")
    _refuse_duplicate(tx, record)
    counting = select(func.count()).select_from(_PROFILES).where(_PROFILES.c.project_uid == record.project_uid)
    if int(tx.first(counting)[0]) >= index.MOST:
        text = f"A project has at most {index.MOST} versions of profiles, the tenant as many; delete one first."
        raise Problem(409, "TooManyProfiles", text)
    retain_project(tx, record.project_uid)
    tx.run(_PROFILES.insert().values(**msgspec.structs.asdict(record)))
    tx.run(_TEXTS.insert().values(uid=record.uid, draft=draft, published=live))
    tx.changed(record)


def put(tx: Tx, before: ProfileRecord, newer: ProfileRecord, draft: str, live: str) -> None:
    """Store a change of a version; raises 409 for a name and version that exist."""
    if (before.name, before.version) != (newer.name, newer.version):
        queue(tx, f"profiles {newer.project_uid}")
        _refuse_duplicate(tx, newer)
    values = {key: value for key, value in msgspec.structs.asdict(newer).items() if key != "uid"}
    tx.run(_PROFILES.update().where(_PROFILES.c.uid == newer.uid).values(**values))
    tx.run(_TEXTS.update().where(_TEXTS.c.uid == newer.uid).values(draft=draft, published=live))
    tx.changed(newer)


def delete(tx: Tx, record: ProfileRecord) -> None:
    """Delete a version."""
    tx.run(_PROFILES.delete().where(_PROFILES.c.uid == record.uid))
    tx.run(_TEXTS.delete().where(_TEXTS.c.uid == record.uid))
    tx.removed(record)


def _refuse_duplicate(tx: Tx, record: ProfileRecord) -> None:
    same = select(_PROFILES.c.uid).where(
        _PROFILES.c.project_uid == record.project_uid,
        _PROFILES.c.name == record.name,
        _PROFILES.c.version == record.version,
        _PROFILES.c.uid != record.uid,
    )
    if tx.first(same) is not None:
        raise conflict(f"The cluster profile '{record.name}' {record.version} exists already.", "DuplicateProfile")


def macros_of(tx: Tx, project_uid: str) -> dict[str, MacroRecord]:
    """Return the macros of a project, locked until the end of the transaction."""
    rows = tx.all(locked(select(_MACROS).where(_MACROS.c.project_uid == project_uid)))
    return {row.name: MacroRecord(**row._mapping) for row in rows}


def put_macro(tx: Tx, record: MacroRecord, new: bool) -> None:
    """Store a macro."""
    if new:
        tx.run(_MACROS.insert().values(**msgspec.structs.asdict(record)))
    else:
        tx.run(
            _MACROS.update()
            .where(_MACROS.c.uid == record.uid)
            .values(value_encrypted=record.value_encrypted, modified=record.modified, masked=record.masked)
        )
    tx.changed(record)


def delete_macro(tx: Tx, record: MacroRecord) -> None:
    """Delete a macro."""
    tx.run(_MACROS.delete().where(_MACROS.c.uid == record.uid))
    tx.removed(record)

"""What the first start makes: tenant, project, admin user and the admin's API key."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, func, select

from edgewright.core import times
from edgewright.core.errors import Failed
from edgewright.core.roles import ADMIN
from edgewright.hub.db import schema
from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.changelog.entry import DELETE, PUT, Entry
from edgewright.hub.db.records import KeyRecord, ProjectRecord, UserRecord, dump
from edgewright.hub.process.files import write_atomically
from edgewright.hub.readmodel.state import DEFAULT_PROJECT
from edgewright.hub.security.secretbox import digest, new_secret, new_uid
from edgewright.wire import protocol

ADMIN_KEY_FILE = "admin-api-key"
ADMIN_EMAIL = "admin@localhost"
ORG = "Edgewright"
_KEY = re.compile(re.escape(protocol.API_KEY_PREFIX) + r"[A-Za-z0-9_-]{43}")


def seed(engine: Engine, data: Path, *, new_key: bool) -> None:
    """Make what is missing. Raises `Failed` when the admin key's file is damaged."""
    path = data / ADMIN_KEY_FILE
    with engine.begin() as connection:
        fresh = not connection.execute(select(func.count()).select_from(schema.users)).scalar()
        user = _first_records(connection) if fresh else _admin(connection)
        if not fresh and not new_key:
            _check_file(path)
            return
        text = new_secret(protocol.API_KEY_PREFIX)
        _replace_key(connection, text, user)
        # The file goes first: a cut before the commit leaves a key that is not valid and is created again at the next
        # start, since the database is then still empty.
        write_atomically(path, text.encode() + b"\n")


def _check_file(path: Path) -> None:
    if path.exists() and not _KEY.fullmatch(path.read_text(errors="replace").strip()):
        raise Failed(
            f"{path} is damaged: it does not contain an API key.",
            "Start once with --new-admin-key for a new one, or remove the file if the key is stored elsewhere.",
            code="DamagedAdminKey",
        )


def _first_records(connection: Connection) -> str:
    now = times.now()
    for key, value in (("tenant_uid", new_uid()), ("org", ORG)):
        connection.execute(schema.settings.insert().values(key=key, value=value))
    project = ProjectRecord(new_uid(), DEFAULT_PROJECT, dump({"metadata": {}, "spec": {}}), now, now)
    connection.execute(schema.projects.insert().values(**msgspec.structs.asdict(project)))
    user = UserRecord(new_uid(), ADMIN_EMAIL, "Admin", "", ADMIN, now)
    connection.execute(schema.users.insert().values(**msgspec.structs.asdict(user)))
    return user.uid


def _admin(connection: Connection) -> str:
    table = schema.users
    admins = select(table.c.uid).where(table.c.role.contains(ADMIN), table.c.active.is_(True)).order_by(table.c.created)
    return str(connection.execute(admins).scalar())


def _replace_key(connection: Connection, text: str, user: str) -> None:
    """Store the hash of the new key and withdraw the one made by an earlier start."""
    now = times.now()
    entries: list[Entry] = []
    table, settings = schema.api_keys, schema.settings
    stored = connection.execute(select(settings.c.value).where(settings.c.key == "admin_key_uid")).scalar()
    if stored:
        connection.execute(table.delete().where(table.c.uid == stored))
        entries.append(Entry("apikey", DELETE, stored))
        connection.execute(settings.delete().where(settings.c.key == "admin_key_uid"))
    record = KeyRecord(
        new_uid(), "admin", digest(text), ADMIN, user, True, None, dump({"metadata": {}, "spec": {}}), now, now
    )
    connection.execute(table.insert().values(**msgspec.structs.asdict(record)))
    connection.execute(settings.insert().values(key="admin_key_uid", value=record.uid))
    entries += [Entry("apikey", PUT, record.uid), Entry("setting", PUT, "admin_key_uid")]
    changelog.append(connection, entries, "", now)  # other hubs on this database follow

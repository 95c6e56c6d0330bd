"""Engines for SQLite and PostgreSQL.

SQLite runs in WAL mode with `synchronous=FULL`: what was acknowledged is on the disk. Transactions are begun by hand,
since the driver's own idea of them does not cover DDL and savepoints.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from edgewright.core.errors import Conflict, Failed
from edgewright.hub.problems import Problem, StorageProblem

DATABASE = "hub.db"
_LOST = "nothing of this request was kept."
_PG_LOCK = 0x65646765  # "edge": one hub process for one database


def open_engines(data: Path, url: str | None) -> tuple[Engine, Engine]:
    """Return the engine of the one writer and the engine of the readers.

    Raises `Failed` when the database cannot be opened, `Conflict` when another hub holds it.
    """
    try:
        parsed = make_url(url or f"sqlite:///{data / DATABASE}")
    except ArgumentError:
        raise Failed("The database URL cannot be read.", "Write --db postgresql+psycopg://user@host/name.") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise Failed(
            f"The hub keeps no data in {parsed.get_backend_name()}.", "Write --db postgresql+psycopg://user@host/name."
        )
    try:
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(str(parsed), "BEGIN IMMEDIATE"), _sqlite(str(parsed), "BEGIN")
        writer = create_engine(parsed, pool_size=1, max_overflow=0, pool_pre_ping=True)
        _hold(writer)
        return writer, create_engine(parsed, pool_size=4, pool_pre_ping=True)
    except (DBAPIError, ModuleNotFoundError) as error:
        shown = parsed.render_as_string(hide_password=True)
        cause = str(getattr(error, "orig", error)).strip().splitlines()
        raise Failed(
            f"The database {shown} cannot be opened: {cause[0] if cause else type(error).__name__}.",
            "Check that it runs and that this user may write it."
            if url
            else "Restore a backup (edgewright hub restore) into a new directory.",
            code="Database",
        ) from None


def unusable(error: DBAPIError) -> Failed:
    """Return what to tell when the database breaks off while the hub starts."""
    cause = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
    hint = "Free space on its disk." if "full" in cause else "Restore a backup (edgewright hub restore), or mend it."
    return Failed(f"The hub's database cannot be used: {cause}.", hint, code="Database")


def _sqlite(url: str, begin: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 10})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    with engine.connect():
        pass
    return engine


def _hold(engine: Engine) -> None:
    """Keep other hubs off a PostgreSQL database for as long as the writer's connection lives."""
    with engine.begin() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _PG_LOCK}).scalar():
            raise Conflict(
                "Another hub already runs on this database.", "Stop it, or give another --db.", code="DatabaseInUse"
            )


def storage_problem(error: BaseException) -> Problem | None:
    """Return what to answer for a failure of the database itself; `None` when it is something else."""
    if not isinstance(error, DBAPIError):
        return None
    cause = str(error.orig)
    if "disk is full" in cause or "No space left" in cause:
        return StorageProblem(507, "StorageFull", f"The hub's disk is full; {_LOST}")
    if "readonly" in cause or "read-only" in cause:
        return StorageProblem(503, "StorageReadOnly", f"The hub's database is read-only; {_LOST}")
    if isinstance(error, OperationalError):
        return StorageProblem(503, "StorageFailed", f"The hub's database does not answer; {_LOST}")
    return None

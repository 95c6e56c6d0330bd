"""Engines for SQLite and PostgreSQL.

SQLite runs in WAL mode with `synchronous=FULL`: what was acknowledged is on the disk. Transactions are begun
explicitly, since the driver's own idea of them does not cover DDL and savepoints.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InternalError, OperationalError

from edgewright.core.errors import Failed
from edgewright.hub.db.integrity import cause, is_damage
from edgewright.hub.db.lock import DatabaseLock
from edgewright.hub.db.shared import sessions
from edgewright.hub.db.shared.unique import unique_problem
from edgewright.hub.http.problems import Problem, StorageProblem
from edgewright.hub.process.files import DATABASE

_LOST = "nothing of this request was stored."
_LINK = {
    "client_encoding": "utf8",
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Options of libpq unless the URL has its own: after a failover the old server often just stops to answer, and without
them a start waits for 130 s and a query for a quarter of an hour."""
ROOM = 1024 * 1024
"""Bytes that must be free on the disk of a SQLite database: less counts as full."""
_LOCKS: WeakKeyDictionary[Engine, DatabaseLock] = WeakKeyDictionary()


def open_engines(data: Path, url: str | None) -> tuple[Engine, Engine]:
    """Return the engine of the one writer and the engine of the readers.

    Raises `Failed` when the database cannot be opened, `Conflict` when another hub uses it.
    """
    try:
        parsed = make_url(url) if url else URL.create("sqlite", database=str(data / DATABASE))
    except ArgumentError:
        raise Failed("The database URL cannot be read.", "Write --db postgresql+psycopg://user@host/name.") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise Failed(
            f"There is no hub data in {parsed.get_backend_name()}.", "Write --db postgresql+psycopg://user@host/name."
        )
    try:
        if parsed.get_backend_name() == "sqlite":
            writer = _sqlite(parsed, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0)  # one writer, one connection
            _watch_file(writer, Path(parsed.database or data / DATABASE))
            return writer, _sqlite(parsed, "BEGIN")
        writer = _postgresql(parsed, pool_size=1, max_overflow=0)
        _LOCKS[writer] = DatabaseLock()
        _LOCKS[writer].attach(writer)
        with writer.connect() as connection:
            _check_encoding(connection, parsed)
        return writer, _postgresql(parsed, pool_size=4)
    except (DBAPIError, ModuleNotFoundError) as error:
        shown = parsed.render_as_string(hide_password=True)
        raise Failed(
            f"The database {shown} cannot be opened: {cause(getattr(error, 'orig', None) or error)}.",
            "Check that it runs and that this user may write it." if url else _hint(data),
            code="Database",
        ) from None


def _check_encoding(connection: Connection, url: URL) -> None:
    """Raise `Failed` for a database that cannot store every text, as `initdb` makes it in a locale without UTF-8."""
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        name = url.database or ""
        raise Failed(
            f"The database {name} has the encoding {encoding}; a hub needs UTF8.",
            f"Create it with: CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0;",
            code="Database",
        )


def _hint(data: Path) -> str:
    """Return what to do about a SQLite file that cannot be opened: on a full disk SQLite reports an I/O error."""
    with suppress(OSError):
        if shutil.disk_usage(data).free < ROOM:
            return "Its disk is full: free space, then start the hub again."
    return "Restore a backup (edgewright hub restore) into a new directory."


def _options(url: URL) -> dict[str, Any]:
    link = {name: value for name, value in _LINK.items() if name not in url.query}
    return {"connect_args": link, "hide_parameters": True}


def _postgresql(url: URL, **pool: int) -> Engine:
    engine = create_engine(url, pool_use_lifo=True, **pool, **_options(url))  # the last one used, which is not idle
    sessions.ask_idle(engine)
    return engine


def same_database(engine: Engine, *, pool_size: int) -> Engine:
    """Return another engine on the PostgreSQL database of an engine, with sessions of its own."""
    return _postgresql(engine.url, pool_size=pool_size, max_overflow=0)


def unusable(error: DBAPIError) -> Failed:
    """Return the error for a database that fails while the hub starts."""
    reason = cause(error.orig or error)
    hint = "Free space on its disk." if "full" in reason else "Restore a backup (edgewright hub restore), or repair it."
    return Failed(f"The hub's database cannot be used: {reason}.", hint, code="Database")


def _sqlite(url: URL, begin: str, **pool: int) -> Engine:
    driver = {"check_same_thread": False, "timeout": 10}
    engine = create_engine(url, connect_args=driver, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")
        for pragma in (*pragmas, "wal_autocheckpoint=0"):  # see checkpoint.py
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine, "handle_error", retval=True)
    def _quote_nothing(context: ExceptionContext) -> BaseException | None:
        """Replace the driver's message about a text that is not UTF-8: it quotes the text, which may be a secret."""
        original = context.original_exception
        clean = cause(original)
        if not isinstance(original, sqlite3.Error) or not is_damage(original) or clean == str(original):
            return context.sqlalchemy_exception
        original.args = (clean,)
        return DatabaseError(context.statement, None, original, hide_parameters=True)

    with engine.connect():
        pass
    return engine


def _watch_file(engine: Engine, path: Path) -> None:
    """Refuse to write into a file that was removed or replaced: what it takes would be gone at the next start."""

    def identity() -> tuple[int, int] | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    opened = identity()

    @event.listens_for(engine, "begin")
    def _compare(_connection: Connection) -> None:
        if identity() != opened:
            raise StorageProblem(
                503, "StorageGone", f"{path.name} was removed or replaced while the hub runs; {_LOST} Stop the hub."
            )


def lock_of(engine: Engine) -> DatabaseLock | None:
    """Return the lock of a writer's engine on PostgreSQL; SQLite's is that of the data directory."""
    return _LOCKS.get(engine)


def storage_problem(error: BaseException) -> Problem | None:
    """Return what to answer for a failure of the database itself, or for a row that exists already; else `None`."""
    if not isinstance(error, DBAPIError):
        return None
    reason = str(error.orig)
    if "disk is full" in reason or "No space left" in reason:
        return StorageProblem(507, "StorageFull", f"The hub's disk is full; {_LOST}")
    if "readonly" in reason or "read-only" in reason:
        return StorageProblem(503, "StorageReadOnly", f"The hub's database is read-only; {_LOST}")
    if error.orig is not None and is_damage(error.orig):
        return StorageProblem(503, "StorageDamaged", f"The hub's database is damaged; {_LOST} See: hub status.")
    if (duplicate := unique_problem(error)) is not None:
        return duplicate
    if isinstance(error, (OperationalError, InternalError)):
        return StorageProblem(503, "StorageFailed", f"The hub's database does not answer; {_LOST}")
    return None

"""One hub process for one PostgreSQL database, also after a restart, a failover or a killed session of the server.

PostgreSQL frees a session's advisory lock when the session ends, and the hub gets no notice. So the lock is taken by
the very connection that writes: each new one takes it first, and each transaction looks whether it still has it. A
session without the lock writes nothing, and a transaction of a session that ends is rolled back: two hubs never both
write.

A hub has its fleet in memory, so a lock taken again is not enough: another hub may have written in between. Each hub
writes a token of its own into the database when it starts. A hub that finds another token has been taken over; it
answers nothing any more until it is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from edgewright.core.errors import Conflict
from edgewright.hub.db import schema
from edgewright.hub.http.problems import StorageProblem

if TYPE_CHECKING:
    pass

log = logging.getLogger("edgewright.hub")
KEY = 0x65646765
"""The advisory lock, "edge"."""
HOLDER = "hub_process"
"""The setting with the token of the hub that started last."""
UNSURE = 60.0
"""Seconds that the writer waits to learn whether a transaction was committed."""
LOOK_EVERY = 5.0
"""Seconds between two looks at the lock when nothing is written."""
# An idle hub is still the one hub. The server ends the session of a machine that disappeared, so that another can
# start. A hub that is paused in the middle of a transaction must not lock rows for the others for ever.
_SESSION = """
SELECT set_config(known.name, wanted.value, false) FROM pg_settings AS known JOIN (VALUES
    ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '10s'), ('lock_timeout', '5s'),
    ('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
) AS wanted (name, value) ON known.name = wanted.name"""
_TAKE = f"SELECT pg_try_advisory_lock({KEY})"
_LOOK = f"""
SELECT EXISTS (
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
    AND classid = 0 AND objid = {KEY} AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), (SELECT value FROM settings WHERE key = '{HOLDER}'), txid_current()"""  # noqa: S608 - two constants of this module


class DatabaseLock:
    """The lock of one hub process on its database; `attach` it to the engine of the writer."""

    def __init__(self) -> None:
        self.taken_over = False
        """Whether another hub has started on this database since: what this one has in memory is out of date."""
        self._token = ""
        self._locked = False
        self._transaction = 0

    def attach(self, engine: Engine) -> None:
        """Take the lock with each new connection, and look for it in each transaction.

        A connection raises `Conflict` while the hub starts and `StorageProblem` later when another hub has the lock.
        """
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "begin", self._begun)

    def claim(self, engine: Engine) -> None:
        """Write this hub's token, after the migration and before anything is read into memory."""
        token, table = secrets.token_hex(16), schema.settings
        with engine.begin() as connection:
            if not connection.execute(table.update().where(table.c.key == HOLDER).values(value=token)).rowcount:
                connection.execute(table.insert().values(key=HOLDER, value=token))
        self._token = token

    def committed(self, engine: Engine, stopping: Callable[[], bool]) -> bool:
        """Return whether the last transaction was committed although its commit failed.

        A connection that breaks before the answer leaves that open, and memory must not be behind the database. Waits
        until the database answers, `UNSURE` seconds at most.
        """
        transaction, end = self._transaction, time.monotonic() + UNSURE
        while transaction:
            with contextlib.suppress(DBAPIError, StorageProblem), engine.connect() as connection:
                outcome = connection.exec_driver_sql(f"SELECT txid_status({int(transaction)})").scalar()
                if outcome != "in progress":
                    return outcome == "committed"
            if self.taken_over or stopping() or time.monotonic() > end:
                break
            time.sleep(0.5)
        log.error("it is unknown whether the last writes were stored; start this hub again when the database runs")
        return False

    def _connected(self, connection: Any, _record: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION)
                locked = bool(cursor.execute(_TAKE).fetchone()[0])
                holder = cursor.execute(_LOOK).fetchone()[1] if self._token else None
            connection.commit()
            self._judge(locked, holder)
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise
        if self._token:
            log.warning("the connection to the database was lost; a new one has taken the lock again")

    def _begun(self, connection: Connection) -> None:
        if not self._token:
            return  # the hub starts: its one connection has just taken the lock
        locked, holder, self._transaction = connection.exec_driver_sql(_LOOK).one()
        if not locked:
            locked = bool(connection.exec_driver_sql(_TAKE).scalar())
            holder = connection.exec_driver_sql(_LOOK).one()[1]
        self._judge(locked, holder)

    def _judge(self, locked: bool, holder: str | None) -> None:
        """Raise unless this hub may write; log when that changes."""
        if self._token and holder != self._token:
            if not self.taken_over:
                log.error(
                    "another hub has started on this database; this one answers nothing until it is started again"
                )
            self.taken_over = True
        if self.taken_over:
            raise taken_over()
        if locked:
            if not self._locked and self._token:
                log.warning("this hub has the lock of its database again and writes")
            self._locked = True
            return
        if not self._token:
            raise Conflict(
                "Another hub already runs on this database.", "Stop it, or give another --db.", code="DatabaseInUse"
            )
        if self._locked:
            log.error("another program has the lock of this hub's database; nothing is written until it is free")
        self._locked = False
        raise StorageProblem(
            503,
            "DatabaseInUse",
            "Another hub has the lock of this database, so this one does not write; stop one of them.",
        )


async def watch(lock: DatabaseLock, write: Callable[[], Awaitable[object]], taken_over: Callable[[], None]) -> None:
    """Look at the lock every few seconds until another hub has taken over; then end the streams of changes."""
    while not lock.taken_over:
        await asyncio.sleep(LOOK_EVERY)
        with contextlib.suppress(StorageProblem):
            await write()
    taken_over()


def taken_over() -> StorageProblem:
    """Return the answer of a hub that another one has taken over."""
    return StorageProblem(
        503, "DatabaseTakenOver", "Another hub has started on this database, so this one no longer answers; stop it."
    )

"""What each session with PostgreSQL begins with: its settings, and one hub at a time that starts.

Several hubs share a database. Only their starts wait for each other, since each migrates the schema and makes what is
missing: the lock is taken by the very connection that does so, until the hub has read everything into memory. Hubs of
releases before 0.2 take it for as long as they run, so none of them runs beside one of these.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from edgewright.core.errors import Conflict
from edgewright.hub.http.problems import StorageProblem

log = logging.getLogger("edgewright.hub")
KEY = 0x65646765
"""The advisory lock, "edge"."""
WAIT = 20.0
"""Seconds that a start waits for the start of another hub."""
UNSURE = 60.0
"""Seconds that the writer waits to learn whether a transaction was committed."""
PAUSED, MIGRATING = 4, 10
"""Seconds that a transaction may wait for its hub, which may have disappeared or not run.

The rows that it has locked, the head of the change log among them, are locked for the writes of all hubs. Less than
`membership.AWAY`, so that others do not seem to be down meanwhile. A migration may compute for longer."""
# An idle hub stays connected. The server ends the session of a machine that disappeared, and that of a hub which is
# paused in the middle of a transaction.
_SESSION = f"""
SELECT set_config(known.name, wanted.value, false) FROM pg_settings AS known JOIN (VALUES
    ('idle_session_timeout', '0'), ('lock_timeout', '5s'), ('idle_in_transaction_session_timeout', '{MIGRATING}s'),
    ('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '30s')
) AS wanted (name, value) ON known.name = wanted.name"""  # noqa: S608 - constants of this module
_RUNNING = f"SET idle_in_transaction_session_timeout = '{PAUSED}s'"
# That timeout does not count while the server receives the statements of a batch or sends an answer. So for as long as
# a transaction lasts, the link is lost after `PAUSED` seconds as well; outside of one, a hub may be away for longer.
# "0" is that of a socket without such a bound, NULL that of a server without this setting.
_BEGIN = f"""
SELECT txid_current(), set_config('tcp_keepalives_idle', '1', true), set_config('tcp_keepalives_interval', '1', true),
    set_config('tcp_keepalives_count', '{PAUSED - 1}', true), CASE WHEN current_setting('tcp_user_timeout', true) <> '0'
    THEN set_config('tcp_user_timeout', '{PAUSED}s', true) END"""
_TAKE = f"SELECT pg_try_advisory_lock({KEY})"
_GIVE = f"SELECT pg_advisory_unlock({KEY})"


class DatabaseLock:
    """The lock of one hub that starts; `attach` it to the engine of the writer."""

    def __init__(self) -> None:
        self._starting = True
        self._transaction = 0

    def attach(self, engine: Engine) -> None:
        """Prepare each new session. While the hub starts, one raises `Conflict` when another hub does for long."""
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "begin", self._begun)

    def started(self, engine: Engine) -> None:
        """Let the next hub start: this one has read everything."""
        with engine.connect() as connection:
            connection.exec_driver_sql(_GIVE)
            connection.exec_driver_sql(_RUNNING)
            connection.commit()
        self._starting = False

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
            if stopping() or time.monotonic() > end:
                break
            time.sleep(0.5)
        log.error("it is unknown whether the last writes were stored; they are read again when the database runs")
        return False

    def _connected(self, connection: Any, _record: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION)
                if not self._starting:
                    cursor.execute(_RUNNING)
            connection.commit()
            if self._starting:
                _wait_for_others(connection)
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise
        if not self._starting:
            log.warning("the connection to the database was lost; there is a new one")

    def _begun(self, connection: Connection) -> None:
        if not self._starting:
            self._transaction = int(connection.exec_driver_sql(_BEGIN).scalar() or 0)


def _wait_for_others(connection: Any) -> None:
    end, waited = time.monotonic() + WAIT, False
    while True:
        with connection.cursor() as cursor:
            locked = bool(cursor.execute(_TAKE).fetchone()[0])
        connection.commit()
        if locked:
            return
        if time.monotonic() > end:
            raise Conflict(
                "Another hub starts on this database, or one of a release before 0.2 runs on it.",
                "Stop the older one, or try again.",
                code="DatabaseInUse",
            )
        if not waited:
            log.info("another hub starts on this database; this one waits")
        waited = True
        time.sleep(0.1)

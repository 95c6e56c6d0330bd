"""Sessions with PostgreSQL that end between two uses: a failover, an administrator, a network that forgets idle ones.

One that was idle for a while is asked whether it still exists before it is used again; to ask each time would cost a
busy hub a fifth of its statements. One that ended a moment ago fails at its first statement, before anything was done
with it, so a transaction begins once more on a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

T = TypeVar("T")
IDLE: Final = 3.0
"""Seconds without use from which a session is asked."""
_USED: Final = "used"


def ask_idle(engine: Engine) -> None:
    """Ask each session of a pool that was idle before it is used, and replace one that has ended."""

    def note(_connection: Any, record: Any) -> None:
        record.info[_USED] = monotonic()

    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get(_USED, float("-inf")) < IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError(str(error)) from None

    event.listen(engine, "connect", note)
    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", ask)


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction as `Engine.begin`, on a new session where the one of the pool has ended."""
    connection, transaction = again(lambda: _begun(engine))
    with connection, transaction:
        yield connection


def _begun(engine: Engine) -> tuple[Connection, RootTransaction]:
    connection = engine.connect()
    try:
        return connection, connection.begin()
    except BaseException:
        connection.close()
        raise


def again(work: Callable[[], T]) -> T:
    """Return what `work` returns, at the second try if its session had ended; it must be harmless to do it twice."""
    try:
        return work()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return work()


@contextmanager
def driver_of(connection: Connection) -> Iterator[Any]:
    """Yield the driver's own connection to PostgreSQL, on which each statement is a transaction of its own.

    For what a busy fleet writes a hundred times a second: begin, end and SQLAlchemy's own work cost four times as much
    as the statement. Raises `DBAPIError` as SQLAlchemy does.
    """
    pooled, dialect = connection.connection, connection.dialect
    driver: Any = pooled.driver_connection
    failure: Any = dialect.loaded_dbapi
    driver.autocommit = True
    try:
        yield driver
    except failure.Error as error:
        lost = dialect.is_disconnect(error, driver, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, failure.Error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
        ) from error
    finally:
        if not driver.closed:
            driver.autocommit = False

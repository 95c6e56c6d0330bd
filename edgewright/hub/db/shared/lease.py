"""Leases: of several hub processes on one database, one has a task at a time, by the database's clock.

The holder renews its lease; when it ends without that, another process takes it with a higher `epoch`. A process that
was paused learns that it lost a lease only from the database, so each of its transactions asks (`fence`): the lease's
row is locked until the commit, and a task that passes to another hub waits for what its former holder had begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Float, case, cast, func, literal, or_, select
from sqlalchemy.sql.dml import ReturningUpdate

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.shared.rows import insert_new
from edgewright.hub.http.problems import Problem
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

_TABLE = schema.leases


class Lease(NamedTuple):
    """A task that a process has, or had: its name, the process, and how often it changed hands."""

    name: str
    holder: str
    epoch: int


class LeaseLost(Problem):
    """Another hub has the task meanwhile; nothing of the transaction was stored."""

    def __init__(self, name: str) -> None:
        super().__init__(503, protocol.E_UNAVAILABLE, f"Another hub has the task '{name}'; it is done there.")


def clock(connection: Connection) -> ColumnElement[Any]:
    """Return the database's clock as SQL, epoch seconds; that of this process on SQLite, where there is one process."""
    if connection.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float)
    return literal(times.now())


def prepare(tx: Tx, names: Iterable[str]) -> None:
    """Make leases without a holder, where they do not exist."""
    for name in names:
        insert_new(tx, _TABLE, {"name": name, "holder": "", "epoch": 0, "until": 0.0})


def take(tx: Tx, names: Sequence[str], holder: str, seconds: float) -> dict[str, Lease]:
    """Take or renew leases that exist; returns those that the process has now, by name."""
    rows = tx.all(taking(clock(tx.connection), names, holder, seconds))
    return {row.name: Lease(row.name, holder, int(row.epoch)) for row in rows}


def taking(now: ColumnElement[Any], names: Sequence[str], holder: str, seconds: float) -> ReturningUpdate[Any]:
    """Return the statement that takes or renews leases; its rows are name and epoch of those that the process has."""
    mine = _TABLE.c.holder == holder
    return (
        _TABLE.update()
        .where(_TABLE.c.name.in_(names), or_(mine, _TABLE.c.until < now))
        .values(until=now + seconds, holder=holder, epoch=case((mine, _TABLE.c.epoch), else_=_TABLE.c.epoch + 1))
        .returning(_TABLE.c.name, _TABLE.c.epoch)
    )


def release(tx: Tx, lease: Lease) -> None:
    """Give a lease back, so that another process takes it at once."""
    tx.run(_TABLE.update().where(*_same(lease)).values(until=0.0))


def fence(tx: Tx, lease: Lease) -> None:
    """Raise `LeaseLost` unless the lease still belongs to its holder; it does until the end of this transaction."""
    valid = select(_TABLE.c.epoch).where(*_same(lease), _TABLE.c.until > clock(tx.connection))
    if tx.first(valid.with_for_update(read=True)) is None:
        raise LeaseLost(lease.name)


def _same(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return (_TABLE.c.name == lease.name, _TABLE.c.holder == lease.holder, _TABLE.c.epoch == lease.epoch)

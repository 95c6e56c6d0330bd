"""The hub processes on one database: who is there, since when the plane is up, and which tasks this process has.

Each process writes once a second that it is there, and renews its leases in the same transaction. On SQLite there is
one process: it has every task, and writes nothing of this.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select

from edgewright import __version__
from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.shared import lease
from edgewright.hub.db.shared.database_clock import DatabaseClock
from edgewright.hub.db.shared.lease import Lease, LeaseLost
from edgewright.hub.db.shared.rows import queue
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem
from edgewright.hub.process.clock import boottime
from edgewright.hub.services import Writes

log = logging.getLogger("edgewright.hub")
EVERY: Final = 1.0
"""Seconds between two signs of life."""
LEASE: Final = 10.0
"""Seconds for which a task is taken, and after which another process takes it from one that is silent."""
SAFE: Final = 2.0
"""Seconds before the end of a lease from which this process begins nothing more under it."""
AWAY: Final = 5.0
"""Seconds without a sign of life of any process from which the plane counts as having been down."""
FORGET: Final = 86_400.0
"""Seconds without a sign of life from which a process that did not report its end counts as gone for ever."""
KNOWN_WITHIN: Final = AWAY + 1.0
"""Seconds that a start waits until the processes that are up know of it."""
UP_SINCE: Final = "plane_up_since"
SWEEPS, ALERTS = "sweeps", "alerts"
"""Tasks: judging silence and deadlines; incidents and their delivery."""
_TABLE: Final = schema.hub_processes


class Membership:
    """This process among those on its database. Used on the event loop, apart from `join` and `fence`."""

    def __init__(
        self, engine: Engine, address: str = "", directory: str = "", clock: DatabaseClock | None = None
    ) -> None:
        """`address` is where this process answers, `directory` names its data directory, one process at a time."""
        self.id = secrets.token_hex(8)
        self.address, self.directory = address, directory
        self._clock = clock
        self.shared = engine.dialect.name == "postgresql"
        """Whether there can be other processes."""
        self.up_since = times.now()
        """Since when the plane is up, epoch seconds (rule P18): hosts could reach one of its hubs from then on."""
        self.was_down = True
        """Whether no hub was up before this process started."""
        self.others: tuple[str, ...] = ()
        """Addresses of the other processes that are up."""
        self.alone = not self.shared
        """Whether no other process can be there: none was seen for a day that did not report its end."""
        self.alone_since = 0.0
        """Since when it is known, by the clock that also counts sleep."""
        self.names: tuple[str, ...] = (SWEEPS, ALERTS)
        self._text = ""
        """The statement of a sign of life."""
        self._prepared = False
        """Whether the leases of all tasks exist."""
        self._leases: dict[str, tuple[Lease, float]] = {}
        """Task -> lease, and until when it is safe to begin something, by the clock that also counts sleep."""

    def join(self, engine: Engine) -> None:
        """Note that this process is up, before it answers; finds out since when the plane is."""
        if not self.shared:
            return
        with engine.begin() as connection:
            tx = Tx(connection)
            queue(tx, "membership")
            now = float(connection.execute(select(lease.clock(connection))).scalar() or 0.0)
            newest = connection.execute(select(func.max(_TABLE.c.seen))).scalar()
            stored = _up_since(connection)
            self.was_down = newest is None or stored is None or not -AWAY < now - newest <= AWAY
            self.up_since = now if self.was_down or stored is None else stored
            if self.was_down:
                _store_up_since(connection, now)
            connection.execute(
                _TABLE.insert().values(
                    id=self.id, address=self.address, version=__version__, started=now, seen=now, ended=False,
                    directory=self.directory,
                )
            )  # fmt: skip
            connection.execute(_TABLE.delete().where(_TABLE.c.seen < now - FORGET))
            if self.directory:  # whose lock this process has: the one before has ended
                former = (_TABLE.c.directory == self.directory, _TABLE.c.id != self.id)
                connection.execute(_TABLE.delete().where(*former))
            self.others = _up(self._others(connection, now))

    def await_others(self, engine: Engine) -> list[Process]:
        """Wait until each process that is up knows of this one; returns the others that have not reported their end.

        A process that cannot reach the database now knows nothing of it (rule P68): `age` shows that.
        """
        if not self.shared:
            return []
        end, joined, waiting = boottime() + KNOWN_WITHIN, float("inf"), threading.Event()
        while True:
            with engine.connect() as connection:
                now = float(connection.execute(select(lease.clock(connection))).scalar() or 0.0)
                joined = min(joined, now)
                others = self._others(connection, now)
            self.others = _up(others)
            unaware = [process for process in others if process.age < AWAY and process.seen <= joined]
            if not unaware or boottime() > end:
                return others
            waiting.wait(0.1)

    def has(self, name: str) -> bool:
        """Return whether this process has a task now."""
        return not self.shared or (name in self._leases and boottime() < self._leases[name][1])

    def fence(self, tx: Tx, name: str) -> None:
        """Raise `LeaseLost` unless this process has a task, by the database; called in each transaction of the task."""
        if not self.shared:
            return
        current = self._leases.get(name)
        if current is None:
            raise LeaseLost(name)
        lease.fence(tx, current[0])

    async def beat(self, hub: Writes) -> None:
        """Write that this process is there, and take or renew its tasks."""
        began = boottime()
        taken, self.others, alone, now = await hub.write(self._beat)
        if alone and not self.alone:
            # The last other one may have stored something until its end, which is before what was just read of it.
            # Memory of a process before whose start no hub was up has everything from its load on.
            self.alone_since = boottime() if self._prepared or not self.was_down else 0.0
        self.alone = alone
        self._prepared = True
        if self._clock is not None:
            self._clock.learn(began, now, boottime())
        for name in self.names:
            mine = taken.get(name)
            before = self._leases.pop(name, None)
            if mine is not None:
                self._leases[name] = mine, began + LEASE - SAFE
            if (mine is None) != (before is None):
                log.info("this hub %s the task %s", "lost" if mine is None else "has", name)

    async def run(self, hub: Writes) -> None:
        """Write a sign of life every second until cancelled; nothing on SQLite."""
        while self.shared:
            try:
                await self.beat(hub)
            except Problem as problem:
                log.warning("this hub could not note that it is up: %s", problem.message)
            except Exception:
                log.exception("this hub could not note that it is up")
            await asyncio.sleep(EVERY)

    def _beat(self, tx: Tx) -> tuple[dict[str, Lease], tuple[str, ...], bool, float]:
        if not self._prepared:
            lease.prepare(tx, self.names)
        if not self._text:
            statement, known = self._sign_of_life(lease.clock(tx.connection)), {"literal_binds": True}
            self._text = str(statement.compile(tx.connection, compile_kwargs=known))
        row = tx.connection.exec_driver_sql(self._text).one()
        now, others = float(row.now), [(address, float(seen)) for address, seen in row.others or ()]
        taken = {name: Lease(name, self.id, int(epoch)) for name, epoch in row.taken or ()}
        up = tuple(address for address, seen in others if now - seen < AWAY)
        return taken, up, not others, now

    def _sign_of_life(self, clock: ColumnElement[Any]) -> Select[Any]:
        """Return one statement for what is written and read each second; it costs SQLAlchemy more than the database."""
        mine = _TABLE.update().where(_TABLE.c.id == self.id).values(seen=clock, ended=False)
        seen = mine.returning(_TABLE.c.seen).cte("mine")
        taken = lease.taking(clock, self.names, self.id, LEASE).cte("taken")
        others = func.json_agg(func.json_build_array(_TABLE.c.address, _TABLE.c.seen))
        # A process that never joined, or whose row another one removed after a day, has no row.
        return select(
            func.coalesce(select(seen.c.seen).scalar_subquery(), clock).label("now"),
            select(func.json_agg(func.json_build_array(taken.c.name, taken.c.epoch))).scalar_subquery().label("taken"),
            select(others).where(_TABLE.c.seen > clock - FORGET, *self._not_ended()).scalar_subquery().label("others"),
        )

    def _not_ended(self) -> tuple[ColumnElement[bool], ...]:
        return _TABLE.c.id != self.id, _TABLE.c.ended.is_(False)

    def _others(self, connection: Connection, now: float) -> list[Process]:
        return [_process(row, now, ()) for row in connection.execute(_listed(now).where(*self._not_ended()))]

    def leave(self, engine: Engine) -> None:
        """Give the tasks back and note the end, so that others need not wait; a failure changes nothing."""
        if not self.shared:
            return
        with engine.begin() as connection:
            tx = Tx(connection)
            for current, _ in self._leases.values():
                lease.release(tx, current)
            now = lease.clock(connection)
            connection.execute(_TABLE.update().where(_TABLE.c.id == self.id).values(seen=now, ended=True))


def _up_since(connection: Connection) -> float | None:
    table = schema.settings
    text = connection.execute(select(table.c.value).where(table.c.key == UP_SINCE)).scalar()
    return None if text is None else float(text)


def _store_up_since(connection: Connection, now: float) -> None:
    table = schema.settings
    if not connection.execute(table.update().where(table.c.key == UP_SINCE).values(value=repr(now))).rowcount:
        connection.execute(table.insert().values(key=UP_SINCE, value=repr(now)))


class Process(NamedTuple):
    """A hub process as the database knows it; times by the database's clock."""

    id: str
    address: str
    version: str
    started: float
    seen: float
    ended: bool
    directory: str | None
    age: float
    """Seconds since its last sign of life."""
    tasks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for `hub status`."""
        return {
            "id": self.id,
            "address": self.address,
            "version": self.version,
            "since": times.rfc3339(self.started),
            "lastSeen": times.rfc3339(self.seen),
            "ageSeconds": round(max(0.0, self.age), 1),
            "state": "ended" if self.ended else "up" if self.age < AWAY else "not seen",
            "tasks": list(self.tasks),
        }


def _up(others: Iterable[Process]) -> tuple[str, ...]:
    return tuple(process.address for process in others if process.age < AWAY)


def _listed(now: float) -> Select[Any]:
    return select(_TABLE).where(_TABLE.c.seen > now - FORGET).order_by(_TABLE.c.started)


def _process(row: Any, now: float, tasks: Iterable[str]) -> Process:
    return Process(
        row.id, row.address, row.version, row.started, row.seen, row.ended, row.directory, now - row.seen,
        tuple(sorted(tasks)),
    )  # fmt: skip


def processes(connection: Connection) -> list[Process]:
    """Return the processes of the last day, the longest running first, with the tasks and jobs that each has now."""
    now = float(connection.execute(select(lease.clock(connection))).scalar() or 0.0)
    tasks: dict[str, list[str]] = {}
    for table in (schema.leases, schema.controller_jobs):
        for row in connection.execute(select(table.c.holder, table.c.name).where(table.c.until > now)):
            tasks.setdefault(row.holder, []).append(row.name)
    return [_process(row, now, tasks.get(row.id, ())) for row in connection.execute(_listed(now))]

"""How memory follows what other hubs commit to the same PostgreSQL: woken by NOTIFY, and by a look once a second.

A thread reads the rows after the newest one that memory has, together with the records that they name, and hands them
to the event loop in order. A commit of this process needs none of that, unless others committed before it: then it
waits until memory has taken theirs (`Memory.ready`), and is read from the table like theirs, since the tables may have
newer rows by then. On SQLite there is one process and no follower.
"""

from __future__ import annotations

import asyncio
import logging
import select
import threading
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.changelog.entry import Entry
from edgewright.hub.db.engines import same_database
from edgewright.hub.db.integrity import cause
from edgewright.hub.process.clock import boottime
from edgewright.hub.readmodel.pace import SLICE

if TYPE_CHECKING:
    from edgewright.hub.readmodel.memory import Memory

log = logging.getLogger("edgewright.hub")
POLL = 1.0
"""Seconds between two looks at the log when no notice arrives."""
RETRY = 0.5
"""Seconds before the database is tried again."""
MOST = 1_000
"""Changes that are read at once."""
OWN_WITHIN = 2.0
"""Seconds after which changes of this process that memory has not taken are read like those of others.

Their writer does not know that they were committed."""
TAKEN_WITHIN = 30.0
"""Seconds for which the thread waits for the event loop to take what it has read."""


class Following(NamedTuple):
    """How far memory is behind the log."""

    seq: int
    """The newest change that memory has."""
    newest: int
    """The newest change that is known to be in the log."""
    age: float
    """Seconds since memory was last known to have all that was in the log; 0 without other processes."""
    lost: bool = False
    """Whether the log no longer has what memory needs: it is loaded afresh, by a new start of this process."""


class Read(NamedTuple):
    """What was read of the log: changes with their records, and up to which change the records are at least."""

    entries: list[Entry]
    newest: int
    foreign: bool


def read(
    connection: Connection, memory: Memory, seq: int, origin: str, most: int = MOST, *, own: bool = False
) -> Read | None:
    """Return the changes after `seq`; `None` when the log does not go back that far, or was set back to before `seq`.

    Rows and records are of one moment (the caller's transaction is a snapshot). Where all rows are this process's own,
    nothing is loaded unless `own` asks for it: memory gets the objects of the transactions.
    """
    newest = changelog.head(connection)
    if newest == seq:
        return Read([], newest, False)
    rows = changelog.after(connection, seq, most)
    if newest < seq or not rows or rows[0].seq != seq + 1:
        return None
    entries = [
        Entry(row.kind, row.op, row.uid, row.project_uid, None, None if row.doc is None else row.doc.encode(), row.seq)
        for row in rows
    ]
    foreign = any(own or row.origin != origin for row in rows)
    if foreign:
        memory.load(connection, entries)
    return Read(entries, newest, foreign)


class LogFollower:
    """The thread that follows the log of one PostgreSQL database."""

    def __init__(
        self, engine: Engine, memory: Memory, origin: str, resume: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        """`engine` gives the address of the database.

        On the loop, `resume` is called after changes were taken, and `lost` once when the log cannot be followed.
        """
        self._engine = same_database(engine, pool_size=2)  # one session listens, the other reads
        self._memory = memory
        self._origin = origin
        self._resume, self._report_lost = resume, lost
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._asked = threading.Event()
        self._newest = memory.seq
        self._current = boottime()
        self._check: tuple[float, int] | None = None
        """A look at the log whose newest number memory has not reached yet: its time and the number."""
        self._lost = False
        self._own: tuple[float, int] | None = None
        """Changes of this process that memory has not taken: when they were seen first, and the newest of them."""
        self._thread = threading.Thread(target=self._run, name="hub-follower", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._memory.shared = True
        self._memory.behind = self._asked.set
        self._thread.start()

    def stop(self) -> None:
        """End the thread at its next look."""
        self._stopping = True

    @property
    def following(self) -> Following:
        """Return how far memory is behind."""
        self._settle()
        return Following(self._memory.seq, max(self._newest, self._memory.seq), boottime() - self._current, self._lost)

    def _settle(self) -> None:
        check = self._check
        if check is not None and self._memory.seq >= check[1]:
            self._current, self._check = check[0], None

    def _run(self) -> None:
        driver: Any = self._engine.dialect.loaded_dbapi
        while not self._stopping:
            try:
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as listening:
                    try:
                        self._listen(listening)
                    except driver.Error:
                        listening.invalidate()
                        raise
            except (DBAPIError, driver.Error) as error:
                log.warning("the change log cannot be followed and is tried again: %s", cause(error))
            except Exception:
                log.exception("the change log cannot be followed and is tried again")
            if not self._stopping:
                self._asked.wait(RETRY)
        self._engine.dispose()

    def _listen(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"LISTEN {changelog.CHANNEL}")
        driver: Any = connection.connection.driver_connection
        waiting = select.poll()
        waiting.register(driver.fileno(), select.POLLIN)
        while not self._stopping:
            began = boottime()
            newest = driver.execute(changelog.HEAD).fetchone()
            if newest is not None and newest[0] == self._memory.seq:
                self._current, self._check, self._own = began, None, None  # nothing new, as mostly
            else:
                self._catch_up()
            own = True
            end = monotonic() + POLL
            while own and not self._asked.is_set() and monotonic() < end and not self._stopping:
                for notice in driver.notifies(timeout=0):
                    number, _, origin = notice.payload.partition(" ")
                    self._newest = max(self._newest, int(number) if number.isdigit() else 0)
                    own = own and origin == self._origin
                if own:  # waited for here, since the driver itself wakes ten times a second meanwhile
                    waiting.poll(max(0.0, end - monotonic()) * 1000)
            self._asked.clear()

    def _read(self, seq: int) -> Read | None:
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            return read(connection, self._memory, seq, self._origin, own=self._overdue())

    def _overdue(self) -> bool:
        return self._own is not None and monotonic() - self._own[0] > OWN_WITHIN and self._memory.seq < self._own[1]

    def _catch_up(self) -> None:
        while not self._stopping:
            began, seq = boottime(), self._memory.seq
            result = self._read(seq)
            if result is None:
                if self._memory.seq > seq:
                    continue  # memory took changes of this process meanwhile
                self._lost = True
                log.error("the change log no longer has what this hub needs (it has %d); all is loaded again", seq)
                self._stopping = True
                self._loop.call_soon_threadsafe(self._report_lost)
                return
            self._newest = max(self._newest, result.newest)
            self._settle()
            if self._check is None:
                self._check = began, result.newest
            if not result.foreign:
                if self._own is None or self._memory.seq >= self._own[1]:
                    self._own = (monotonic(), result.newest) if result.entries else None
                return
            self._own = None
            taken = threading.Event()
            self._loop.call_soon_threadsafe(self._take, result, 0, taken)
            if not taken.wait(TAKEN_WITHIN):
                return
            if self._memory.seq >= result.newest:
                return

    def _take(self, result: Read, start: int, taken: threading.Event) -> None:
        """Apply changes in slices; `loaded_through` lets no older object of this process follow them."""
        end = perf_counter() + SLICE
        self._memory.loaded_through = max(self._memory.loaded_through, result.newest)
        for index in range(start, len(result.entries)):
            try:
                self._memory.apply(result.entries[index])
            except Exception:
                log.exception("a change of another hub could not be taken into memory")
            if perf_counter() >= end:
                self._loop.call_soon(self._take, result, index + 1, taken)
                return
        self._resume()
        taken.set()

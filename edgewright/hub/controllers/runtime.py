"""The runtime of controllers: durable jobs, each with one hub at a time, tried again with a growing pause.

A controller is a kind of jobs and a function that does one of them. Jobs are rows of `controller_jobs`: a hub that has
ended leaves its jobs to the others, which take them when their lease is over. A periodic controller has one job, which
is due again after each run; others are added (`add`) and deleted when they are done.

What a job changes it writes by `Work.write`: the transaction asks the database whether the job still belongs to this
process (a fence), and counts against the quota of the run. Work that is left when the quota is used is done by the next
run, so that one controller cannot fill the writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.hub.db.shared import lease
from edgewright.hub.db.shared.lease import LeaseLost
from edgewright.hub.db.shared.rows import insert_new
from edgewright.hub.db.shared.sessions import driver_of
from edgewright.hub.http.problems import Problem, StorageProblem

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
T = TypeVar("T")
LOOK_EVERY: Final = 1.0
"""Seconds between two looks for jobs that are due."""
LEASE: Final = 30.0
"""Seconds for which a job is taken; renewed while it runs."""
BASE, CAP = 2.0, 300.0
"""Seconds before the second attempt of a job that failed, and at most between two attempts."""
MOST_AT_ONCE: Final = 4
"""Jobs that run at the same time in one process."""
_MAX_ERROR: Final = 500
_TABLE: Final = schema.controller_jobs


class Controller(NamedTuple):
    """One kind of jobs."""

    kind: str
    run: Callable[[Work], Awaitable[object]]
    every: Callable[[Services], float] | None = None
    """Seconds from the end of a run to the next one; `None`: its jobs are added, and done once."""
    quota: int = 1_000
    """Changes of one run at most (`Work.write(changes=N)`)."""


class QuotaUsed(Exception):
    """The run has made its changes; the rest is for the next one."""


class Work:
    """One run of a job: what it is about, and how it writes."""

    def __init__(self, hub: Services, name: str, payload: str, holder: str, epoch: int, quota: int) -> None:
        self.hub = hub
        self.name = name
        self.payload = payload
        self._holder, self._epoch = holder, epoch
        self.left = quota
        """Changes that this run may still make."""

    async def write(self, job: Callable[[Tx], T], changes: int = 1) -> T:
        """Run a job of the writer while this process has the work.

        Raises `QuotaUsed` with nothing written when the run has no changes left, `LeaseLost` when another hub has the
        work meanwhile, and what `Services.write` raises.
        """
        if changes > self.left:
            raise QuotaUsed
        self.left -= changes

        def fenced(tx: Tx) -> T:
            self.fence(tx)
            return job(tx)

        return await self.hub.write(fenced)

    @property
    def services(self) -> Services:
        """Return the hub as this run may use it: every write is one of `Work.write`."""
        return cast("Services", _Fenced(self))

    def fence(self, tx: Tx) -> None:
        """Raise `LeaseLost` unless the work still belongs to this process; it does until the end of the transaction."""
        mine = (_TABLE.c.name == self.name, _TABLE.c.holder == self._holder, _TABLE.c.epoch == self._epoch)
        valid = select(_TABLE.c.epoch).where(*mine, _TABLE.c.until > lease.clock(tx.connection))
        if tx.first(valid.with_for_update(read=True)) is None:
            raise LeaseLost(self.name)


class _Fenced:
    """A hub whose writes are those of one run."""

    def __init__(self, work: Work) -> None:
        self.write = work.write
        self._hub = work.hub

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)


def add(tx: Tx, kind: str, name: str, payload: str = "", after: float = 0.0) -> bool:
    """Add a job that is due after some seconds, unless there is one of that name; returns whether it was added."""
    due = float(tx.first(select(lease.clock(tx.connection)))[0]) + after
    row = {
        "name": name, "kind": kind, "payload": payload, "due": due, "attempts": 0, "holder": "", "epoch": 0,
        "until": 0.0, "error": "",
    }  # fmt: skip
    return insert_new(tx, _TABLE, row)


class Runtime:
    """Looks for jobs that are due, takes them, and runs their controllers. Used on the event loop only."""

    def __init__(self, hub: Services, controllers: Sequence[Controller], holder: str) -> None:
        self._hub = hub
        self._controllers = {controller.kind: controller for controller in controllers}
        self._holder = holder
        self._running: dict[str, asyncio.Task[None]] = {}
        self._question = ""
        """The statement of each look: to make it costs as much as to ask."""

    async def start(self) -> None:
        """Make the jobs of periodic controllers that do not exist yet."""
        periodic = [controller for controller in self._controllers.values() if controller.every is not None]

        def job(tx: Tx) -> None:
            for controller in periodic:
                assert controller.every is not None
                add(tx, controller.kind, controller.kind, after=controller.every(self._hub))

        if periodic:
            await self._hub.write(job)

    async def run(self) -> None:
        """Look for jobs every second until cancelled."""
        started = False
        try:
            while True:
                try:
                    if not started:
                        await self.start()
                        started = True
                    await self.look()
                except StorageProblem as problem:
                    self._hub.storage.failed(problem)
                except Exception:
                    log.exception("the look for jobs failed and is tried again")
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self.stop()

    async def look(self) -> int:
        """Take what is due and begin to run it; returns how many jobs were begun."""
        room = MOST_AT_ONCE - len(self._running)
        if room <= 0 or not await self._due():
            return 0
        taken = await self._hub.write(lambda tx: self._take(tx, room))
        for row in taken:
            task = asyncio.create_task(self._run(row))
            self._running[row.name] = task
            task.add_done_callback(lambda _task, name=row.name: self._running.pop(name, None))  # type: ignore[misc]
        return len(taken)

    async def settle(self) -> None:
        """Wait until everything that was begun has ended."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def stop(self) -> None:
        """End every run; its job is taken again when its lease is over."""
        for task in list(self._running.values()):
            task.cancel()

    def _ready(self, now: Any) -> tuple[Any, ...]:
        return (_TABLE.c.due <= now, _TABLE.c.until < now, _TABLE.c.kind.in_(list(self._controllers)))

    async def _due(self) -> bool:
        """Return whether a job may be due, by a read: a look that finds nothing writes nothing."""

        def query(connection: Connection) -> bool:
            shared = connection.dialect.name == "postgresql"
            text = self._question
            if not text:
                due = select(_TABLE.c.name).where(*self._ready(lease.clock(connection))).limit(1)
                text = str(due.compile(connection, compile_kwargs={"literal_binds": True}))
                self._question = text if shared else ""  # on SQLite it has the time
            if not shared:
                return connection.exec_driver_sql(text).first() is not None
            with driver_of(connection) as driver:
                return driver.execute(text).fetchone() is not None

        return await self._hub.read(query)

    def _take(self, tx: Tx, most: int) -> list[Any]:
        now = lease.clock(tx.connection)
        due = select(_TABLE.c.name).where(*self._ready(now)).order_by(_TABLE.c.due).limit(most)
        names = [row.name for row in tx.all(due.with_for_update(skip_locked=True))]
        taken: list[Any] = []
        for name in names:
            changes = {"holder": self._holder, "epoch": _TABLE.c.epoch + 1, "until": now + LEASE}
            taken += tx.all(_TABLE.update().where(_TABLE.c.name == name).values(**changes).returning(*_TABLE.c))
        return taken

    async def _run(self, row: Any) -> None:
        controller = self._controllers[row.kind]
        work = Work(self._hub, row.name, row.payload, self._holder, int(row.epoch), controller.quota)
        renewing = asyncio.create_task(self._renew(work))
        error, again = "", False
        try:
            await controller.run(work)
        except QuotaUsed:
            again = True
        except LeaseLost:
            return
        except StorageProblem as problem:
            self._hub.storage.failed(problem)
            error = problem.message
        except Exception as failure:
            log.exception("the job %s failed and is tried again", row.name)
            error = f"{type(failure).__name__}: {failure}"
        finally:
            renewing.cancel()
        with contextlib.suppress(Problem):  # lost, or the storage fails: the job is taken again when its lease is over
            await self._hub.write(lambda tx: self._finish(tx, work, controller, int(row.attempts), error, again=again))

    def _finish(self, tx: Tx, work: Work, controller: Controller, attempts: int, error: str, *, again: bool) -> None:
        work.fence(tx)
        now, mine = lease.clock(tx.connection), _TABLE.c.name == work.name
        if error:
            wait = min(CAP, BASE * 2 ** min(attempts, 16)) * random.uniform(0.75, 1.0)  # noqa: S311 - not a secret
            changes = {"attempts": attempts + 1, "error": error[:_MAX_ERROR], "due": now + wait}
        elif again:
            changes = {"attempts": 0, "error": "", "due": now}
        elif controller.every is not None:
            changes = {"attempts": 0, "error": "", "due": now + controller.every(self._hub)}
        else:
            tx.run(_TABLE.delete().where(mine))
            return
        tx.run(_TABLE.update().where(mine).values(holder="", until=0.0, **changes))

    async def _renew(self, work: Work) -> None:
        """Renew the lease of a job for as long as it runs."""
        while True:
            await asyncio.sleep(LEASE / 3)

            def job(tx: Tx) -> None:
                work.fence(tx)
                until = lease.clock(tx.connection) + LEASE
                tx.run(_TABLE.update().where(_TABLE.c.name == work.name).values(until=until))

            with contextlib.suppress(Problem):
                await self._hub.write(job)

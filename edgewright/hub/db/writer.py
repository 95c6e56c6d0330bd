"""The one writer: a thread that commits many requests at once and acknowledges each after the commit.

A request hands in a job, a function of a `Tx`. The thread takes every job that waits, runs them in one transaction,
each in its own savepoint, commits, and only then answers all of them. Thus one `fsync` serves an entire burst, and
nothing is acknowledged that a power cut could take back. What memory and readers are to follow, a job names in its
`Tx`; the writer hands it to the follower on the event loop, in order, after the commit.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from edgewright.core import times
from edgewright.hub.db.beats import Beat, PendingBeats, Written, is_repeatable, write_alone, write_beats
from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.changelog.entry import Entry
from edgewright.hub.db.checkpoint import Checkpoints
from edgewright.hub.db.engines import lock_of, storage_problem
from edgewright.hub.db.shared import sessions
from edgewright.hub.db.shared.replay import TRIES, behind, gave_up, is_transient, pause, stopping
from edgewright.hub.db.transaction import Follower, Tx, Unfollowed
from edgewright.hub.http.problems import Problem, StorageProblem
from edgewright.hub.readmodel.pace import SLICE
from edgewright.wire import protocol

log = logging.getLogger("edgewright.hub")
T = TypeVar("T")
_MAX_BATCH, _MAX_SHARED = 500, 64
"""Jobs of one transaction; fewer on PostgreSQL, where another hub may wait for the rows that it locks."""
GATHER, PAUSE, GATHERED = 0.1, 0.05, 32
"""Seconds from the begin of a batch with several heartbeats to that of the next one, unless so many wait by then, or
none has arrived for `PAUSE` seconds: few senders, which wait for each answer."""
DRAIN = 5.0
"""Seconds of a stop in which commits of what is queued may still begin."""
BEHIND = 5.0
"""Seconds that a committed write waits at most for what another hub committed before it, until it is answered."""
_FORGET = 0.9
"""What is left of the longest commit's time after each further one."""


class _Done:
    """The outcome of one job, or of all heartbeats of a batch, on its way back to the event loop."""

    __slots__ = ("entries", "error", "futures", "hooks", "value")

    def __init__(self, *futures: asyncio.Future[Any], error: BaseException | None = None) -> None:
        self.futures = futures
        self.entries: list[Entry] = []
        self.hooks: list[Callable[[], None]] = []
        self.value: Any = None
        self.error = error


class Writer:
    """Owns the writing thread. `submit` and `beat` are called on the event loop only."""

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        failed: Callable[[StorageProblem], None] = lambda problem: None,
        follower: Follower | None = None,
        origin: str = "",
    ) -> None:
        """On the loop, `failed` is called for each batch that the storage did not take, `follower` after commits.

        `origin` names this process in the change log.
        """
        self._follower = follower or Unfollowed()
        self._origin = origin
        self._failed = failed
        self._engine = engine
        self._most = _MAX_BATCH if engine.dialect.name == "sqlite" else _MAX_SHARED
        self._loop = loop
        self._lock = threading.Lock()
        self._condition = threading.Condition(self._lock)
        self._jobs: list[tuple[Callable[[Tx], Any], asyncio.Future[Any]]] = []
        self._beats = PendingBeats()
        self.follow_beats: Callable[[Written], None] = lambda written: None
        """Called on the event loop, before the answer, when the database has other heartbeats than memory."""
        self._done: deque[_Done] = deque()
        """What is committed and not yet taken into memory; used on the event loop only."""
        self._scheduled = self._waits = False
        self._overdue: asyncio.TimerHandle | None = None
        self._written = Written()
        self._beats_waiting: list[asyncio.Future[None]] = []
        self._in_flight: list[asyncio.Future[Any]] = []
        self._checkpoints = Checkpoints(engine)
        self._stopping = False
        self._stop_began = self._began = 0.0
        self.crowded = False  # whether the last batch had several heartbeats
        self.slowest = 0.0
        """Seconds that a commit took, the longest of the latest ones."""
        self.batches = 0
        self.working = False
        """A batch is being written."""
        self.beats_written = self.beats_failed = 0  # one whose answer was lost counts as failed and may be stored
        self.jobs_written, self.seconds = 0, 0.0
        """Jobs of all batches, and the time that the batches took."""
        self._thread = threading.Thread(target=self._work, name="hub-writer", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Return how many jobs wait, and 1 for heartbeats that wait."""
        return len(self._jobs) + bool(self._beats)

    def submit(self, job: Callable[[Tx], T]) -> asyncio.Future[T]:
        """Queue a job; the future gets its result once it is durable, or its exception."""
        future: asyncio.Future[T] = self._loop.create_future()
        with self._condition:
            if self._stopping:
                raise stopping()
            self._jobs.append((job, future))
            self._condition.notify()
        return future

    def beat(self, beat: Beat) -> asyncio.Future[None]:
        """Queue a heartbeat; a later one of the same boot wins. The future may be cancelled: what is queued stays."""
        future: asyncio.Future[None] = self._loop.create_future()
        with self._lock:
            if self._stopping:
                raise stopping()
            self._beats.add(beat)
            if len(self._beats_waiting) in (0, GATHERED - 1):
                self._condition.notify()
            self._beats_waiting.append(future)
        return future

    def begin_stop(self) -> None:
        """Take nothing more. What is queued is written if the disk is fast enough, else refused with 503."""
        with self._condition:
            if not self._stopping:
                self._stopping, self._stop_began = True, time.monotonic()
            self._condition.notify()
        self._checkpoints.stop()

    def stop(self, seconds: float = 30.0) -> bool:
        """Write or refuse what is queued and end the thread; returns whether it ended within `seconds`."""
        self.begin_stop()
        self._thread.join(timeout=max(0.0, seconds))
        return not self._thread.is_alive()

    def give_up(self) -> None:
        """Refuse what disk or memory has not taken in time; called on the event loop, at the end of a stop."""
        for future in [*self._in_flight, *(future for outcome in self._done for future in outcome.futures)]:
            if not future.done():
                message = "The hub is stopping and its disk has not confirmed this write. Send it again."
                future.set_exception(StorageProblem(503, protocol.E_UNAVAILABLE, message))

    def _may_start(self) -> bool:
        """Return whether one more commit fits into the time that a stop has for what is queued."""
        return time.monotonic() - self._stop_began + 2 * self.slowest < DRAIN

    def _refuse_queue(self) -> None:
        """Refuse all that waits; the caller has the condition."""
        futures: list[asyncio.Future[Any]] = [future for _, future in self._jobs]
        futures += self._beats_waiting
        self._jobs, self._beats_waiting = [], []
        self._beats.take()
        self._hand_back([_Done(future, error=stopping()) for future in futures])

    def _await_work(self) -> None:
        """Wait for something to write. Of many heartbeats some wait for others, so that one commit serves them."""
        while not (self._jobs or self._beats or self._stopping):
            self._condition.wait()
        while self.crowded and not (self._jobs or self._stopping or len(self._beats_waiting) >= GATHERED):
            left, before = self._began + GATHER - time.monotonic(), len(self._beats_waiting)
            if left <= 0 or not (self._condition.wait(min(left, PAUSE)) or len(self._beats_waiting) > before):
                break

    def _work(self) -> None:
        while True:
            with self._condition:
                self._await_work()
                if self._stopping and not ((self._jobs or self._beats) and self._may_start()):
                    self._refuse_queue()
                    return
                jobs, self._jobs = self._jobs[: self._most], self._jobs[self._most :]
                beats = self._beats.take()
                waiting, self._beats_waiting = self._beats_waiting, []
                self.crowded = len(waiting) > 1
                self._in_flight = [*(future for _, future in jobs), *waiting]
            began = self._began = time.monotonic()
            self.working = True
            try:
                self._batch(jobs, beats, waiting)
            except Exception as error:  # without this thread no write would ever be answered
                log.exception("writes failed")
                self._hand_back([_Done(*self._in_flight, error=error)])
            self.working = False
            self._in_flight = []
            took = time.monotonic() - began
            self.slowest = max(took, self.slowest * _FORGET)
            self.jobs_written, self.seconds = self.jobs_written + len(jobs), self.seconds + took
            self._checkpoints.committed()

    def _batch(
        self,
        jobs: list[tuple[Callable[[Tx], Any], asyncio.Future[Any]]],
        beats: list[Beat],
        waiting: list[asyncio.Future[None]],
    ) -> None:
        done, failure = self._attempt(jobs, beats)
        if is_transient(failure):
            done = []
            failure, storage = self._replay(jobs, beats)
        else:
            storage = failure
        self.batches += 1
        self.beats_written += len(beats) if failure is None else 0
        self.beats_failed += len(beats) if failure is not None else 0
        if waiting:
            last = _Done(*waiting)
            last.error = failure
            if failure is not None:
                with self._condition:
                    self._beats.failed(beats)
            elif any(self._written):
                last.hooks = [partial(self.follow_beats, self._written)]
            done.append(last)
        self._hand_back(done, storage)

    def _replay(
        self, jobs: list[tuple[Callable[[Tx], Any], asyncio.Future[Any]]], beats: list[Beat]
    ) -> tuple[BaseException | None, BaseException | None]:
        """Run each job of a batch that met another hub in a transaction of its own, then the heartbeats.

        Each outcome is handed back at once: what is committed must be in memory while the next job waits for a lock.
        Returns what failed the heartbeats, and what the storage did not take.
        """
        failure: BaseException | None = None
        storage: BaseException | None = None
        no_beats: list[Beat] = []
        for batch, some in [*(([job], no_beats) for job in jobs), *([([], beats)] if beats else [])]:
            for attempt in range(1, TRIES + 1):
                time.sleep(pause(attempt))
                outcomes, failure = self._attempt(batch, some)
                if not is_transient(failure):
                    break
            if is_transient(failure):
                failure = gave_up()
                for outcome in outcomes:
                    outcome.error = failure
            self._hand_back(outcomes)
            storage = failure if isinstance(failure, StorageProblem) else storage
        return failure if beats else None, storage

    def _attempt(
        self, jobs: list[tuple[Callable[[Tx], Any], asyncio.Future[Any]]], beats: list[Beat]
    ) -> tuple[list[_Done], BaseException | None]:
        """Run jobs and heartbeats in one transaction; returns the outcome of each job, and what failed all of them."""
        done: list[_Done] = []
        failure: BaseException | None = None
        commits, self._written = False, Written()
        try:
            if not jobs and is_repeatable(self._engine, beats):
                self._written = write_alone(self._engine, beats, self._origin)
                return done, None
            with sessions.begin(self._engine) as connection:
                for job, future in jobs:
                    outcome = _Done(future)
                    done.append(outcome)
                    self._run_job(connection, job, outcome, alone=len(jobs) == 1 and not beats)
                if beats:
                    self._written = write_beats(connection, beats, self._origin)
                self._log(connection, done)
                commits = True
        except BaseException as error:  # noqa: BLE001,RUF100 - handed to every waiting request
            if is_transient(error):
                failure = error
            elif not (commits and isinstance(error, DBAPIError) and self._committed()):
                failure = storage_problem(error) or error
        if failure is not None:
            for outcome in done:
                outcome.error, outcome.hooks, outcome.entries = outcome.error or failure, [], []
        waiting = {id(future) for outcome in done for future in outcome.futures}
        done += [_Done(future, error=failure) for _, future in jobs if id(future) not in waiting]
        return done, failure

    def _hand_back(self, done: list[_Done], failure: BaseException | None = None) -> None:
        for outcome in done:
            if isinstance(outcome.error, Problem):
                # A traceback leads to the frames with the entire request, in a circle through `outcome`, and such a
                # circle stays in memory until the garbage collector happens to run.
                outcome.error.__traceback__ = None
        try:
            if isinstance(failure, StorageProblem):
                self._loop.call_soon_threadsafe(self._failed, failure)
            self._loop.call_soon_threadsafe(self._finish, done)
        except RuntimeError:
            return  # the loop has closed: no client waits any more

    def _committed(self) -> bool:
        """Return whether a batch whose commit failed is durable all the same; SQLite itself knows."""
        lock = lock_of(self._engine)
        return lock is not None and lock.committed(self._engine, lambda: self._stopping)

    def _run_job(self, connection: Connection, job: Callable[[Tx], Any], outcome: _Done, *, alone: bool) -> None:
        tx = Tx(connection, self._follower)
        try:
            if alone:
                outcome.value = job(tx)
            else:
                with connection.begin_nested():
                    outcome.value = job(tx)
        except Problem as problem:
            outcome.error = problem
            if alone:
                raise
            return
        except BaseException as error:
            if is_transient(error):
                raise  # the entire batch runs again, job by job
            outcome.error = storage_problem(error) or error
            if alone or isinstance(outcome.error, StorageProblem):
                raise
            return
        outcome.entries, outcome.hooks = tx.entries, tx.hooks

    def _log(self, connection: Connection, done: list[_Done]) -> None:
        """Write what the jobs of a batch changed into the change log, the last act before the commit."""
        entries = [entry for outcome in done for entry in outcome.entries if entry.kind]
        if entries:
            changelog.append(connection, entries, self._origin, times.now(), self._follower.documents)

    def _finish(self, done: list[_Done]) -> None:
        """Queue what was committed behind what still waits to be taken into memory."""
        for outcome in done:
            if self._waits and not outcome.entries:
                self._take(outcome)  # heartbeats change no record, so they wait for none
            else:
                self._done.append(outcome)
        if not self._scheduled:
            self._drain()

    def resume(self) -> None:
        """Continue with what waited for the changes of other hubs, now that memory has taken some; on the loop."""
        if self._done and not self._scheduled:
            self._drain()

    def _drain(self) -> None:
        """Apply what was committed to memory, in order and in slices, then wake its requests."""
        self._scheduled = False
        end = perf_counter() + SLICE
        while self._done:
            self._waits = not self._follower.ready(self._done[0].entries)
            if self._waits:
                self._overdue = self._overdue or self._loop.call_later(BEHIND, self._answer_waiting)
                return
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None
            self._take(self._done.popleft())
            if perf_counter() >= end and self._done:
                self._scheduled = True
                self._loop.call_soon(self._drain)
                return

    def _answer_waiting(self) -> None:
        """Answer what waits although memory does not follow; it is still taken into memory once that does."""
        self._overdue = None
        for outcome in self._done:
            for future in outcome.futures:
                if not future.done():
                    future.set_exception(outcome.error or behind())

    def _take(self, outcome: _Done) -> None:
        for entry in outcome.entries:
            _guarded(outcome, partial(self._follower.apply, entry))
        for hook in outcome.hooks:
            _guarded(outcome, hook)
        for future in outcome.futures:
            if future.done():
                continue
            if outcome.error is not None:
                future.set_exception(outcome.error)
            else:
                future.set_result(outcome.value)


def _guarded(outcome: _Done, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        # The database has it; memory may be behind until the next start. The others of the batch must not wait for ever
        # because of it, and the sender of this one is informed that something failed.
        log.exception("what was stored could not be taken into memory")
        outcome.error = outcome.error or error

"""The hub's own trouble with its storage: noticed, named as the plane's, and over when a write proves it (rule P43).

A full disk, a database that is missing, read-only or does not finish a write is not a fault of any host. While it lasts
the hub is an alert of kind `plane`, hosts are judged by the heartbeats that arrive (stored or not), and what would be
written about hosts (events, deadlines) waits in memory, bounded and in order, to be written when the storage works.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.times import duration
from edgewright.hub.db.engines import ROOM
from edgewright.hub.db.events import plane_event, store_event, store_new_events
from edgewright.hub.db.probe import probe
from edgewright.hub.http.problems import Behind, StorageProblem
from edgewright.hub.process.clock import TICK, boottime
from edgewright.hub.readmodel.alert_board import PLANE, Alert
from edgewright.hub.resources.hosts.heartbeat import Heartbeats

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")

ALERT = "plane/storage"
FAILING, RECOVERED = "StorageFailing", "StorageRecovered"
"""Reasons of the two events."""
PROBE_EVERY = 2.0
"""Seconds between two writes that try whether the storage works again."""
SETTLED = 5.0
"""Seconds without a failure after which a write that succeeds ends the trouble: a full disk takes one now and then."""
PROVED_FOR = 5.0
"""Seconds for which one write proves that the storage works, to those who ask whether this hub is ready."""
STALLED = 15
"""Looks, a tick apart, at the same unfinished write from which the storage counts as failing; an agent waits 20 s."""
MOST_EVENTS = 20_000
"""Events that wait in memory at most; beyond it the oldest are lost, and counted."""
_FLUSH = 50

Job = Callable[["Tx"], Any]

_STALLED = StorageProblem(503, "StorageStalled", "A write of the hub's database has not finished in time.")
_TEXTS: dict[str, tuple[str, str]] = {
    "StorageFull": ("disk full", "Free space on the disk of the hub's data; the hub continues by itself."),
    "StorageReadOnly": (
        "database read-only",
        "Make its file system writable again; the kernel's log shows why it became read-only (dmesg).",
    ),
    "StorageDamaged": (
        "database damaged",
        "Look at it with `edgewright hub status`, stop the hub and restore a backup (edgewright hub restore).",
    ),
    "StorageGone": (
        "database file gone",
        "Stop the hub and restore a backup (edgewright hub restore) into a new directory.",
    ),
    "StorageStalled": ("writes do not finish", "Check the disk of the database for load and errors (iostat, dmesg)."),
}
_OTHER = ("database does not answer", "Check that the database runs and can be reached; the hub continues by itself.")


class StorageWatch:
    """Whether the hub can store, since when not, and what waits for it. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self.since: float | None = None
        """When the trouble began, epoch seconds; `None` while the storage works."""
        self.code = ""
        self.lost = 0
        """Events that did not fit into memory, since the trouble began."""
        self._waiting: deque[tuple[Job, int]] = deque()
        self._events = 0
        self._failed_at = self._began = 0.0
        self._probing: asyncio.Task[None] | None = None
        self._probed_at = 0.0
        self._proved_at = float("-inf")
        self._flushing = False
        self._seen_batch, self._looks = -1, 0

    @property
    def waiting(self) -> int:
        """Return how many events wait to be stored."""
        return self._events

    @property
    def state(self) -> str:
        """Return `ok`, or `failing since TIME because CAUSE`."""
        if self.since is None:
            return "ok"
        return f"failing since {times.rfc3339(self.since)} because {_TEXTS.get(self.code, _OTHER)[0]}"

    def as_dict(self) -> dict[str, Any]:
        """Return the state for `hub status`."""
        step = None if self.since is None else _TEXTS.get(self.code, _OTHER)[1]
        return {"storage": self.state, "storageNext": step, "storageWaiting": self._events}

    def failed(self, problem: StorageProblem) -> None:
        """Note that the storage did not take a write or did not answer a read."""
        now, code = times.now(), str(problem.code)
        self._failed_at = boottime()
        if self.since is None:
            self.since, self.lost, self._began = now, 0, self._failed_at
            log.error("the storage fails: %s Hosts are judged by the heartbeats that arrive.", problem.message)
            cause = f"The management plane cannot store: {_TEXTS.get(code, _OTHER)[0]}."
            self._defer(self._event("Warning", FAILING, cause), 1)
        elif code != self.code:
            log.error("the storage fails: %s", problem.message)
        self.code = code
        cause, step = _TEXTS.get(code, _OTHER)
        self._hub.alerts.report(
            Alert(
                uid=ALERT, kind=PLANE, subject="management plane", text=f"cannot store: {cause}",
                message=f"The management plane cannot store: {cause}. Hosts are judged by the heartbeats that arrive; "
                "changes are refused, and events wait in memory.",
                hint=step, code=code, project_uid="", host_uids=(), since=self.since, last=now, quiet=None,
            )
        )  # fmt: skip

    def _excuse_hosts(self) -> None:
        """Give every host that is not unhealthy the time until it tries again.

        Its last heartbeat may hang with the write that does not finish; then only its own time-out ends the wait.
        """
        refused = self._hub.part(Heartbeats).refused
        for uid, entry in self._hub.state.hosts.items():
            if entry.live.health != "unhealthy" and entry.live.excused < refused:
                entry.live.excused = refused
                self._hub.state.moved.add(uid)

    def deliver(self, job: Job, events: int = 1) -> asyncio.Future[Any] | None:
        """Write something that is not awaited, in order; while the storage fails it waits in memory.

        Returns the write under way, for a caller that paces itself by it; `None` when it waits.
        """
        if self.since is not None or self._waiting or self._flushing:
            self._defer(job, events)
            return None
        try:
            future = self._hub.writer.submit(job)
        except StorageProblem:  # the hub is stopping
            self._defer(job, events)
            return None
        future.add_done_callback(partial(self._delivered, job, events))
        return future

    def deliver_events(self, events: list[tuple[dict[str, Any], str]]) -> asyncio.Future[Any] | None:
        """Write events of the hub's own making, given with their projects."""
        return self.deliver(partial(store_new_events, self._hub.state, events=events), len(events))

    def look(self) -> None:
        """Notice a write that does not finish, and try whether the storage works again. Called once a tick."""
        writer = self._hub.writer
        same = writer.working and writer.batches == self._seen_batch
        self._seen_batch, self._looks = writer.batches, self._looks + 1 if same else 0
        if self._looks >= STALLED:
            if self.since is None:
                self._excuse_hosts()
            self.failed(_STALLED)
        now = boottime()
        idle = self._probing is None or self._probing.done()
        if self.since is not None and idle and now - self._probed_at >= PROBE_EVERY:
            self._probed_at = now
            self._probing = asyncio.create_task(self._try())

    async def prove(self) -> None:
        """Return when the storage takes writes, by a write of the last seconds or by one now.

        Raises `StorageProblem`. The answer is shared for `PROVED_FOR` seconds: whoever may ask must not cause a sync
        to disk each time.
        """
        if self.since is not None:
            raise StorageProblem(503, self.code, f"This hub cannot store: {self.state}.")
        if boottime() - self._proved_at >= PROVED_FOR:
            await self._hub.write(probe)
            self._proved_at = boottime()

    def stop(self) -> None:
        """End the probe under way, and log what will be lost."""
        if self._probing is not None:
            self._probing.cancel()
        if self._events:
            log.error("%d events could not be stored before the hub stopped", self._events)

    async def _try(self) -> None:
        try:
            await self._hub.write(probe)
        except StorageProblem as problem:
            self.failed(problem)
            return
        except Exception as error:
            log.exception("the storage could not be tried: %s", error)
            return
        if self.since is None or boottime() - self._failed_at < SETTLED or not self._has_room():
            return
        await self._recovered(self.since)

    def _has_room(self) -> bool:
        if self.code != "StorageFull" or self._hub.engine.dialect.name != "sqlite":
            return True
        return shutil.disk_usage(self._hub.data).free >= ROOM

    async def _recovered(self, since: float) -> None:
        outage, waited = boottime() - self._began, self._events
        self.since, self.code = None, ""
        self._hub.alerts.drop(ALERT)
        log.warning("the storage works again after %s; %d events are delivered now", duration(outage), waited)
        await self._flush()
        if self.since is None:
            late = f" {waited:,} {_events_were(waited)} delivered late" if waited else ""
            lost = f", {self.lost:,} {'was' if self.lost == 1 else 'were'} lost" if self.lost else ""
            message = f"The management plane stores again after {duration(outage)}.{late}{lost}{'.' if late else ''}"
            self.deliver(self._event("Info", RECOVERED, message))

    async def _flush(self) -> None:
        """Write what waits, oldest first; what fails for the storage waits on."""
        self._flushing = True
        try:
            while self._waiting and self.since is None:
                jobs = [self._waiting.popleft() for _ in range(min(_FLUSH, len(self._waiting)))]
                futures = [self._hub.writer.submit(job) for job, _ in jobs]
                outcomes = await asyncio.gather(*futures, return_exceptions=True)
                failed = [job for job, end in zip(jobs, outcomes, strict=True) if isinstance(end, StorageProblem)]
                self._waiting.extendleft(reversed(failed))
                self._events = sum(events for _, events in self._waiting)
                for outcome in outcomes:
                    if isinstance(outcome, StorageProblem):
                        self.failed(outcome)
                    elif isinstance(outcome, BaseException):
                        log.error("a note could not be stored: %s", outcome)
        finally:
            self._flushing = False

    def _delivered(self, job: Job, events: int, future: asyncio.Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, StorageProblem):
            self._defer(job, events)
        elif error is not None and not isinstance(error, Behind):
            log.error("a note could not be stored: %s", error)

    def _defer(self, job: Job, events: int) -> None:
        self._waiting.append((job, events))
        self._events += events
        while self._events > MOST_EVENTS and len(self._waiting) > 1:
            _, removed = self._waiting.popleft()
            self._events -= removed
            self.lost += removed

    def _event(self, severity: str, reason: str, message: str) -> Job:
        state = self._hub.state
        project = state.default_project()
        event = plane_event(state.tenant_uid, severity, reason, message)
        return lambda tx: store_event(self._hub.state, tx, event, project.uid if project else "")


def _events_were(count: int) -> str:
    return "event of that time was" if count == 1 else "events of that time were"


async def watch_storage(hub: Services) -> None:
    """Look after the storage once a tick until cancelled."""
    while True:
        await asyncio.sleep(TICK)
        try:
            hub.storage.look()
        except Exception as error:
            log.exception("the storage could not be looked after: %s", error)

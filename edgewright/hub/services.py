"""What the parts of the hub may ask of each other: narrow protocols, and the one object that offers them.

Handlers, sweeps and controllers are given `Services`. It knows no route and no resource; `process/app.py` builds it.
A resource that offers something to others does so by a protocol here; what is its own it finds with `part`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from edgewright.hub.db.records import HostEntry
from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.auth import Authenticator
from edgewright.hub.http.bounds import Budget
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.clock import ClockWatch
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.readmodel.alert_board import AlertBoard
from edgewright.hub.readmodel.changes import Changes
from edgewright.hub.readmodel.memory import Memory
from edgewright.hub.readmodel.pace import Turns
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.search import Finder
from edgewright.hub.readmodel.state import State
from edgewright.hub.security.secretbox import SecretBox

T = TypeVar("T")


class Reads(Protocol):
    """Queries of the database, off the event loop."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a reading connection; raises `StorageProblem` when the database does not answer in time."""


class Writes(Protocol):
    """Jobs of the one writer."""

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run a job in the writer; returns its result once it is durable. Raises `Problem` and `StorageProblem`."""

    def write_later(self, job: Callable[[Tx], Any]) -> None:
        """Queue a job whose result is not awaited; a failure is logged."""


class Storage(Protocol):
    """The state of the storage, and writes that wait for it (rule P43)."""

    since: float | None
    """Since when nothing can be stored, epoch seconds; `None` while the storage works."""

    @property
    def state(self) -> str:
        """Return `ok`, or since when it fails and why."""

    def deliver(self, job: Callable[[Tx], Any], events: int = 1) -> asyncio.Future[Any] | None:
        """Write a job of the hub's own making, later when the storage fails now."""

    def deliver_events(self, events: list[tuple[dict[str, Any], str]]) -> asyncio.Future[Any] | None:
        """Write events of the hub's own making, given with their projects."""

    def failed(self, problem: StorageProblem) -> None:
        """Take the failure of a write."""

    def look(self) -> None:
        """Notice a write that does not finish, and try whether the storage works again."""

    async def prove(self) -> None:
        """Write something; raises `StorageProblem` when that fails."""

    def as_dict(self) -> dict[str, Any]:
        """Return the state for `hub status`."""


class LineageView(Protocol):
    """Which history the generations of this database belong to (rules P36 to P38)."""

    @property
    def value(self) -> str:
        """Return the lineage."""

    @property
    def since(self) -> float:
        """Return when it began, epoch seconds."""

    def believes(self, lineage: str | None, generation: int, entry: HostEntry, now: float) -> bool:
        """Return whether a generation that a host reports may count."""


class EventIntake(Protocol):
    """How much a host may send (rule P47)."""

    crowded: asyncio.Event
    """Set when so many events were stored that the total may be over its limit."""

    def admit_request(self, uid: str) -> None:
        """Count one request of a host that may change something; raises 429 for too many."""

    def admit(self, uid: str, count: int) -> None:
        """Take `count` events of a host; raises 429 with nothing taken when it sends too many."""

    def admit_state(self, uid: str) -> bool:
        """Return whether a change of health that a host's own heartbeat made may become an event."""


class Tasks(Protocol):
    """This process among those on its database: which tasks it has, by leases."""

    id: str
    """The name of this process in the database."""
    address: str
    """The URL of this process."""
    names: tuple[str, ...]
    """The tasks that there are."""
    shared: bool
    """Whether there can be other processes."""
    was_down: bool
    """Whether no hub was up before this process started."""
    others: tuple[str, ...]
    """Addresses of the other processes that are up."""
    alone: bool
    """Whether no other process can be there (rule P68)."""
    alone_since: float
    """Since when that is known, by the clock that also counts sleep."""

    def has(self, name: str) -> bool:
        """Return whether this process has a task now."""

    def fence(self, tx: Tx, name: str) -> None:
        """Raise `LeaseLost` unless this process has a task, by the database; called in each transaction of the task."""


class BeatMeter(Protocol):
    """Counts heartbeats over time."""

    def note(self, now: float, total: int) -> None:
        """Take the number of heartbeats written so far; `now` by a clock that only rises."""

    def rate(self, now: float, total: int) -> float:
        """Return heartbeats a second."""


class Services(Reads, Writes, Protocol):
    """What every part of the hub is given."""

    options: ServeOptions
    data: Path
    started: float
    """When this process started, epoch seconds."""
    engine: Engine
    box: SecretBox
    state: State
    clock: ClockWatch
    renderer: Renderer
    changes: Changes
    memory: Memory
    alerts: AlertBoard
    authenticator: Authenticator
    finder: Finder
    turns: Turns
    budget: Budget
    """Memory that requests without a credential may use."""
    writer: Writer
    renewing: asyncio.Lock
    """Locked while the server certificate is renewed."""
    tls: ssl.SSLContext | None
    """What handshakes use; a renewed certificate is loaded into it."""

    @property
    def storage(self) -> Storage:
        """Return the state of the storage."""

    @property
    def lineage(self) -> LineageView:
        """Return the lineage of the database."""

    @property
    def intake(self) -> EventIntake:
        """Return what limits a host's events."""

    @property
    def membership(self) -> Tasks:
        """Return this process among those on its database, and the tasks that it has."""

    @property
    def meter(self) -> BeatMeter:
        """Return the meter of heartbeats."""

    @property
    def start_again(self) -> Callable[[], None]:
        """Return what ends this process in good order and starts it again, with everything loaded afresh."""

    def check_current(self) -> None:
        """Raise 503 while memory does not follow what other hubs store: a credential may be revoked meanwhile."""

    async def await_credential(self, headers: Mapping[str, str]) -> None:
        """Wait until memory has a credential that another hub issued a moment ago; a wrong one is not waited for."""

    def look_at_clock(self) -> None:
        """Notice that the clock was set or that the hub was absent, before anything is judged by the time."""

    def part(self, kind: type[T]) -> T:
        """Return the one object of a class that a resource has put there; raises `KeyError` without one."""

    @property
    def prunes(self) -> Sequence[Callable[[Any, float], Coroutine[Any, Any, dict[str, int]]]]:
        """Return what deletes old rows of each resource at a time; each returns the deleted rows by table."""

    @property
    def routes(self) -> Sequence[Any]:
        """Return the routes that the API description shows (`http.routing.Route`, which this module may not name)."""

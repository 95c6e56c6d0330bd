"""The hub as an ASGI application: its parts, and its table of routes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from starlette.routing import Route as PathRoute
from starlette.routing import Router

from edgewright.core import times
from edgewright.hub.controllers import absence, alert_rows
from edgewright.hub.controllers.change_log import CONTROLLER as CHANGE_LOG
from edgewright.hub.controllers.membership import Membership
from edgewright.hub.controllers.runtime import Runtime
from edgewright.hub.controllers.storage_watch import StorageWatch, watch_storage
from edgewright.hub.db.engines import storage_problem
from edgewright.hub.db.integrity import cause
from edgewright.hub.db.lineage import Lineage
from edgewright.hub.db.shared.sessions import again
from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.auth import Authenticator
from edgewright.hub.http.bounds import Budget
from edgewright.hub.http.intake import Intake
from edgewright.hub.http.limiter import FailureLimiter, PaletteLimiter
from edgewright.hub.http.problems import Problem, StorageProblem
from edgewright.hub.http.routing import Message, Receive, Route, Send, problem_response
from edgewright.hub.process.clock import ClockWatch
from edgewright.hub.process.endpoint import Endpoint
from edgewright.hub.process.following import Follower
from edgewright.hub.process.housekeeping import PRUNE, Meter, run_housekeeping, watch_clock
from edgewright.hub.process.log_limit import report_repeats
from edgewright.hub.process.observe.requests import Measured, RequestMeter
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.process.runtime.allocator import return_free_pages
from edgewright.hub.process.runtime.service import report_life
from edgewright.hub.readmodel.alert_board import AlertBoard
from edgewright.hub.readmodel.beats import Beats
from edgewright.hub.readmodel.changes import Changes
from edgewright.hub.readmodel.memory import Memory
from edgewright.hub.readmodel.pace import Turns
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.search import Finder
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import FastPath, Prune, Resource
from edgewright.hub.security.secretbox import SecretBox
from edgewright.wire import protocol

log = logging.getLogger("edgewright.hub")
T = TypeVar("T")
FAST_DISK, SLOW_DISK = 1.0, 5.0
"""Seconds of a commit up to which a stop closes the database, and up to which it stores the time of this run."""
READ_WITHIN = 30.0
"""Seconds in which the database must answer a query; the longest of the hub's own takes a second or two."""


_SWEEPS = (run_housekeeping, watch_clock, watch_storage, alert_rows.run)


class Hub:
    """Everything one hub process has; passed to every handler."""

    def __init__(
        self,
        options: ServeOptions,
        engines: tuple[Engine, Engine],
        box: SecretBox,
        state: State,
        clock: ClockWatch | None,
        resources: Sequence[Resource],
        routes: Sequence[Route],
        membership: Membership | None = None,
    ) -> None:
        self.options = options
        self.resources, self.routes = tuple(resources), tuple(routes)
        self.data: Path = options.data
        self.engine, self.readers = engines
        self.box = box
        self.state = state
        self.started = times.now()
        self.clock = clock or ClockWatch()
        self.membership = membership or Membership(self.engine, options.listen)
        up_since = min(self.started, self.membership.up_since) if self.membership.shared else self.started
        self.renderer = Renderer(state, box, up_since, options.silence_limit, options.heartbeat)
        self._renders = {kind: render for resource in resources for kind, render in resource.render.items()}
        hidden = frozenset().union(*(resource.tenant_kinds for resource in resources))
        self.changes = Changes(state.seq, self._render, beats=Beats(state), tenant_kinds=hidden)
        state.access_changed = self.changes.wake
        self.memory = Memory(self.changes)
        self.follower = Follower(self)
        self.alerts = AlertBoard(self.changes)
        self.authenticator = Authenticator(state, box, FailureLimiter(options.failed_logins), self.clock.latest)
        self.lineage = Lineage(self)
        self.budget = Budget()
        """Memory that requests without a credential may use."""
        self.intake = Intake(self)
        self.finder = Finder(state, self.renderer)
        self.turns = Turns()
        self.storage = StorageWatch(self)
        self.alerts.direct = lambda: self.storage.since is not None
        self._parts: dict[type, Any] = {}
        for resource in resources:
            if resource.parts is not None:
                self._parts.update((type(part), part) for part in resource.parts(self))
        for resource in resources:
            if resource.follows is not None:
                self.memory.register(*resource.follows(self))
            self.memory.register_documents(resource.documents)
        self.memory.listen("event", self.intake.stored)
        self.writer: Writer
        controllers = [
            PRUNE,
            CHANGE_LOG,
            *(controller for resource in resources for controller in resource.controllers),
        ]
        self.runtime = Runtime(self, controllers, self.membership.id)
        self._tasks: set[asyncio.Future[Any]] = set()
        self.renewing = asyncio.Lock()
        """Locked while the server certificate is renewed."""
        self.tls: ssl.SSLContext | None = None
        """What handshakes use; a renewed certificate is loaded into it."""
        self.meter = Meter()
        self._own: list[asyncio.Task[None]] = []
        self.stopping = False
        self.start_again: Callable[[], None] = self.begin_stop
        """Ends this process and starts it again; without a server that can, it only stops answering."""
        self.starts_again = False
        """Whether the process does that."""
        self.closed = False
        """Whether `stop` has closed the database."""

    @property
    def prunes(self) -> list[Prune]:
        """Return what deletes old rows of each resource."""
        return [resource.prune for resource in self.resources if resource.prune is not None]

    def part(self, kind: type[T]) -> T:
        """Return the one object of a class that a resource has put there; raises `KeyError` without one."""
        result: T = self._parts[kind]
        return result

    async def start(self) -> None:
        """Start the writer and the sweeper on the running loop."""
        self.writer = Writer(
            self.engine, asyncio.get_running_loop(), self.storage.failed, self.memory, self.membership.id
        )
        self.follower.start(self.membership.id)
        absence.settle_future(self, self.started)
        for resource in self.resources:
            if resource.begin is not None:
                resource.begin(self)
        if self.membership.shared:
            with contextlib.suppress(Problem):
                await self.membership.beat(self)
        # A fleet in memory is a million objects that never become garbage; walking them again and again in search of
        # some would block the event loop for a quarter of a second each time.
        gc.collect()
        gc.freeze()
        self._own = [asyncio.create_task(self.finder.follow(self.turns))]
        sweeps = [*_SWEEPS, *(sweep for resource in self.resources for sweep in resource.sweeps)]
        self._own += [asyncio.create_task(sweep(self)) for sweep in sweeps]
        self._own += [asyncio.create_task(self.membership.run(self)), asyncio.create_task(self.runtime.run())]
        self._own += [
            asyncio.create_task(return_free_pages()),
            asyncio.create_task(report_life(lambda: not self.starts_again)),
            asyncio.create_task(report_repeats()),
        ]

    def begin_stop(self) -> None:
        """Take no more writes, end the streams and the hub's own tasks."""
        if self.stopping:
            return
        self.stopping = True
        self.changes.stop()
        for task in self._own:
            task.cancel()
        for stop in (stop for resource in self.resources for stop in resource.stops):
            stop(self)
        self.storage.stop()
        self.writer.begin_stop()

    async def stop(self) -> None:
        """Finish writes and close the database; on a slow disk it stays as it is, which the next start repairs.

        Closing syncs several times. What was acknowledged is in the write-ahead log by then.
        """
        self.begin_stop()
        ended = await asyncio.to_thread(self.writer.stop)
        self.follower.stop()  # only now: a write behind other hubs' changes is answered when memory has those
        if not ended:
            return
        if self.writer.slowest < SLOW_DISK:
            await asyncio.to_thread(self.clock.save, self.data)
        if self.writer.slowest < FAST_DISK:
            with contextlib.suppress(DBAPIError, Problem):
                await asyncio.to_thread(self.membership.leave, self.engine)
            self.engine.dispose()
            self.readers.dispose()
            self.closed = True

    def check_current(self) -> None:
        """Raise 503 while memory does not follow what other hubs store: a credential may be revoked meanwhile."""
        self.follower.check()

    async def await_credential(self, headers: Mapping[str, str]) -> None:
        """Wait until memory has a credential that another hub issued a moment ago; a wrong one is not waited for."""
        await self.follower.knows(self.authenticator, headers)

    def look_at_clock(self) -> None:
        """Notice that the clock was set or that the hub was absent, before anything is judged by the time."""
        seen = self.clock.look()
        if seen.jump or seen.absent:
            absence.excuse(self, seen)

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run a job in the writer; returns its result once it is durable."""
        return await asyncio.shield(self.writer.submit(job))

    def write_later(self, job: Callable[[Tx], Any]) -> None:
        """Queue a job whose result is not awaited; a failure is logged."""
        try:
            future = self.writer.submit(job)
        except StorageProblem as problem:
            log.error("a note could not be stored: %s", problem)
            return
        self._tasks.add(future)
        future.add_done_callback(self._written)

    def _written(self, future: asyncio.Future[Any]) -> None:
        self._tasks.discard(future)
        if not future.cancelled() and future.exception() is not None:
            log.error("a note could not be stored: %s", future.exception())

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a reading connection, off the event loop.

        Raises `StorageProblem` when the database fails, and after `READ_WITHIN`: one that hangs would let the questions
        of waiting clients pile up, and all be asked in the end.
        """

        def ask() -> T:
            with self.readers.connect() as connection:
                return query(connection)

        def run() -> T:
            try:
                return again(ask)
            except DBAPIError as error:
                log.warning("a query failed: %s", cause(error.orig or error))
                raise (storage_problem(error) or error) from None

        try:
            async with asyncio.timeout(READ_WITHIN):
                return await asyncio.to_thread(run)
        except TimeoutError:
            raise StorageProblem(
                503, "StorageStalled", f"The hub's database has not answered within {READ_WITHIN:g} s; try again later."
            ) from None

    def _render(self, kind: str, uid: str) -> dict[str, Any] | None:
        """Return the present document of a changed thing, for the stream."""
        render = self._renders.get(kind)
        return None if render is None else render(self, uid)


class Application:
    """The ASGI entry point: lifespan, heartbeats by the short way, everything else through the router."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._meter = hub.part(RequestMeter)
        self._limiter = PaletteLimiter() if hub.options.simulate_palette else None
        self._fast = tuple(
            path for resource in hub.resources if resource.fast is not None for path in resource.fast(hub)
        )
        open_paths = frozenset().union(*(resource.open_paths for resource in hub.resources))
        by_path: dict[str, dict[str, Route]] = {}
        for route in hub.routes:
            by_path.setdefault(route.path, {})[route.method] = route
        # Literal segments come before parameters, so that /v1/edgehosts/tokens is not a host called "tokens".
        ordered = sorted(by_path, key=lambda path: re.sub(r"\{[^}]+\}", "~", path))
        router = Router(
            [PathRoute(path, endpoint=Endpoint(hub, by_path[path], open_paths, self._fast)) for path in ordered],
            redirect_slashes=False,
            default=_no_path,
        )
        self._router = Measured(router, self._meter)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        self._hub.look_at_clock()
        if self._limiter is not None and not self._limiter.allow(_address(scope), scope["path"], times.now()):
            problem = Problem(429, protocol.E_TOO_MANY, "Too many requests for this path prefix; slow down.")
            await Measured(problem_response(problem), self._meter)(scope, receive, send)
            return
        for fast in self._fast:
            if fast.matches(scope):
                await self._heartbeat(fast, scope, receive, send)
                return
        await self._router(scope, receive, send)

    async def _heartbeat(self, fast: FastPath, scope: Message, receive: Receive, send: Send) -> None:
        """Answer by the short way, or by the ordinary route when that finds something unusual."""
        began, meter, app = perf_counter(), self._meter, self._router
        meter.open += 1
        try:
            first = await fast.try_fast(scope, receive, send)
            if first is None:
                meter.note_beat(scope, perf_counter() - began)
                return
            receive = _again(first, receive) if first else receive
        except Problem as problem:
            app = Measured(problem_response(problem), meter)
        finally:
            meter.open -= 1
        await app(scope, receive, send, began)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._hub.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._hub.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _address(scope: Message) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that gives an already read message once more."""
    pending = [first]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


async def _no_path(scope: Message, receive: Receive, send: Send) -> None:
    problem = Problem(404, 404, f"path {scope['path'][:200]} was not found")
    await problem_response(problem)(scope, receive, send)


def make_app(hub: Hub) -> Application:
    """Return the ASGI application of a hub."""
    return Application(hub)

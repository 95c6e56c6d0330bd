"""A site that the console has open: its connection, and what Doctor read last.

A screen reads plain values here (`state`, `report`, `rtt`, times in epoch seconds) and calls `connect`, `read` and
`watch`; which client reaches the host is not its business. What was read stays when the connection breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from edgewright.clients.ssh.auth.asking import Asker, NoAnswers
from edgewright.clients.ssh.logs.request import LOGS as LOGS
from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes.progress import Progress as Progress
from edgewright.clients.ssh.probes.reading import examine
from edgewright.clients.ssh.probes.sets import chosen
from edgewright.clients.ssh.target import short_name
from edgewright.commands.site.api.host_document import Known, SiteHosts
from edgewright.commands.site.api.same import way_to_cluster
from edgewright.core import times
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document
from edgewright.core.doctor.facts import Facts
from edgewright.core.errors import EdgewrightError, Refused, TimedOut, Unreachable

State = Literal["new", "connecting", "open", "lost", "shut"]
"""`lost` is tried again by itself; `shut` waits for the user: it was refused, or never opened."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds before each try to connect again; the last one repeats."""
REFUSALS = 2
"""Refusals in a row after which the user is needed: one may be a link that broke during the authentication."""
LOOK = 0.5
"""Seconds between two looks whether the connection is there."""
PLACES = 4
"""Addresses at which a host is tried in turn."""
MEASURE = 5.0
"""Seconds between two measured round trips."""
MEASURE_HIDDEN = 60.0
"""Seconds between two measured round trips of a site that no screen shows."""


class HostConnection(CanRunScript, Protocol):
    """What a site needs of an open connection; `clients.ssh.connection.SshConnection` has it."""

    facts: Any
    """Its `host`, `user`, `address`, `via`, `key`, `method`, `known_by`, `server`, `warnings`, `plane_uid`."""
    silence: float
    """Seconds after which a host that does not answer is taken as lost."""

    @property
    def alive(self) -> bool:
        """Whether it is open, as far as is known."""

    async def open_terminal(self, kind: str, columns: int, rows: int) -> Any:
        """Return a terminal with the user's shell; see `clients.ssh.connection`."""

    async def open_stream(self, host: str, port: int) -> Any:
        """Return a connection from the host; see `clients.ssh.connection`."""

    async def round_trip(self, patience: float = ...) -> float:
        """Return the seconds until the host answers. Raises `TimedOut`, `Unreachable`."""


class Reached(NamedTuple):
    """A connection as it is shown; texts of the host are cleaned where they are shown."""

    host: str
    user: str
    address: str
    via: tuple[str, ...]
    method: str
    known_by: str
    server: str
    warnings: tuple[str, ...]
    plane_uid: str = ""
    key: str = ""
    """Fingerprint of its host key."""


Reach = Callable[[Asker], Awaitable[HostConnection]]


class Site:
    """One host that is open. Everything happens on one event loop; who listens is called after each change."""

    def __init__(
        self,
        target: str,
        reach: Reach,
        *,
        now: Callable[[], float] = times.now,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self.target = target
        self.state: State = "new"
        self.since = now()
        """When this state began."""
        self.reached: Reached | None = None
        """Of the present connection, or of the one before."""
        self.rtt: float | None = None
        self.rtt_at: float | None = None
        self.asked_at: float | None = None
        """When the answer was asked for that is being waited for."""
        self.next_try: float | None = None
        self.problem = ""
        """Why there is no connection: one sentence and the next step."""
        self.report: dict[str, Any] | None = None
        """The document of Doctor (`core.doctor.document`) that was read last."""
        self.facts: Facts | None = None
        """What the probes read then."""
        self.local_api: Any = None
        """What its own API answered (`site.api.session.SiteLocalApi`), once a user has asked for it."""
        self.read_at: float | None = None
        self.reading_since: float | None = None
        self.progress = Progress(())
        """How far the present run of the probes is, or the last one was."""
        self.read_problem = ""
        """Why the last run of the probes gave nothing."""
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        """What ends with the site, for what used its connection."""
        self._listeners: list[Callable[[], None]] = []
        self.returned: Callable[[], None] = lambda: None
        """Called when the connection is there again after it was lost."""
        self.unlist: Callable[[], None] = lambda: None
        """Takes it out of the lists of hosts and clusters."""
        self.followed = False
        """Whether something measures the link and connects again (`watch`)."""
        self.applied: dict[str, str] = {}
        """Fixes that were applied and not taken back, to the key of the finding that each was for."""
        self.done: dict[str, None] = {}
        """What else was done on the host from here, in the order in which it began: shown instead of a promise."""
        self.unsettled = ""
        """The command of a fix that is not waited for any more: whether it was done is not known."""
        self.probes = len(chosen())
        self._reach, self._now, self._pauses = reach, now, tuple(pauses)
        self._places: tuple[str, ...] = ("",)
        self._connection: HostConnection | None = None
        self._wake = asyncio.Event()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change, until what is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def changed(self) -> None:
        """Call all that listen; one of them may end, or begin, listening meanwhile."""
        for listener in tuple(self._listeners):
            listener()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self.state == "open"

    def is_lost(self) -> bool:
        """Whether it is tried again by itself."""
        return self.state == "lost"

    @property
    def name(self) -> str:
        """What the user called the host, and in brackets what it calls itself where that is something else."""
        called, own = short_name(self.target), self.own_name
        return called if own in ("", called) else f"{called} ({own})"

    @property
    def own_name(self) -> str:
        """What the host calls itself, "" while that was not read."""
        return str((self.report or {}).get("host", {}).get("name", ""))

    @property
    def hosts(self) -> SiteHosts:
        """The port to this host, as a plane offers one to its hosts."""
        return SiteHosts(self)

    def known(self) -> Known:
        """Return what is known of the host, by the probes and by its own API."""
        known, values = Known(self.facts, self.read_at), {} if self.local_api is None else self.local_api.values
        info, cluster = values.get("host"), values.get("cluster")
        if info is not None and info.document is not None:
            known = known._replace(info=info.document, info_at=info.at)
        if cluster is not None and cluster.document is not None:
            known = known._replace(cluster=cluster.document, cluster_at=cluster.at)
        return known

    async def connect(self, asker: Asker) -> None:
        """Connect; `asker` answers questions. Raises `EdgewrightError`; it is shut then."""
        if self._connection is not None and self._connection.alive:
            return
        await self._drop()
        self._become("connecting")
        try:
            self._take(await self._reach(asker))
        except EdgewrightError as error:
            self._become("shut", error)
            raise
        except BaseException:
            self.problem = "Connecting was ended."
            self._become("shut")
            raise

    async def read(self) -> None:
        """Run all probes in one round trip; a failure is in `read_problem`, what was read before stays."""
        connection = self._connection
        if connection is None or not self.is_open or self.reading_since is not None:
            return
        probes = chosen()
        self.progress = Progress(probes)
        self.reading_since, self.read_problem = self._now(), ""
        self.changed()
        try:
            run = await examine(connection, probes, progress=self.progress)
            report = document(self.target, run.facts, diagnose(run.facts), root=run.run.way, seconds=run.seconds)
            self.report, self.facts, self.read_at = report, run.facts, self._now()
        except asyncio.CancelledError:
            self.read_problem = "Stopped."
            raise
        except EdgewrightError as error:
            self.read_problem = unread(error)
            if isinstance(error, Unreachable):
                await self._lost(error)
        finally:
            self.reading_since = None
            self.changed()

    def remember(self, finding: str, repair: str, *, undone: bool) -> None:
        """Note that a fix was applied, or taken back."""
        self.applied.pop(repair, None)
        if not undone:
            self.applied[repair] = finding
        self.changed()

    def did(self, what: str) -> None:
        """Note that something was done on the host, in a few words: `network settings`, `a shell`."""
        self.done[what] = None
        self.changed()

    def moves(self, address: str) -> None:
        """Expect the host at another address from now on, and at those before where it does not answer there.

        With "" it stays where it is.
        """
        if address:
            self._places = tuple(dict.fromkeys((address, *self._places)))[:PLACES]

    @property
    def place(self) -> str:
        """The address to try next, "" for that of the target."""
        return self._places[0]

    def not_there(self) -> None:
        """Try the other address next."""
        self._places = (*self._places[1:], self._places[0])

    async def broke(self, error: Unreachable) -> None:
        """Take the connection as lost: what used it found that out."""
        await self._lost(error)

    def to_cluster(self, sites: Mapping[str, Site]) -> Site:
        """Return itself, while it is not connected another one of `sites` that leads to the same cluster."""
        return way_to_cluster(sites, self)

    async def use(self) -> HostConnection:
        """Return the connection for something else. Raises `Unreachable` where there is none."""
        if self._connection is None or not self.is_open:
            raise Unreachable(f"There is no connection to {self.target}.", "Connect first.", "NotConnected")
        return self._connection

    async def watch(self, shown: Callable[[], bool] = lambda: True) -> None:
        """Measure the link, and connect again when it breaks, until it is cancelled. Asks nothing.

        `shown` returns whether a screen shows the site: the link of another one is measured rarely.
        """
        measured = 0.0
        while True:
            if self.state == "lost":
                await self._again()
            await asyncio.sleep(LOOK)
            connection = self._connection
            if connection is None or not self.is_open:
                continue
            if not connection.alive:
                await self._lost(Unreachable(f"The connection to {self.target} broke."))
            elif not self._is_arriving() and self._now() - measured >= (MEASURE if shown() else MEASURE_HIDDEN):
                measured = self._now()
                await self._measure(connection)

    def _is_arriving(self) -> bool:
        """Whether output of probes arrives: on a thin link the answer to a measurement would be behind it."""
        since = self.reading_since
        return since is not None and self._now() - max(since, self.progress.last_at) < MEASURE

    async def _measure(self, connection: HostConnection) -> None:
        self.asked_at = self._now()
        try:
            self.rtt = await connection.round_trip(connection.silence)
            self.rtt_at = self._now()
        except (TimedOut, Unreachable) as error:
            if connection is self._connection:
                await self._lost(error)
        finally:
            self.asked_at = None
            self.changed()

    def silent_for(self, now: float) -> float:
        """Return for how many seconds an open connection owes an answer, 0.0 where it owes none."""
        return 0.0 if self.asked_at is None or not self.is_open else max(now - self.asked_at, 0.0)

    async def _again(self) -> None:
        """Connect again with growing pauses, until it is open, or the user is needed."""
        refusals = 0
        for number in range(1_000_000):
            pause = self._pauses[min(number, len(self._pauses) - 1)]
            self.next_try = self._now() + pause
            self.changed()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            if not self.is_lost():
                return
            self.next_try = None
            self.changed()
            try:
                connection = await self._reach(NoAnswers())
            except (Unreachable, TimedOut) as error:
                self.problem, refusals = sentence(error), 0
                continue
            except EdgewrightError as error:
                refusals += 1
                if isinstance(error, Refused) and refusals < REFUSALS:
                    continue
                self._become("shut", error)
                return
            if not self.is_lost():  # connected another way meanwhile, or closed
                await connection.aclose()
                return
            self._take(connection)
            self.returned()
            return

    def try_now(self) -> None:
        """Connect again at once instead of after the pause."""
        self._wake.set()

    async def aclose(self) -> None:
        """End the connection, and what used it."""
        while self.at_end:  # a session is ended over the connection
            await self.at_end.pop()()
        self._become("shut")
        await self._drop()

    def _take(self, connection: HostConnection) -> None:
        facts = connection.facts
        self._connection = connection
        self.reached = Reached(
            facts.host, facts.user, facts.address, tuple(facts.via), facts.method, facts.known_by, facts.server,
            tuple(facts.warnings), facts.plane_uid, facts.key.fingerprint,
        )  # fmt: skip
        self.rtt = self.rtt_at = None
        self.problem = ""
        self._become("open")

    async def _lost(self, error: EdgewrightError) -> None:
        if self.state != "open":
            return
        connection, self._connection = self._connection, None  # a silent link takes its time to close
        self._become("lost", Unreachable(unread(error), "", error.code))  # what was changed, its verb reports itself
        if connection is not None:
            await connection.aclose()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    def _become(self, state: State, error: EdgewrightError | None = None) -> None:
        if state != self.state:
            self.state, self.since = state, self._now()
        self.next_try = None
        if error is not None:
            self.problem = sentence(error)
        self._wake.set()
        self.changed()


def unread(error: EdgewrightError) -> str:
    """Return why something was not read; after a lost link the operator has nothing to look for: it was only read."""
    return error.message if error.code == "ConnectionLost" else sentence(error)


def sentence(error: EdgewrightError) -> str:
    """Return an error as one text: what is wrong and the next step."""
    return f"{error.message} {error.hint}".strip()

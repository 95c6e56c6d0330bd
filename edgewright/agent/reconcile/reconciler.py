"""The reconciler: takes requests, brings documents to where they are wanted, reports, and ends when nothing is left."""

from __future__ import annotations

import fcntl
import os
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

from edgewright.agent.kernel import agent_log
from edgewright.agent.plane import clock
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.engine import Engine
from edgewright.agent.reconcile.engine import Position as Place
from edgewright.agent.reconcile.journal import CannotRecord, Journal, Record
from edgewright.agent.reconcile.observed import MAX_TRANSITIONS, progress_document
from edgewright.agent.reconcile.requests import ENDED, Handler, Judge, Requests
from edgewright.agent.reconcile.runner import Runner
from edgewright.agent.reconcile.steps import SUPERSEDED, Event, Plan, State, Step, transition_text
from edgewright.agent.reconcile.store import DocumentStore, Stored
from edgewright.core import times
from edgewright.core.clusters.actions import with_titles

STAY, POLLS, SOON = 60.0, 300.0, 15.0
"""Seconds that the reconciler waits in memory; for a longer wait it ends, and a timer starts it again.

`POLLS` while it looks every `SOON` seconds or more often, as for a host that waits for the others of its cluster."""
LOOK = 1.0
APPLIED = "applied"
EVENTS = {
    Event.STARTED: "StepStarted",
    Event.OBSERVED: "StepDone",
    Event.UNPLANNED: "StepDone",
    Event.FAILED: "StepFailed",
    Event.INTERRUPTED: "StepFailed",
    Event.UNREACHED: "StepFailed",
    Event.EXHAUSTED: "StepNeedsOperator",
    Event.LOOPING: "StepNeedsOperator",
}
"""The transitions that are events at the plane; progress is none."""


class Parts(NamedTuple):
    """What a reconciler is made of; tests and hosts without systemd bring their own."""

    runner: Runner
    drivers: Mapping[str, Driver]
    handlers: Mapping[str, Handler]
    judges: Mapping[str, Judge]
    boot: str
    clock: Callable[[], float] = time.time
    booted: Callable[[], Mapping[str, str]] = dict
    """Observes which operating system runs; without it that is unknown."""
    set_clock: Optional[clock.Clock] = None
    """The clock of this host; without it it is never set."""


def _ended(record: Record) -> bool:
    return record.get("state") in (ENDED, State.DONE.value) or record.get("error_class") == SUPERSEDED


class Reconciler:
    """The work of one host. `open` takes the lock; `run` works until nothing is left."""

    def __init__(self, data: str, run: str, parts: Parts, report: Callable[[int, str], None]) -> None:
        self.places = exchange.folders(data)
        self.run_folder = exchange.run_folder(data, run)
        self.store = DocumentStore(self.places[exchange.DOCUMENTS])
        self.journal = Journal(self.places[exchange.OWN], _ended)
        self.trouble = ""
        self._parts = parts
        self._report = report
        self._lock: Optional[int] = None
        self._engine: Optional[Engine] = None
        self._requests: Optional[Requests] = None
        self._transitions: List[Dict[str, Any]] = []
        self._written: Dict[str, Any] = {}

    def open(self) -> bool:
        """Take the lock; return whether no other reconciler works here. Raises `OSError`."""
        for place in self.places.values():
            os.makedirs(place, mode=0o700, exist_ok=True)
        os.makedirs(self.run_folder, mode=0o700, exist_ok=True)
        path = os.path.join(self.places[exchange.OWN], "lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._lock = handle
        before = exchange.get(self.run_folder, exchange.OBSERVED) or {}
        transitions = before.get("transitions")
        self._transitions = [t for t in transitions if isinstance(t, dict)] if isinstance(transitions, list) else []
        return True

    def close(self) -> None:
        """Release the lock and the journal."""
        self.journal.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def running(self) -> List[Step]:
        """Return the steps whose program runs."""
        return self._engine.running() if self._engine is not None else []

    def run(self, sleep: Optional[Callable[[float], object]] = None) -> Optional[float]:
        """Work until nothing is left; return the seconds after which to start again, `None` for never.

        While no program runs it stays for `STAY` or `POLLS` seconds in a row at most, unless a request waits in its
        folder: that would start it again at once. The end of a program ends each wait; `sleep` is that of tests.
        """
        quiet, pause = 0.0, sleep or self._pause
        while True:
            wait = self.tick()
            requests = exchange.names(self.places[exchange.REQUESTS])
            quiet = 0.0 if wait is None or self.running() or requests else quiet + wait
            if wait is None or (quiet > (POLLS if wait <= SOON else STAY) and not requests):
                return wait
            until = time.monotonic() + wait
            while not exchange.names(self.places[exchange.REQUESTS]):
                left = until - time.monotonic()
                if left <= 0 or pause(min(LOOK, left)):
                    break
            else:
                if self.trouble:
                    pause(min(wait, 10.0))  # what waits cannot be taken now: the disk is full

    def _pause(self, seconds: float) -> bool:
        return self._parts.runner.wait([step.unit for step in self.running()], seconds)

    def tick(self) -> Optional[float]:
        """Look at everything once; return after how many seconds to look again, `None` when nothing is left."""
        try:
            self._ready()
        except CannotRecord as error:
            self.trouble = error.message
            self._write([], None)
            self._take_clock(False)  # a full disk does not prevent it
            return 10.0
        assert self._engine is not None and self._requests is not None
        self._take_signals(self._engine)
        self._engine.look()
        self._take_clock(self._engine.busy)
        self._settle(self._engine)  # before the requests: a reboot waits for steps that run
        waits = [self._requests.take()]
        self.trouble = self._requests.trouble
        places: List[Place] = []
        earlier = self._settle(self._engine)
        waits += [LOOK for _ in earlier[:1]]
        for stored in self.store.documents():
            for place in self._converge(stored, self._lanes(stored), self._engine, earlier):
                places.append(place)
                waits.append(place.again)
        self._engine.retries.clear()
        self._write(places, next((place for place in places if not place.done), None))
        due = [wait for wait in waits if wait is not None]
        return min(due) if due else None

    def _ready(self) -> None:
        """Read the journal, the first time that it can be read. Raises `CannotRecord`."""
        if self._engine is not None:
            return
        self.journal.open()
        if self.journal.damaged:
            self._report(
                agent_log.ERROR, f"{self.journal.damaged} lines of {self.journal.path} are damaged and left out."
            )
        parts = self._parts
        self._engine = Engine(self.journal, parts.runner, parts.drivers, parts.clock, parts.boot, self._note)
        self._requests = Requests(
            self.places, self.journal, parts.handlers, parts.judges, parts.clock, parts.boot, self._report
        )
        self._requests.recover()

    def _take_clock(self, busy: bool) -> None:
        """Set the clock where the link asks for it; a request that cannot be removed is not taken again and again."""
        requests = self.places[exchange.REQUESTS]
        if exchange.CLOCK not in exchange.names(requests):
            return
        request = exchange.get(requests, exchange.CLOCK)
        exchange.drop(requests, exchange.CLOCK)
        if request is not None and self._parts.set_clock is not None:
            clock.take(request, self.places[exchange.OWN], self._parts.set_clock, busy, self._report)

    def _take_signals(self, engine: Engine) -> None:
        requests = self.places[exchange.REQUESTS]
        retry = exchange.get(requests, exchange.RETRY)
        if retry is not None:
            engine.retries.add(str(retry.get("target", "*")))
        for name in (exchange.WAKE, exchange.RETRY):
            exchange.drop(requests, name)

    def _settle(self, engine: Engine) -> List[Step]:
        """Return steps of earlier documents whose program still runs, after those that ended were judged."""
        return engine.settle(self.wanted())

    def wanted(self) -> Set[str]:
        """Return the steps of all documents that this host converges on."""
        return {action.step for stored in self.store.documents() for lane in self._lanes(stored) for action in lane}

    @property
    def engine(self) -> Engine:
        """Return the engine; it is there as soon as requests are taken."""
        assert self._engine is not None
        return self._engine

    def _lanes(self, stored: Stored) -> List[Plan]:
        driver = self._parts.drivers.get(stored.kind)
        if driver is None or (stored.released and not driver.releases):
            return []
        return driver.lanes(stored.document, stored.released)

    def _converge(self, stored: Stored, lanes: Sequence[Plan], engine: Engine, earlier: Sequence[Step]) -> List[Place]:
        """Return where each lane is, the host's own first."""
        driver = self._parts.drivers.get(stored.kind)
        if stored.released and (driver is None or not any(lanes)):
            self._forget(stored)
            return []
        if driver is None or not lanes:
            return []  # nothing is known of this document: what runs continues
        before = next((step for step in earlier if step.kind == stored.kind), None)
        if before is not None and lanes and lanes[0]:
            plan = lanes[0]
            first = engine.step(plan[0].step) or Step(plan[0].step, stored.kind, plan[0].target, since=before.since)
            return [Place(False, plan[0], first, f"step {with_titles(before.step)} of an earlier document", again=LOOK)]
        places = engine.run_lanes(lanes)
        failed = next((p for p in places if p.waiting_for and not p.done and p.again is None and p.step), None)
        if failed is not None and failed.step is not None:
            step = failed.step
            self._record(
                stored, "failed", {"digest": stored.digest, "step": step.step, "error": step.error, "at": self._now()}
            )
        elif all(place.done for place in places):
            if stored.released:
                driver.left(stored.document)
                self._forget(stored)
                return places
            self._record(stored, "applied", {**stored.wanted, "at": self._now()})
        return [*places, Place(True, again=driver.again(stored.document))]

    def _record(self, stored: Stored, name: str, value: Dict[str, Any]) -> None:
        """Note `applied` or `failed` of a document, durable; the same content is written once."""
        records = exchange.get(self.places[exchange.OWN], APPLIED) or {}
        entry = dict(records.get(stored.uid) or {})
        old = entry.get(name) or {}
        same = {**old, "at": ""} == {**value, "at": ""}
        if same and not (name == "applied" and "failed" in entry):
            return
        entry[name] = value if not same else old
        if name == "applied":
            entry.pop("failed", None)
        self._save_applied({**records, stored.uid: entry})

    def _forget(self, stored: Stored) -> None:
        """Remove what was applied of a released document: this kind of step leaves nothing on the host to undo."""
        records = exchange.get(self.places[exchange.OWN], APPLIED) or {}
        if stored.uid in records:
            self._save_applied({uid: records[uid] for uid in records if uid != stored.uid})

    def _save_applied(self, records: Dict[str, Any]) -> None:
        try:
            exchange.put(self.places[exchange.OWN], APPLIED, {uid: records[uid] for uid in records if uid != "step"})
        except OSError as error:
            self.trouble = f"What is applied cannot be stored: {error.strerror or error}."

    def _note(self, step: Step, event: Event) -> None:
        reason = EVENTS.get(event)
        if reason is None:
            return
        text = transition_text(step, event)
        self._report(
            agent_log.NOTICE if event in (Event.STARTED, Event.OBSERVED, Event.UNPLANNED) else agent_log.WARNING, text
        )
        n = 1 + max([int(item.get("n", 0)) for item in self._transitions] or [int(self._parts.clock() * 1000)])
        self._transitions.append({"n": n, "reason": reason, "message": with_titles(text), "at": self._now()})
        self._transitions = self._transitions[-MAX_TRANSITIONS:]

    def _write(self, places: List[Place], current: Optional[Place]) -> None:
        """Write what the link reads. A failure is reported once: the next look tries again."""
        applied = exchange.get(self.places[exchange.OWN], APPLIED) or {}
        booted = dict(self._parts.booted())
        documents = []
        for stored in self.store.documents():
            entry = applied.get(stored.uid) or {}
            document = {"uid": stored.uid, "kind": stored.kind, "applied": entry.get("applied")}
            document["wanted"] = None if stored.released else stored.wanted
            document.update(booted=booted or None, failed=entry.get("failed"))
            documents.append(document)
        reports: Dict[str, Dict[str, Any]] = {
            exchange.PROGRESS: {"progress": self._progress(current)},
            exchange.OBSERVED: {
                "documents": documents,
                "transitions": self._transitions,
                "trouble": self._reason(places),
            },
        }
        for name, body in reports.items():
            if self._written.get(name) == body:
                continue
            try:
                exchange.put(self.run_folder, name, body, durable=False)
            except OSError as error:
                self._report(agent_log.WARNING, f"{self.run_folder}/{name}.json cannot be written: {error.strerror}.")
                continue
            self._written[name] = body

    def _reason(self, places: List[Place]) -> str:
        blocked = [place.waiting_for for place in places if "No step is started" in place.waiting_for]
        troubles = [driver.trouble for driver in self._parts.drivers.values() if driver.trouble]
        return self.trouble or next(iter([*blocked, *troubles]), "")

    def _progress(self, place: Optional[Place]) -> Optional[Dict[str, Any]]:
        if place is None or place.action is None or place.step is None:
            return None
        step, action = place.step, place.action
        running = step.state is State.RUNNING
        deadline = times.rfc3339(step.since + action.limit) if running else ""
        since = times.rfc3339(step.since)
        return progress_document(
            action.step, action.n, action.of, since, step.attempt, place.percent, deadline, place.waiting_for,
            step.error_class, step.error if place.waiting_for else "", place.beside,
        )  # fmt: skip

    def _now(self) -> str:
        return times.rfc3339(self._parts.clock())

"""Requests of the plane that reach the reconciler as files: each runs at most once (P24), its result is a file.

The record in the journal is durable before the first step. A record without a result, after a restart, is judged by
whoever can (a reboot, by the boot id), and is otherwise reported as interrupted; it is never started again.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.agent.kernel.operations import INTERRUPTED, Outcome
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.journal import CannotRecord, Journal, Record
from edgewright.agent.reconcile.steps import valid_id
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.wire import protocol

RUNNING, ENDED = "running", "ended"
MAX_RESULTS = 32
"""Result files that stay for a plane that asks again; the oldest go first."""
AGAIN = 10.0


class Request(NamedTuple):
    """One request: its id, kind and parameters, and what the link knows about the moment."""

    id: str
    kind: str
    params: Mapping[str, Any]
    context: Mapping[str, Any]


Handler = Callable[[Request], Optional[Outcome]]
"""Carries out one kind; `None` while it is not over (a reboot)."""
Judge = Callable[[Record], Optional[Outcome]]


class Requests:
    """Takes the requests of a folder, one after the other."""

    def __init__(
        self,
        places: Mapping[str, str],
        journal: Journal,
        handlers: Mapping[str, Handler],
        judges: Mapping[str, Judge],
        clock: Callable[[], float],
        boot: str,
        report: Callable[[int, str], None],
    ) -> None:
        self._requests, self._results = places[exchange.REQUESTS], places[exchange.RESULTS]
        self._journal = journal
        self._handlers = handlers
        self._judges = judges
        self._clock = clock
        self._boot = boot
        self._report = report
        self._unsaved: Dict[str, Tuple[Record, Outcome]] = {}
        self.trouble = ""
        """Why nothing is started now, empty while the journal can be written."""

    def recover(self) -> None:
        """After a start: end what a reconciler before this one left without a result.

        A result on disk whose end is not in the journal counts: the link may have sent it already.
        """
        for record in self._open_records():
            stored = exchange.get(self._results, str(record.get("id")))
            if stored is not None:
                self._end(record, _outcome(stored))
            elif record.get("operation") not in self._judges:
                self._end(record, Outcome(protocol.OP_FAILED, INTERRUPTED))

    def take(self) -> Optional[float]:
        """Carry out what waits; return after how many seconds to look again, `None` when nothing is left."""
        self.trouble = ""
        self._save_results()
        for record in self._open_records():
            judge = self._judges.get(str(record.get("operation")))
            outcome = judge(record) if judge is not None else None
            if outcome is not None:
                self._end(record, outcome)
        for name in exchange.names(self._requests):
            if name not in exchange.SIGNALS and not self._start(name):
                return AGAIN
        return AGAIN if self._unsaved or self._open_records() or self.trouble else None

    def _start(self, name: str) -> bool:
        """Run one request; return whether the next one may follow."""
        body = exchange.get(self._requests, name)
        if body is None or not valid_id(name):
            self._report(4, f"A request of the link cannot be read and is dropped: {clean(name, 60)}.")
            exchange.drop(self._requests, name)
            return True
        step = "op-" + name
        known = self._journal.records.get(step)
        if known is None:
            params, kind = body.get("params"), str(body.get("kind"))
            request = Request(name, kind, params if isinstance(params, dict) else {}, body)
            record: Record = {"operation": kind, "id": name, "state": RUNNING, "at": self._clock(), "boot": self._boot}
            try:
                self._journal.append(step, record)
            except CannotRecord as error:
                self.trouble = error.message
                return False
            exchange.drop(self._requests, name)
            outcome = self._carry_out(request)
            if outcome is not None:
                self._end(self._journal.records[step], outcome)
            return True
        if known.get("state") == ENDED and exchange.get(self._results, name) is None:
            self._write(known, Outcome(str(known.get("result")), str(known.get("message"))))
        exchange.drop(self._requests, name)
        return True

    def _carry_out(self, request: Request) -> Optional[Outcome]:
        handler = self._handlers.get(request.kind)
        if handler is None:
            return Outcome(
                protocol.OP_REFUSED, f"This agent does not support operations of kind {clean(request.kind, 60)}."
            )
        if past(request.context, self._clock()):
            return Outcome(protocol.OP_REFUSED, "Nothing was done: the deadline had passed before it could start.")
        try:
            return handler(request)
        except EdgewrightError as error:
            return Outcome(protocol.OP_FAILED, error.message)
        except Exception as error:
            return Outcome(protocol.OP_FAILED, f"The agent hit an unexpected {type(error).__name__}: {error}.")

    def _open_records(self) -> List[Record]:
        waiting = [record for record, _ in self._unsaved.values()]
        records = self._journal.records.values()
        return [r for r in records if "operation" in r and r.get("state") == RUNNING and r not in waiting]

    def _end(self, record: Record, outcome: Outcome) -> None:
        """Store the result; while the disk refuses it, it waits in memory and nothing else is started."""
        self._unsaved[record["step"]] = (record, outcome)
        self._save_results()

    def _save_results(self) -> None:
        for step, (record, outcome) in list(self._unsaved.items()):
            ended = {**record, "state": ENDED, "result": outcome.state, "ended": self._clock()}
            ended["message"] = clean(outcome.message, protocol.MAX_MESSAGE)
            try:
                self._write(ended, outcome)
                self._journal.append(step, {name: ended[name] for name in ended if name != "step"})
            except (OSError, CannotRecord) as error:
                self.trouble = getattr(error, "message", "") or f"A result cannot be stored: {error}."
                return
            del self._unsaved[step]
            self._report(5, f"Operation {record['operation']} {record['id']} has ended: {outcome.state}.")
        self._trim()

    def _write(self, record: Record, outcome: Outcome) -> None:
        moment = record.get("ended")
        body: Dict[str, Any] = {
            "state": outcome.state,
            "message": clean(outcome.message, protocol.MAX_MESSAGE),
            "finishedAt": times.rfc3339(moment if isinstance(moment, float) else self._clock()),
            "kind": record.get("operation"),
            "lines": list(outcome.lines),
        }
        if outcome.checks:
            body["checks"] = list(outcome.checks)
        body.update(outcome.certificate)
        exchange.put(self._results, str(record["id"]), body)

    def _trim(self) -> None:
        names = exchange.names(self._results)
        if len(names) <= MAX_RESULTS:
            return
        order = {step: n for n, step in enumerate(self._journal.records)}  # not by time: a clock may be set back
        aged = sorted(names, key=lambda name: order.get("op-" + name, -1))
        for name in aged[: len(names) - MAX_RESULTS]:
            exchange.drop(self._results, name)


def _outcome(stored: Mapping[str, Any]) -> Outcome:
    """Return the outcome that a result file has."""
    lines, checks = stored.get("lines"), stored.get("checks")
    return Outcome(
        str(stored.get("state")),
        str(stored.get("message")),
        tuple(lines) if isinstance(lines, list) else (),
        tuple(checks) if isinstance(checks, list) else (),
        {name: stored[name] for name in ("certificate", "ca") if isinstance(stored.get(name), str)},
    )


def past(context: Mapping[str, Any], now: float) -> bool:
    """Return whether the deadline has passed by the plane's clock; `clockOff` is this host's lead over it."""
    deadline, off = context.get("deadline"), context.get("clockOff", 0.0)
    try:
        moment = times.parse(deadline) if isinstance(deadline, str) else None
    except ValueError:
        return False
    return moment is not None and moment < now - (off if isinstance(off, (int, float)) else 0.0)

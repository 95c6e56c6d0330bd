"""Operations of the plane: a journal on disk, each id started at most once, each result repeated until it is taken.

The order of P24 and P25: record durable, act, result durable, send, acknowledged. A kill between any two of them
leaves a record from which the next start continues: without a result the operation counts as failed and is never
started again.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.wire import protocol

NAME = "operations"
MAX_RECORDS = 500
"""Records stored; the oldest acknowledged ones go first."""
INTERRUPTED = "The agent stopped during this operation; how far it came is not known. It is not started again."


class Outcome(NamedTuple):
    """How an operation ended: `succeeded`, `failed` or `refused`, and a sentence."""

    state: str
    message: str


Handler = Callable[[str, Mapping[str, Any]], Outcome]
"""Carries out one kind: takes the operation's id and parameters."""


class Journal:
    """The records of all operations that this host knows."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        body = folder.load(NAME) or {}
        records = body.get("records")
        self._records: List[Dict[str, Any]] = (
            [r for r in records if isinstance(r, dict)] if isinstance(records, list) else []
        )
        stopped = [record for record in self._records if record.get("state") == "started"]
        for record in stopped:
            self._finish(record, Outcome(protocol.OP_FAILED, INTERRUPTED))
        if stopped:
            self._save()

    def knows(self, operation: str) -> bool:
        """Return whether this id was ever started or refused here."""
        return any(record.get("id") == operation for record in self._records)

    def run(
        self, offer: Mapping[str, Any], handlers: Mapping[str, Handler], refusal: str = "", now: Optional[float] = None
    ) -> bool:
        """Carry out one offered operation unless its id is known; return whether anything was done.

        `refusal` is the reason why this host runs no operation at all (an observed host). An operation past its
        deadline by the plane's clock `now` is not started and leaves no record: the plane has marked it expired.
        """
        identifier = offer.get("id")
        kind = offer.get("kind")
        if not isinstance(identifier, str) or not identifier:
            return False
        if self.knows(identifier):
            self._report_again(identifier)
            return False
        if now is not None and _past(offer.get("deadline"), now):
            return False
        record: Dict[str, Any] = {"id": identifier, "kind": kind, "generation": offer.get("generation", 0)}
        record.update(state="started", startedAt=times.rfc3339(times.now()), acknowledged=False)
        self._records.append(record)
        handler = handlers.get(str(kind))
        if refusal:
            outcome = Outcome(protocol.OP_REFUSED, refusal)
        elif handler is None:
            outcome = Outcome(protocol.OP_REFUSED, f"This agent knows no operation of kind {clean(kind, 60)}.")
        elif not self._save():
            outcome = Outcome(
                protocol.OP_FAILED,
                f"Nothing was done: the agent cannot write its journal first ({self._folder.trouble}).",
            )
        else:
            params = offer.get("params")
            outcome = _guarded(handler, identifier, params if isinstance(params, dict) else {})
        self._finish(record, outcome)
        self._save()
        return True

    def _report_again(self, operation: str) -> None:
        """Send the result of an operation once more: the plane still offers it, so its database was set back."""
        for record in self._records:
            if record.get("id") == operation and record.get("acknowledged"):
                record["acknowledged"] = False
                self._save()

    def unacknowledged(self) -> List[Dict[str, Any]]:
        """Return the records whose result the plane has not taken yet."""
        return [record for record in self._records if not record.get("acknowledged")]

    def result(self, record: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the body of P25 for a record."""
        return {name: record.get(name) for name in ("state", "message", "finishedAt", "generation")}

    def acknowledge(self, operation: str) -> None:
        """Note that the plane has taken the result, or will never take it."""
        for record in self._records:
            if record.get("id") == operation:
                record["acknowledged"] = True
        done = [record for record in self._records if record.get("acknowledged")]
        for record in done[: max(0, len(self._records) - MAX_RECORDS)]:
            self._records.remove(record)
        self._save()

    def _finish(self, record: Dict[str, Any], outcome: Outcome) -> None:
        record["state"] = outcome.state
        record["message"] = clean(outcome.message, protocol.MAX_MESSAGE)
        record["finishedAt"] = times.rfc3339(times.now())

    def _save(self) -> bool:
        return self._folder.save(NAME, {"records": self._records})


def _guarded(handler: Handler, identifier: str, params: Mapping[str, Any]) -> Outcome:
    """Run a handler; what it did not expect becomes a result, so that one operation cannot take the agent down."""
    try:
        return handler(identifier, params)
    except EdgewrightError as error:
        return Outcome(protocol.OP_FAILED, error.message)
    except Exception as error:
        return Outcome(protocol.OP_FAILED, f"The agent hit an unexpected {type(error).__name__}: {error}.")


def _past(deadline: object, now: float) -> bool:
    try:
        moment = times.parse(deadline) if isinstance(deadline, str) else None
    except ValueError:
        return False
    return moment is not None and moment < now

"""Operations of the plane at the link: handed to the reconciler as files, results repeated until the plane has them.

The link records an id, durable, before it hands it over, and takes the result from the reconciler's folder. That an id
runs at most once (P24) is the reconciler's journal; handing it over twice does no harm.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.core.text import clean
from edgewright.wire import protocol

NAME = "operations"
MAX_RECORDS = 500
"""Records stored; the oldest acknowledged ones go first."""
RESULTS = ("checks", "certificate", "ca")
"""What results have beside state and message, by kind of operation."""
STARTED, HANDED = "started", "handed"
INTERRUPTED = "The agent stopped during this operation; how far it came is not known. It is not started again."

Json = Dict[str, Any]


class Outcome(NamedTuple):
    """How an operation ended: `succeeded`, `failed` or `refused`, a sentence, and what it found."""

    state: str
    message: str
    lines: Tuple[str, ...] = ()
    """Lines of text for the plane (P29)."""
    checks: Tuple[Mapping[str, Any], ...] = ()
    """Checks of a preflight."""
    certificate: Mapping[str, str] = {}
    """A signed certificate and the CA, both PEM (P136)."""


class Exchange(NamedTuple):
    """The two folders between link and reconciler."""

    hand_over: Callable[[str, Mapping[str, Any]], None]
    """Writes a request, durable. Raises `OSError`."""
    result: Callable[[str], Optional[Json]]
    """Returns the result of an id, `None` while there is none."""


class Operations:
    """The records of all operations that this host knows."""

    def __init__(self, folder: StateFolder, exchange: Exchange) -> None:
        self._folder = folder
        self._exchange = exchange
        body = folder.load(NAME) or {}
        records = body.get("records")
        self._records: List[Json] = [r for r in records if isinstance(r, dict)] if isinstance(records, list) else []
        stopped = [record for record in self._records if record.get("state") == STARTED]
        for record in stopped:  # of an agent before 0.2.0, which ran operations itself
            self._finish(record, protocol.OP_FAILED, INTERRUPTED)
        if stopped:
            self._save()

    def knows(self, operation: str) -> bool:
        """Return whether this id was ever handed over or refused here."""
        return any(record.get("id") == operation for record in self._records)

    @property
    def waiting(self) -> bool:
        """Return whether the reconciler has an operation whose result is not there yet."""
        return any(record.get("state") == HANDED for record in self._records)

    def take(self, offer: Mapping[str, Any], refusal: str = "", now: Optional[float] = None, **context: Any) -> bool:
        """Hand over an offered operation unless its id is known; return whether anything was done.

        `refusal` is the reason why this host runs no operation at all (an observed host). An operation past its
        deadline by the plane's clock `now` is not handed over and leaves no record: the plane has marked it expired.
        """
        identifier = offer.get("id")
        if not isinstance(identifier, str) or not identifier or not identifier.isalnum() or len(identifier) > 64:
            return False
        if self.knows(identifier):
            self._report_again(identifier)
            return False
        if now is not None and _past(offer.get("deadline"), now):
            return False
        params = offer.get("params")
        request = {"kind": offer.get("kind"), "params": params if isinstance(params, dict) else {}}
        request["deadline"] = offer.get("deadline")
        record: Json = {"id": identifier, "kind": offer.get("kind"), "generation": offer.get("generation", 0)}
        record.update(state=HANDED, acknowledged=False, request={**request, **context})
        self._records.append(record)
        if refusal:
            self._finish(record, protocol.OP_REFUSED, refusal)
        elif not self._save():
            trouble = self._folder.trouble
            self._finish(record, protocol.OP_FAILED, f"Nothing was done: the agent cannot record it first ({trouble}).")
        else:
            self._hand_over(record)
            return True
        self._save()
        return True

    def hand_over_again(self) -> None:
        """Hand over what has no result: the request may have been lost with the folder."""
        for record in self._records:
            if record.get("state") == HANDED:
                self._hand_over(record)

    def _hand_over(self, record: Json) -> None:
        request = record.get("request")
        try:
            self._exchange.hand_over(str(record["id"]), request if isinstance(request, dict) else {})
        except OSError as error:
            reason = error.strerror or str(error)
            self._finish(record, protocol.OP_FAILED, f"Nothing was done: the request cannot be stored ({reason}).")
            self._save()

    def collect(self) -> List[Json]:
        """Take the results that the reconciler has stored; return the records that ended now."""
        ended = []
        for record in self._records:
            if record.get("state") != HANDED:
                continue
            result = self._exchange.result(str(record["id"]))
            if result is not None:
                for name in ("state", "message", "finishedAt", *RESULTS):
                    if name in result:
                        record[name] = result[name]
                record.pop("request", None)
                ended.append(record)
        if ended:
            self._save()
        return ended

    def lines(self, record: Mapping[str, Any]) -> List[str]:
        """Return the lines that belong to a result, from the reconciler's folder."""
        lines = (self._exchange.result(str(record.get("id"))) or {}).get("lines")
        return [str(line) for line in lines] if isinstance(lines, list) else []

    def _report_again(self, operation: str) -> None:
        """Send the result of an operation once more: the plane still offers it, so its database was set back."""
        for record in self._records:
            if record.get("id") == operation and record.get("acknowledged"):
                record["acknowledged"] = False
                self._save()

    def unacknowledged(self) -> List[Json]:
        """Return the records whose result the plane has not taken yet."""
        return [r for r in self._records if not r.get("acknowledged") and r.get("state") != HANDED]

    def result(self, record: Mapping[str, Any]) -> Json:
        """Return the body of P25 for a record."""
        body = {name: record.get(name) for name in ("state", "message", "finishedAt", "generation")}
        return {**body, **{name: record[name] for name in RESULTS if record.get(name)}}

    def acknowledge(self, operation: str) -> None:
        """Note that the plane has taken the result, or will never take it."""
        for record in self._records:
            if record.get("id") == operation:
                record["acknowledged"] = True
        done = [record for record in self._records if record.get("acknowledged")]
        for record in done[: max(0, len(self._records) - MAX_RECORDS)]:
            self._records.remove(record)
        self._save()

    def _finish(self, record: Json, state: str, message: str) -> None:
        record.pop("request", None)
        record["state"] = state
        record["message"] = clean(message, protocol.MAX_MESSAGE)
        record["finishedAt"] = times.rfc3339(times.now())

    def _save(self) -> bool:
        return self._folder.save(NAME, {"records": self._records})


def _past(deadline: object, now: float) -> bool:
    try:
        moment = times.parse(deadline) if isinstance(deadline, str) else None
    except ValueError:
        return False
    return moment is not None and moment < now

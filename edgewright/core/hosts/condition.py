"""Evaluates the state of a host: deadline and whether it is overdue, evidence with its age, cause, next check, owner.

The callers give plain values: the hub its records, the console its rows, the command line one document.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from edgewright.core.hosts import states
from edgewright.core.hosts.states import STATES, State
from edgewright.core.times import rfc3339

RETRY = 60.0
"""Seconds between two attempts of an agent to register (rule P4)."""


class Rejection(NamedTuple):
    """Attempts to register that the plane rejects; times in epoch seconds.

    `approval`: the UID is not pre-registered, and nothing else is wrong.
    """

    message: str
    since: float
    last: float
    attempts: int = 1
    addresses: Tuple[str, ...] = ()
    approval: bool = False


class Facts(NamedTuple):
    """What is known of a host, or of one operation on it; times in epoch seconds, unknown ones `None`.

    `silence_deadline` is when silence makes it unhealthy, as the plane counts it. `responding` and `known` count the
    other hosts of its site whose health is known; both 0 without a site. `order` names the operation.
    """

    name: str
    state: str
    since: Optional[float] = None
    created: Optional[float] = None
    registered: Optional[float] = None
    last_heartbeat: Optional[float] = None
    silence_deadline: Optional[float] = None
    silence_limit: Optional[float] = None
    interval: float = 60.0
    message: str = ""
    site: str = ""
    responding: int = 0
    known: int = 0
    rejection: Optional[Rejection] = None
    order: str = ""
    order_deadline: Optional[float] = None


class Evidence(NamedTuple):
    """One thing that was looked at. `at` is when it was true, `None` for now; `text` is empty where its age is all."""

    label: str
    text: str
    at: Optional[float] = None


class Condition(NamedTuple):
    """A state as evaluated at one moment. `overdue` are the seconds past the deadline, 0 before it.

    `cause` is what the evidence proves, one sentence; empty while nothing is overdue or wrong.
    """

    state: State
    owner: str
    since: Optional[float]
    deadline: Optional[float]
    overdue: float
    evidence: Tuple[Evidence, ...]
    cause: str
    next_check: Optional[float]


def rejected(rejection: Optional[Rejection], last_heartbeat: Optional[float]) -> bool:
    """Return whether rejections are the state of the host itself.

    A host that reports with its credential is fine: another machine is rejected under its UID.
    """
    return rejection is not None and (last_heartbeat is None or rejection.since > last_heartbeat)


def of_rejection(rejection: Rejection) -> str:
    """Return the key of the state of a machine whose registration is rejected."""
    return states.WAITING_FOR_APPROVAL if rejection.approval else states.CREDENTIAL_REFUSED


def evaluate(facts: Facts, now: float) -> Condition:
    """Return the condition of `facts.state` at `now`. Raises `KeyError` for a state that is not in the table."""
    state = STATES[facts.state]
    since = facts.since
    if facts.rejection is not None and states.REJECTION in state.evidence:
        since = facts.rejection.since
    deadline = due(state, facts, since)
    overdue = max(now - deadline, 0.0) if deadline is not None else 0.0
    result = (_EVIDENCE[kind](facts) for kind in state.evidence)
    owner, cause = (state.owner, "")
    if states.NEIGHBOURS in state.evidence and (overdue > 0 or state.key == states.UNHEALTHY_SILENT):
        owner, cause = cause_of_silence(facts, state.owner)
    elif states.REPORT in state.evidence:
        cause = facts.message
    elif facts.rejection is not None and states.REJECTION in state.evidence:
        cause = facts.rejection.message
    elif overdue > 0 and states.ORDER in state.evidence:
        cause = cause_of_no_result(facts)
    elif overdue > 0:
        cause = state.deadline.reason
    evidence = tuple(each for each in result if each is not None)
    return Condition(state, owner, since, deadline, overdue, evidence, cause, _next_check(state, facts))


def condition_document(condition: Condition) -> Dict[str, Any]:
    """Return a condition as JSON; times are RFC 3339, unknown ones `null`. A rejection's times are in its evidence."""
    return {
        "state": condition.state.key,
        "label": condition.state.label,
        "meaning": condition.state.meaning,
        "owner": condition.owner,
        "since": _when(condition.since),
        "began": condition.state.began,
        "deadline": _when(condition.deadline),
        "deadlineReason": condition.state.deadline.reason,
        "then": condition.state.deadline.then,
        "overdueSeconds": round(condition.overdue),
        "cause": condition.cause,
        "evidence": [{"name": item.label, "text": item.text, "at": _when(item.at)} for item in condition.evidence],
        "nextCheck": _when(condition.next_check),
        "checkedBy": condition.state.next_check,
        "actions": list(condition.state.actions),
    }


def rejection_document(rejection: Rejection) -> Dict[str, Any]:
    """Return rejections as JSON."""
    return {
        "message": rejection.message,
        "since": _when(rejection.since),
        "last": _when(rejection.last),
        "attempts": rejection.attempts,
        "addresses": list(rejection.addresses),
        "approval": rejection.approval,
    }


def _when(moment: Optional[float]) -> Optional[str]:
    return None if moment is None else rfc3339(moment)


def due(state: State, facts: Facts, since: Optional[float]) -> Optional[float]:
    """Return when the state is overdue by its rule, `None` for never or not known."""
    rule = state.deadline.rule
    if rule == states.SILENCE:
        return facts.silence_deadline
    if rule == states.OPERATION:
        return facts.order_deadline
    return since + state.deadline.seconds if rule == states.SINCE and since is not None else None


def cause_of_silence(facts: Facts, owner: str) -> Tuple[str, str]:
    """Return owner and sentence: what the other hosts of its site prove about a host that is silent."""
    if not facts.known:
        return owner, ""
    others = "The other host" if facts.known == 1 else f"The other {facts.known} hosts"
    if not facts.responding:
        silent = "is" if facts.known == 1 else "are"
        return states.OPERATOR, f"{others} of {facts.site} {silent} silent too: check the link of the site."
    some = others if facts.responding == facts.known else f"{facts.responding} of the other {facts.known} hosts"
    respond = "responds" if facts.responding == 1 else "respond"
    return states.HOST, f"{some} of {facts.site} {respond}, so the link is up: check the host."


def cause_of_no_result(facts: Facts) -> str:
    """Return what the heartbeats prove about an operation without a result."""
    if facts.last_heartbeat is None or facts.last_heartbeat < (facts.since or 0.0):
        return "No heartbeat since it was requested: the host has not received it."
    return "The host sends heartbeats and no result: read the log of its agent."


def _next_check(state: State, facts: Facts) -> Optional[float]:
    if state.next_check == states.ATTEMPT:
        return None if facts.rejection is None else facts.rejection.last + RETRY
    if state.next_check == states.HEARTBEAT and facts.last_heartbeat is not None:
        return facts.last_heartbeat + facts.interval
    return None


def _moment(label: str, at: Optional[float]) -> Optional[Evidence]:
    return None if at is None else Evidence(label, "", at)


def _last_heartbeat(facts: Facts) -> Optional[Evidence]:
    return _moment(states.LAST_HEARTBEAT, facts.last_heartbeat) or Evidence(states.LAST_HEARTBEAT, "none yet")


def _registered(facts: Facts) -> Optional[Evidence]:
    return None if facts.last_heartbeat is not None else _moment(states.REGISTERED_AT, facts.registered)


def _created(facts: Facts) -> Optional[Evidence]:
    return None if facts.registered is not None else _moment(states.CREATED, facts.created)


def _report(facts: Facts) -> Optional[Evidence]:
    return Evidence(states.REPORT, facts.message or "unhealthy, without a reason", facts.last_heartbeat)


def _neighbours(facts: Facts) -> Optional[Evidence]:
    if not facts.known:
        return None
    return Evidence(states.NEIGHBOURS, f"{facts.responding} of {facts.known} of {facts.site} respond")


def _counted(facts: Facts) -> Optional[Evidence]:
    """When the plane itself was down or in trouble, silence counts from later than the last heartbeat (P18, P42)."""
    last = facts.last_heartbeat if facts.last_heartbeat is not None else facts.registered
    if facts.silence_deadline is None or facts.silence_limit is None or last is None:
        return None
    counted = facts.silence_deadline - facts.silence_limit
    if counted <= last + 1.0:
        return None
    return Evidence(states.COUNTED, "the plane was not available before", counted)


def _rejection(facts: Facts) -> Optional[Evidence]:
    if facts.rejection is None:
        return None
    where = f" (from {', '.join(facts.rejection.addresses)})" if facts.rejection.addresses else ""
    return Evidence(states.REJECTION, f"{facts.rejection.message}{where}", facts.rejection.last)


def _attempts(facts: Facts) -> Optional[Evidence]:
    if facts.rejection is None:
        return None
    return Evidence(states.ATTEMPTS, f"{facts.rejection.attempts:,} since the first one", facts.rejection.since)


def _order(facts: Facts) -> Optional[Evidence]:
    return Evidence(states.ORDER, facts.order, facts.since) if facts.order else None


_EVIDENCE: Dict[str, Callable[[Facts], Optional[Evidence]]] = {
    states.LAST_HEARTBEAT: _last_heartbeat,
    states.REGISTERED_AT: _registered,
    states.CREATED: _created,
    states.REPORT: _report,
    states.NEIGHBOURS: _neighbours,
    states.COUNTED: _counted,
    states.REJECTION: _rejection,
    states.ATTEMPTS: _attempts,
    states.ORDER: _order,
}

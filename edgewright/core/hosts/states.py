"""States as data: what a host waits for, since when, until when, who must act, on what evidence, and what may be done.

Nothing on a screen waits silently. Each state that waits names its deadline rule, who must act, its evidence, the next
check and the legal actions; `problems` finds a state that lacks one, and a test fails the build for it.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

GLYPHS: Tuple[str, ...] = ("ok", "unhealthy", "unknown", "working", "waits", "parked")
"""Keys of the signs that screens draw; the signs themselves belong to the screens."""

WHO: Tuple[str, ...] = ("host", "plane", "person", "nobody")
"""Owners of a state, as documents store them since 0.1.0."""
"""Owners of a state, as documents store them since 0.1.0."""
WHO_STORED: Dict[str, str] = {"operator": "person", "none": "nobody"}
"""What users read and type to what is stored."""
OWNERS: Dict[str, str] = {"person": "operator", "nobody": "-"}
"""What is stored to what users read, where the two differ."""


class Deadline(NamedTuple):
    """How long a state may last: `rule` for programs, `sentence` for people, `then` is the state that follows.

    Rules: `last-word+limit` (later of last heartbeat and plane's start, plus the silence limit), `operation` (the
    operation's own deadline), `expiry` (of the token or key that the host must come with), `since+N` (N seconds after
    the state began), `none` (may last for ever; the sentence is the reason).
    """

    rule: str
    sentence: str
    then: Optional[str] = None


class State(NamedTuple):
    """One state; `since` names the value with its start, `evidence` the values that prove it."""

    key: str
    word: str
    glyph: str
    waits: bool
    who: str
    since: str
    deadline: Optional[Deadline]
    evidence: Tuple[str, ...]
    next_check: str
    actions: Tuple[str, ...]
    meaning: str


NEVER_SEEN = "never-seen"
WAITING_FOR_APPROVAL = "waiting-for-approval"
REGISTERED = "registered"
HEALTHY = "healthy"
SILENT = "silent"
UNHEALTHY_SILENT = "unhealthy-silent"
UNHEALTHY_REPORTED = "unhealthy-reported"
CREDENTIAL_REFUSED = "credential-refused"
OPERATION_PENDING = "operation-pending"
OPERATION_OVERDUE = "operation-overdue"

_ALL = (
    State(
        key=NEVER_SEEN,
        word="never connected",
        glyph="unknown",
        waits=True,
        who="host",
        since="created",
        deadline=Deadline("none", "A host may be announced long before it is switched on."),
        evidence=("created", "pairing key or token that it must come with"),
        next_check="when the host calls",
        actions=("host show", "host register", "token create", "host delete"),
        meaning="The plane expects this host; it has not called yet.",
    ),
    State(
        key=WAITING_FOR_APPROVAL,
        word="pending approval",
        glyph="waits",
        waits=True,
        who="person",
        since="first try to register",
        deadline=Deadline("since+86400", "After a day an answer is no longer expected.", WAITING_FOR_APPROVAL),
        evidence=("uid shown on the host's console", "time and address of the last try"),
        next_check="the host tries again within 30 s",
        actions=("host register", "host show"),
        meaning="The host waits for approval and may not register by itself; an operator must add its UID here.",
    ),
    State(
        key=REGISTERED,
        word="no heartbeat yet",
        glyph="unknown",
        waits=True,
        who="host",
        since="registered",
        deadline=Deadline("last-word+limit", "Its first heartbeat is due within the silence limit.", UNHEALTHY_SILENT),
        evidence=("registered", "address"),
        next_check="at the next heartbeat, 60 s apart",
        actions=("host show", "site open", "host delete"),
        meaning="The host has registered; its first heartbeat is still to come.",
    ),
    State(
        key=HEALTHY,
        word="healthy",
        glyph="ok",
        waits=False,
        who="nobody",
        since="healthy since",
        deadline=None,
        evidence=("last heartbeat", "its own report"),
        next_check="at the next heartbeat",
        actions=("host show", "host tag", "host untag", "host logs", "host reset", "host delete"),
        meaning="The host calls in time and finds nothing wrong with itself.",
    ),
    State(
        key=SILENT,
        word="late",
        glyph="working",
        waits=True,
        who="host",
        since="last heartbeat",
        deadline=Deadline("last-word+limit", "Past the silence limit it counts as unhealthy.", UNHEALTHY_SILENT),
        evidence=("last heartbeat", "plane's start", "neighbours of its site"),
        next_check="at the next heartbeat or at the limit, whichever is first",
        actions=("host show", "site open", "site doctor"),
        meaning="Heartbeats are missing, but not yet for long enough to call it unhealthy.",
    ),
    State(
        key=UNHEALTHY_SILENT,
        word="unhealthy",
        glyph="unhealthy",
        waits=True,
        who="person",
        since="last heartbeat",
        deadline=Deadline("last-word+limit", "The silence limit is over; it is overdue from the start."),
        evidence=("last heartbeat", "plane's start", "neighbours of its site"),
        next_check="at the next heartbeat, which ends it at once",
        actions=("host show", "site open", "site doctor", "host delete"),
        meaning="No heartbeat for longer than the silence limit.",
    ),
    State(
        key=UNHEALTHY_REPORTED,
        word="unhealthy",
        glyph="unhealthy",
        waits=True,
        who="person",
        since="first report of it",
        deadline=Deadline("none", "The host connects and reports the problem; only a repair ends it."),
        evidence=("message of the host", "last heartbeat"),
        next_check="at the next heartbeat",
        actions=("host show", "host logs", "site open", "site doctor", "host reset"),
        meaning="The host itself reports a problem.",
    ),
    State(
        key=CREDENTIAL_REFUSED,
        word="refused",
        glyph="waits",
        waits=True,
        who="person",
        since="first refusal",
        deadline=Deadline("since+3600", "After an hour of refusals no retry will help.", CREDENTIAL_REFUSED),
        evidence=("code and sentence of the refusal", "time of the last try"),
        next_check="the host tries again within 60 s",
        actions=("token create", "token activate", "host register", "host delete"),
        meaning="The plane does not accept what the host shows: token, pairing key or credential.",
    ),
    State(
        key=OPERATION_PENDING,
        word="working",
        glyph="working",
        waits=True,
        who="host",
        since="operation made",
        deadline=Deadline("operation", "Each operation carries its own deadline.", OPERATION_OVERDUE),
        evidence=("operation id and kind", "generation seen by the host"),
        next_check="at the next heartbeat",
        actions=("host show", "host logs"),
        meaning="The plane has asked for something and waits for the result.",
    ),
    State(
        key=OPERATION_OVERDUE,
        word="overdue",
        glyph="waits",
        waits=True,
        who="person",
        since="operation deadline",
        deadline=Deadline("operation", "The deadline is over; a late result is stored as evidence only."),
        evidence=("operation id and kind", "generation seen by the host", "last heartbeat"),
        next_check="at the next heartbeat",
        actions=("host show", "host logs", "site open", "site doctor"),
        meaning="The result of an operation did not arrive in time.",
    ),
)

STATES: Dict[str, State] = {state.key: state for state in _ALL}


def problems(states: Dict[str, State]) -> List[str]:
    """Return what is missing from the states, as sentences; empty when each waiting one is complete."""
    found = []
    for key, state in states.items():
        if state.key != key:
            found.append(f"{key} is filed under a key that is not its own.")
        if state.glyph not in GLYPHS:
            found.append(f"{key} has no known glyph.")
        if state.who not in WHO:
            found.append(f"{key} does not name an owner.")
        for name in ("word", "meaning"):
            if not getattr(state, name):
                found.append(f"{key} has no {name}.")
        if not state.waits:
            continue
        if state.who == "nobody":
            found.append(f"{key} waits without an owner.")
        for name in ("since", "deadline", "evidence", "next_check", "actions"):
            if not getattr(state, name):
                found.append(f"{key} waits and has no {name.replace('_', ' ')}.")
        if state.deadline is not None and not (state.deadline.rule and state.deadline.sentence):
            found.append(f"{key} has a deadline without rule or reason.")
        if state.deadline is not None and state.deadline.then is not None and state.deadline.then not in states:
            found.append(f"{key} leads to a state that is not there: {state.deadline.then}.")
    return found

"""The states of a host and of an operation on it, as a table that the program evaluates (`core.hosts.condition`).

Each state names who owns it, when it is overdue, the evidence that proves it, when it is checked next, and the verbs
that are legal in it. Hub, command line and console show a host by its row here, and refuse a verb that the row lacks.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, NamedTuple, Tuple

HOST, PLANE, OPERATOR, NONE = "host", "plane", "operator", ""
OWNERS: Tuple[str, ...] = (HOST, PLANE, OPERATOR, NONE)
"""Who must act; no one in a state that waits for nothing."""
WHO_STORED: Dict[str, str] = {OPERATOR: "person", "none": "nobody"}
"""What users read and type to what documents store since 0.1.0 (rule P19)."""

SILENCE, OPERATION, SINCE, NEVER = "silence", "operation", "since", "never"
RULES: Tuple[str, ...] = (SILENCE, OPERATION, SINCE, NEVER)
"""Deadline rules. `silence`: the later of last heartbeat, registration and plane's start, plus the silence limit.
`operation`: the operation's own deadline. `since`: some seconds after the state began. `never`: it may last."""

HEARTBEAT, ATTEMPT, CONNECT = "heartbeat", "attempt", "connect"
CHECKS: Dict[str, str] = {
    HEARTBEAT: "at the next heartbeat",
    ATTEMPT: "at its next attempt to register",
    CONNECT: "when the host connects",
}
"""What checks a state again, and how it is shown."""

LAST_HEARTBEAT, REGISTERED_AT, CREATED, REPORT, NEIGHBOURS, COUNTED, REJECTION, ATTEMPTS, ORDER = (
    *("last heartbeat", "registered", "created", "report", "neighbours", "silence counts from"),
    *("last rejection", "attempts", "operation"),
)
EVIDENCE: Tuple[str, ...] = (
    *(LAST_HEARTBEAT, REGISTERED_AT, CREATED, REPORT, NEIGHBOURS, COUNTED, REJECTION, ATTEMPTS, ORDER),
)
"""Kinds of evidence, by the label that is shown."""

_ALWAYS = ("host show", "host tag", "host untag", "host delete")
_CONNECTED = (
    *(*_ALWAYS, "host logs", "host disk", "host preflight", "host retry", "host accept", "host reboot", "host reset"),
)
"""What the plane can ask of a host whose agent fetches operations; a silent one does it when it is back."""


class Deadline(NamedTuple):
    """When a state is overdue: `rule` and `seconds` for the program, `reason` for people, `then` the state after it."""

    rule: str
    reason: str
    seconds: float = 0.0
    then: str = ""


class State(NamedTuple):
    """One state. `began` names the moment since when it lasts; `actions` are the legal verbs, the most useful first.

    Verbs on other things than a host (`token create`) are what an operator needs next, and are not checked.
    """

    key: str
    label: str
    owner: str
    began: str
    deadline: Deadline
    evidence: Tuple[str, ...]
    next_check: str
    actions: Tuple[str, ...]
    meaning: str


NEVER_SEEN = "never-seen"
WAITING_FOR_APPROVAL = "waiting-for-approval"
CREDENTIAL_REFUSED = "credential-refused"
REGISTERED = "registered"
HEALTHY = "healthy"
SILENT = "silent"
UNHEALTHY_SILENT = "unhealthy-silent"
UNHEALTHY_REPORTED = "unhealthy-reported"
OPERATION_PENDING = "operation-pending"
OPERATION_OVERDUE = "operation-overdue"

_ALL = (
    State(
        key=NEVER_SEEN,
        label="never connected",
        owner=HOST,
        began="pre-registered",
        deadline=Deadline(NEVER, "A host may be pre-registered long before it is switched on."),
        evidence=(CREATED,),
        next_check=CONNECT,
        actions=(*_ALWAYS, "token create"),
        meaning="The host is pre-registered and has not connected yet.",
    ),
    State(
        key=WAITING_FOR_APPROVAL,
        label="pending approval",
        owner=OPERATOR,
        began="first attempt",
        deadline=Deadline(SINCE, "After a day an answer is no longer expected.", 86400.0),
        evidence=(REJECTION, ATTEMPTS),
        next_check=ATTEMPT,
        actions=("host register", "event list"),
        meaning="A machine asks to register and its UID is not pre-registered here.",
    ),
    State(
        key=CREDENTIAL_REFUSED,
        label="rejected",
        owner=OPERATOR,
        began="first rejection",
        deadline=Deadline(SINCE, "After an hour of rejections another attempt will not help.", 3600.0),
        evidence=(REJECTION, ATTEMPTS, LAST_HEARTBEAT, CREATED),
        next_check=ATTEMPT,
        actions=(*_ALWAYS, "token create", "token activate", "event list"),
        meaning="The plane rejects the token, pairing key or identity that the host presents.",
    ),
    State(
        key=REGISTERED,
        label="no heartbeat yet",
        owner=HOST,
        began="registered",
        deadline=Deadline(SILENCE, "The first heartbeat is due within the silence limit.", then=UNHEALTHY_SILENT),
        evidence=(REGISTERED_AT, COUNTED),
        next_check=HEARTBEAT,
        actions=_CONNECTED,
        meaning="The host has registered; its first heartbeat is due.",
    ),
    State(
        key=HEALTHY,
        label="healthy",
        owner=NONE,
        began="healthy",
        deadline=Deadline(SILENCE, "Each heartbeat moves it.", then=UNHEALTHY_SILENT),
        evidence=(LAST_HEARTBEAT,),
        next_check=HEARTBEAT,
        actions=_CONNECTED,
        meaning="Heartbeats are in time and report no fault.",
    ),
    State(
        key=SILENT,
        label="late",
        owner=HOST,
        began="last heartbeat",
        deadline=Deadline(SILENCE, "Past the silence limit the host is unhealthy.", then=UNHEALTHY_SILENT),
        evidence=(LAST_HEARTBEAT, COUNTED, NEIGHBOURS),
        next_check=HEARTBEAT,
        actions=_CONNECTED,
        meaning="Heartbeats are missing, not yet for the silence limit.",
    ),
    State(
        key=UNHEALTHY_SILENT,
        label="unhealthy, silent",
        owner=OPERATOR,
        began="last heartbeat",
        deadline=Deadline(SILENCE, "The silence limit has passed."),
        evidence=(LAST_HEARTBEAT, COUNTED, NEIGHBOURS, REGISTERED_AT),
        next_check=HEARTBEAT,
        actions=_CONNECTED,
        meaning="No heartbeat for longer than the silence limit.",
    ),
    State(
        key=UNHEALTHY_REPORTED,
        label="unhealthy",
        owner=OPERATOR,
        began="first report",
        deadline=Deadline(SILENCE, "The next heartbeat is due.", then=UNHEALTHY_SILENT),
        evidence=(REPORT, LAST_HEARTBEAT),
        next_check=HEARTBEAT,
        actions=("host logs", *(verb for verb in _CONNECTED if verb != "host logs")),
        meaning="The host reports a fault.",
    ),
    State(
        key=OPERATION_PENDING,
        label="working",
        owner=HOST,
        began="requested",
        deadline=Deadline(OPERATION, "Each operation has its own deadline.", then=OPERATION_OVERDUE),
        evidence=(ORDER, LAST_HEARTBEAT),
        next_check=HEARTBEAT,
        actions=("host show", "host logs"),
        meaning="The plane has asked the host for something and waits for the result.",
    ),
    State(
        key=OPERATION_OVERDUE,
        label="overdue",
        owner=OPERATOR,
        began="requested",
        deadline=Deadline(OPERATION, "A late result is stored as evidence only."),
        evidence=(ORDER, LAST_HEARTBEAT),
        next_check=HEARTBEAT,
        actions=("host show", "host logs"),
        meaning="The result of an operation did not arrive in time.",
    ),
)

STATES: Dict[str, State] = {state.key: state for state in _ALL}


def refusal(key: str, verb: str, name: str, absent: FrozenSet[str] = frozenset()) -> Tuple[str, str]:
    """Return why `verb` is refused on the host `name` in this state, and what is legal; empty texts if it is legal.

    `absent` are verbs that this connection does not have: they are not offered instead.
    """
    state = STATES.get(key)
    if state is None or not verb.startswith("host ") or verb in state.actions:
        return "", ""
    legal = ", ".join(action for action in state.actions if action != "host show" and action not in absent)
    return f"{name} is in the state `{state.label}`, so `{verb}` is refused. {state.meaning}", f"Legal now: {legal}."

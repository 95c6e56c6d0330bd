"""Steps as data: their states, and the table of what leads from one to the next. No clock, no disk, no program here."""

from __future__ import annotations

import enum
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

FIRST_WAIT, LONGEST_WAIT = 10.0, 300.0
"""Seconds before a failed step starts again: the first wait, which doubles with each failure, and the longest."""
EQUAL_FAILURES = 3
"""Equal failures one after the other, after which a step waits for an operator."""
STARTS_PER_HOUR = 10
"""Starts of one step within an hour, after which it waits for an operator whatever its failures were (loop guard)."""
HOUR = 3600.0
SUPERSEDED = "superseded"
"""Error class of a step that no document wants any more."""
_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}", re.ASCII)


class State(str, enum.Enum):
    """State of a step."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OPERATOR = "waiting: operator"


class Event(str, enum.Enum):
    """What happens to a step, as it is reported: the words behind its name."""

    STARTED = "started"
    OBSERVED = "is done"
    LOST = "is lost"
    FAILED = "failed"
    INTERRUPTED = "was interrupted"
    UNREACHED = "could not reach what it needs"
    SUPERSEDED = "was superseded"
    UNPLANNED = "ended with nothing left to do"
    DUE = "is due"
    EXHAUSTED = "waits for an operator"
    LOOPING = "started too often and waits for an operator"
    RETRIED = "is retried"


TABLE: Dict[Tuple[State, Event], State] = {
    (State.WAITING, Event.STARTED): State.RUNNING,
    (State.WAITING, Event.OBSERVED): State.DONE,
    (State.WAITING, Event.LOOPING): State.OPERATOR,
    (State.RUNNING, Event.OBSERVED): State.DONE,
    (State.RUNNING, Event.FAILED): State.FAILED,
    (State.RUNNING, Event.INTERRUPTED): State.FAILED,
    (State.RUNNING, Event.UNREACHED): State.FAILED,
    (State.RUNNING, Event.SUPERSEDED): State.FAILED,
    (State.RUNNING, Event.UNPLANNED): State.DONE,
    (State.FAILED, Event.OBSERVED): State.DONE,
    (State.FAILED, Event.DUE): State.WAITING,
    (State.FAILED, Event.EXHAUSTED): State.OPERATOR,
    (State.FAILED, Event.RETRIED): State.WAITING,
    (State.OPERATOR, Event.OBSERVED): State.DONE,
    (State.OPERATOR, Event.RETRIED): State.WAITING,
    (State.DONE, Event.LOST): State.WAITING,
}
"""Every legal move; an event that has no row here for a state is a bug and raises `ValueError`."""


class Step(NamedTuple):
    """One step as the journal has it; times are epoch seconds."""

    step: str
    kind: str
    target: str
    state: State = State.WAITING
    attempt: int = 0
    equal: int = 0
    """Equal failures one after the other."""
    starts: Tuple[float, ...] = ()
    """Starts within the last hour."""
    since: float = 0.0
    """When it came into this state."""
    limit: float = 0.0
    """Seconds that one attempt may take."""
    boot: str = ""
    """Boot id at the start of this attempt."""
    due: float = 0.0
    """When a failed step may start again."""
    error: str = ""
    error_class: str = ""
    cause: str = ""

    @property
    def unit(self) -> str:
        """Return the name of the transient unit that runs it: only one of that name can exist, so it is the lock."""
        return unit_name(self.step)

    def move(self, event: Event, now: float, **more: Any) -> "Step":
        """Return the step after an event. Raises `ValueError` for a move that the table does not have."""
        state = TABLE.get((self.state, event))
        if state is None:
            raise ValueError(f"a step that is {self.state.value} cannot move by: {event.value}")
        changes: Dict[str, Any] = {"state": state, "since": now, **more}
        if event is Event.STARTED:
            recent = tuple(moment for moment in self.starts if 0 <= now - moment < HOUR)
            changes.update(attempt=self.attempt + 1, starts=(*recent, now), due=0.0)
        elif event in (Event.FAILED, Event.INTERRUPTED):
            error_class = str(more.get("error_class", ""))
            same = error_class == self.error_class and self.equal > 0
            # A power cut is not a failure of the step itself: only the loop guard counts it.
            equal = self.equal if event is Event.INTERRUPTED else (self.equal + 1 if same else 1)
            changes.update(equal=equal, due=now + wait_after(max(1, len(self.starts))))
            if event is Event.INTERRUPTED:
                changes["error_class"] = self.error_class if self.equal else error_class
        elif event is Event.UNREACHED:
            # Neither a failure of the step nor a loop: it is repeated without a limit, as a precondition is waited for.
            changes.update(starts=self.starts[:-1], due=now + wait_after(self.attempt))
        elif event in (Event.OBSERVED, Event.RETRIED, Event.UNPLANNED):
            changes.update(equal=0, starts=(), due=0.0, error="", error_class="", cause="")
        return self._replace(**changes)

    def looping(self, now: float) -> bool:
        """Return whether another start would be one too many within an hour."""
        return sum(1 for moment in self.starts if 0 <= now - moment < HOUR) >= STARTS_PER_HOUR

    def record(self) -> Dict[str, Any]:
        """Return the step for the journal."""
        body = self._asdict()
        body.update(state=self.state.value, starts=list(self.starts))
        return body


def transition_text(step: Step, event: Event) -> str:
    """Return what happened to a step as a sentence, with its id; a start is not that of its last error."""
    error = "" if step.state is State.RUNNING else step.error.rstrip(".")
    return f"Step {step.step} {event.value}{error and ': '}{error} (attempt {step.attempt})."


def read_step(record: Mapping[str, Any]) -> Step:
    """Return a step from its record. Raises `ValueError` for one that this program cannot have written."""
    fields: Dict[str, Any] = {name: record[name] for name in Step._fields if name in record}
    try:
        fields["state"] = State(fields["state"])
        fields["starts"] = tuple(float(moment) for moment in fields.get("starts", ()))
        step = Step(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a step: {error}") from None
    if not valid_id(step.step):
        raise ValueError(f"not the id of a step: {step.step!r}")
    return step


def valid_id(text: object) -> bool:
    """Return whether a text can name a step, and with it a unit and a file."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def unit_name(step: str) -> str:
    """Return the name of the transient unit of a step."""
    return f"edgewright-step-{step}.service"


def wait_after(failures: int) -> float:
    """Return the seconds to wait after this many failures, from 10 s, doubled each time, to 5 min."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(max(0, failures - 1), 10))


class Action(NamedTuple):
    """One step that a planner wants: pure data."""

    step: str
    """Its id, which contains the target: another target is another step."""
    kind: str
    target: str
    params: Mapping[str, Any]
    limit: float
    """Seconds that one attempt may take."""
    n: int = 1
    of: int = 1


Beside = Optional[Tuple[str, int]]
"""A step with a lane of its own beside the current one: its id and its percent, 100 when it is done."""


class Seen(enum.Enum):
    """What an observation found: "cannot observe" is not "not done"."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "cannot be observed"


Plan = List[Action]

"""The engine: takes the steps of a plan in order, starts what is due and judges what ran, by observed state.

It can be killed at any moment. Before a step starts, its record is on disk; after a restart the transient unit shows
whether the program still runs, and the observation whether its effect is there. An exit status alone decides nothing.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.journal import CannotRecord, Journal
from edgewright.agent.reconcile.patience import Patience
from edgewright.agent.reconcile.runner import Runner, UnitState
from edgewright.agent.reconcile.steps import (
    EQUAL_FAILURES,
    STARTS_PER_HOUR,
    SUPERSEDED,
    Action,
    Beside,
    Event,
    Seen,
    State,
    Step,
    read_step,
)
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean

LOOK, LOOK_SELDOM = 4.0, 10.0
"""Seconds between two looks at a running step: at first, and at most. Its end ends the wait (`Runner.wait`)."""
ASK_SOON, ASK_AGAIN = 2.0, 10.0
"""Seconds between two looks at what a step waits for: at first, and at most."""
MAX_ERROR = 300


class Position(NamedTuple):
    """Where a plan is: its current step, why it waits, and when to look again (seconds, `None` for never)."""

    done: bool
    action: Optional[Action] = None
    step: Optional[Step] = None
    waiting_for: str = ""
    percent: Optional[int] = None
    again: Optional[float] = None
    beside: Beside = None


Transition = Callable[[Step, Event], None]


class Engine:
    """Runs plans; `noted` is called after each durable transition."""

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        drivers: Mapping[str, Driver],
        clock: Callable[[], float],
        boot: str,
        noted: Transition = lambda step, event: None,
    ) -> None:
        self.journal = journal
        self.runner = runner
        self.drivers = drivers
        self.clock = clock
        self.boot = boot
        self.retries: Set[str] = set()
        """Steps that an operator asked to continue; `*` for all."""
        self._noted = noted
        self._steps: Dict[str, Step] = {}
        self._patience = Patience(ASK_SOON, ASK_AGAIN)
        self._units: Dict[str, UnitState] = {}
        """What `look` has read of the programs that run."""
        self._forgotten: Set[str] = set()
        """Failed steps that no plan wants, whose units this reconciler has forgotten."""
        for name, record in journal.records.items():
            try:
                self._steps[name] = read_step(record)
            except ValueError:
                continue  # a record of something else, for example of an operation

    def look(self) -> None:
        """Read what became of the programs that run, before anything is observed.

        What ended before an observation is judged by it: nothing has to be observed twice.
        """
        self._units = {}
        self._units = {step.unit: self._unit(step) for step in self.running()}

    @property
    def busy(self) -> bool:
        """Return whether the program of a step runs or may run, as `look` has read it: the journal alone may be old."""
        return any(unit.name in ("running", "unknown") for unit in self._units.values())

    def run(self, actions: Sequence[Action]) -> Position:
        """Bring a plan one move further. Never raises for a step that fails or a journal that cannot be written."""
        for action in actions:
            step = self._steps.get(action.step) or Step(action.step, action.kind, action.target, since=self.clock())
            try:
                position = self._advance(action, step)
            except CannotRecord as error:
                return Position(False, action, self._steps.get(action.step, step), error.message, again=ASK_AGAIN)
            if position is not None:
                return position
        return Position(True)

    def run_lanes(self, lanes: Sequence[Sequence[Action]]) -> List[Position]:
        """Bring each lane one move further, the host's own first: that has what is beside it."""
        places = [self.run(plan) for plan in lanes]
        return [places[0]._replace(beside=_beside(lanes, places)), *places[1:]] if places else []

    def settle(self, wanted: Set[str]) -> List[Step]:
        """Judge started steps that no plan wants any more; return those whose program still runs.

        A program is left to its end: what would start it again no longer exists, and cutting it off could do harm; one
        that does none is ended by its driver's word. What ended without an error has done its work: a duty of the
        leader is not planned any more as soon as its effect is there.
        """
        left = []
        for step in self.running():
            if step.step in wanted:
                continue
            unit, driver = self._unit(step), self.drivers.get(step.kind)
            cancelled = unit.name == "running" and driver is not None and driver.cancels(step)
            if cancelled:
                self.runner.forget(step.unit)
                unit = self.runner.state(step.unit)
            if unit.name in ("running", "unknown"):
                left.append(step)
                continue
            try:
                if unit.name == "ended" and unit.code == 0 and not cancelled:
                    self._move(step, Event.UNPLANNED)
                else:
                    text = (
                        "cancelled: the document wants something else" if cancelled else "no document wants it any more"
                    )
                    self._move(step, Event.SUPERSEDED, error=text, error_class=SUPERSEDED)
            except CannotRecord:
                left.append(step)
                continue
            self.runner.forget(step.unit)
        self._forget_failed(wanted)
        return left

    def _forget_failed(self, wanted: Set[str]) -> None:
        """Forget the units of this boot whose steps failed, and which no plan wants any more.

        A join whose Node becomes ready after its program has ended is not planned any more, for example.
        """
        for step in self._steps.values():
            ended = step.state in (State.FAILED, State.OPERATOR) and step.boot == self.boot
            if ended and step.step not in wanted and step.step not in self._forgotten:
                self._forgotten.add(step.step)
                self.runner.forget(step.unit)

    def retry(self, names: Set[str]) -> List[Step]:
        """Let steps of these names that failed or wait for an operator start again. Raises `CannotRecord`."""
        waiting = [s for s in self._steps.values() if s.step in names and s.state in (State.FAILED, State.OPERATOR)]
        return [self._move(step, Event.RETRIED) for step in waiting]

    def running(self) -> List[Step]:
        """Return the steps whose program runs, as far as is known."""
        return [step for step in self._steps.values() if step.state is State.RUNNING]

    def step(self, name: str) -> Optional[Step]:
        """Return a step by its id."""
        return self._steps.get(name)

    def _advance(self, action: Action, step: Step) -> Optional[Position]:
        """Return where an action is, `None` when it is done and the next one counts. Raises `CannotRecord`."""
        driver = self.drivers[action.kind]
        if step.state is State.RUNNING:
            return self._judge(driver, action, step)
        seen, text = _observe(driver, action, twice=step.state is State.DONE)
        if seen is Seen.DONE:
            if step.state is not State.DONE:
                self._move(step, Event.OBSERVED)
                if step.attempt and step.boot == self.boot:
                    self.runner.forget(step.unit)  # an attempt that ended too early left it
            return None
        if seen is Seen.UNKNOWN:
            return self._wait(action, step, f"cannot be observed: {text}")
        if step.state is State.DONE:
            step = self._move(step, Event.LOST)
        if step.state in (State.OPERATOR, State.FAILED) and self.retries & {action.step, "*"}:
            self.retries.discard(action.step)
            step = self._move(step, Event.RETRIED)
        if step.state is State.FAILED and step.equal >= EQUAL_FAILURES:
            step = self._move(step, Event.EXHAUSTED, cause=f"{EQUAL_FAILURES} equal failures")
        if step.state is State.FAILED:
            left = step.due - self.clock()
            if 0 < left <= 3600:
                return Position(False, action, step, "its next try", again=left)
            step = self._move(step, Event.DUE)
        if step.state is State.WAITING and step.looping(self.clock()):
            step = self._move(step, Event.LOOPING, cause=f"{STARTS_PER_HOUR} starts within an hour")
        if step.state is State.OPERATOR:
            return Position(False, action, step, "operator")
        return self._start(driver, action, step)

    def _start(self, driver: Driver, action: Action, step: Step) -> Position:
        reason = driver.waits_for(action)
        if reason:
            return self._wait(action, step, reason)
        self._patience.end(step.step)
        try:
            command = driver.command(action)
        except (EdgewrightError, OSError) as error:
            return Position(False, action, step, f"its program: {error}", again=ASK_AGAIN)
        self.runner.forget(step.unit)  # what an earlier attempt left; before the record, so that it is never misread
        self._units.pop(step.unit, None)
        self._forgotten.discard(action.step)
        step = self._move(step, Event.STARTED, limit=action.limit, boot=self.boot)
        try:
            self.runner.start(step.unit, command, action.limit)
        except EdgewrightError as error:
            step = self._move(step, Event.FAILED, error=_text(error.message), error_class="start")
            return Position(False, action, step, "its next try", again=max(0.0, step.due - self.clock()))
        return Position(False, action, step, "", driver.percent(action, 0.0), LOOK)

    def _judge(self, driver: Driver, action: Action, step: Step) -> Optional[Position]:
        """Judge a step that has started, by its record."""
        unit = self._unit(step)
        if unit.name == "running":
            elapsed = max(0.0, self.clock() - step.since)
            again = min(LOOK_SELDOM, max(LOOK, elapsed / 4))
            return Position(False, action, step, "", driver.percent(action, elapsed), again)
        if unit.name == "unknown":
            return self._wait(action, step, f"cannot be observed: {unit.text}")
        seen, text = _observe(driver, action, twice=True)
        if seen is Seen.DONE:
            self._move(step, Event.OBSERVED)
            self.runner.forget(step.unit)
            return None
        if seen is Seen.UNKNOWN:
            return self._wait(action, step, f"cannot be observed: {text}")
        if unit.name == "absent":
            cause = "the host was restarted" if step.boot != self.boot else "its program is not there any more"
            step = self._move(step, Event.INTERRUPTED, error=_text(f"{cause}; {text}"), error_class="interrupted")
        else:
            ended = unit.text or f"its program ended with {unit.code}"
            last = next((line for line in reversed(self.runner.log(step.unit)) if line.strip()), "")
            error = _failure(ended, text, last)
            event = Event.UNREACHED if driver.unreachable(unit.code) else Event.FAILED
            step = self._move(step, event, error=_text(error), error_class=f"exit-{unit.code}")
            permanent = driver.permanent(unit.code)
            if permanent or step.equal >= EQUAL_FAILURES:
                cause = "an error that no repetition changes" if permanent else f"{EQUAL_FAILURES} equal failures"
                step = self._move(step, Event.EXHAUSTED, cause=cause)
                return Position(False, action, step, "operator")
        return Position(False, action, step, "its next try", again=max(0.0, step.due - self.clock()))

    def _unit(self, step: Step) -> UnitState:
        """Return what became of a program; one that has ended makes an observation from before useless."""
        unit = self._units.get(step.unit)
        if unit is None:
            unit = self.runner.state(step.unit)
            driver = self.drivers.get(step.kind)
            if unit.name != "running" and driver is not None:
                driver.refresh()
        return unit

    def _wait(self, action: Action, step: Step, reason: str) -> Position:
        return Position(False, action, step, reason, again=self._patience.again(step.step, reason, self.clock()))

    def _move(self, step: Step, event: Event, **more: object) -> Step:
        after = step.move(event, self.clock(), **more)
        self.journal.append(after.step, after.record())
        self._steps[after.step] = after
        self._noted(after, event)
        return after


def _beside(lanes: Sequence[Sequence[Action]], places: Sequence[Position]) -> Beside:
    """Return the step of the host's own plan that runs, or is done, beside the one that is current; `None` for none."""
    own, current = {action.step for action in lanes[0]}, places[0].action
    for plan, place in zip(lanes[1:], places[1:]):
        if current is not None and plan and plan[0].step in own - {current.step} and not place.waiting_for:
            return plan[0].step, 100 if place.done else min(place.percent or 0, 99)
    return None


def _failure(ended: str, text: str, last: str) -> str:
    """Return why a step failed, the last line of its log first: a list shows the begin of it alone."""
    if not last:
        return f"{ended}; {text}"
    return f"{last.rstrip('. ')} ({ended if text.rstrip('. ') in last else f'{ended}; {text}'})"


def _observe(driver: Driver, action: Action, twice: bool) -> Tuple[Seen, str]:
    """Return what a driver observes; with `twice` no step has failed, or is lost, because of one observation."""
    seen, text = driver.observe(action)
    if seen is Seen.NOT_DONE and twice:
        driver.refresh()
        seen, text = driver.observe(action)
    return seen, text


def _text(text: str) -> str:
    return clean(text, MAX_ERROR)

"""Programs of a scripted world: each runs the state machine of its step while the world's clock moves.

It is a `Runner` like that of a real host: a unit's name is the lock, and its exit status and log outlive the
reconciler, but not a power cut. `Upset` is what a fault does to programs.
"""

from __future__ import annotations

import dataclasses
from typing import Callable, Dict, List, Optional, Sequence

from edgewright.agent.reconcile.runner import Runner, UnitState
from edgewright.agent.reconcile.steps import unit_name
from edgewright.agent.simulate.world.machines import MACHINES, Run, missing, seconds_of, stalls
from edgewright.agent.simulate.world.state import Machine, World
from edgewright.core.clusters.actions import Action
from edgewright.core.clusters.steps import NO_LIMIT
from edgewright.core.errors import Failed

ERROR, KILL, HANG = "error", "kill", "hang"
STALL = 120.0
"""Seconds without progress after which a step without a limit ends itself."""
EXIT, KILLED, TIMED_OUT = 1, 137, 143


@dataclasses.dataclass
class Upset:
    """What happens to the next program of a step: it ends with an error, is killed, or hangs, at a stage."""

    step: str
    kind: str
    stage: int = 0
    host: str = ""
    left: int = 1
    layer: str = ""
    """Of this layer alone; empty: whatever it installs."""
    text: str = ""
    """The last line of its log, where that is more than what happened."""


@dataclasses.dataclass
class Program:
    """A program that runs or has ended."""

    step: str
    run: Run
    limit: float
    began: float
    due: float
    stage: int = 0
    hangs: bool = False
    hung_at: float = 0.0
    code: Optional[int] = None
    text: str = ""


class WorldRunner(Runner):
    """The programs of one machine. `actions` returns the action of a step id."""

    def __init__(self, world: World, machine: Machine, actions: Callable[[str], Action], upsets: List[Upset]) -> None:
        self.world, self.machine = world, machine
        self.programs: Dict[str, Program] = {}
        self.starts: List[str] = []
        self._actions = actions
        self._upsets = upsets

    def start(self, unit: str, command: Sequence[str], limit: float) -> None:
        """See `Runner.start`."""
        before = self.programs.get(unit)
        if before is not None and before.code is None:
            raise Failed(f"The unit {unit} runs already.")
        action = self._actions(command[-1])
        assert self.machine.document is not None and unit == unit_name(command[-1])
        run = Run(self.world, self.machine, self.machine.document, action.target, action.params)
        first = seconds_of(action.step, MACHINES[action.step][0])
        self.programs[unit] = Program(action.step, run, limit, self.world.now, self.world.now + first)
        self.starts.append(action.step)
        self.world.note(f"{self.machine.name} starts {action.step} {action.params.get('nodeName', '')}".rstrip())

    def state(self, unit: str) -> UnitState:
        """See `Runner.state`."""
        program = self.programs.get(unit)
        if program is None:
            return UnitState("absent")
        return UnitState("running") if program.code is None else UnitState("ended", program.code)

    def log(self, unit: str) -> List[str]:
        """See `Runner.log`."""
        program = self.programs.get(unit)
        return [] if program is None or not program.text else [program.text]

    def forget(self, unit: str) -> None:
        """See `Runner.forget`."""
        self.programs.pop(unit, None)

    def power_off(self) -> None:
        """Lose everything that runs."""
        self.programs.clear()

    def next_at(self) -> Optional[float]:
        """Return when a program moves on next, `None` when none runs."""
        times = [min(p.due, p.began + p.limit) for p in self.programs.values() if p.code is None]
        return min(times, default=None)

    def work(self) -> None:
        """Let programs do what is due now."""
        for program in list(self.programs.values()):
            while program.code is None and min(program.due, program.began + program.limit) <= self.world.now:
                self._advance(program)

    def _advance(self, program: Program) -> None:
        if program.began + program.limit <= self.world.now:
            self._end(program, TIMED_OUT, "the limit of the step is over")
            return
        stages = MACHINES[program.step]
        stage = stages[program.stage]
        if program.hangs and program.limit >= NO_LIMIT and self.world.now - program.hung_at >= STALL:
            self._end(program, EXIT, "no byte for 2 minutes")
            return
        if program.hangs or stalls(program.run, stage):
            program.due = self.world.now + 5.0
            return
        upset = self._upset(program)
        if upset is not None and upset.kind == HANG:
            program.hangs, program.hung_at = True, self.world.now
            return
        if upset is not None:
            self._end(
                program,
                KILLED if upset.kind == KILL else EXIT,
                upset.text or f"{upset.kind} at stage {program.stage + 1}",
            )
            return
        reason = missing(program.run, stage) or stage.effect(program.run)
        if reason:
            self._end(program, EXIT, reason)
            return
        program.stage += 1
        if program.stage == len(stages):
            self._end(program, 0, "")
        else:
            program.due = self.world.now + seconds_of(program.step, stages[program.stage])

    def _upset(self, program: Program) -> Optional[Upset]:
        for upset in self._upsets:
            last = min(upset.stage, len(MACHINES[program.step]) - 1)
            here = upset.host in ("", self.machine.uid) and last == program.stage
            here = here and upset.layer in ("", program.run.params.get("layer", ""))
            if upset.left and upset.step == program.step and here:
                upset.left -= 1
                return upset
        return None

    def _end(self, program: Program, code: int, text: str) -> None:
        program.code, program.text = code, text
        if code:
            self.world.note(f"{self.machine.name} {program.step} ended with {code}: {text}")

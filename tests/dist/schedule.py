"""A seeded schedule of faults. Each fault ends; what must be true is measured from the later of write and end."""

from __future__ import annotations

import random
import signal
import time
from typing import Final, NamedTuple

from tests.dist.plane import CLOCK_KEPT, Member, Plane

FAULTS: Final = ("kill", "stop", "cut", "pause", "slow", "sessions", "lease", "clock", "power", "freeze")
"""`power`: a machine disappears, and its connections to the database do not end. `freeze`: a hub does not run."""
CLOCK_SHIFT: Final = 900
"""Seconds that the clock of a hub's machine is shifted at most: hubs have the time of their database (rule P82)."""


class Step(NamedTuple):
    """One fault: what, at which hub, for how many seconds, and the pause after it."""

    fault: str
    hub: int
    seconds: float
    rest: float
    shift: int

    def __str__(self) -> str:
        shift = f" by {self.shift:+d} s" if self.fault == "clock" else ""
        return f"{self.fault} hub {self.hub}{shift} for {self.seconds:.1f} s, rest {self.rest:.1f} s"


def make(seed: int, hubs: int, steps: int) -> list[Step]:
    """Return the schedule of a seed; a longer one begins with the steps of a shorter one."""
    chance = random.Random(seed)
    return [
        Step(
            FAULTS[seed % len(FAULTS)] if number == 0 else chance.choice(FAULTS),
            chance.randrange(hubs),
            chance.uniform(0.2, 1.5),
            chance.uniform(0.1, 0.6),
            chance.choice([-CLOCK_SHIFT, -1, 1, CLOCK_SHIFT]),
        )
        for number in range(steps)
    ]


def run(plane: Plane, steps: list[Step]) -> None:
    """Do each fault and end it; all hubs run and all links are open afterwards."""
    for step in steps:
        plane.note(str(step))
        _do(plane, plane.members[step.hub], step)
        time.sleep(step.rest)
    plane.note("the last fault ended")


def _do(plane: Plane, member: Member, step: Step) -> None:
    if step.fault in ("kill", "stop", "power"):
        member.goes_down()
        if step.fault == "stop":
            _stop(plane, member)
        else:
            member.link.set("paused" if step.fault == "power" else "open")
            member.hub.kill()
        time.sleep(step.seconds)
        member.link.set("open")
        member.hub.start_again()
        member.is_up()
    elif step.fault in ("cut", "pause", "slow"):
        member.link.set("paused" if step.fault == "pause" else step.fault)
        time.sleep(step.seconds)
        member.link.set("open")
    elif step.fault == "freeze":
        member.hub.process.send_signal(signal.SIGSTOP)
        time.sleep(step.seconds)
        member.hub.process.send_signal(signal.SIGCONT)
    elif step.fault == "sessions":
        plane.end_sessions()
    elif step.fault == "lease":
        plane.expire_leases()
    else:
        member.shift.write_text(f"{step.shift:+d}\n")
        time.sleep(2 * CLOCK_KEPT + step.seconds)
        member.shift.write_text("+0\n")


def _stop(plane: Plane, member: Member) -> None:
    member.hub.process.terminate()
    code = member.hub.process.wait(timeout=30)
    if code:
        plane.note(f"hub {member.number} ended with exit code {code}")

"""The short form of a heartbeat: what changes from one beat to the next, in about 30 bytes (rule P75).

A beat that brings nothing new but its own time and vital signs is a line of six fields, separated by commas: the first
characters of the boot id, `seq`, the host's clock, load, CPU and memory. The plane has everything else from the last
full heartbeat of the same boot. Standard library only, Python 3.9.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

FULL_EVERY = 900.0
"""Seconds after which an agent sends a full heartbeat again, whatever is the same."""
BOOT_CHARACTERS = 4
"""Characters of the boot id that a short beat names. A new boot begins with a full one, so this only finds mistakes."""
CLOCK_DIGITS = 2
"""Base-36 digits of the host's clock in seconds: enough to show that it still agrees with the last full heartbeat."""
CLOCK_SPAN: int = 36**CLOCK_DIGITS
MAX_LINE = 64
"""Bytes of a short beat at most."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LINE = re.compile(
    rb"([0-9A-Za-z-]{%d}),([0-9a-z]{1,12}),([0-9a-z]{%d}),([0-9]{0,6}),([0-9]{0,5}),([0-9]{0,9})"
    % (BOOT_CHARACTERS, CLOCK_DIGITS)
)


class ShortBeat(NamedTuple):
    """What one short beat has. `clock` is the host's clock in seconds, modulo `CLOCK_SPAN`; `None` is not reported."""

    boot: str
    seq: int
    clock: int
    load1: Optional[float]
    cpu_percent: Optional[float]
    memory_used_mb: Optional[int]

    def line(self) -> bytes:
        """Return the body of the request."""
        parts = (
            self.boot[:BOOT_CHARACTERS],
            base36(self.seq),
            base36(self.clock % CLOCK_SPAN).rjust(CLOCK_DIGITS, "0"),
            _scaled(self.load1, 100),
            _scaled(self.cpu_percent, 10),
            "" if self.memory_used_mb is None else str(self.memory_used_mb),
        )
        return ",".join(parts).encode()


def base36(value: int) -> str:
    """Return a number from 0 on in base 36."""
    text = ""
    while True:
        value, digit = divmod(value, 36)
        text = _DIGITS[digit] + text
        if not value:
            return text


def read_short_beat(line: bytes) -> Optional[ShortBeat]:
    """Return a short beat as received; `None` for anything that is none."""
    match = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if match is None:
        return None
    boot, seq, clock, load, cpu, memory = (part.decode() for part in match.groups())
    number = int(seq, 36)
    if number >= 2**63:
        return None
    return ShortBeat(
        boot,
        number,
        int(clock, 36),
        int(load) / 100 if load else None,
        int(cpu) / 10 if cpu else None,
        int(memory) if memory else None,
    )


def clock_difference(beat: ShortBeat, expected: float) -> float:
    """Return by how many seconds the host's clock is before `expected` (epoch seconds), modulo `CLOCK_SPAN`."""
    difference = (beat.clock - int(expected)) % CLOCK_SPAN
    return float(difference - CLOCK_SPAN if difference > CLOCK_SPAN // 2 else difference)


def _scaled(value: Optional[float], factor: int) -> str:
    return "" if value is None else str(max(0, round(value * factor)))

"""What Doctor gives: findings with their evidence, fixes as data, and the diagnosis of one host."""

from __future__ import annotations

import shlex
from typing import Dict, List, NamedTuple, Tuple

SURE, LIKELY, UNSURE = "sure", "likely", "unsure"
CERTAINTIES: Tuple[str, ...] = (SURE, LIKELY, UNSURE)
SAFE, CONFIRM, DESTRUCTIVE = "safe", "confirm", "destructive"
DANGERS: Tuple[str, ...] = (SAFE, CONFIRM, DESTRUCTIVE)
"""`safe` loses nothing that is in use, `confirm` interrupts something, `destructive` removes data."""
NO_UNDO = "no undo"
MACHINE = "machine"
"""Object of a finding about the machine that a container runs on: it may be about another container."""


class Evidence(NamedTuple):
    """A line and the id of the probe that it comes from."""

    probe: str
    text: str


class Fix(NamedTuple):
    """A repair that is shown, with its exact command; nothing in this package runs one.

    `command` is run as root on the host. `undo` is a command, or `no undo`. `repair` is its name in the catalogue of
    those that may be applied (`repairs.py`), "" for what only an operator does.
    """

    title: str
    command: str
    danger: str = SAFE
    undo: str = NO_UNDO
    repair: str = ""


def word(value: str) -> str:
    """Return a value of a host as one word of a command, which a user pastes into a shell, maybe of this machine."""
    return shlex.quote(value)


class Finding(NamedTuple):
    """One fault. `symptom` is a name of `symptoms.SYMPTOMS`, `object` is what differs between two of the same symptom.

    `text` is one sentence, `next_step` another. `explained_by` are symptoms of this host that it follows from.
    """

    symptom: str
    text: str
    evidence: Tuple[Evidence, ...]
    next_step: str
    certainty: str = SURE
    object: str = ""
    fixes: Tuple[Fix, ...] = ()
    explained_by: Tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the name of this finding, the same in each run."""
        return f"{self.symptom}:{self.object}" if self.object else self.symptom


class Diagnosis(NamedTuple):
    """What is wrong with a host: the first cause before everything that follows from it.

    `fine` are sentences about what was looked at and is healthy, `not_read` reasons with the probes behind them.
    """

    findings: Tuple[Finding, ...]
    fine: Tuple[str, ...]
    not_read: Dict[str, List[str]]

    @property
    def first(self) -> "Finding | None":
        """Return the likely cause, `None` when no fault was found."""
        return self.findings[0] if self.findings else None

"""The state of an operation: waiting in time, overdue, or over. The rule is that of the states in `states`."""

from __future__ import annotations

from typing import NamedTuple, Optional

from edgewright.core.hosts import states

PENDING = "pending"
EXPIRED = "expired"
OVERDUE_SHOWN = 3600.0
"""Seconds after its deadline for which an operation without a result is reported; then it is history."""

_NOUNS = {
    "collect-logs": "log",
    "disk-usage": "disk usage",
    "accept": "acceptance of a document",
    "kubeconfig": "request for a kubeconfig",
}


class OperationStatus(NamedTuple):
    """The state of an operation; `state` is a key of `core.hosts.states.STATES`, empty when the operation is over.

    `left` counts seconds to the deadline, negative once it is past, `None` without one.
    """

    state: str
    left: Optional[float]

    @property
    def waits(self) -> bool:
        """Whether a result is still waited for."""
        return bool(self.state)

    @property
    def overdue(self) -> bool:
        """Whether the result did not arrive in time."""
        return self.state == states.OPERATION_OVERDUE


def operation_status(now: float, state: str, deadline: Optional[float], answered: bool = False) -> OperationStatus:
    """Judge an operation at `now` (epoch seconds) by its state at the plane and its deadline.

    A pending one is overdue from its deadline on, whether or not the plane has reported it yet. One that the plane
    marked `expired` stays overdue for an hour unless a late result was `answered`. All else is over.
    """
    left = None if deadline is None else deadline - now
    if state == PENDING:
        key = states.OPERATION_OVERDUE if left is not None and left <= 0 else states.OPERATION_PENDING
    elif state == EXPIRED and not answered and left is not None and -left < OVERDUE_SHOWN:
        key = states.OPERATION_OVERDUE
    else:
        return OperationStatus("", left)
    return OperationStatus(key, left)


def kind_text(kind: str) -> str:
    """Return how people call an operation of this kind."""
    return _NOUNS.get(kind, kind)

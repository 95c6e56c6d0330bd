"""Which failures of a batch no client has caused, and end by running its jobs again one by one.

Two hubs that lock the same rows in another order end in a deadlock, and PostgreSQL rolls one of them back. Its jobs are
run again, each in a transaction of its own, so that they have at most one order of locks each. A lock that a hub
without power or network has on a row ends with its session (`idle_in_transaction_session_timeout`).
"""

from __future__ import annotations

import random
from typing import Final

from sqlalchemy.exc import DBAPIError

from edgewright.hub.http.problems import Behind, Problem, StorageProblem
from edgewright.wire import protocol

TRIES: Final = 5
"""Times that a job is run after its batch was rolled back."""
_STATES: Final = frozenset({"40P01", "40001", "55P03"})
"""SQLSTATE: deadlock, serialization failure, a lock that was not given within `lock_timeout`."""


def is_transient(error: BaseException | None) -> bool:
    """Return whether the same transaction may succeed when it is run again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _STATES


def pause(attempt: int) -> float:
    """Return the seconds to wait before attempt 1, 2...: random, so that two hubs do not meet again."""
    return random.uniform(0.0, 0.01 * 2**attempt)  # noqa: S311 - not a secret


def gave_up() -> Problem:
    """Return the answer for a job that met others in every try."""
    return Problem(
        503,
        protocol.E_UNAVAILABLE,
        "Other requests changed the same things at the same time; nothing of this one was stored. Send it again.",
        {"Retry-After": "1"},
    )


def stopping() -> StorageProblem:
    """Return the answer for a job that a hub which stops does not begin."""
    return StorageProblem(503, protocol.E_UNAVAILABLE, "The hub is stopping; try again in a moment.")


def behind() -> Behind:
    """Return the answer for a job that is stored while memory does not follow."""
    text = "This is stored, but this hub lacks what another hub stored before it. Look before you send it again."
    return Behind(text)

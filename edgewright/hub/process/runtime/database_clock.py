"""A hub on PostgreSQL has the time of its database, so that several hubs have one (rule P41)."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from edgewright.core import times
from edgewright.hub.db.shared.database_clock import DatabaseClock
from edgewright.hub.process.clock import boottime

log = logging.getLogger("edgewright.hub")
DIFFERS = 5.0
"""Seconds between the clock of this machine and that of the database from which it is logged."""


def use(engine: Engine) -> DatabaseClock | None:
    """Let this process use the clock of its database from now on; `None` on SQLite. Raises `DBAPIError`."""
    if engine.dialect.name != "postgresql":
        return None
    clock = DatabaseClock(boottime)
    clock.ask(engine)
    off = times.now() - clock.now()
    if abs(off) > DIFFERS:
        side = "ahead of" if off > 0 else "behind"
        log.warning(
            "the clock of this machine is %s %s that of the database; the hub uses the database's",
            times.duration(abs(off)), side,
        )  # fmt: skip
    times.use_clock(clock.now)
    return clock

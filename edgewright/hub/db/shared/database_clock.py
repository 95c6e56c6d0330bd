"""The clock of the database: what several hubs have in common, whatever the clocks of their machines show (rule P41).

A hub on PostgreSQL takes it for its own time. It is the count since the machine's boot plus an offset: between two
questions nothing that sets the machine's clock changes it. An answer shows only that the database's time was some
moment between question and answer; the offset moves no further than that demands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine, select

from edgewright.hub.db.shared import lease

SLOW: Final = 5.0
"""Seconds of an answer from which nothing is learned from it, once there was a better one."""


class DatabaseClock:
    """The present by the database's clock. `now` may be called by any thread."""

    def __init__(self, steady: Callable[[], float]) -> None:
        """`steady` counts seconds since the machine was started, with those that it slept."""
        self._steady = steady
        self._offset: float | None = None

    def now(self) -> float:
        """Return epoch seconds; raises `LookupError` before the first answer."""
        if self._offset is None:
            raise LookupError("the database was not asked for its time yet")
        return self._steady() + self._offset

    def ask(self, engine: Engine) -> None:
        """Ask the database once; raises `DBAPIError`."""
        with engine.connect() as connection:
            connection.execute(select(1))  # the time of connecting is not that of the answer
            began = self._steady()
            answer = float(connection.execute(select(lease.clock(connection))).scalar() or 0.0)
            self.learn(began, answer, self._steady())

    def learn(self, began: float, answer: float, ended: float) -> None:
        """Take the database's time that was asked for between two moments of the steady clock."""
        least, most = answer - ended, answer - began
        if self._offset is None:
            self._offset = (least + most) / 2
        elif most - least < SLOW:
            self._offset = min(max(self._offset, least), most)

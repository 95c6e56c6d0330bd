"""SQLite's checkpoints, taken between commits instead of inside one, so that a stop has to wait for one sync only.

A commit syncs the write-ahead log once. SQLite by itself would copy the log into the database as part of some commit,
with two further syncs that cannot be stopped; on a slow disk those alone take longer than a stop may take.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

EVERY = 128
"""Commits between two checkpoints, unless the log grows by `GROWTH` bytes before."""
GROWTH = 4_194_304


class Checkpoints:
    """Counts commits of one engine and takes the checkpoints; on PostgreSQL it does nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        name = engine.url.database if engine.dialect.name == "sqlite" else None
        self._log = Path(f"{name}-wal") if name else None
        self._commits = EVERY  # the first takes over what a start or an earlier run left in the log
        self._size = 0
        self._lock = threading.Lock()
        self._running: Any = None
        self._stopped = False

    def committed(self) -> None:
        """Count a commit, and take a checkpoint when one is due. Called by the writing thread."""
        if self._log is None:
            return
        self._commits += 1
        size = self._log_size()
        if self._commits < EVERY and size < self._size + GROWTH:
            return
        # A disk that does not take it leaves everything in the log, and the next one tries again.
        with contextlib.suppress(DBAPIError, sqlite3.Error):
            self._take()
        self._commits, self._size = 0, self._log_size()

    def stop(self) -> None:
        """Take no more, and end one that runs after the sync that it is in. Called by any thread."""
        with self._lock:
            self._stopped = True
            if self._running is not None:
                self._running.interrupt()

    def _take(self) -> None:
        pooled = self._engine.raw_connection()
        try:
            with self._lock:
                if self._stopped:
                    return
                self._running = pooled.driver_connection
            pooled.driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()  # type: ignore[union-attr]
        finally:
            with self._lock:
                self._running = None
            pooled.close()

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size if self._log is not None else 0
        except OSError:
            return 0

"""Numbered steps from an empty database to the newest schema.

A step is never edited once released: a change of schema is a new step. Each runs in one transaction together with the
row of `schema_version` that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Column, Connection, Engine, Float, Integer, MetaData, Table, func, inspect, select

from edgewright.core import times
from edgewright.core.errors import Failed
from edgewright.hub import schema

Step = Callable[[Connection], None]

_META = MetaData()
schema_version = Table(
    "schema_version", _META, Column("version", Integer, primary_key=True), Column("applied_at", Float, nullable=False)
)


def _step_1(connection: Connection) -> None:
    """Make every table of the first schema."""
    schema.metadata.create_all(connection)


def _step_2(connection: Connection) -> None:
    """Find operations past their deadline without looking at those that have ended."""
    for index in schema.operations.indexes:
        index.create(connection, checkfirst=True)


STEPS: tuple[Step, ...] = (_step_1, _step_2)
"""Step number n (from 1) leads from schema n - 1 to schema n."""


def current_version(connection: Connection) -> int:
    """Return the schema version of a database; 0 for an empty one."""
    if not inspect(connection).has_table("schema_version"):
        return 0
    return int(connection.execute(select(func.max(schema_version.c.version))).scalar() or 0)


def migrate(engine: Engine, steps: Sequence[Step] = STEPS) -> tuple[int, int]:
    """Bring a database to the newest schema; returns the versions before and after.

    Raises `Failed` for a database of a newer hub: its rows may mean what this one does not know.
    """
    with engine.begin() as connection:
        _META.create_all(connection)
        before = current_version(connection)
    if before > len(steps):
        raise Failed(
            f"The database has schema {before}, this hub knows up to {len(steps)}: it was written by a newer hub.",
            "Start the newer version, or restore a backup that this version made.",
            code="NewerSchema",
        )
    for number, step in enumerate(steps[before:], start=before + 1):
        with engine.begin() as connection:
            step(connection)
            connection.execute(schema_version.insert().values(version=number, applied_at=times.now()))
    return before, len(steps)

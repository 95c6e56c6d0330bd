"""The database's schema as alembic revisions, for SQLite and PostgreSQL.

A new revision is a module `versions/rNNNN_what.py` after the newest one; `edgewright.hub.db.schema` is changed in the
same commit, and a test compares both. A released revision is never edited. On SQLite, `op.batch_alter_table` does what
ALTER TABLE cannot. There is no way down: an older hub refuses the database, and a backup restores it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, func, inspect, select

from edgewright.core.errors import Failed

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

VERSIONS = Path(__file__).parent / "versions"
_ADOPTED = {1: "0001", 2: "0002"}
"""The steps that v0.1.0 counted in `schema_version`, and the revisions that equal them."""

_META = MetaData()
_alembic_version = Table("alembic_version", _META, Column("version_num", String, primary_key=True))
_schema_version = Table("schema_version", _META, Column("version", Integer, primary_key=True))


def config(connection: Connection, folders: Sequence[Path] = (VERSIONS,)) -> Config:
    """Return alembic's configuration for a connection, with the revisions of those folders."""
    from alembic.config import Config  # a fifth of a second that only `hub serve` pays

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    made.set_main_option("path_separator", "newline")
    made.set_main_option("version_locations", "\n".join(str(folder) for folder in folders).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def _script(config: Config) -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config)


def _newest(folders: Sequence[Path]) -> str | None:
    """Return the newest revision by the names of the modules, without loading alembic; `None` where they name none."""
    names = [path.name[1:5] for folder in folders for path in folder.glob("r[0-9][0-9][0-9][0-9]_*.py")]
    return max(names, default=None)


def _stamped(connection: Connection) -> str | None:
    """Return what alembic noted in the database; `None` where it has not been yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(select(func.max(_alembic_version.c.version_num))).scalar()
    return None if revision is None else str(revision)


def _counted(connection: Connection) -> str | None:
    """Return the revision that equals the last step of v0.1.0, or the step's number where none does."""
    if not inspect(connection).has_table("schema_version"):
        return None
    step = connection.execute(select(func.max(_schema_version.c.version))).scalar()
    return None if step is None else _ADOPTED.get(int(step), str(step))


def current_revision(connection: Connection) -> str | None:
    """Return the revision of a database, also of one that v0.1.0 wrote; `None` for an empty one."""
    return _stamped(connection) or _counted(connection)


def migrate(engine: Engine, folders: Sequence[Path] = (VERSIONS,)) -> tuple[str | None, str]:
    """Bring a database to the newest schema; returns the revisions before and after.

    Each revision is one transaction. Raises `Failed` for a database of a newer hub: its rows may mean what this one
    does not know.
    """
    with engine.connect() as connection:
        stamped = _stamped(connection)
        if stamped is not None and stamped == _newest(folders):
            return stamped, stamped
        from alembic import command

        before = stamped or _counted(connection)
        connection.rollback()  # alembic begins its own transactions
        settings = config(connection, folders)
        script = _script(settings)
        newest = script.get_current_head() or ""
        known = {revision.revision for revision in script.walk_revisions()}
        if before is not None and before not in known:
            raise Failed(
                f"The database has schema {before}, this hub knows up to {newest}: it was written by a newer hub.",
                "Start the newer version, or restore a backup that this version made.",
                code="NewerSchema",
            )
        if before is not None and stamped is None:
            command.stamp(settings, before)
        if before != newest:
            command.upgrade(settings, "head")
    return before, newest

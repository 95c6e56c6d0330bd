"""The revisions of the schema, on SQLite and PostgreSQL: from nothing, from v0.1.0, interrupted, from a newer hub."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text

from edgewright.core.errors import Failed
from edgewright.hub.db import migrations
from edgewright.hub.db.engines import open_engines
from tests.support import ROOT

V0_1_0 = ROOT / "tests" / "fixtures" / "v0_1_0"
DIALECTS = ("sqlite", "postgresql")


@dataclass
class Databases:
    """Makes databases of one dialect; `engine()` is an empty one, `old()` one that v0.1.0 wrote."""

    dialect: str
    folder: Path
    request: pytest.FixtureRequest
    engines: list[Engine]

    def engine(self) -> Engine:
        return self._open(self._new())

    def old(self) -> Engine:
        name = self._new()
        if self.dialect == "sqlite":
            (self.folder / name).mkdir()
            shutil.copyfile(V0_1_0 / "hub" / "hub.db", self.folder / name / "hub.db")
        else:
            self.request.getfixturevalue("postgres").load(name, V0_1_0 / "hub-postgresql.sql")
        return self._open(name)

    def _new(self) -> str:
        if self.dialect == "sqlite":
            return f"d{len(self.engines)}"
        return str(self.request.getfixturevalue("postgres").create())

    def _open(self, name: str) -> Engine:
        if self.dialect == "sqlite":
            (self.folder / name).mkdir(exist_ok=True)
            pair = open_engines(self.folder / name, None)
        else:
            pair = open_engines(self.folder, self.request.getfixturevalue("postgres").url(name))
        self.engines.extend(pair)
        return pair[0]


@pytest.fixture(params=DIALECTS)
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    made = Databases(request.param, tmp_path, request, [])
    yield made
    for engine in made.engines:
        engine.dispose()


def shape(engine: Engine) -> dict[str, Any]:
    """Return what a database consists of, as the database itself describes it."""
    with engine.connect() as connection:
        look = inspect(connection)
        return {
            table: {
                "columns": [
                    (c["name"], str(c["type"]), c["nullable"], c["default"], c.get("autoincrement"))
                    for c in look.get_columns(table)
                ],
                "primary key": look.get_pk_constraint(table),
                "unique": sorted((u["name"] or "", u["column_names"]) for u in look.get_unique_constraints(table)),
                "indexes": sorted(
                    (i["name"] or "", [str(name) for name in i["column_names"]], bool(i["unique"]))
                    for i in look.get_indexes(table)
                ),
                "foreign keys": look.get_foreign_keys(table),
                "checks": look.get_check_constraints(table),
            }
            for table in sorted(look.get_table_names())
        }


def step(folder: Path, revision: str, after: str, body: str) -> Path:
    """Write one more revision into a folder of its own; returns the folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"r{revision}_test.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = {revision!r}\ndown_revision = {after!r}\nbranch_labels = None\ndepends_on = None\n\n\n"
        f"def upgrade():\n    {body}\n"
    )
    return folder


def newest() -> str:
    return max(path.name[1:5] for path in migrations.VERSIONS.glob("r*.py"))


def columns(engine: Engine) -> dict[str, str]:
    """Return the columns of each table, as a list for SELECT."""
    with engine.connect() as connection:
        look = inspect(connection)
        return {
            table: ", ".join(f'"{column["name"]}"' for column in look.get_columns(table))
            for table in look.get_table_names()
        }


def rows(engine: Engine, tables: dict[str, str]) -> dict[str, list[str]]:
    """Return every row of those tables, in those columns."""
    with engine.connect() as connection:
        return {
            table: sorted(repr(tuple(row)) for row in connection.execute(text(f"SELECT {names} FROM {table}")))
            for table, names in tables.items()
            if table != "schema_version"
        }


def test_revisions_are_one_chain_named_by_their_numbers() -> None:
    files = sorted(path.name for path in migrations.VERSIONS.glob("*.py") if path.name != "__init__.py")
    assert [name[:6] for name in files] == [f"r{number:04d}_" for number in range(1, len(files) + 1)]
    for number, name in enumerate(files, start=1):
        source = (migrations.VERSIONS / name).read_text()
        before = f'"{number - 1:04d}"' if number > 1 else "None"
        assert f'\nrevision = "{number:04d}"\ndown_revision = {before}\n' in source, name
        assert "edgewright" not in re.sub(r'"""[\s\S]*?"""', "", source), f"{name} borrows from the present release"


def test_an_empty_database_gets_what_the_schema_describes(databases: Databases) -> None:
    from alembic import command

    engine = databases.engine()
    assert migrations.migrate(engine) == (None, newest())
    with engine.connect() as connection:
        command.check(migrations.config(connection))  # raises for every difference to schema.metadata


def test_the_comparison_with_the_schema_can_fail(databases: Databases) -> None:
    from alembic import command
    from alembic.util.exc import AutogenerateDiffsDetected

    engine = databases.engine()
    migrations.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE hosts ADD COLUMN novel INTEGER"))
    with engine.connect() as connection, pytest.raises(AutogenerateDiffsDetected, match="novel"):
        command.check(migrations.config(connection))


def test_a_database_of_v0_1_0_becomes_what_a_new_one_is(databases: Databases) -> None:
    fresh, old = databases.engine(), databases.old()
    with old.connect() as connection:
        assert not inspect(connection).has_table("alembic_version")
    tables = columns(old)
    before = rows(old, tables)
    assert migrations.migrate(fresh)[1] == newest()
    assert migrations.migrate(old) == ("0002", newest())
    assert shape(old) == shape(fresh)
    assert migrations.migrate(old) == (newest(), newest())
    assert {table for table, lines in before.items() if lines} >= {"hosts", "tokens", "audits", "operations"}
    assert rows(old, tables) == before


def test_a_database_after_the_first_step_of_v0_1_0_gets_the_second(databases: Databases) -> None:
    fresh, old = databases.engine(), databases.old()
    with old.begin() as connection:
        connection.execute(text("DROP INDEX operations_state"))
        connection.execute(text("DELETE FROM schema_version WHERE version = 2"))
    migrations.migrate(fresh)
    assert migrations.migrate(old) == ("0001", newest())
    assert shape(old) == shape(fresh)


def test_a_first_start_that_was_interrupted_begins_again(databases: Databases) -> None:
    """v0.1.0 made `schema_version` in a transaction of its own; alembic makes `alembic_version` likewise."""
    engine = databases.engine()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at FLOAT NOT NULL)"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    assert migrations.migrate(engine) == (None, newest())


def test_v0_1_0_refuses_an_upgraded_database(databases: Databases) -> None:
    """Its rule: the highest `schema_version` may be 2."""
    old = databases.old()
    migrations.migrate(old)
    with old.connect() as connection:
        assert connection.execute(text("SELECT max(version) FROM schema_version")).scalar() == 3


def test_a_new_column_reaches_new_and_old_databases_alike(databases: Databases, tmp_path: Path) -> None:
    column = 'op.add_column("hosts", sa.Column("novel", sa.Integer(), nullable=False, server_default="7"))'
    further = step(tmp_path / "more", "9000", newest(), column)
    folders = (migrations.VERSIONS, further)
    fresh, old = databases.engine(), databases.old()
    assert migrations.migrate(fresh, folders) == (None, "9000")
    assert migrations.migrate(old, folders) == ("0002", "9000")
    assert shape(old) == shape(fresh)
    assert "novel" in {column[0] for column in shape(old)["hosts"]["columns"]}


def test_a_newer_hubs_database_is_refused(databases: Databases, tmp_path: Path) -> None:
    engine = databases.engine()
    further = step(tmp_path / "more", "9000", newest(), 'op.create_table("novel", sa.Column("id", sa.Integer()))')
    migrations.migrate(engine, (migrations.VERSIONS, further))
    with pytest.raises(Failed, match=f"has schema 9000, this hub knows up to {newest()}: .* newer hub") as refused:
        migrations.migrate(engine)
    assert refused.value.code == "NewerSchema"


def test_a_step_of_v0_1_0s_kind_that_nobody_knows_is_refused(databases: Databases) -> None:
    old = databases.old()
    with old.begin() as connection:
        connection.execute(text("INSERT INTO schema_version VALUES (17, 0)"))
    with pytest.raises(Failed, match=r"has schema 17, .* newer hub"):
        migrations.migrate(old)


def test_a_step_that_fails_leaves_the_schema_before_it(databases: Databases, tmp_path: Path) -> None:
    good = 'op.create_table("whole", sa.Column("id", sa.Integer()))'
    bad = 'op.create_table("half", sa.Column("id", sa.Integer())); op.execute("SELECT nonsense FROM nowhere")'
    step(tmp_path / "more", "9000", newest(), good)
    folders = (migrations.VERSIONS, step(tmp_path / "more", "9001", "9000", bad))
    engine = databases.engine()
    with pytest.raises(Exception, match="nowhere"):
        migrations.migrate(engine, folders)
    with engine.connect() as connection:
        assert inspect(connection).has_table("whole") and not inspect(connection).has_table("half")
        assert migrations.current_revision(connection) == "9000"
    step(tmp_path / "more", "9001", "9000", "pass")
    assert migrations.migrate(engine, folders) == ("9000", "9001")


def test_first_schema_holds_what_plane_and_agent_agree_on(databases: Databases) -> None:
    engine = databases.engine()
    migrations.migrate(engine)
    columns = {table: {column[0] for column in parts["columns"]} for table, parts in shape(engine).items()}
    assert "generation" in columns["hosts"]
    assert {"id", "generation", "result", "deadline"} <= columns["operations"]
    assert {"base_generation", "base_value"} <= columns["intents"]


def test_commands_that_start_no_hub_do_not_load_alembic() -> None:
    program = (
        "import sys, edgewright.main, edgewright.hub.process.cli, edgewright.hub.process.serve;"
        "import edgewright.hub.process.backup;"
        "sys.exit(1 if any(name.split('.')[0] in ('alembic', 'mako') for name in sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_database_that_is_up_to_date_needs_no_alembic(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from edgewright.hub.db.engines import open_engines;"
        "from edgewright.hub.db import migrations;"
        "print(*migrations.migrate(open_engines(pathlib.Path(sys.argv[1]), None)[0]), 'alembic' in sys.modules)"
    )
    starts = [subprocess.check_output([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT) for _ in range(2)]
    assert [start.decode().split() for start in starts] == [["None", newest(), "True"], [newest(), newest(), "False"]]


def test_a_revision_is_named_as_its_module() -> None:
    """`migrate` knows the newest one by the names of the modules."""
    for path in migrations.VERSIONS.glob("r*.py"):
        assert f'revision = "{path.name[1:5]}"' in path.read_text(), path.name


def test_hub_status_loads_no_database_library() -> None:
    program = (
        "import sys, edgewright.hub.process.cli, edgewright.hub.process.status; sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0

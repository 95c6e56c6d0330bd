"""Sessions with PostgreSQL that are lost, also in the middle of a commit; the link to it."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from edgewright.core.errors import Failed
from edgewright.hub.db import engines as database
from edgewright.hub.db import migrations, schema
from edgewright.hub.db.engines import lock_of, open_engines
from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.problems import StorageProblem
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster, cluster

BUSY = "Another hub already runs on this database"


def end_sessions(postgres: Cluster, database: str) -> None:
    """End every session of a database, as a failover or an administrator does."""
    postgres.psql(
        "postgres", f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
    )


def write(hub: RunningHub, name: str) -> httpx.Response:
    return hub.client().post("/v1/edgehosts", json={"metadata": {"uid": name}})


def messages(hub: RunningHub) -> str:
    return "\n".join(line["message"] for line in hub.log())


def eventually(hub: RunningHub, name: str, wanted: int, seconds: float = 20) -> httpx.Response:
    end = time.monotonic() + seconds
    while True:
        answer = write(hub, name)
        if answer.status_code == wanted or time.monotonic() > end:
            return answer
        time.sleep(0.2)


def test_a_hub_continues_after_lost_sessions(tmp_path: Path, postgres: Cluster) -> None:
    database = postgres.create()
    with running_hub("--db", postgres.url(database), data=tmp_path / "a") as hub:
        end_sessions(postgres, database)
        assert eventually(hub, "again-1", 201).status_code == 201
        assert "there is a new one" in messages(hub)


def test_a_restart_of_postgresql_is_survived(tmp_path: Path) -> None:
    with cluster() as server:
        url = server.url(server.create())
        with running_hub("--db", url, data=tmp_path / "a") as hub:
            for mode in ("immediate", "fast"):
                server.stop(mode)
                assert write(hub, f"down-{mode}").status_code == 503
                server.start()
                assert eventually(hub, f"up-{mode}", 201).status_code == 201


@pytest.mark.parametrize("lost", ["answer", "commit"])
async def test_a_connection_that_breaks_in_the_commit_leaves_nothing_open(
    tmp_path: Path, postgres: Cluster, lost: str
) -> None:
    """The hub asks whether the batch is durable: what it answers, and what it has in memory, is what is stored."""
    database = postgres.create()
    engine, readers = open_engines(tmp_path, postgres.url(database))
    migrations.migrate(engine)
    lock = lock_of(engine)
    assert lock is not None
    lock.started(engine)
    writer = Writer(engine, asyncio.get_running_loop())
    hooks: list[str] = []
    breaks = [True]

    @event.listens_for(engine, "commit")
    def _break(connection: Connection) -> None:
        if breaks.pop() if breaks else False:
            if lost == "answer":
                connection.exec_driver_sql("COMMIT")
                raise OperationalError("COMMIT", None, ConnectionError("server closed the connection unexpectedly"))
            end_sessions(postgres, database)

    def job(tx: Tx) -> str:
        tx.run(schema.settings.insert().values(key="mine", value="1"))
        tx.after(lambda: hooks.append("in memory"))
        return "done"

    try:
        answer = await writer.submit(job)
    except StorageProblem as problem:
        answer = str(problem.code)
    await writer.submit(lambda _tx: None)
    stored = await writer.submit(
        lambda tx: len(tx.all(schema.settings.select().where(schema.settings.c.key == "mine")))
    )
    assert (answer, hooks, stored) == (("done", ["in memory"], 1) if lost == "answer" else ("StorageFailed", [], 0))
    await asyncio.to_thread(writer.stop)
    engine.dispose()
    readers.dispose()


def test_a_server_that_accepts_and_never_answers_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database._LINK, "connect_timeout", "2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://u@127.0.0.1:{silent.getsockname()[1]}/d"
        began = time.monotonic()
        with pytest.raises(Failed, match="cannot be opened"):
            database.open_engines(tmp_path, url)
        assert time.monotonic() - began < 20


def test_the_options_of_the_url_win_over_those_of_the_link(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.url(postgres.create())
    writer, readers = database.open_engines(tmp_path, f"{url}&connect_timeout=7")
    with readers.connect() as connection:
        options: Any = connection.connection.driver_connection
        assert options.info.get_parameters()["connect_timeout"] == "7"
        assert options.info.get_parameters()["tcp_user_timeout"] == "30000"
    writer.dispose()
    readers.dispose()

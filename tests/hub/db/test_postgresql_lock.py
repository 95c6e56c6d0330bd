"""One hub for one PostgreSQL (rule P55), whatever happens to its sessions: two never both write."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from edgewright.core.errors import Failed
from edgewright.hub.db import engines as database
from edgewright.hub.db import migrations, schema
from edgewright.hub.db.engines import lock_of, open_engines
from edgewright.hub.db.lock import KEY
from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.status import status
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster, cluster

BUSY = "Another hub already runs on this database"


def end_sessions(postgres: Cluster, database: str) -> None:
    """End every session of a database, as a failover or an administrator does."""
    postgres.psql(
        "postgres", f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
    )


def lock_holders(postgres: Cluster, database: str) -> list[str]:
    """Return the process numbers of the sessions that have the lock."""
    query = (
        "SELECT pid FROM pg_locks JOIN pg_database ON oid = database "
        f"WHERE locktype = 'advisory' AND objid = {KEY} AND granted AND datname = '{database}'"
    )
    return postgres.psql("postgres", query).split()


def write(hub: RunningHub, name: str) -> httpx.Response:
    return hub.client().post("/v1/edgehosts", json={"metadata": {"uid": name}})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("code", ""))


def messages(hub: RunningHub) -> str:
    return "\n".join(line["message"] for line in hub.log())


def eventually(hub: RunningHub, name: str, wanted: int, seconds: float = 20) -> httpx.Response:
    end = time.monotonic() + seconds
    while True:
        answer = write(hub, name)
        if answer.status_code == wanted or time.monotonic() > end:
            return answer
        time.sleep(0.2)


def copied_keys(source: Path, target: Path) -> Path:
    """Return a second data directory with the same keys, as a standby machine has it."""
    target.mkdir(mode=0o700)
    for name in ("secret.key", "ca.crt", "ca.key", "admin-api-key"):
        (target / name).write_bytes((source / name).read_bytes())
    return target


@contextmanager
def lock_held_by_another(postgres: Cluster, database: str) -> Iterator[None]:
    engine = create_engine(postgres.url(database))
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT pg_try_advisory_lock({KEY})")).scalar() is True
        yield
    engine.dispose()


def test_a_hub_takes_its_lock_again_and_keeps_others_off(tmp_path: Path, postgres: Cluster) -> None:
    database = postgres.create()
    url = postgres.url(database)
    with running_hub("--db", url, data=tmp_path / "a") as first:
        other = copied_keys(first.data, tmp_path / "b")
        end_sessions(postgres, database)
        assert eventually(first, "again-1", 201).status_code == 201
        assert len(lock_holders(postgres, database)) == 1
        with pytest.raises(AssertionError, match=BUSY), running_hub("--db", url, data=other):
            pass
        assert "has taken the lock again" in messages(first)


def test_an_idle_hub_takes_its_lock_again_by_itself(tmp_path: Path, postgres: Cluster) -> None:
    database = postgres.create()
    with running_hub("--db", postgres.url(database), data=tmp_path / "a"):
        before = lock_holders(postgres, database)
        end_sessions(postgres, database)
        for _ in range(100):
            after = lock_holders(postgres, database)
            if after and after != before:
                return
            time.sleep(0.1)
        raise AssertionError("the lock was not taken again within 10 s")


def test_a_hub_without_the_lock_writes_nothing_until_it_has_it_again(tmp_path: Path, postgres: Cluster) -> None:
    database = postgres.create()
    with running_hub("--db", postgres.url(database), data=tmp_path / "a") as hub:
        _, token = hub.token()
        host = hub.host("held-1", token)
        hub.process.send_signal(signal.SIGSTOP)
        end_sessions(postgres, database)
        with lock_held_by_another(postgres, database):
            hub.process.send_signal(signal.SIGCONT)
            answer = write(hub, "held-2")
            assert code(answer) == (503, "DatabaseInUse") and answer.headers["retry-after"] == "10"
            beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
            assert code(host.patch("/v1/edgehosts/held-1/health", json=beat)) == (503, "DatabaseInUse")
            assert hub.client().get("/v1/edgehosts/held-1").status_code == 200  # nobody else has written
            assert "nothing is written until it is free" in messages(hub)
        assert eventually(hub, "held-2", 201).status_code == 201
        assert "has the lock of its database again" in messages(hub)
        assert messages(hub).count("nothing is written until it is free") == 1


def test_a_hub_that_was_taken_over_answers_nothing(tmp_path: Path, postgres: Cluster) -> None:
    """The first hub is frozen, as a paused virtual machine is, while its session ends and a second one starts."""
    database = postgres.create()
    url = postgres.url(database)
    with running_hub("--db", url, data=tmp_path / "a") as first:
        assert write(first, "mine-1").status_code == 201
        other = copied_keys(first.data, tmp_path / "b")
        first.process.send_signal(signal.SIGSTOP)
        end_sessions(postgres, database)
        with running_hub("--db", url, data=other) as second:
            first.process.send_signal(signal.SIGCONT)
            assert write(second, "theirs-1").status_code == 201
            assert code(write(first, "mine-2")) == (503, "DatabaseTakenOver")
            assert code(first.client().get("/v1/edgehosts/mine-1")) == (503, "DatabaseTakenOver")
            _, token = second.token()
            credential = second.register("theirs-2", token).json()["status"]["serviceAuthToken"]
            beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
            at_first = first.client(Authorization=credential).patch("/v1/edgehosts/theirs-2/health", json=beat)
            assert code(at_first) == (503, "DatabaseTakenOver")  # 401 would end the host's credential
            uids = {
                item["metadata"]["uid"]
                for item in second.client().post("/v1/dashboard/edgehosts/search", json={}).json()["items"]
            }
            assert uids == {"mine-1", "theirs-1", "theirs-2"}
        assert code(write(first, "mine-3")) == (503, "DatabaseTakenOver")  # what it has in memory stays out of date
        report = status(first.data)
        assert report["answers"] is False and "Another hub has started on this database" in report["problem"]
        assert messages(first).count("another hub has started on this database") == 1
    assert first.process.returncode == 0


@pytest.mark.timeout(240)
def test_of_two_hubs_in_a_storm_of_lost_sessions_only_one_writes(tmp_path: Path, postgres: Cluster) -> None:
    """Both want the database, sessions end all the time: what a hub acknowledged after it lost is nothing."""
    database = postgres.create()
    url = postgres.url(database)
    end = threading.Event()

    both = threading.Event()

    def storm() -> None:
        while not end.wait(0.15 if both.is_set() else 1.0):  # a hub that starts needs a moment to take the lock
            end_sessions(postgres, database)

    with running_hub("--db", url, data=tmp_path / "a") as first:
        other = copied_keys(first.data, tmp_path / "b")
        thread = threading.Thread(target=storm, daemon=True)
        thread.start()
        taken: list[str] = []
        second: RunningHub | None = None
        try:
            first.process.send_signal(signal.SIGSTOP)
            for _ in range(20):
                try:
                    with running_hub("--db", url, data=other) as second:
                        both.set()
                        first.process.send_signal(signal.SIGCONT)
                        for number in range(60):
                            for name, hub in (("a", first), ("b", second)):
                                if write(hub, f"{name}-{number}").status_code == 201:
                                    taken.append(name)
                    break
                except AssertionError:
                    continue  # its session ended while it started: it says so and ends
        finally:
            os.kill(first.process.pid, signal.SIGCONT)
            end.set()
            thread.join(timeout=30)
        assert second is not None and taken and set(taken) == {"b"}


def test_a_restart_of_postgresql_is_survived_by_one_hub(tmp_path: Path) -> None:
    with cluster() as server:
        database = server.create()
        url = server.url(database)
        with running_hub("--db", url, data=tmp_path / "a") as hub:
            other = copied_keys(hub.data, tmp_path / "b")
            for mode in ("immediate", "fast"):
                server.stop(mode)
                assert write(hub, f"down-{mode}").status_code == 503
                server.start()
                assert eventually(hub, f"up-{mode}", 201).status_code == 201
                assert len(lock_holders(server, database)) == 1
                with pytest.raises(AssertionError, match=BUSY), running_hub("--db", url, data=other):
                    pass


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
    lock.claim(engine)
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

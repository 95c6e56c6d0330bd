"""The database decides which heartbeat is doubled or late (rule P17), whatever a hub remembers."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import StatementError

from edgewright.hub.db import beats, migrations, schema, writer
from edgewright.hub.db.beats import ANY_NUMBER, Beat, PendingBeats, Written, is_repeatable, write_alone, write_beats
from edgewright.hub.db.engines import open_engines
from edgewright.hub.db.records import Live, new_beat_row
from edgewright.hub.db.shared.sessions import driver_of
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.resources.hosts.heartbeat import Heartbeats
from edgewright.hub.resources.hosts.liveness import BACK, Liveness
from tests.hub.db.test_row_safety import Pair, _load, _token, pair, registration
from tests.postgres import Cluster

__all__ = ["pair"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.e2e)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = None
    if request.param == "postgresql":
        server: Cluster = request.getfixturevalue("postgres")
        url = server.url(server.create())
    made = open_engines(tmp_path, url)
    migrations.migrate(made[0])
    yield made[0]
    for one in made:
        one.dispose()


def beat(uid: str, boot: str, seq: int | None, *, force: bool = False, message: str = "") -> Beat:
    live = Live()
    live.at, live.boot_id, live.state, live.message = 1000.0 + (seq or 0), boot, "healthy", message
    live.seq = -1 if seq is None else seq
    return live.beat(uid, ANY_NUMBER if seq is None else seq, 1, int(force))


def write(engine: Engine, *beats: Beat) -> set[str]:
    """Write a batch; returns the hosts whose row shows that their beat was not taken."""
    with engine.begin() as connection:
        refused = {row.uid for row in write_beats(connection, beats).refused}
    last = {beat.host: beat for beat in beats}
    shown = {
        uid
        for uid, beat in last.items()
        if (row := stored(engine, uid)).message != beat.message or row.boot_id != beat.boot_id
    }
    assert engine.dialect.name == "sqlite" or refused == shown or len(last) < len(beats)
    return shown


def stored(engine: Engine, uid: str) -> Any:
    table = schema.heartbeats
    with engine.connect() as connection:
        return connection.execute(select(table).where(table.c.uid == uid)).one()


def make(engine: Engine, *uids: str) -> None:
    with engine.begin() as connection:
        for uid in uids:
            connection.execute(new_beat_row(uid))


def test_p17_doubled_and_late_ones_change_nothing(engine: Engine) -> None:
    make(engine, "a", "b")
    assert write(engine, beat("a", "b1", 5, message="first"), beat("b", "x", 1)) == set()
    for late in (beat("a", "b1", 5, message="again"), beat("a", "b1", 4, message="late")):
        assert "a" in write(engine, late)
        assert (stored(engine, "a").message, stored(engine, "a").seq, stored(engine, "a").count) == ("first", 5, 1)
    assert "a" not in write(engine, beat("a", "b2", 0))
    assert write(engine, beat("a", "b1", 9, message="late")) == {"a"}
    row = stored(engine, "a")
    assert (row.boot_id, row.seq, row.count, msgspec.json.decode(row.gone_boots)) == ("b2", 0, 2, ["b1"])


def test_p17_a_beat_without_a_number_is_new_and_a_forced_one_always(engine: Engine) -> None:
    make(engine, "a")
    write(engine, beat("a", "b1", 7))
    assert not write(engine, beat("a", "b1", None, message="new"))
    assert (stored(engine, "a").seq, stored(engine, "a").message) == (7, "new")
    write(engine, beat("a", "b2", 1))
    assert write(engine, beat("a", "b1", None)) == {"a"}  # of a boot that was replaced: late with or without a number
    assert not write(engine, beat("a", "b1", 3, force=True))  # a machine that takes the place of the other (clones.py)
    assert (stored(engine, "a").boot_id, stored(engine, "a").seq) == ("b1", 3)
    assert msgspec.json.decode(stored(engine, "a").gone_boots) == ["b2"]


def test_two_boots_of_a_host_in_one_batch_are_both_noted(engine: Engine) -> None:
    make(engine, "a")
    assert not write(engine, beat("a", "b0", 1), beat("a", "b1", 1), beat("a", "b2", 1))
    row = stored(engine, "a")
    assert (row.boot_id, row.count, msgspec.json.decode(row.gone_boots)) == ("b2", 3, ["b0", "b1"])


def test_any_order_of_heartbeats_ends_as_the_rule_demands(engine: Engine) -> None:
    """Beside a model in Python of what rule P17 says, with batches of random size; the seed is fixed."""
    chance, uids = random.Random(17), [f"h{number}" for number in range(6)]
    make(engine, *uids)
    model: dict[str, tuple[str, int, list[str], int]] = {uid: ("", -1, [], 0) for uid in uids}
    for _ in range(60):
        batch = []
        for _ in range(chance.randrange(1, 12)):
            uid, boot, seq = chance.choice(uids), f"b{chance.randrange(7)}", chance.randrange(6)
            force = chance.random() < 0.05
            batch.append(beat(uid, boot, seq, force=force))
            now, last, gone, count = model[uid]
            if force or (seq > last if boot == now else boot not in gone):
                if boot != now:
                    rest = [other for other in gone if other != boot]
                    gone = [*rest[-3:], now] if now else rest
                model[uid] = (boot, seq if boot != now or force else max(last, seq), gone, count + 1)
        if is_repeatable(engine, batch):
            write_alone(engine, batch, "")
        else:
            with engine.begin() as connection:
                write_beats(connection, batch)
        for uid, wanted in model.items():
            row = stored(engine, uid)
            assert (row.boot_id, row.seq, msgspec.json.decode(row.gone_boots), row.count) == wanted


@pytest.mark.parametrize("stored_first", [False, True])
@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.e2e)], indirect=True)
def test_p17_a_batch_whose_session_ends_before_the_answer_is_stored_once(
    engine: Engine, stored_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(engine, "a", "b")
    sent = []

    class Broken:
        """The driver's connection, whose session ends before or after the statement."""

        def __init__(self, driver: Any) -> None:
            self._driver = driver

        def execute(self, *statement: Any) -> Any:
            sent.append(statement)
            answer = self._driver.execute(*statement) if stored_first or len(sent) > 1 else None
            if len(sent) == 1:
                self._driver.close()
                raise psycopg.OperationalError("the connection is lost")
            return answer

    @contextlib.contextmanager
    def broken(connection: Connection) -> Iterator[Broken]:
        with driver_of(connection) as driver:
            yield Broken(driver)

    monkeypatch.setattr(beats, "driver_of", broken)
    batch = [beat("a", "b1", 3), beat("b", "b1", 1)]
    written = write_alone(engine, batch, "me")
    assert len(sent) == 2 and {row.uid for row in written.refused} == ({"a", "b"} if stored_first else set())
    assert [(stored(engine, uid).seq, stored(engine, uid).count) for uid in "ab"] == [(3, 1), (1, 1)]


def test_only_numbered_heartbeats_of_different_hosts_may_be_sent_twice(engine: Engine) -> None:
    first, shared = beat("a", "b1", 1), engine.dialect.name == "postgresql"
    assert is_repeatable(engine, [first, beat("b", "b1", 1)]) == shared
    for other in (beat("b", "b1", None), beat("b", "b1", 2, force=True), beat("a", "b2", 1)):
        assert not is_repeatable(engine, [first, other])


def test_what_waits_is_counted_and_what_was_not_stored_is_owed() -> None:
    pending = PendingBeats()
    pending.add(beat("a", "b1", 1))
    pending.add(beat("a", "b1", 2))
    taken = pending.take()
    assert [(row.seq, row.add) for row in taken] == [(2, 2)] and not pending
    pending.failed(taken)
    pending.add(beat("a", "b1", 3))
    pending.add(beat("b", "b1", 3))
    assert [(row.host, row.add) for row in pending.take()] == [("a", 3), ("b", 1)]


async def test_only_stored_heartbeats_are_counted_as_acknowledged(tmp_path: Path) -> None:
    engines = open_engines(tmp_path, None)
    migrations.migrate(engines[0])
    make(engines[0], "a")
    writer = Writer(engines[0], asyncio.get_running_loop())
    broken = beat("a", "b1", 1)
    broken.state = object()  # type: ignore[assignment]
    with pytest.raises(StatementError):
        await writer.beat(broken)
    assert writer.beats_written == 0
    await writer.beat(beat("a", "b1", 2))
    assert writer.beats_written == 1
    assert await asyncio.to_thread(writer.stop, 5)
    for engine in engines:
        engine.dispose()


async def test_a_request_that_was_cancelled_cancels_no_other_one_of_its_batch(tmp_path: Path) -> None:
    engines = open_engines(tmp_path, None)
    migrations.migrate(engines[0])
    make(engines[0], "a", "b")
    writer = Writer(engines[0], asyncio.get_running_loop())
    waiting = [asyncio.ensure_future(writer.beat(beat(uid, "b1", 1))) for uid in ("a", "b")]
    waiting[0].cancel()
    await waiting[1]
    assert waiting[0].cancelled() and stored(engines[0], "a").seq == 1  # it is stored all the same
    assert await asyncio.to_thread(writer.stop, 5)
    for engine in engines:
        engine.dispose()


@pytest.mark.e2e
async def test_p17_a_late_beat_at_another_hub_changes_nothing(pair: Pair) -> None:
    """Each hub knows only what it took: the database decides, and the hub that was wrong follows it."""
    _, token = await _token(pair, "late")
    made = await pair.clients[0].post("/v1/edgehosts/register", json=registration("l", token))
    await _load(pair, "l")
    own = {"Authorization": made.json()["status"]["serviceAuthToken"], "ApiKey": ""}

    async def send(hub: int, boot: str, seq: int, message: str) -> int:
        body = {"state": "healthy", "message": message, "edgewright": {"seq": seq, "bootId": boot}}
        return (await pair.clients[hub].patch("/v1/edgehosts/l/health", json=body, headers=own)).status_code

    assert await send(0, "b1", 1, "first") == 204
    assert await send(1, "b1", 2, "second") == 204
    assert await send(0, "b1", 2, "doubled") == 204  # the first hub has 1 in memory
    live = [hub.state.hosts["l"].live for hub in pair.hubs]
    assert (live[0].seq, live[0].message) == (2, "second")
    assert await send(0, "b2", 1, "booted") == 204
    assert await send(1, "b1", 3, "late") == 204
    assert (live[1].boot_id, live[1].seq, live[1].message) == ("b2", 1, "booted")
    row = pair.rows(select(schema.heartbeats).where(schema.heartbeats.c.uid == "l"))[0]
    assert (row.boot_id, row.seq, row.count, row.message) == ("b2", 1, 3, "booted")


@pytest.mark.e2e
async def test_p17_each_hub_shows_what_all_hubs_counted(pair: Pair) -> None:
    """A hub misses heartbeats of the other one until it reads them; the answer of the next one corrects its count."""
    _, token = await _token(pair, "count")
    made = await pair.clients[0].post("/v1/edgehosts/register", json=registration("c", token))
    await _load(pair, "c")
    own = {"Authorization": made.json()["status"]["serviceAuthToken"], "ApiKey": ""}
    live = [hub.state.hosts["c"].live for hub in pair.hubs]
    for seq, hub in enumerate((0, 1, 1, 0), 1):
        body = {"state": "healthy", "message": "m", "edgewright": {"seq": seq, "bootId": "b1"}}
        assert (await pair.clients[hub].patch("/v1/edgehosts/c/health", json=body, headers=own)).status_code == 204
    assert live[0].count == 4, "it took two and never saw the other two"
    await Liveness(pair.hubs[1]).look()
    assert live[1].count == 4


@pytest.mark.e2e
@pytest.mark.parametrize("stored", [True, False])
async def test_p17_a_heartbeat_without_an_answer_leaves_no_lower_count(
    pair: Pair, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub loses the database with a heartbeat whose row it wrote, or did not write; its host goes on at the other."""
    _, token = await _token(pair, "lost")
    made = await pair.clients[0].post("/v1/edgehosts/register", json=registration("o", token))
    await _load(pair, "o")
    own = {"Authorization": made.json()["status"]["serviceAuthToken"], "ApiKey": ""}
    live = [hub.state.hosts["o"].live for hub in pair.hubs]

    async def send(hub: int, seq: int) -> int:
        body = {"state": "healthy", "message": "m", "edgewright": {"seq": seq, "bootId": "b1"}}
        return (await pair.clients[hub].patch("/v1/edgehosts/o/health", json=body, headers=own)).status_code

    def lost(engine: Engine, beats: Sequence[Beat], origin: str) -> Written:
        if stored:
            write_alone(engine, beats, origin)
        raise StorageProblem(503, "StorageUnreachable", "The answer was lost.")

    first = live[0].count
    assert [await send(hub, seq) for seq, hub in ((1, 0), (2, 1), (3, 1))] == [204] * 3
    with monkeypatch.context() as patched:
        patched.setattr(writer, "write_alone", lost)
        patched.setattr(pair.hubs[0].part(Heartbeats), "take_row", lambda *_: False)  # it has not looked yet
        assert await send(0, 4) == 503
    if stored:
        assert await send(1, 4) == 204, "the other hub finds it stored"
    counted = first + (4 if stored else 3)
    await Liveness(pair.hubs[0]).look()
    assert (live[0].seq, live[0].count) == (4, counted)
    assert pair.rows(select(schema.heartbeats).where(schema.heartbeats.c.uid == "o"))[0].count == counted


@pytest.mark.e2e
def test_p17_a_batch_does_not_count_what_another_hub_counted(tmp_path: Path, postgres: Cluster) -> None:
    engines = open_engines(tmp_path, postgres.url(postgres.create()))
    migrations.migrate(engines[0])
    make(engines[0], "a", "b")
    write(engines[0], beat("a", "b1", 2), beat("b", "", None))
    for uid, boot, seq, wanted in (("a", "b1", 3, 2), ("a", "b1", 9, 4), ("b", "", None, 3), ("a", "b2", 0, 6)):
        waited = beat(uid, boot, seq)
        waited.add = 2  # one of the two failed here and may be counted by another hub
        write(engines[0], waited)
        assert (uid, seq, stored(engines[0], uid).count) == (uid, seq, wanted)
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.e2e)], indirect=True)
def test_a_batch_has_a_number_before_the_time_of_its_writing(engine: Engine) -> None:
    """Else a look of another hub in between misses it."""
    with engine.connect() as connection:
        write_beats(connection, [beat("nobody", "b1", 1)])  # no row is written, so nothing else gives it one
        assert connection.exec_driver_sql("SELECT txid_current_if_assigned()").scalar() is not None


@pytest.mark.e2e
async def test_a_heartbeat_whose_commit_takes_long_reaches_the_other_hub(pair: Pair) -> None:
    _, token = await _token(pair, "slow")
    await pair.clients[0].post("/v1/edgehosts/register", json=registration("s", token))
    await _load(pair, "s")
    liveness = Liveness(pair.hubs[1])
    with pair.hubs[0].readers.connect() as connection:
        write_beats(connection, [beat("s", "b1", 1, message="slow")], "another")
        for _ in range(3):
            await liveness.look()
            await asyncio.sleep(BACK * 0.6)
        connection.commit()
    _, rows = await pair.hubs[1].read(liveness._read)  # the hub itself looks too, and may be faster
    assert [row.message for row in rows if row.uid == "s"] == ["slow"]

"""Rules P41 and P42: what a jump of the clock, a clock in doubt or an absence of the hub changes, and what not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from edgewright.core import times
from edgewright.core.certificate_clock import BUILT
from edgewright.hub.db import schema
from edgewright.hub.process import clock as clocks
from edgewright.hub.process import retention
from edgewright.hub.process.app import Hub
from edgewright.hub.process.clock import AWAY, CLOCK_FILE, SETTLE, ClockWatch, Seen, read_seen
from edgewright.hub.resources.alerts import evaluate
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.hub.resources.alerts.handling import Handling, HandlingRecord
from tests.hub_fleet import add_events, open_hub, seed, sweep_once

DAY = times.DAY
START = BUILT + 100 * DAY


class Hands:
    """Both clocks of a machine: `day` may be set, `steady` only runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.day, self.steady = START, 5000.0
        monkeypatch.setattr(times, "now", lambda: self.day)
        monkeypatch.setattr(clocks, "boottime", lambda: self.steady)

    def run(self, seconds: float) -> None:
        self.day += seconds
        self.steady += seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return Hands(monkeypatch)


def watch(hands: Hands, seen: Seen | None = None, newest: float | None = None) -> ClockWatch:
    return ClockWatch(seen, newest, lambda: hands.steady)


def test_a_clock_that_only_runs_is_believed_and_nothing_is_noticed(hands: Hands) -> None:
    watched = watch(hands)
    for _ in range(1000):
        hands.run(1.0)
        hands.day += 0.2  # slewed by a time server
        assert watched.look() == (0.0, 0.0)
    assert not watched.doubt and watched.expected() == pytest.approx(hands.day)


def test_an_absence_is_time_that_passed_without_a_look(hands: Hands) -> None:
    watched = watch(hands)
    hands.run(80.0)
    assert watched.look() == (0.0, 80.0)
    assert not watched.doubt
    hands.run(2.0)
    assert watched.look() == (0.0, 0.0)


def test_p41_a_jump_is_doubted_until_it_is_taken_back(hands: Hands) -> None:
    watched = watch(hands)
    hands.day += 730 * DAY
    assert watched.look().jump == 730 * DAY
    assert "730 days ahead of what this hub expects" in watched.doubt
    assert watched.latest() == hands.day  # what has expired by either clock has expired
    hands.run(3600.0)
    watched.look()
    assert watched.doubt and watched.expected() == pytest.approx(START + 3600)
    hands.day -= 730 * DAY
    watched.look()
    assert not watched.doubt


def test_p41_a_clock_that_was_set_for_good_is_believed_after_a_day_of_running(hands: Hands) -> None:
    watched = watch(hands)
    hands.day -= 2 * DAY
    watched.look()
    assert "2 days behind" in watched.doubt
    assert watched.latest() == pytest.approx(hands.day + 2 * DAY)  # no secret comes back to life
    for _ in range(int(SETTLE // 3600) - 1):
        hands.run(3600.0)
        watched.look()
    assert watched.doubt
    hands.run(3700.0)
    watched.look()
    assert not watched.doubt and watched.expected() == pytest.approx(hands.day)


def test_p41_small_steps_are_counted_together(hands: Hands) -> None:
    watched = watch(hands)
    for _ in range(5):
        hands.day += 300.0
        watched.look()
    assert watched.doubt


def test_p41_a_jump_while_the_hub_was_off_is_doubted_by_what_it_left(hands: Hands, tmp_path: Path) -> None:
    first = watch(hands)
    first.save(tmp_path)
    hands.run(AWAY / 2)
    assert not watch(hands, read_seen(tmp_path)).doubt
    hands.day += 400 * DAY
    second = watch(hands, read_seen(tmp_path))
    assert "ahead" in second.doubt
    second.save(tmp_path)
    hands.run(60.0)
    third = watch(hands, read_seen(tmp_path))
    assert third.doubt  # a restart does not make a clock right
    hands.day -= 400 * DAY
    assert not watch(hands, read_seen(tmp_path)).doubt
    hands.day -= 1000.0 + AWAY / 2 + 60
    assert "behind" in watch(hands, read_seen(tmp_path)).doubt


def test_p41_a_hub_that_was_off_for_long_and_is_restarted_daily_believes_its_clock_in_the_end(
    hands: Hands, tmp_path: Path
) -> None:
    watch(hands).save(tmp_path)
    hands.run(90 * DAY)
    for start in range(5):
        watched = watch(hands, read_seen(tmp_path))
        assert bool(watched.doubt) == (start < 4), start
        for _ in range(7):
            hands.run(3600.0)
            watched.look()
        watched.save(tmp_path)


def test_p41_without_a_record_of_an_earlier_run_the_newest_row_counts(hands: Hands) -> None:
    assert not watch(hands, newest=START - 3600).doubt
    assert "200 days ahead" in watch(hands, newest=START - 200 * DAY).doubt
    assert "behind" in watch(hands, newest=START + DAY).doubt


def test_p41_a_clock_before_this_version_is_never_believed(hands: Hands) -> None:
    hands.day = BUILT - DAY
    watched = watch(hands)
    assert "before this version was built" in watched.doubt
    for _ in range(30):
        hands.run(3600.0)
        watched.look()
        assert bool(watched.doubt) == (hands.day < BUILT)


def test_a_damaged_record_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "clock.json").write_bytes(b'{"at": "yesterday"')
    assert read_seen(tmp_path) == Seen()


@pytest.fixture
async def hub(tmp_path: Path, hands: Hands) -> AsyncIterator[Hub]:
    seed(tmp_path / "d", 12, last_heartbeat=START - 30)
    hub = open_hub(tmp_path / "d", sweep=1e9, housekeeping=1e9)
    hub.clock = watch(hands)
    await hub.start()
    await hub.write(lambda tx: None)
    yield hub
    await hub.stop()


def rows(hub: Hub, table: Any) -> int:
    with hub.readers.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)


async def test_p41_nothing_is_pruned_by_age_while_the_clock_is_in_doubt(hub: Hub, hands: Hands) -> None:
    add_events(hub, 700, START - 29 * DAY)
    before = rows(hub, schema.events), rows(hub, schema.audits)
    await retention.prune(hub)  # the first check of the audits
    hands.day += 730 * DAY
    gone = await retention.prune(hub)  # the check itself notices the jump: no look came in between
    assert gone == {"events": 0}
    hands.day -= 730 * DAY
    hands.run(DAY)
    await retention.prune(hub)
    assert (rows(hub, schema.events), rows(hub, schema.audits)) == before
    hands.run(2 * DAY)
    assert (await retention.prune(hub))["events"] == 700  # and by a believed clock they go


async def test_p41_one_reading_never_deletes_an_audit_entry(hub: Hub, hands: Hands) -> None:
    audit = dict.fromkeys(("project_uid", "user_uid", "action_type", "resource_kind", "resource_uid", "doc"), "")
    with hub.engine.begin() as connection:
        connection.execute(schema.audits.insert().values(uid="a", at=START - 10, **audit))
    hub.clock._believed += 730 * DAY  # a jump that nothing noticed
    hands.day += 730 * DAY
    hub.clock._offset = hub.clock._believed
    assert not hub.clock.doubt
    for _ in range(3):
        assert (await retention.prune(hub))["audits"] == 0
        hands.run(3600.0)
    hands.run(DAY)
    assert (await retention.prune(hub))["audits"] >= 1


async def test_p41_events_beyond_the_number_go_whatever_the_clock_shows(tmp_path: Path, hands: Hands) -> None:
    hub = open_hub(tmp_path / "d", sweep=1e9, housekeeping=1e9, max_events=1000)
    hub.clock = watch(hands)
    await hub.start()
    add_events(hub, 1500, START)
    hands.day += 730 * DAY
    assert (await retention.prune(hub))["events"] == 500
    await hub.stop()


async def test_p41_a_clock_put_right_while_housekeeping_runs_deletes_nothing(
    hub: Hub, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(hub, 5, START)
    hands.day += 730 * DAY
    hub.look_at_clock()
    assert hub.clock.doubt
    shares = retention.prune_shares

    async def slow(hub: Hub) -> int:
        hands.day -= 730 * DAY
        return await shares(hub)

    monkeypatch.setattr(retention, "prune_shares", slow)
    before = rows(hub, schema.events)
    assert before and sum((await retention.prune(hub)).values()) == 0
    assert not hub.clock.doubt and rows(hub, schema.events) == before


async def test_p41_a_clock_put_right_while_problems_are_looked_for_ends_no_silence(
    hub: Hub, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = HandlingRecord("site/kiel/silent", "", note="link is repaired", silenced_until=START + 3600)
    await hub.write(lambda tx: hub.part(Handling).store(tx, None, record))
    hub.part(Alerting)._settled = 0.0
    look = evaluate.look

    async def slow(*arguments: Any) -> Any:
        hands.day = START
        hub.look_at_clock()  # as the watch does every second
        return await look(*arguments)

    monkeypatch.setattr(evaluate, "look", slow)
    hands.day += 730 * DAY
    hub.look_at_clock()
    assert hub.clock.doubt
    await hub.part(Alerting).look()
    assert not hub.clock.doubt and hub.part(Handling).records[record.key].silenced_until == START + 3600


def judged(hub: Hub) -> dict[str, tuple[str, float | None]]:
    verdicts = {uid: hub.renderer.verdict(entry, times.now()) for uid, entry in hub.state.hosts.items()}
    return {uid: (verdict.health.value, verdict.since) for uid, verdict in verdicts.items()}


async def test_p42_an_absence_of_the_hub_is_no_silence_and_resets_no_since(hub: Hub, hands: Hands) -> None:
    limit = hub.options.silence_limit
    silent = hub.state.hosts["edge-00003"].live
    silent.at = START - limit - 60  # what the others get back would make it healthy again
    hub.renderer.started = START - 9 * limit
    await sweep_once(hub)
    before = judged(hub)
    assert before["edge-00003"][0] == "unhealthy" and before["edge-00001"][0] == "healthy"
    events = rows(hub, schema.events)
    hands.run(2 * limit)
    hub.look_at_clock()
    await sweep_once(hub)
    assert judged(hub) == before  # with the same `since`
    assert rows(hub, schema.events) == events
    for _ in range(int(limit) // 2):  # and from now on silence counts again
        hands.run(2.0)
        hub.look_at_clock()
    await sweep_once(hub)
    assert judged(hub)["edge-00001"][0] == "unhealthy"
    assert "do not count" in hub.renderer.verdict(hub.state.hosts["edge-00001"], times.now()).reason


async def test_p42_many_short_absences_hide_no_dead_host(hub: Hub, hands: Hands) -> None:
    hub.renderer.started = START - 9000
    for _ in range(100):
        for _ in range(12):
            hands.run(1.0)
            hub.look_at_clock()
        hands.run(6.0)
        hub.look_at_clock()
    await sweep_once(hub)
    assert judged(hub)["edge-00001"][0] == "unhealthy"


async def test_p42_a_jump_moves_what_is_counted_by_the_clock(hub: Hub, hands: Hands) -> None:
    hub.renderer.started = START - 9000
    before = judged(hub)
    for jump in (730 * DAY, -731 * DAY, 3 * 3600.0):
        hands.day += jump
        await sweep_once(hub)
        assert {uid: state for uid, (state, _) in judged(hub).items()} == {
            uid: state for uid, (state, _) in before.items()
        }
    live = hub.state.hosts["edge-00001"].live
    assert live.at is not None and hands.day - live.at == pytest.approx(30)


async def test_p42_deadlines_of_operations_move_with_clock_and_absence(hub: Hub, hands: Hands) -> None:
    operation: dict[str, Any] = {
        "id": "o", "host_uid": "edge-00001", "kind": "reset", "params": "{}", "generation": 1, "actor": "",
        "state": "pending", "created": START, "deadline": START + 900,
    }  # fmt: skip
    with hub.engine.begin() as connection:
        connection.execute(schema.operations.insert().values(**operation))

    async def state() -> str:
        await sweep_once(hub)
        with hub.readers.connect() as connection:
            return str(connection.execute(select(schema.operations.c.state)).scalar())

    hands.day += 730 * DAY
    assert await state() == "pending"
    hands.run(1000.0)
    assert await state() == "pending"  # the hub was absent: the host could not answer
    for _ in range(1200):
        hands.run(1.0)
        hub.look_at_clock()
    assert await state() == "expired"


async def test_p41_rows_of_a_clock_that_was_ahead_hide_no_silence_after_a_restart(tmp_path: Path, hands: Hands) -> None:
    seed(tmp_path / "d", 3, last_heartbeat=START + 730 * DAY)
    hub = open_hub(tmp_path / "d", sweep=1e9, housekeeping=1e9)
    hub.clock = watch(hands)
    await hub.start()
    for _ in range(int(hub.options.silence_limit) + 10):
        hands.run(1.0)
        hub.look_at_clock()
    assert {state for state, _ in judged(hub).values()} == {"unhealthy"}
    await hub.stop()


def test_p41_a_session_of_a_clock_that_was_ahead_does_not_last_until_that_day(tmp_path: Path) -> None:
    from edgewright.hub.security.secretbox import SESSION_SECONDS, SecretBox

    box = SecretBox.open(tmp_path)
    token = box.sign_session("key", "user", START + 730 * DAY)
    assert box.read_session(token, START + 730 * DAY) is not None
    assert box.read_session(token, START) is None
    token = box.sign_session("key", "user", START)
    assert box.read_session(token, START + SESSION_SECONDS - 1) is not None
    assert box.read_session(token, START + SESSION_SECONDS + 1) is None


@pytest.mark.parametrize("text", ["", "x", "[]", '{"at": 1e300}', '{"at": -5}', '{"agreed": -1}', '{"audits_at": "x"}'])
def test_p41_a_time_that_cannot_be_is_no_time(tmp_path: Path, text: str) -> None:
    (tmp_path / CLOCK_FILE).write_text(text)
    assert read_seen(tmp_path) == Seen()

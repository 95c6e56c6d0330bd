"""The reducer: same log, same model, however it is cut; equal values are no patches."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.store.collections.feed import FEED
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.events import Event
from edgewright.store.engine.model import Model, SourceStatus, Tally
from edgewright.store.engine.reducer import reduce

UIDS = st.sampled_from([f"edge-{number}" for number in range(6)])
HEALTH = st.sampled_from(["healthy", "unhealthy", None])
STATE = st.sampled_from(["ready", "in-use", "unpaired"])


def document(uid: str, health: str | None, state: str, beats: int) -> dict[str, Any]:
    return {
        "metadata": {"uid": uid, "name": uid},
        "status": {"state": state, "health": {"state": health}, "edgewright": {"heartbeats": beats}},
    }


def dated(uid: str, second: int) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "creationTimestamp": f"2026-11-23T08:00:{second:02d}.000Z"}}


payloads = st.one_of(
    st.tuples(
        st.just(kinds.HOSTS_SEEN),
        st.lists(st.builds(document, UIDS, HEALTH, STATE, st.integers(0, 9)), max_size=4).map(
            lambda docs: {"docs": docs}
        ),
    ),
    st.tuples(st.just(kinds.HOSTS_REMOVED), st.lists(UIDS, max_size=3).map(lambda uids: {"uids": uids})),
    st.tuples(st.just(kinds.HOSTS_COMPLETE), st.lists(UIDS, max_size=6).map(lambda uids: {"uids": uids})),
    st.tuples(
        st.just(TOKENS.seen),
        st.tuples(st.lists(UIDS, max_size=3), st.booleans()).map(
            lambda told: {"docs": [{"metadata": {"uid": uid}} for uid in told[0]], "complete": told[1]}
        ),
    ),
    st.tuples(st.just(TOKENS.removed), st.lists(UIDS, max_size=2).map(lambda uids: {"uids": uids})),
    st.tuples(
        st.just(FEED.seen),
        st.lists(st.builds(dated, UIDS, st.integers(0, 59)), max_size=3).map(lambda docs: {"docs": docs}),
    ),
    st.tuples(
        st.just(kinds.SOURCE_STATE),
        st.builds(
            lambda state, done: {"state": state, "done": done},
            st.sampled_from(["live", "lost", "loading"]),
            st.integers(0, 5),
        ),
    ),
    st.tuples(st.just(kinds.MESSAGE), st.just({"level": "ok", "text": "back"})),
    st.tuples(
        st.just(kinds.ACKNOWLEDGED), st.builds(lambda uid, on: {"key": f"host/{uid}", "on": on}, UIDS, st.booleans())
    ),
)


def log_of(told: list[tuple[tuple[str, dict[str, Any]], int]]) -> list[Event]:
    at, log = 1000.0, []
    for seq, ((kind, payload), step) in enumerate(told, 1):
        at += step
        log.append(Event(seq, at, "plane", kind, payload))
    return log


logs = st.lists(st.tuples(payloads, st.integers(0, 90)), max_size=25).map(log_of)


@settings(max_examples=150, deadline=None)
@given(logs, st.lists(st.integers(1, 5), max_size=30))
def test_any_way_of_cutting_a_log_gives_the_same_model(log: list[Event], sizes: list[int]) -> None:
    whole, _ = reduce(Model(), log)
    cut, rest = Model(), list(log)
    for size in [*sizes, len(log) or 1]:
        cut, _ = reduce(cut, rest[:size])
        rest = rest[size:]
    assert cut == whole


@settings(max_examples=100, deadline=None)
@given(logs)
def test_the_sums_are_those_of_the_rows_and_patches_tell_every_difference(log: list[Event]) -> None:
    half = len(log) // 2
    before, _ = reduce(Model(), log[:half])
    after, patches = reduce(before, log[half:])
    rows = list(after.hosts.values())
    assert after.tally == Tally(
        len(rows),
        *(sum(row.health == health for row in rows) for health in ("healthy", "unhealthy", "unknown")),
        *(sum(row.state == state for row in rows) for state in ("unpaired", "ready", "in-use")),
    )
    told = {patch.key: patch for patch in patches if patch.collection == "hosts"}
    for uid in before.hosts.keys() | after.hosts.keys():
        old, new = before.hosts.get(uid), after.hosts.get(uid)
        if old is None and new is None:
            continue
        if new is None:
            assert told[uid].op == "delete"
        elif old is None:
            assert told[uid].new
        else:
            changed = {name for name in new.__struct_fields__ if getattr(old, name) != getattr(new, name)}
            assert set(told[uid].fields if uid in told else ()) == changed - {"fetched_at"}


def test_the_model_before_stays_as_it_was() -> None:
    first, _ = reduce(
        Model(), [Event(1, 1.0, "plane", kinds.HOSTS_SEEN, {"docs": [document("a", "healthy", "ready", 1)]})]
    )
    kept = dict(first.hosts)
    reduce(first, [Event(2, 2.0, "plane", kinds.HOSTS_REMOVED, {"uids": ["a"]})])
    assert first.hosts == kept


def test_seeing_the_same_again_is_no_patch() -> None:
    doc = document("a", "healthy", "ready", 1)
    model, _ = reduce(Model(), [Event(1, 60.0, "plane", kinds.HOSTS_SEEN, {"docs": [doc]})])
    model, patches = reduce(model, [Event(2, 61.0, "plane", kinds.HOSTS_SEEN, {"docs": [doc]})])
    assert patches == () and model.hosts["a"].fetched_at == 61.0


def test_a_flicker_within_a_batch_is_no_patch() -> None:
    there = Event(1, 60.0, "plane", TOKENS.seen, {"docs": [{"metadata": {"uid": "t"}}]})
    gone = Event(2, 60.0, "plane", TOKENS.removed, {"uids": ["t"]})
    assert reduce(Model(), [there, gone])[1] == ()


def test_odd_payloads_change_nothing() -> None:
    odd: list[tuple[str, dict[str, Any]]] = [
        (kinds.HOSTS_REMOVED, {"uids": "edge"}),
        (kinds.HOSTS_REMOVED, {}),
        (TOKENS.seen, {"docs": [None, 3, {}]}),
        (kinds.ACKNOWLEDGED, {"key": 5}),
        ("newer.kind", {"docs": []}),
    ]
    log = [Event(number, 60.0, "plane", kind, payload) for number, (kind, payload) in enumerate(odd, 1)]
    model, patches = reduce(Model(), log)
    assert not model.hosts and not model.rows(TOKENS) and all(patch.collection == "pulse" for patch in patches)


def test_heartbeats_are_counted_by_their_number_and_minutes_hold_the_last_hour() -> None:
    log = [
        Event(
            minute + 1,
            minute * 60.0,
            "plane",
            kinds.HOSTS_SEEN,
            {"docs": [document("a", "healthy", "ready", minute * 2)]},
        )
        for minute in range(90)
    ]
    model, _ = reduce(Model(), log)
    assert len(model.pulse) == 60 and model.pulse[-1].heartbeats == 2 and model.pulse[-1].healthy == 1


def test_a_big_batch_is_told_as_one_reset() -> None:
    docs = [document(f"edge-{number}", "healthy", "ready", 0) for number in range(5001)]
    _, patches = reduce(Model(), [Event(1, 60.0, "plane", kinds.HOSTS_SEEN, {"docs": docs})])
    assert [patch.op for patch in patches if patch.collection == "hosts"] == ["reset"]


def test_the_feed_keeps_the_newest() -> None:
    log = [
        Event(number, 1.0, "plane", FEED.seen, {"docs": [dated(f"e{number}", number % 60)]})
        for number in range(1, 2400)
    ]
    model, _ = reduce(Model(), log)
    assert 2000 <= len(model.rows(FEED)) <= 2200


def test_only_the_plane_s_own_word_counts_as_contact() -> None:
    asked = Event(1, 500.0, "plane", kinds.SOURCE_STATE, {"state": "loading", "message": "asking the plane"})
    known = Model(source=SourceStatus(state="cache", contact=100.0))
    assert reduce(known, [asked])[0].source.contact == 100.0
    assert reduce(Model(), [asked])[0].source.contact is None
    told = Event(2, 501.0, "plane", kinds.SOURCE_STATE, {"state": "loading", "done": 50, "total": 300})
    assert reduce(known, [asked, told])[0].source.contact == 501.0

"""P18 and P19 of docs/protocol.md: when a host is unhealthy, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Rejection
from edgewright.core.hosts.health import WHO, Reported, judge, silence_sentence, with_rejection
from edgewright.core.hosts.hosts import Health

MOMENT = st.floats(1e9, 2e9)
SPAN = st.floats(0, 1e6)
LIMIT = st.floats(60, 86400)
REPORTED = st.one_of(st.none(), st.builds(Reported, st.booleans(), st.text(max_size=5)))


@given(MOMENT, SPAN, SPAN, LIMIT)
def test_p18_silence_never_makes_unhealthy_before_the_limit(now: float, up: float, quiet: float, limit: float) -> None:
    started, heartbeat = now - up, now - quiet
    verdict = judge(now, started, heartbeat, True, Reported(True), limit)
    base = max(started, heartbeat)
    assert (verdict.health is Health.UNHEALTHY) == (now >= base + limit)
    assert verdict.deadline == base + limit


@pytest.mark.parametrize(("silence", "health"), [(0.0, "healthy"), (599.5, "healthy"), (600.0, "unhealthy")])
def test_p18_the_limit_is_exact(silence: float, health: str) -> None:
    heartbeat = 1_795_000_000.0
    assert judge(heartbeat + silence, heartbeat - 1e6, heartbeat, True, Reported(True)).health.value == health


@given(MOMENT, SPAN, LIMIT)
def test_p18_an_outage_of_the_plane_turns_nothing_red(now: float, quiet: float, limit: float) -> None:
    verdict = judge(now, now - limit / 2, now - quiet - limit, True, Reported(True), limit)
    assert verdict.health is Health.HEALTHY


@given(MOMENT, SPAN, st.booleans(), REPORTED, LIMIT)
def test_p18_never_seen_is_unknown(
    now: float, up: float, registered: bool, said: Reported | None, limit: float
) -> None:
    verdict = judge(now, now - up, None, registered, said, limit)
    assert verdict.health is Health.UNKNOWN
    assert verdict.who == "host"


@given(MOMENT, SPAN, st.one_of(st.none(), SPAN), st.one_of(st.none(), SPAN), st.booleans(), REPORTED, LIMIT)
def test_p19_every_verdict_is_whole(
    now: float,
    up: float,
    quiet: float | None,
    came: float | None,
    registered: bool,
    said: Reported | None,
    limit: float,
) -> None:
    heartbeat = None if quiet is None else now - quiet
    came_at = None if came is None else now - came
    verdict = judge(
        now, now - up, heartbeat, registered, said, limit, name="edge-1", created=1.0, registered_at=came_at
    )
    state = states.STATES[verdict.state]
    assert verdict.who == WHO[state.owner]
    assert bool(verdict.reason) == (verdict.state != states.HEALTHY)
    assert verdict.since is not None
    assert bool(state.owner) == (verdict.state != states.HEALTHY)
    if verdict.health is Health.UNHEALTHY:
        assert verdict.who == "person"
    if verdict.next_check is not None:
        assert verdict.next_check >= now
        again = judge(
            verdict.next_check, now - up, heartbeat, registered, said, limit, name="edge-1", created=1.0,
            registered_at=came_at,
        )  # fmt: skip
        assert again.since is not None


def test_p19_sentences() -> None:
    assert silence_sentence("edge-7f3a", 14 * 60) == "No heartbeat from edge-7f3a for 14 min."
    late = judge(1000.0, 0.0, 800.0, True, Reported(True), name="edge-7f3a")
    assert (late.state, late.health) == (states.SILENT, Health.HEALTHY)
    assert late.reason == "No heartbeat from edge-7f3a for 3 min. It counts as unhealthy in 6 min."
    gone = judge(2000.0, 1000.0, 10.0, True, Reported(True), name="edge-7f3a")
    assert gone.reason == "No heartbeat from edge-7f3a for 33 min. The plane itself has been up for 16 min."
    assert gone.since == 10.0
    sick = judge(100.0, 0.0, 90.0, True, Reported(False, "disk / is full", 50.0), name="edge-7f3a")
    assert (sick.state, sick.reason, sick.since) == (states.UNHEALTHY_REPORTED, "disk / is full", 50.0)
    fresh = judge(100.0, 0.0, None, True, registered_at=90.0, name="edge-7f3a")
    assert (fresh.state, fresh.health) == (states.REGISTERED, Health.UNKNOWN)
    never = judge(1000.0, 0.0, None, True, registered_at=90.0, name="edge-7f3a")
    assert never.reason == "No heartbeat from edge-7f3a since it registered 15 min ago."
    assert judge(100.0, 0.0, 150.0, True, Reported(True)).health is Health.HEALTHY  # another hub's clock is ahead


def test_a_rejected_registration_changes_the_state_and_never_the_health() -> None:
    token = Rejection("The registration token is not known here.", 1500.0, 1560.0)
    expected = judge(1600.0, 0.0, None, False, created=1000.0)
    rejected = with_rejection(expected, token, None)
    assert (rejected.health, rejected.state, rejected.who) == (expected.health, states.CREDENTIAL_REFUSED, "person")
    assert rejected.reason == token.message and rejected.since == 1500.0
    late = judge(1600.0, 0.0, 1400.0, True, Reported(True), name="edge-1")
    lost = with_rejection(late, token, 1400.0)
    assert (lost.health, lost.state, lost.deadline) == (late.health, states.CREDENTIAL_REFUSED, late.deadline)
    assert lost.reason == f"{late.reason} {token.message}"
    assert with_rejection(late, token, 1590.0) == late, "it reports: another machine uses its UID"
    assert with_rejection(late, None, None) == late

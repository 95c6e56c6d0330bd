from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.store.collections.feed import EventRow
from edgewright.store.collections.happenings import FOLD_FROM, GAP, QUIET, SPAN, happenings
from edgewright.store.collections.hosts import HostRow


def event(number: int, at: float, reason: str = "HostRegistered", host: str = "", severity: str = "info") -> EventRow:
    uid = host or f"edge-{number}"
    return EventRow(f"e{number:05}", at, severity, reason, f"{uid}: {reason}", "edgehost", uid, uid)


def test_300_hosts_that_register_at_once_are_one_line() -> None:
    events = [event(number, 1000 + number * 0.0135) for number in range(298)]
    events += [event(500 + number, 1001 + number * 0.0135, "HostHealthy", f"edge-{number}") for number in range(298)]
    found = happenings(events)
    assert [one.text for one in found] == ["298 hosts registered in 4 s"]
    assert found[0].at == events[297].at and len(found[0].events) == 298


def test_few_stay_single_and_keep_their_order() -> None:
    events = [event(number, 1000 + number) for number in range(FOLD_FROM - 1)]
    assert [one.events[0].uid for one in happenings(events)] == ["e00002", "e00001", "e00000"]
    assert not any(one.folded for one in happenings(events))


def test_what_lies_between_is_not_swallowed() -> None:
    events = [event(number, 1000 + number) for number in range(10)]
    events.append(event(99, 1004.5, "DiskPressure", "edge-77", "warning"))
    assert [one.text for one in happenings(events)] == ["10 hosts registered in 9 s", ""]


def test_a_pause_and_a_long_stream_are_told_again() -> None:
    apart = [event(number, 1000) for number in range(5)] + [event(9 + n, 1000 + GAP + 1) for n in range(5)]
    assert [one.text for one in happenings(apart)] == ["5 hosts registered at once"] * 2
    long = [event(number, 1000 + number * 5) for number in range(200)]
    assert len(happenings(long)) == 4
    assert max(one.events[0].at - one.events[-1].at for one in happenings(long)) <= SPAN


def test_one_host_that_says_the_same_often_is_no_crowd() -> None:
    events = [event(number, 1000 + number, "Flapping", "edge-1") for number in range(8)]
    assert len(happenings(events)) == 8


def test_hosts_of_one_site_are_told_with_it_and_unknown_reasons_have_words() -> None:
    hosts = {f"edge-{number}": HostRow(f"edge-{number}", site="berlin-04") for number in range(6)}
    events = [event(number, 1000 + number, "HostUnhealthy", severity="warning") for number in range(6)]
    assert happenings(events, hosts)[0].text == "6 hosts of berlin-04 became unhealthy in 5 s"
    other = [event(number, 1000, "DiskPressure") for number in range(6)]
    assert happenings(other)[0].text == "6 hosts: disk pressure at once"
    mixed = dict(hosts, **{"edge-5": HostRow("edge-5", site="kiel-02")})
    assert happenings(events, mixed)[0].text == "6 hosts became unhealthy in 5 s"


REASONS = st.sampled_from(["HostRegistered", "HostUnhealthy", "DiskPressure", "HostHealthy", ""])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), REASONS, st.integers(0, 8)), max_size=60), st.randoms())
def test_every_event_is_in_exactly_one_happening_whatever_the_order(
    told: list[tuple[int, str, int]], random: object
) -> None:
    events = [event(place, 1000.0 + at, reason, f"edge-{host}") for place, (at, reason, host) in enumerate(told)]
    found = happenings(events)
    seen = sorted(one.uid for happening in found for one in happening.events)
    assert seen == sorted(one.uid for one in events if one.reason not in QUIET)
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert happenings(shuffled) == found
    assert happenings(events, limit=3) == found[:3]

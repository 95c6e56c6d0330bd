from __future__ import annotations

import pytest

from edgewright.core.times import DAY
from edgewright.store.store import Store
from tests.tui.samples import NOW, event, fill, fleet
from tui.screens.pulse_content import (
    Item,
    Pulse,
    Told,
    board_lines,
    detail_lines,
    feed_lines,
    fleet_lines,
    problem_lines,
    rate_text,
    spark,
)
from tui.screens.pulse_select import pulse_of
from tui.widgets.lines import text_of


def store(well: bool = False, state: str = "live") -> Store:
    docs = [doc for doc in fleet() if not well or doc["metadata"]["name"].startswith("kiel")]
    return fill(Store(clock=lambda: NOW), docs, state)


def test_what_waits_for_a_person_comes_first_then_the_worst() -> None:
    said = text_of(problem_lines(pulse_of(store().model, NOW), 80)).splitlines()
    assert said[0].startswith("NEEDS ATTENTION")
    assert "since who" in said[0]
    assert said[1].split()[:3] == ["‼", "shop-install", "token"]
    assert said[2] == "NOT WELL"
    assert said[3].split() == ["▲", "hamburg-01", "link", "down,", "3", "hosts", "behind", "it", "31m", "operator"]
    assert "no heartbeat; its neighbours respond" in said[4]
    assert all(len(one) <= 80 for one in said)


def test_hosts_behind_a_dead_link_are_one_problem() -> None:
    pulse = pulse_of(store().model, NOW)
    assert not [item for item in pulse.items if item.name.startswith("hh-")]
    link = next(item for item in pulse.items if item.name == "hamburg-01")
    assert link.opens == "hosts/tag.site:hamburg-01"
    assert "hh-0, hh-1, hh-2" in link.detail[1]


def test_all_well_is_one_calm_line_with_the_time_of_the_check() -> None:
    pulse = Pulse(now=NOW, checked=NOW - 3, healthy=481)
    assert text_of(problem_lines(pulse, 80)) == "• Nothing is wrong: all 481 hosts are well.  checked just now"


def test_no_host_yet_says_how_one_comes_in() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW - 3), 80))
    assert "No host has come in yet." in said
    assert "edgewright agent install" in said


def test_unknown_hosts_are_never_called_well() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW, healthy=3, unknown=2), 80))
    assert "3 well, 2 not heard of yet" in said
    assert said.startswith("•")
    nobody = text_of(problem_lines(Pulse(now=NOW, checked=NOW, unknown=2), 80))
    assert nobody.startswith("○ Nothing is known to be wrong: 0 well, 2 not heard of yet.")


def test_a_lost_plane_is_told_where_nothing_else_is() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW - 240, healthy=3, lost="it is away"), 80))
    assert "the plane is not heard" in said


def test_loading_says_how_far_it_is() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, loading="1,200 of 30,000 hosts"), 80))
    assert "Loading the fleet: 1,200 of 30,000 hosts." in said


def test_acknowledged_goes_below_and_says_so() -> None:
    items = (
        Item("a", "unwell", "first", "bad", acknowledged=True, since=NOW - 60),
        Item("b", "unwell", "second", "worse", since=NOW - 90, who="field"),
    )
    said = text_of(problem_lines(Pulse(now=NOW, items=items), 80)).splitlines()
    assert "second" in said[1]
    assert "first" in said[2]
    assert "seen" in said[2]


@pytest.mark.parametrize("width", [80, 132, 60, 40, 20])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    pulse = pulse_of(store().model, NOW)
    lines = [*problem_lines(pulse, width), *feed_lines(pulse.feed, width)]
    if width >= 80:
        lines += fleet_lines(pulse, width)
    lines += board_lines(pulse, width, 20)
    assert max(one.width for one in lines) <= max(width, 30)


def test_counts_by_health_site_state_and_token() -> None:
    said = text_of(fleet_lines(pulse_of(store().model, NOW), 80))
    assert "• 15 healthy   ▲ 4 unhealthy   ○ 1 unknown" in said
    assert "SITES    • 4   ▲ 2" in said
    assert "unpaired 1  ready 15  in-use 4" in said
    assert "shop-install ends in 6d" in said


def test_an_even_hour_is_a_calm_line_and_silence_shows() -> None:
    assert spark([8.0] * 4, 4) == "▅▅▅▅"
    assert spark([8.0, 8.0, 0.0, 8.0], 4) == "▅▅▁▅"
    assert spark([], 4) == ""
    assert spark([None, None, 8.0, 8.0], 4) == "  ▅▅"
    assert spark([None], 4) == " "


@pytest.mark.parametrize(
    ("rate", "said"),
    [(None, "-"), (0.0, "0/min"), (1 / 600, "0.1/min"), (1 / 60, "1/min"), (0.5, "30/min"), (8.1, "8.1/s")],
)
def test_the_rate_of_a_small_fleet_is_told_by_the_minute(rate: float | None, said: str) -> None:
    assert rate_text(rate) == said


def test_the_board_shows_the_worst_site_first_and_leads_to_its_hosts() -> None:
    lines = board_lines(pulse_of(store().model, NOW), 40, 30)
    assert lines[1].plain.split() == ["▲", "hamburg-01", "3", "of", "3"]
    assert lines[1].key == "hosts/tag.site:hamburg-01"
    assert any(one.key == "hosts/tag.line:2" for one in lines)


def test_the_detail_speaks_in_sentences() -> None:
    pulse = pulse_of(store().model, NOW)
    item = next(item for item in pulse.items if item.name == "edge-7f3a")
    said = " ".join(text_of(detail_lines(item, pulse, 60)).split())
    assert "No heartbeat from edge-7f3a for 14 min. The other 2 hosts of berlin-04 respond" in said
    assert "check the host" in said


def test_an_old_event_has_its_day() -> None:
    told = (Told("e", NOW - 3 * DAY, "was long ago"), Told("f", NOW - 9, "is new"))
    assert text_of(feed_lines(told, 60, now=NOW)) == "11-20 14h was long ago\n14:02:02Z is new"


def test_many_hosts_that_come_in_at_once_are_one_line_of_the_feed() -> None:
    made = Store(clock=lambda: NOW)
    docs = [event(f"r{n}", 40 - n / 10, "Info", f"new-{n}", f"new-{n} registered", "HostRegistered") for n in range(30)]
    docs += [event(f"h{n}", 30 - n / 10, "Info", f"new-{n}", "is healthy", "HostHealthy") for n in range(30)]
    made.emit("plane", "feed.seen", {"docs": docs}, NOW)
    made.flush()
    feed = pulse_of(made.model, NOW).feed
    assert [(one.text, one.key) for one in feed] == [("30 hosts registered in 2 s", "events/reason:HostRegistered")]

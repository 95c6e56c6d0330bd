from __future__ import annotations

import pytest

from edgewright.core.times import DAY
from edgewright.store.engine.store import Store
from tests.tui.samples import NOW, event, fill, fleet
from tui.frame.feed import FeedLine, feed_lines
from tui.screens.pulse.content import Endings, Handling, Item, Pulse, Step, TagCount
from tui.screens.pulse.counts import board_lines, fleet_lines, rate_text, spark
from tui.screens.pulse.detail import detail_lines, next_lines
from tui.screens.pulse.list import problem_lines
from tui.screens.pulse.select import pulse_of
from tui.widgets.lines import text_of


def store(well: bool = False, state: str = "live") -> Store:
    docs = [doc for doc in fleet() if not well or doc["metadata"]["name"].startswith("kiel")]
    return fill(Store(clock=lambda: NOW), docs, state)


def test_attention_comes_first_then_the_worst_harm() -> None:
    said = text_of(problem_lines(pulse_of(store().model, NOW), 80)).splitlines()
    assert said[0].split() == ["NEEDS", "ATTENTION", "since", "owner"]
    assert said[1].split()[:3] == ["‼", "shop-install", "token"]
    assert said[2] == "UNHEALTHY"
    assert said[3].split() == ["▲", "hamburg-01", "link", "down,", "3", "hosts", "behind", "it", "31m", "operator"]
    assert "no heartbeat; its neighbours respond" in said[4] and said[4].split()[-1] == "host"
    assert "disk / 97 %" in said[5], "a full disk is worse than an ended token, whatever their ages"
    assert all(len(one) <= 80 for one in said)


def test_the_columns_are_under_their_headings() -> None:
    for width in (80, 100, 132):
        said = text_of(problem_lines(pulse_of(store().model, NOW), width)).splitlines()
        assert said[0].index("owner") == said[3].index("operator")
        assert said[0].index("since") + 5 == said[3].index("31m") + 3


def test_hosts_behind_a_dead_link_are_one_problem() -> None:
    pulse = pulse_of(store().model, NOW)
    assert not [item for item in pulse.items if item.name.startswith("hh-")]
    link = next(item for item in pulse.items if item.name == "hamburg-01")
    assert link.opens == "hosts/tag.site:hamburg-01"
    assert "hh-0, hh-1, hh-2" in link.detail[1]
    assert link.step.opens == "hosts/tag.site:hamburg-01"


def test_all_well_is_one_calm_line_with_the_time_of_the_check() -> None:
    pulse = Pulse(now=NOW, checked=NOW - 3, healthy=481)
    assert text_of(problem_lines(pulse, 80)) == "• All 481 hosts healthy.  checked 3s ago"


def test_without_hosts_the_first_steps_are_shown() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW - 3), 80))
    assert "No hosts registered yet." in said
    assert said.index("token") < said.index("installer") < said.index("Start the host")


def test_unknown_hosts_are_never_called_well() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW, healthy=3, unknown=2), 80))
    assert said.startswith("• No problem known. 3 healthy, 2 without a heartbeat yet.")
    nobody = text_of(problem_lines(Pulse(now=NOW, checked=NOW, unknown=2), 80))
    assert nobody.startswith("○ No problem known. 0 healthy, 2 without a heartbeat yet.")


def test_a_lost_plane_is_told_where_nothing_else_is() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW - 240, healthy=3, lost="it is away"), 80))
    assert "Management plane unreachable: it is away." in said


def test_loading_says_how_far_it_is() -> None:
    said = text_of(problem_lines(Pulse(now=NOW, loading="1,200 of 30,000 hosts"), 80))
    assert "Loading the fleet: 1,200 of 30,000 hosts." in said


def test_handled_problems_are_below_the_others_with_who_handles_them() -> None:
    items = (
        Item("a", "unhealthy", "first", "bad", handling=Handling(acknowledged=True, acknowledged_by="noc@x"), since=1),
        Item("b", "unhealthy", "second", "bad", handling=Handling(assignee="anna")),
        Item("c", "unhealthy", "third", "bad", handling=Handling(silenced_until=NOW + 7200)),
        Item("d", "unhealthy", "fourth", "bad", handling=Handling(acknowledged=True)),
        Item("e", "unhealthy", "fifth", "bad", handling=Handling(silenced_until=NOW - 1)),
    )
    said = text_of(problem_lines(Pulse(now=NOW, items=items), 80)).splitlines()
    assert said[0].split()[-2:] == ["handled", "by"]
    assert [one.split()[1] for one in said[1:]] == ["second", "fifth", "first", "third", "fourth"]
    assert [one.split("  ")[-1].strip() for one in said[1:]] == ["anna", "-", "seen noc", "silenced 2h", "seen here"]


@pytest.mark.parametrize(("width", "shown"), [(200, True), (80, True), (71, True), (60, True), (50, False)])
def test_who_handles_a_problem_gives_way_before_its_name(width: int, shown: bool) -> None:
    items = (Item("a", "unhealthy", "hannover-03-05", "disk / 97 %", owner="operator", handling=Handling("anna")),)
    said = text_of(problem_lines(Pulse(now=NOW, items=items), width))
    assert ("anna" in said) == shown
    assert "hannover-03-05" in said and "disk / 97 %" in said and "operator" in said


@pytest.mark.parametrize("width", [80, 132, 200])
def test_names_are_whole_before_sentences_are_cut(width: int) -> None:
    names = ["hannover-03-05", "hannover-03-06", "edge-aarhus-01-01-5f2c"]
    items = tuple(Item(name, "unhealthy", name, f"disk {'x' * width}", owner="operator") for name in names)
    said = text_of(problem_lines(Pulse(now=NOW, items=items), width))
    assert all(name in said for name in names)
    assert all(len(one) <= width for one in said.splitlines())
    assert said.count("…") == 3, "the sentences give way"


def test_a_very_long_name_leaves_room_for_the_sentence() -> None:
    items = (Item("a", "unhealthy", "n" * 128, "disk / 97 %"),)
    assert "disk / 97 %" in text_of(problem_lines(Pulse(now=NOW, items=items), 80))


def test_nothing_is_cut_where_there_is_room() -> None:
    for width in (132, 200):
        pulse = pulse_of(store().model, NOW)
        assert "…" not in text_of([*problem_lines(pulse, width), *fleet_lines(pulse, width)])
    many = tuple(TagCount(f"site-{n}", 1) for n in range(90))
    assert "…" not in text_of(board_lines(Pulse(NOW, sites=many), 32, 30))


def test_the_next_step_has_its_key_and_always_the_same_height() -> None:
    step = Step("Free space on /: list its largest directories and logs.", "largest directories and logs", "disk/a//")
    for width in (60, 80, 110):
        lines = next_lines(step, width, 2, "n")
        assert len(lines) == 2 and max(one.width for one in lines) <= width
        assert "n largest directories and logs" in text_of(lines)
    assert text_of(next_lines(Step(), 80, 2)).strip() == ""
    item = Item("a", "unhealthy", "edge-1", "disk / 97 %", step=step, handling=Handling("anna", note="disk ordered"))
    said = text_of(detail_lines(item, Pulse(NOW), 60, "n"))
    assert "NEXT     Free space on /" in said
    assert "Assigned to anna." in said
    assert "NOTE     disk ordered" in said


def test_the_next_step_is_before_details_that_may_be_long() -> None:
    item = Item(
        "a", "unhealthy", "berlin", "link down", step=Step("Check the router.", "hosts", "h/"), detail=("x " * 300,)
    )
    said = text_of(detail_lines(item, Pulse(NOW), 60))
    assert said.index("link down") < said.index("NEXT") < said.index("x x x")


def test_certificates_of_the_plane_are_beside_the_tokens() -> None:
    pulse = Pulse(
        NOW, endings=(Endings("TOKENS", 2),), certificates=(("CA", NOW + 3000 * DAY), ("server", NOW + 20 * DAY))
    )
    assert "CERTS  server 20d  CA 3000d" in text_of(fleet_lines(pulse, 80))


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
    feed = (FeedLine("e", NOW - 3 * DAY, "was long ago"), FeedLine("f", NOW - 9, "is new"))
    assert text_of(feed_lines(feed, 60, now=NOW)) == "11-20 14h was long ago\n14:02:02Z is new"


def test_a_long_event_wraps_where_there_is_room_for_it() -> None:
    feed = (
        FeedLine("e", NOW - 9, "berlin-01-03 clock 4 min behind the plane's (it shows 09:17)"),
        FeedLine("f", NOW - 8, "b"),
    )
    lines = feed_lines(feed, 50, now=NOW, most=2)
    assert [one.key for one in lines] == ["e", "", "f"], "the cursor goes from event to event"
    assert "…" not in text_of(lines) and max(one.width for one in lines) <= 50
    assert len(feed_lines(feed, 50, now=NOW)) == 2
    assert text_of(feed_lines((FeedLine("g", NOW, "word " * 40),), 50, now=NOW, most=2)).endswith("…")


def test_many_hosts_that_come_in_at_once_are_one_line_of_the_feed() -> None:
    made = Store(clock=lambda: NOW)
    docs = [event(f"r{n}", 40 - n / 10, "Info", f"new-{n}", f"new-{n} registered", "HostRegistered") for n in range(30)]
    docs += [event(f"h{n}", 30 - n / 10, "Info", f"new-{n}", "is healthy", "HostHealthy") for n in range(30)]
    made.emit("plane", "feed.seen", {"docs": docs}, NOW)
    made.flush()
    feed = pulse_of(made.model, NOW).feed
    assert [(one.text, one.key) for one in feed] == [("30 hosts registered in 2 s", "events/reason:HostRegistered")]


@pytest.mark.parametrize(
    ("count", "text"), [(1, "The only problem does not match kiel"), (3, "None of 3 problems matches kiel")]
)
def test_a_filter_that_matches_nothing_counts_in_words(count: int, text: str) -> None:
    said = text_of(problem_lines(Pulse(now=NOW, checked=NOW, problems=count, filter="kiel"), 80))
    assert text in said

"""The typed filter on tokens, events and audit: found, refused with the sentence, completed, kept."""

from __future__ import annotations

import pytest

from tests.tui.driving import console, newest_message, press, settle
from tui.frame.base import BaseScreen
from tui.frame.lists.filter import completions, judged
from tui.frame.lists.listing import LEAST_DETAIL, ListingScreen
from tui.session import MemoryViewStates
from tui.widgets.line_view import LineView
from tui.widgets.prompt import status_lines


@pytest.mark.parametrize(
    ("view", "text", "expected"),
    [
        ("tokens", "state:active", {"tok-lab"}),
        ("tokens", "state:ends-soon", {"tok-shop"}),
        ("tokens", "state:revoked,expired", {"tok-old", "tok-lost"}),
        ("tokens", "ends<7d -state:expired", {"tok-shop"}),
        ("tokens", "hosts>0", {"tok-shop"}),
        ("tokens", "project:shops about:laptop", {"tok-lost"}),
        ("tokens", "pilot", {"tok-old"}),
        ("events", "severity:warning", {"e1"}),
        ("events", "severity:warning,error age<1h", {"e1", "e2", "e3"}),
        ("events", "host:edge-7f3a", {"e2"}),
        ("events", "site:hamburg-01", {"e3"}),
        ("events", "reason:/heartbeat/ -site:hamburg-01", {"e2"}),
        ("events", '"disk /"', {"e1"}),
        ("events", "e4", {"e4"}),
        ("audit", "actor:noc", {"a1"}),
        ("audit", "action:delete", {"a2"}),
        ("audit", "kind:edgetoken -age<1h", {"a3"}),
        ("audit", "from:10.4.0.77 lab", {"a3"}),
    ],
)
async def test_a_filter_finds_what_it_says(view: str, text: str, expected: set[str]) -> None:
    async with console(view, text) as (pilot, _, _):
        screen = pilot.app.screen
        assert isinstance(screen, ListingScreen)
        assert set(screen.table.keys) == expected


@pytest.mark.parametrize("view", ["tokens", "events", "audit"])
async def test_a_wrong_filter_stays_to_be_mended_and_escape_leaves_the_list_as_it_was(view: str) -> None:
    async with console(view) as (pilot, _, _):
        screen = pilot.app.screen
        assert isinstance(screen, ListingScreen)
        before = screen.table.keys
        await press(pilot, "slash", *"namee:x")
        said = judged("namee:x", screen.filter_fields).plain
        assert "There is no field namee." in said and "Did you mean name?" in said
        await press(pilot, "enter")
        assert screen.prompt.is_open and screen.prompt.text == "namee:x"
        await press(pilot, "escape")
        assert screen.table.keys == before and screen.filter_text == ""
        assert not screen.prompt.is_open


@pytest.mark.parametrize("width", [80, 40])
def test_the_cause_of_a_wrong_filter_is_not_cut(width: int) -> None:
    lines = status_lines(judged("fooo:x"), width)
    assert len(lines) == 2 and all(part.width <= width for part in lines)
    assert " ".join(part.plain for part in lines).startswith(
        "There is no field fooo. Quotes make it plain text. Fields: uid,"
    )


async def test_a_long_report_on_a_filter_takes_two_lines_while_it_is_typed() -> None:
    async with console("events") as (pilot, _, _):
        await press(pilot, "slash", *"cpu:4")
        assert pilot.app.screen.query_one("#keys-more").region.height == 1
        await press(pilot, "escape")
        assert pilot.app.screen.query_one("#keys-more").region.height == 0


async def test_a_kept_filter_that_is_not_understood_any_more_is_left_out_and_told() -> None:
    async with console("tokens", "planet:mars") as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, ListingScreen)
        assert len(screen.table.keys) == 4
        await settle(pilot)
        assert "There is no field planet" in newest_message(made)


async def test_a_filter_is_typed_completed_and_kept() -> None:
    async with console("tokens") as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, ListingScreen)
        await press(pilot, "slash", *"sta", "tab", *"revoked", "enter")
        assert screen.filter_text == "state:revoked"
        assert screen.table.keys == ("tok-lost",)
        assert made.filters["tokens"] == "state:revoked"
        assert "filter" not in made.views.load("tokens")
        await press(pilot, "1", "3")
        again = pilot.app.screen
        assert isinstance(again, ListingScreen)
        assert again.filter_text == "state:revoked" and "state:revoked" in again.crumb


@pytest.mark.parametrize("view", ["hosts", "tokens", "events", "audit", "installers"])
async def test_a_filter_of_another_session_is_not_taken(view: str) -> None:
    """Stored by an older console, or by a session that ended."""
    views = MemoryViewStates()
    views.save(view, {"filter": "nothing-matches-this", "sort": "name"})
    async with console(view, views=views) as (pilot, _, _):
        screen = pilot.app.screen
        assert isinstance(screen, BaseScreen)
        assert "nothing-matches-this" not in screen.crumb


@pytest.mark.parametrize("view", ["tokens", "events", "audit", "installers"])
async def test_every_list_sorts_by_a_key_shows_its_top_and_chooses_columns(view: str) -> None:
    async with console(view) as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, ListingScreen)
        before = screen.sort_by
        await press(pilot, "end", "S")
        assert screen.sort_by != before
        assert screen.table.cursor_index <= 0
        last = screen.table_columns[-1].id
        screen.action_columns()
        await settle(pilot)
        await press(pilot, "end", "space", "enter")
        assert last not in [column.id for column in screen.table.columns]
        assert last not in made.views.load(view)["columns"]


def test_fields_are_completed_with_the_sign_that_they_take() -> None:
    from edgewright.store.collections.tokens import FIELDS as TOKEN_FIELDS

    assert completions("state:active en", TOKEN_FIELDS) == ["state:active ends<"]
    assert completions("-na", TOKEN_FIELDS) == ["-name:"]
    assert completions("hea") == ["health:"]
    assert completions("state:act", TOKEN_FIELDS) == []


async def test_an_event_of_a_host_leads_to_the_whole_event() -> None:
    async with console("host", "uid-edge-7f3a", size=(80, 40)) as (pilot, _, _):
        from tui.widgets.line_view import LineView

        facts = pilot.app.screen.query_one("#facts", LineView)
        assert "entry/events/e2" in [one.key for one in facts.lines]


@pytest.mark.parametrize("view", ["audit", "events", "tokens"])
async def test_the_detail_gives_way_to_sentences_that_it_can_make_complete(view: str) -> None:
    async with console(view, size=(132, 43)) as (pilot, _, _):
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ListingScreen)
        detail = screen.query_one("#detail", LineView)
        assert detail.outer_size.width >= LEAST_DETAIL
        assert screen.table.measure_again() == 0, "a sentence is cut although the pane beside it has room"
        assert max(line.width for line in detail.lines) <= detail.room
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        await pilot.resize_terminal(132, 43)
        await settle(pilot)
        assert screen.table.measure_again() == 0

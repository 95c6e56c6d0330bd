"""The crumb line is a place: a main view starts a path, opening a thing extends it, Esc goes one place up."""

from __future__ import annotations

import pytest

from edgewright.store.every import COLLECTIONS
from tests.tui.driving import Driven, console, press, settle
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.frame.links import VIEWS
from tui.navigation.paths import extended, new_path, stack_of
from tui.navigation.views import OBJECTS
from tui.widgets.frame import FrameLine
from tui.widgets.line_view import LineView

HOME = ("pulse", "")


@pytest.mark.parametrize(
    ("path", "place", "result"),
    [
        ((HOME,), ("host", "a"), (HOME, ("host", "a"))),
        ((("hosts", ""), ("host", "a")), ("raw", "host/a"), (("hosts", ""), ("host", "a"), ("raw", "host/a"))),
        ((("hosts", ""), ("host", "a"), ("events", "a")), ("host", "a"), (("hosts", ""), ("host", "a"))),
        ((HOME, ("help", "")), ("messages", ""), (HOME, ("messages", ""))),
    ],
)
def test_opening_a_thing_extends_the_path_once(path: object, place: tuple[str, str], result: object) -> None:
    assert extended(path, *place) == result  # type: ignore[arg-type]


def test_a_view_opened_by_name_starts_a_path_below_the_list_of_its_kind() -> None:
    assert new_path("events") == (("events", ""),)
    assert new_path("host", "a") == (("hosts", ""), ("host", "a"))
    assert stack_of(new_path("events"), HOME) == (HOME, ("events", ""))
    assert stack_of((HOME, ("host", "a")), HOME) == (HOME, ("host", "a"))


def test_every_collection_with_a_table_leads_from_its_list_to_its_detail() -> None:
    for collection in COLLECTIONS:
        if collection.table is not None:
            assert OBJECTS[collection.view] == collection.noun
            assert collection.noun in VIEWS
            assert new_path(collection.noun, "u-1") == ((collection.view, ""), (collection.noun, "u-1"))


def crumb(pilot: Driven) -> str:
    return pilot.app.screen.query_one("#crumb", FrameLine).line.plain.split("  ")[0].strip()


async def typed(pilot: Driven, text: str) -> None:
    keys = [{" ": "space", ":": "colon", "-": "minus"}.get(letter, letter) for letter in text]
    await press(pilot, "colon", *keys, "enter")
    await settle(pilot)


async def test_digits_do_not_pile_up_in_the_crumbs_and_esc_goes_one_place_up() -> None:
    async with console("pulse") as (pilot, _, _):
        await press(pilot, "2", "enter")
        host = crumb(pilot)
        assert host.startswith("Hosts › ")
        await press(pilot, "3")
        assert crumb(pilot) == "Tokens"
        await press(pilot, "enter")
        token = crumb(pilot)
        assert token.startswith("Tokens › ")
        await press(pilot, "4", "5")
        assert crumb(pilot) == "Audit"
        await press(pilot, "tab")
        assert crumb(pilot) == "Events"
        await press(pilot, "escape")
        assert crumb(pilot) == "Pulse", "one place up, not through what was visited"
        for key, place in (("left_square_bracket", "Events"), ("left_square_bracket", "Audit")):
            await press(pilot, key)
            assert crumb(pilot) == place, "the history has every visit"


async def test_a_screen_about_the_one_in_front_opens_above_it_by_name_as_by_key() -> None:
    async with console("tokens") as (pilot, _, _):
        await press(pilot, "question_mark")
        by_key = crumb(pilot)
        assert by_key == "Tokens › Help"
        await press(pilot, "escape")
        await typed(pilot, "help")
        assert crumb(pilot) == by_key
        assert "HERE: TOKENS" in " ".join(line.plain for line in pilot.app.screen.query_one(LineView).lines)
        await press(pilot, "escape")
        assert crumb(pilot) == "Tokens"


async def test_history_restores_the_path_and_a_main_view_comes_back_as_it_was_left() -> None:
    async with console("pulse") as (pilot, _, _):
        await press(pilot, "2", "down", "down")
        screen = pilot.app.screen
        await press(pilot, "enter")
        host = crumb(pilot)
        await press(pilot, "3", "minus")
        assert crumb(pilot) == host
        await press(pilot, "escape")
        assert crumb(pilot) == "Hosts"
        assert pilot.app.screen is screen
        await press(pilot, "3", "2")
        assert pilot.app.screen is screen
        assert screen.table.cursor_index == 2  # type: ignore[attr-defined]


async def test_a_named_host_is_below_hosts_and_a_filter_opened_on_pulse_below_pulse() -> None:
    async with console("pulse") as (pilot, _, session):
        name = next(iter(session.store.model.hosts.values())).name
        await press(pilot, "3")
        await typed(pilot, f"host show {name}")
        assert crumb(pilot) == f"Hosts › {name}"
        await press(pilot, "escape")
        assert crumb(pilot) == "Hosts"
        await press(pilot, "1")
        assert crumb(pilot) == "Pulse"
        app = pilot.app
        assert isinstance(app, EdgewrightApp)
        app.open_view("hosts", "health:unhealthy")
        await settle(pilot)
        assert crumb(pilot).startswith("Pulse › Hosts › health:unhealthy")


async def test_help_and_messages_are_over_the_place_and_leave_no_crumbs() -> None:
    async with console("pulse") as (pilot, _, _):
        await press(pilot, "2", "question_mark")
        assert crumb(pilot) == "Hosts › Help"
        await press(pilot, "exclamation_mark")
        assert crumb(pilot) == "Hosts › Messages"
        await press(pilot, "escape")
        assert crumb(pilot) == "Hosts"
        assert isinstance(pilot.app.screen, BaseScreen)

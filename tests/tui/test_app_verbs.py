"""One road for every verb: key, palette and typed command; the way back; the user's keys."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette

from edgewright.commands.kernel import registry
from edgewright.core.errors import UsageError
from tests.tui.driving import frame_text as said
from tests.tui.driving import settle as settled
from tests.tui.fleet import session_of
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.screens.hosts.screen import HostsScreen
from tui.verbs.command_text import complete, parse
from tui.widgets.key_line import KeyHint, key_line, key_text


async def test_typed_verbs_open_views_with_their_filter() -> None:
    app = EdgewrightApp(session_of(view="pulse"))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("colon", *"host list health", "colon", *"unhealthy", "enter")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, HostsScreen)
        assert screen.choice.filter_text == "health:unhealthy"
        assert said(app, "crumb").startswith("Hosts › health:unhealthy")
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, BaseScreen)
        assert app.screen.view == "pulse"
        await pilot.press("left_square_bracket")
        await settled(pilot)


async def test_a_wrong_verb_is_told_with_the_nearest() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("colon", *"pulze", "enter")
        await settled(pilot)
        assert "Did you mean :pulse" in said(app, "message")


async def test_without_a_plane_a_change_is_refused_with_the_reason() -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+d")
        await app.workers.wait_for_complete()
        await settled(pilot)
        assert "no plane" in said(app, "message")


async def test_palette_opens_and_shows_live_keys() -> None:
    app = EdgewrightApp(session_of(keymap={"pulse": "f9"}))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p")
        await settled(pilot)
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("f9")
        await settled(pilot)
        assert isinstance(app.screen, BaseScreen)
        assert app.screen.view == "pulse"


def test_each_console_verb_can_be_typed() -> None:
    model = session_of().store.model
    for command in registry.all_commands():
        if command.console:
            assert parse(command.name, model).command is command
            assert command.name in complete(command.name[:3], model)


def test_names_become_uids_and_are_completed() -> None:
    model = session_of().store.model
    found = complete("host delete edge-0c", model)
    assert "host delete edge-0c11" in found
    assert parse("host delete edge-0c11", model).targets == ("edge-0c11",)


@pytest.mark.parametrize("text", ["profile preview shop --host edge-0c11", "profile diff a b --cluster=c"])
def test_an_option_that_a_view_does_not_take_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, session_of().store.model)
    option = text.split()[-2] if "=" not in text else "--cluster"
    assert f"takes no {option}." in caught.value.message and f"edgewright {text}" in caught.value.hint


def test_key_line_keeps_the_last_and_sets_danger_apart() -> None:
    hints = [KeyHint("enter", "open"), KeyHint("slash", "filter"), KeyHint("question_mark", "all")]
    danger = KeyHint("ctrl+d", "delete", danger=True)
    text = key_line([*hints, danger], 60).plain
    assert text.startswith("enter open  / filter  ? all")
    assert text.endswith("ctrl+d delete")
    assert key_line([*hints, danger], 22).plain.rstrip().startswith("? all") or "? all" in key_line(hints, 22).plain
    assert key_text("upper+g") == "G"

"""Help, messages, switches, replay, logs: the screens around the work."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Scope
from edgewright.sources.replay import ReplaySource
from edgewright.store.engine.record import Recorder
from edgewright.store.engine.store import Store
from tests.tui.driving import console, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW, fill, session
from tui.frame.base import BaseScreen
from tui.frame.help import help_groups
from tui.frame.pager.log_buffer import LogBuffer
from tui.frame.pager.log_pager import log_lines_of
from tui.navigation.views import VIEWS, load
from tui.screens.replay.content import Moment, slider_lines
from tui.verbs.bindings import keys_by_id, live_keys
from tui.widgets.key_line import key_text
from tui.widgets.line_view import LineView
from tui.widgets.lines import text_of


async def test_help_lists_every_verb_of_the_screen_in_its_own_words() -> None:
    async with console("tokens") as (pilot, _, _):
        await press(pilot, "question_mark")
        await until(pilot, lambda: view(pilot) == "help")
        words = " ".join(said(pilot).split())
        for command in registry.for_scope("tokens"):
            assert f":{command.name} " in words, command.name
            assert " ".join(command.help().split()) in words, command.name
        await press(pilot, "slash", *"revoke", "enter", "escape")
        assert view(pilot) == "tokens"


async def test_help_marks_keys_that_a_person_remapped_and_what_is_refused() -> None:
    async with console("tokens", read_only=True, keymap={"token-revoke": "ctrl+x"}) as (_, _, made):
        groups = help_groups(made, "tokens", "tokens", {})
        row = next(row for row in groups[0].rows if row.verb == "token revoke")
        assert row.keys == "ctrl+x"
        assert row.remapped
        assert row.danger
        assert "read-only" in row.refused


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_the_help_of_a_screen_lists_no_key_twice(name: str) -> None:
    made = session(Store(clock=lambda: NOW))
    scope: Scope = load(VIEWS[name]).scope  # type: ignore[attr-defined]
    rows = [row for group in help_groups(made, scope, name, {}) for row in group.rows]
    keys = [key for row in rows for key in row.keys.split()]
    assert sorted(keys) == sorted(set(keys))
    assert {row.verb for row in rows} >= {"pulse", "help", "quit"}


@pytest.mark.parametrize(
    ("name", "target"),
    [("pulse", ""), ("hosts", ""), ("host", "uid-edge-7f3a"), ("token", "tok-shop"), ("events", ""), ("messages", "")],
)
async def test_the_help_lists_only_keys_that_work_on_the_screen(name: str, target: str) -> None:
    async with console(name, target) as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, BaseScreen)
        live = keys_by_id(screen)
        working = {key_text(key) for keys in live.values() for key in keys}
        groups = help_groups(made, screen.scope, screen.view, live_keys(screen), live)
        moves = next(group for group in groups if group.title == "MOVING")
        assert len(moves.rows) > 5
        assert not [row for row in moves.rows for key in row.keys.split() if key not in working]


async def test_messages_keep_everything_that_was_told() -> None:
    async with console() as (pilot, _, made):
        made.store.message("edge-7f3a is back after 9 min", "ok")
        made.store.message("disk is full", "bad")
        await settle(pilot)
        await press(pilot, "exclamation_mark")
        await until(pilot, lambda: view(pilot) == "messages")
        assert "• edge-7f3a is back after 9 min" in said(pilot)
        assert "▲ disk is full" in said(pilot)


async def test_the_project_is_switched_by_choice_and_by_name() -> None:
    went: list[str] = []

    async def switch(uid: str) -> None:
        went.append(uid)

    async with console(switch_project=switch) as (pilot, _, made):
        await press(pilot, "p")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        assert "all projects" in said(pilot)
        await press(pilot, "down", "enter")
        await until(pilot, lambda: went == ["p-lab"])
        await press(pilot, "colon", *"project shops", "enter")
        await until(pilot, lambda: went == ["p-lab", "p-shops"])
        assert "Working in shops." in newest_message(made)


@pytest.mark.parametrize("where", ["hosts", "tokens", "events", "audit"])
async def test_the_project_is_asked_for_whatever_stands_under_the_cursor(where: str) -> None:
    async def switch(uid: str) -> None:
        raise AssertionError(uid)

    async with console(where, switch_project=switch, switch_context=switch) as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, BaseScreen) and screen.targets()
        await press(pilot, "p")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "escape", "colon", *"context use", "enter")
        await until(pilot, lambda: newest_message(made).startswith("No context is stored yet"))


async def test_a_context_that_is_not_there_is_told() -> None:
    async def switch(name: str) -> None:
        raise AssertionError(name)

    async with console(switch_context=switch) as (pilot, _, made):
        await press(pilot, "colon", *"context use nowhere", "enter")
        await until(pilot, lambda: "There is no context nowhere" in newest_message(made))


async def test_a_theme_is_seen_while_it_is_pointed_at_and_escape_takes_it_back() -> None:
    async with console() as (pilot, _, _):
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "down")
        assert pilot.app.theme != "dark"
        await press(pilot, "escape")
        assert pilot.app.theme == "dark"


async def test_replay_steps_through_time(tmp_path: Path) -> None:
    clock = [NOW]
    store = fill(Store(clock=lambda: clock[0]))
    recorder = Recorder(store, tmp_path / "r.jsonl")
    for index in range(3):
        clock[0] += 30
        store.emit("plane", "hosts.gone", {"uids": [f"uid-hh-{index}"]})
        store.flush()
    recorder.close()
    shown = Store(clock=lambda: NOW)
    source = ReplaySource(tmp_path / "r.jsonl", shown.restore, paused=True)
    source.step(0)
    async with console("replay", make_context=None) as (pilot, _, made):
        made.store = shown
        made.replay = source
        made.now = lambda: source.moment
        screen = pilot.app.screen
        screen.on_screen_resume()  # type: ignore[attr-defined]
        await settle(pilot)
        assert "REPLAY" in said(pilot)
        assert "event 1 of 4" in said(pilot)
        await press(pilot, "right", "right")
        assert "event 3 of 4" in said(pilot)
        assert "uid-hh-0" not in shown.model.hosts
        await press(pilot, "left", "left")
        assert "uid-hh-0" in shown.model.hosts
        await press(pilot, "f")
        assert source.moment == source.replay.start + 60
        await press(pilot, "greater_than_sign")
        assert source.speed == 2.0
        await press(pilot, "space")
        assert "2x" in said(pilot)


def test_the_slider_shows_where_and_what_went_wrong() -> None:
    moment = Moment(NOW, NOW + 100, NOW + 50, 5, 10, True, 1.0, (NOW + 100,))
    lines = slider_lines(moment, 60)
    assert lines[0].plain.startswith("REPLAY  2026-11-23 14:03:01Z  ▬ paused")
    assert "█" in lines[1].plain
    assert lines[1].plain.index("▲") > lines[1].plain.index("█")
    assert max(one.width for one in lines) <= 60


def test_a_log_line_is_harmless_and_errors_are_seen() -> None:
    buffer = LogBuffer()
    buffer.take(["\x1b[31mERROR: certificate not valid\x07"])
    (one,) = log_lines_of(buffer.lines[0], 80, True)
    assert {span.role for span in one.spans if span.text} == {"bad"}
    assert "\x1b" not in text_of([one])


async def test_small_terminals_do_not_crash() -> None:
    for name, target in (("pulse", ""), ("host", "uid-edge-7f3a"), ("tokens", ""), ("events", ""), ("audit", "")):
        async with console(name, target, size=(20, 5)) as (pilot, _, _):
            await press(pilot, "down", "tab", "question_mark", "escape")
            assert pilot.app.screen.query(LineView)

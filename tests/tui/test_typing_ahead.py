"""Keys that come in one burst, as over a slow link: each goes to the screen that the keys before it opened."""

from __future__ import annotations

import ast
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key

import tui
from tests.tui.driving import console, frame_text, newest_message, press, settle, view, wait_until
from tests.tui.fleet import session_of
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.widgets.prompt import Prompt

NAMES = {"\r": "enter", "\x1b": "escape", "\t": "tab", "\x7f": "backspace"}


def burst(app: EdgewrightApp, keys: str) -> None:
    """Post keys as the terminal's driver does, without waiting for what each of them does."""
    for key in keys:
        name = NAMES.get(key) or (key if key.isalnum() else _character_to_key(key))
        app.post_message(events.Key(name, key))


@pytest.mark.parametrize("view", ["pulse", "hosts", "tokens"])
async def test_letters_right_behind_the_colon_are_the_command(view: str) -> None:
    app = EdgewrightApp(session_of(view=view))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        burst(app, ":host list")
        await settle(pilot)
        prompt = app.screen.query_one(Prompt)
        assert prompt.is_open
        assert prompt.text == "host list"


async def test_letters_right_behind_the_slash_are_the_filter() -> None:
    app = EdgewrightApp(session_of(view="hosts"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        burst(app, "/tag.site:berlin-04/x")
        await settle(pilot)
        assert app.screen.query_one(Prompt).text == "tag.site:berlin-04/x"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("21", "pulse"),
        ("31", "pulse"),
        ("61", "pulse"),
        ("2121213", "tokens"),
        ("?\x1b?\x1b2", "hosts"),
        ("2C\x1b3", "tokens"),
        ("2C", "ColumnsModal"),
        ("2\r1", "pulse"),
        ("2\r", "host"),
        (":tokens\r", "tokens"),
        ("2:tokens\r\r", "token"),
        ("2t", "FormModal"),
        ("2t\x1b4", "events"),
        ("2\x1b\x1b\x1b\x1b3", "tokens"),
        ("p\x1b5", "audit"),
        ("2y\x1b\x1b!", "messages"),
        ("\x10\x1b2", "hosts"),
    ],
)
async def test_each_key_of_a_burst_goes_to_the_screen_that_the_keys_before_it_opened(keys: str, expected: str) -> None:
    async with console("pulse") as (pilot, _, _made):
        assert isinstance(pilot.app, EdgewrightApp)
        burst(pilot.app, keys.replace("\x10", ""))
        await settle(pilot)
        assert view(pilot) == expected


async def test_a_filter_typed_right_behind_the_key_of_a_view_filters_that_view() -> None:
    async with console("pulse") as (pilot, _, _made):
        assert isinstance(pilot.app, EdgewrightApp)
        burst(pilot.app, "2/state:in-use\r3/shop\r2")
        await settle(pilot)
        assert view(pilot) == "hosts"
        assert "state:in-use" in frame_text(pilot.app, "crumb")


async def test_enter_typed_before_the_console_has_the_terminal_is_enter() -> None:
    early, late = EdgewrightApp(session_of(view="hosts")), EdgewrightApp(session_of(view="hosts"))
    async with early.run_test(size=(80, 24)) as pilot:
        early.type_ahead.started = None
        burst(early, ":tokens")
        early.post_message(events.Key("ctrl+j", "\n"))
        early.type_ahead.started = time.monotonic() + 0.001
        await settle(pilot)
        assert view(pilot) == "tokens"
    async with late.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        burst(late, ":tokens")
        late.post_message(events.Key("ctrl+j", "\n"))
        await settle(pilot)
        assert view(pilot) == "hosts" and late.screen.query_one(Prompt).is_open


async def test_a_change_typed_in_one_burst_is_made_once_and_what_follows_goes_to_the_view() -> None:
    async with console("tokens") as (pilot, plane, _made):
        assert isinstance(pilot.app, EdgewrightApp)
        burst(pilot.app, "+shop-9\r\r\r\r\r\r\r")
        await settle(pilot)
        assert [name for name, _ in plane.calls].count("create_token") == 1


async def test_an_interrupt_drops_what_was_typed_ahead() -> None:
    async with console("pulse") as (pilot, _, _made):
        app = pilot.app
        assert isinstance(app, EdgewrightApp)
        burst(app, "2" + "j" * 50 + "31")
        app.post_message(events.Key("ctrl+c", "\x03"))
        await settle(pilot)
        assert view(pilot) in ("pulse", "hosts")
        assert app.return_value is None


async def test_a_storm_of_view_keys_breaks_nothing() -> None:
    storm = random.Random(7)
    async with console("pulse") as (pilot, _, made):
        assert isinstance(pilot.app, EdgewrightApp)
        burst(pilot.app, "".join(storm.choice("123456?!C\x1b\rjy:/\t-[]") for _ in range(100)) + "\x1b\x1b\x1b\x1b1")
        await settle(pilot)
        assert isinstance(pilot.app.screen, BaseScreen)
        assert not [one.text for one in made.store.model.messages if "bug in" in one.text or "defect" in one.text]


async def test_a_second_interrupt_leaves() -> None:
    app = EdgewrightApp(session_of(view="hosts"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "ctrl+c")
        assert app.return_value is None
        assert any("ctrl+c again" in one.text for one in app.session.store.model.messages)
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: app.return_value is not None)
    assert app.return_value == 130


async def test_answers_of_the_prompt_are_stored_up_to_a_limit() -> None:
    async with console("hosts") as (pilot, _, _made):
        app = pilot.app
        assert isinstance(app, EdgewrightApp)
        app._typed[:] = [f"pulse {number}" for number in range(500)]
        burst(app, ":hosts\r")
        await settle(pilot)
        assert len(app._typed) == 100 and app._typed[-1] == "hosts"


@pytest.mark.parametrize("command", ["host logs", "describe", "host disk"])
async def test_a_view_of_one_object_is_not_opened_without_one(command: str) -> None:
    async with console("events") as (pilot, _, made):
        assert isinstance(pilot.app, EdgewrightApp)
        burst(pilot.app, f":{command}\r")
        await settle(pilot)
        assert view(pilot) == "events"
        assert "needs a host" in newest_message(made)


# A screen that waits for its own removal waits for ever: the rule over the source ---------------------------------

QUEUE = "openings.py"
REMOVING = {"pop_screen", "switch_screen", "pop_until_active", "dismiss", "action_back", "action_dismiss"}


def named(call: ast.AST) -> str:
    """Return the name of the function that an expression calls, `run_action:ARGUMENT` for an action."""
    if not isinstance(call, ast.Call):
        return ""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "run_action" and call.args and isinstance(call.args[0], ast.Constant):
        return f"run_action:{call.args[0].value!s}"
    return name


def waits_for_removal(source: str) -> Iterator[int]:
    """Yield the lines in which a removal of a screen is awaited, or a screen popped by anything but the queue."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Await):
            name = named(node.value)
            if name in REMOVING or (name.startswith("run_action:") and name.endswith(("back", "dismiss"))):
                yield node.lineno
        elif isinstance(node, ast.Call) and named(node) in ("pop_screen", "switch_screen"):
            yield node.lineno


def test_no_screen_waits_for_its_own_removal() -> None:
    root = Path(tui.__file__).parent
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in sorted(root.rglob("*.py"))
        if path.name != QUEUE
        for number in waits_for_removal(path.read_text())
    ]
    assert found == [], "use BaseScreen.leave, App.leave_screen, or dismiss without await"


@pytest.mark.parametrize(
    "statement",
    [
        'await self.app.run_action("app.back")',
        "await self.dismiss(None)",
        "await app.action_back()",
        "self.app.pop_screen()",
        "await self.app.pop_screen()",
    ],
)
def test_the_rule_finds_what_it_forbids(statement: str) -> None:
    assert list(waits_for_removal(f"async def leave(self, app):\n    {statement}\n"))

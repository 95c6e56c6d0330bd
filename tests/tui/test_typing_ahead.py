"""Keys that come in one burst, as over a slow link: what is typed behind `:` or `/` goes to the prompt."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.fleet import session_of
from tui.app import EdgewrightApp
from tui.widgets.prompt import Prompt


def burst(app: EdgewrightApp, keys: str) -> None:
    """Post keys as the terminal's driver does, without waiting for what each of them does."""
    names = {":": "colon", "/": "slash", " ": "space"}
    for key in keys:
        app.post_message(events.Key(names.get(key, key), key))


@pytest.mark.parametrize("view", ["pulse", "hosts", "tokens"])
async def test_letters_right_behind_the_colon_are_the_command(view: str) -> None:
    app = EdgewrightApp(session_of(view=view))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        burst(app, ":host list")
        await pilot.pause()
        await pilot.pause()
        prompt = app.screen.query_one(Prompt)
        assert prompt.is_open
        assert prompt.text == "host list"


async def test_letters_right_behind_the_slash_are_the_filter() -> None:
    app = EdgewrightApp(session_of(view="hosts"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        burst(app, "/tag.site:berlin-04/x")
        await pilot.pause()
        await pilot.pause()
        assert app.screen.query_one(Prompt).text == "tag.site:berlin-04/x"


async def test_a_second_interrupt_leaves() -> None:
    app = EdgewrightApp(session_of(view="hosts"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+c")
        assert app.return_value is None
        app.session.store.flush()
        assert any("ctrl+c again" in one.text for one in app.session.store.model.messages)
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == 130

"""One frame without a terminal: text as it stands, pictures that every renderer draws alike."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.driving import settle
from tests.tui.fleet import session_of
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.render import frame


async def test_text_holds_the_frame_and_the_hosts() -> None:
    shown = await frame(session_of(view="hosts"), (80, 24), "text")
    lines = shown.splitlines()
    assert len(lines) == 24
    assert lines[0].startswith("edgewright")
    assert "? all" in lines[-1]


async def test_picture_declares_its_spaces() -> None:
    svg = await frame(session_of(view="hosts"), (80, 24), "svg")
    assert svg.startswith('<svg xml:space="preserve"')


@pytest.mark.parametrize("view", ["pulse", "hosts", "tokens", "events", "audit"])
async def test_a_screen_ticks_once(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []
    monkeypatch.setattr(BaseScreen, "_tick", lambda self: None)
    interval = BaseScreen.set_interval

    def count(self: BaseScreen, seconds: float, callback: Any = None, **more: Any) -> Any:
        if callback == self._tick:
            begun.append(seconds)
        return interval(self, seconds, callback, **more)

    monkeypatch.setattr(BaseScreen, "set_interval", count)
    app = EdgewrightApp(session_of(view=view))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
    assert len(begun) == 1

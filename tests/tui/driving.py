"""Driving the console in tests: an app over the small fleet, and waiting for what a key set off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from edgewright.store.store import Store
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp
from tui.screens.base import BaseScreen
from tui.session import Session
from tui.widgets.line_view import LineView
from tui.widgets.lines import text_of

Driven = Pilot[int]


@asynccontextmanager
async def console(
    view: str = "pulse",
    target: str = "",
    *,
    plane: FakePlane | None = None,
    size: tuple[int, int] = (80, 24),
    state: str = "live",
    **fields: Any,
) -> AsyncIterator[tuple[Driven, FakePlane, Session]]:
    """Run the console headless on the small fleet."""
    store = fill(Store(clock=lambda: NOW), state=state)
    plane = plane or FakePlane()
    made = session(store, start_view=view, start_target=target, **fields)
    if "make_context" not in fields:
        made.make_context = lambda: context_of(plane, store, made.read_only)
    app = EdgewrightApp(made)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot, plane, made


async def settle(pilot: Driven) -> None:
    """Let keys, messages and store rounds come to rest."""
    app = pilot.app
    assert isinstance(app, EdgewrightApp)
    for _ in range(3):
        await pilot.pause()
        app.session.store.flush()
    await pilot.pause()


async def press(pilot: Driven, *keys: str) -> None:
    """Press keys, each with time to act."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def until(pilot: Driven, truth: Callable[[], bool]) -> None:
    """Wait until something is so, at most a few seconds."""
    for _ in range(200):
        if truth():
            await settle(pilot)
            return
        await pilot.pause(0.02)
        await settle(pilot)
    raise AssertionError(f"it did not come true; the screen says:\n{said(pilot)}")


def said(pilot: Driven) -> str:
    """Return the text of the screen in front: its lines and the frame."""
    screen = pilot.app.screen
    parts = [text_of(view.lines) for view in screen.query(LineView) if view.display]
    return "\n".join(parts)


def view(pilot: Driven) -> str:
    """Return the name of the view in front, or the class of a dialog."""
    screen = pilot.app.screen
    return screen.view if isinstance(screen, BaseScreen) else type(screen).__name__


def told(made: Session) -> str:
    """Return the newest message."""
    made.store.flush()
    return made.store.model.messages[-1].text if made.store.model.messages else ""

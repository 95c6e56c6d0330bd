"""Driving the console in tests: an app over the small fleet, and waiting for what a key set off."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from edgewright.store.engine.store import Store
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.session import Session
from tui.widgets.frame import FrameLine
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
    hosts: Sequence[dict[str, Any]] | None = None,
    **fields: Any,
) -> AsyncIterator[tuple[Driven, FakePlane, Session]]:
    """Run the console headless on the small fleet, or on `hosts`."""
    store = fill(Store(clock=lambda: NOW), hosts, state)
    plane = plane or FakePlane()
    made = session(store, start_view=view, start_target=target, **fields)
    if "make_context" not in fields:
        made.make_context = lambda: made.with_sites(context_of(plane, store, made.read_only))
    app = EdgewrightApp(made)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot, plane, made


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until no key waits, no view is being opened and no widget has a message left, twice in a row.

    Counted pauses are not enough: on a busy machine they end before the messages of a key are handled.
    """
    app = pilot.app
    assert isinstance(app, EdgewrightApp)
    calm, latest = 0, time.monotonic() + 60
    while calm < 2 and app.is_running:
        assert time.monotonic() < latest, "the console does not come to rest"
        await pilot.pause()
        app.session.store.flush()
        if getattr(app.screen, "_old", False):  # on a busy machine a small fleet takes as long as a big one: next tick
            app.screen.select()  # type: ignore[attr-defined]
            calm = 0
            continue
        calm = calm + 1 if at_rest(app) else 0


def at_rest(app: EdgewrightApp) -> bool:
    """Whether all that was typed has had its effect and no message waits."""
    if app.openings.busy or not app.type_ahead.idle or getattr(app.screen, "_typing", None) is not None:
        return False  # the last: a filter is tried a moment after it was typed
    nodes = [app, *app.screen.walk_children(with_self=True)]
    return not any(node.message_queue_size for node in nodes)


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


async def wait_until(pilot: Pilot[Any], truth: Callable[[], object], what: str = "") -> None:
    """Wait until something is so, in any app; fails after ten seconds with `what`.

    `pilot.pause()` ends when this process computes nothing: on a busy machine that is before a timer has fired or a
    message was handled. So no test looks once after it for what a message, a tick or a repaint brings.
    """
    latest = time.monotonic() + 10
    while not truth():
        assert time.monotonic() < latest, what or "it did not come true within ten seconds"
        await pilot.pause(0.01)


def said(pilot: Driven) -> str:
    """Return the text of the screen in front: its lines and the frame."""
    screen = pilot.app.screen
    parts = [text_of(view.lines) for view in screen.query(LineView) if view.display]
    return "\n".join(parts)


def frame_text(app: App[Any], name: str) -> str:
    """Return the text of a line of the frame: `title`, `crumb`, `message` or `keys`."""
    return app.screen.query_one(f"#{name}", FrameLine).line.plain


def view(pilot: Driven) -> str:
    """Return the name of the view in front, or the class of a dialog."""
    screen = pilot.app.screen
    return screen.view if isinstance(screen, BaseScreen) else type(screen).__name__


def newest_message(made: Session) -> str:
    """Return the newest message of a session."""
    made.store.flush()
    return made.store.model.messages[-1].text if made.store.model.messages else ""

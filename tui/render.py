"""Draw one frame without a terminal: `edgewright render`, the pictures of the README, and a look from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from tui.app import EdgewrightApp
from tui.session import Session
from tui.terminal.paint.screen_text import screen_text

Form = Literal["svg", "text"]


async def frame(
    session: Session, size: tuple[int, int] = (80, 24), form: Form = "svg", press: Sequence[str] = (), title: str = ""
) -> str:
    """Return the start view of `session` in `size` (columns, lines) as SVG or as plain text, after the keys `press`."""
    app = EdgewrightApp(session)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot.pause)
        for key in press:
            await pilot.press(key)
            await settle(app, pilot.pause)
        session.store.flush()
        await pilot.pause()
        if form == "svg":
            return preserving_spaces(app.export_screenshot(title=title or None, simplify=True))
        return screen_text(app)


async def settle(app: EdgewrightApp, pause: object) -> None:
    """Wait until nothing is under way but what never ends."""
    assert callable(pause)
    for _ in range(3):
        await pause()


def preserving_spaces(svg: str) -> str:
    """Return the picture with its leading spaces declared as meant: some renderers drop them and shift the text."""
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def render(
    session: Session, size: tuple[int, int] = (80, 24), form: Form = "svg", press: Sequence[str] = (), title: str = ""
) -> str:
    """Return one frame; see `frame`."""
    return asyncio.run(frame(session, size, form, press, title))

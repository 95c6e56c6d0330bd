"""Draw one frame without a terminal: `edgewright render`, the pictures of the README, and a look from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from tui.app import EdgewrightApp
from tui.session import Session

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
            return app.export_screenshot(title=title or None, simplify=True)
        return text_of(app)


async def settle(app: EdgewrightApp, pause: object) -> None:
    """Wait until nothing is under way but what never ends."""
    assert callable(pause)
    for _ in range(3):
        await pause()


def text_of(app: EdgewrightApp) -> str:
    """Return what is on the screen as lines of text, line filters applied."""
    width, height = app.size
    filters = [one for one in app.get_line_filters() if one.enabled]
    lines: list[str] = []
    for strip in app.screen._compositor.render_strips():
        segments = list(strip)
        for one in filters:
            segments = one.apply(segments, app.screen.background_colors[0])
        lines.append("".join(segment.text for segment in segments)[:width].rstrip())
    return "\n".join(lines[:height]) + "\n"


def render(
    session: Session, size: tuple[int, int] = (80, 24), form: Form = "svg", press: Sequence[str] = (), title: str = ""
) -> str:
    """Return one frame; see `frame`."""
    return asyncio.run(frame(session, size, form, press, title))

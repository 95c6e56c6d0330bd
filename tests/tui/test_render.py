"""One frame without a terminal: text as it stands, pictures that every renderer draws alike."""

from __future__ import annotations

from tests.tui.fleet import session_of
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

"""No line is wider than the pane that shows it, at any size: a pane cuts without a sign."""

from __future__ import annotations

import pytest

from tests.tui.driving import console, until
from tui.widgets.line_view import LineView


@pytest.mark.parametrize("size", [(80, 24), (132, 43), (200, 60)], ids=["80", "132", "200"])
@pytest.mark.parametrize(("view", "target"), [("pulse", ""), ("host", "uid-edge-7f3a")])
async def test_no_line_is_wider_than_its_pane(view: str, target: str, size: tuple[int, int]) -> None:
    async with console(view, target, size=size) as (pilot, _, _):
        views = [one for one in pilot.app.screen.query(LineView) if one.display and one.size.width]
        await until(pilot, lambda: any(one.lines for one in views))
        wide = {one.id: line.plain for one in views for line in one.lines if line.width > one.room}
        assert not wide

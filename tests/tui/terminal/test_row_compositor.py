"""A partial update is made from its own rows, and is what Textual makes of all rows."""

from __future__ import annotations

import pytest
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tests.tui.driving import settle
from tests.tui.fleet import documents, session_of
from tui.app import EdgewrightApp
from tui.terminal.paint.row_compositor import RowCompositor

UPDATES = (
    [Region(0, 4, 121, 1), Region(140, 1, 11, 1)],
    [Region(57, 24, 3, 1)],
    [Region(0, 0, 160, 1), Region(0, 49, 160, 1)],
    [Region(100, 5, 60, 40)],
)


def painted(update: ChopsUpdate) -> list[str]:
    """Return the text and style of what an update paints, span by span."""
    out: list[str] = []
    for y, left, right in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            first, last = max(x, left), min(end, right)
            if first < last:
                assert strip is not None
                out += [repr(segment) for segment in strip.crop(first - x, last - x).simplify()]
    return out


async def test_a_partial_update_asks_for_its_own_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    app = EdgewrightApp(session_of(documents(60)))
    async with app.run_test(size=(160, 50)) as pilot:
        await settle(pilot)
        compositor = app.screen._compositor
        assert isinstance(compositor, RowCompositor)
        asked: list[int] = []
        widgets: list[Widget] = []
        stock = Widget.render_lines

        def render_lines(widget: Widget, crop: Region) -> list[Strip]:
            asked.append(crop.height)
            widgets.append(widget)
            return stock(widget, crop)

        def update(regions: list[Region]) -> ChopsUpdate:
            compositor._dirty_regions = set(regions)
            found = compositor.render_partial_update()
            assert found is not None
            return found

        monkeypatch.setattr(Widget, "render_lines", render_lines)
        for regions in UPDATES:
            asked.clear()
            widgets.clear()
            ours = update(regions)
            assert max(asked) <= Region.from_union(regions).height
            seen = [compositor.visible_widgets[widget] for widget in widgets]
            assert all(any(place.intersection(clip).overlaps(each) for each in regions) for place, clip in seen), (
                "a widget beside the update is not asked"
            )
            with monkeypatch.context() as patch:
                patch.setattr(RowCompositor, "_get_renders", Compositor._get_renders)
                theirs = update(regions)
            rows = {y for y, _, _ in ours.spans}
            assert ours.spans == theirs.spans
            assert rows and painted(ours) == painted(theirs)


async def test_a_full_frame_asks_for_no_line_that_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    app = EdgewrightApp(session_of(documents(60)))
    async with app.run_test(size=(160, 50)) as pilot:
        await settle(pilot)
        compositor = app.screen._compositor
        asked: list[tuple[int, int]] = []
        stock = Widget.render_lines

        def render_lines(widget: Widget, crop: Region) -> list[Strip]:
            asked.append((crop.width, crop.height))
            return stock(widget, crop)

        monkeypatch.setattr(Widget, "render_lines", render_lines)
        ours = [strip.simplify() for strip in compositor.render_strips()]
        cells = sum(width * height for width, height in asked)
        asked.clear()
        monkeypatch.setattr(RowCompositor, "_get_renders", Compositor._get_renders)
        assert [strip.simplify() for strip in compositor.render_strips()] == ours
        before = sum(width * height for width, height in asked)
        assert cells <= 160 * 50 * 1.1 and before > 2 * cells, (cells, before)


async def test_what_a_widget_does_not_fill_is_of_those_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A widget whose size has changed may return short lines, or fewer: the console ended on such a frame."""
    app = EdgewrightApp(session_of(documents(60)))
    async with app.run_test(size=(160, 50)) as pilot:
        await settle(pilot)
        compositor = app.screen._compositor
        stock = Widget.render_lines

        def render_lines(widget: Widget, crop: Region) -> list[Strip]:
            lines = stock(widget, crop)
            return lines if widget is app.screen else [strip.crop(0, max(1, crop.width // 3)) for strip in lines[:-1]]

        monkeypatch.setattr(Widget, "render_lines", render_lines)
        rows = [list(row) for row in compositor.render_full_update().strips]
        assert all(strip is not None for row in rows for strip in row)
        monkeypatch.setattr(RowCompositor, "_get_renders", Compositor._get_renders)
        ours = [Strip.join(row).simplify() for row in rows]
        assert ours == [Strip.join(row).simplify() for row in compositor.render_full_update().strips]

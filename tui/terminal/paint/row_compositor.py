"""Composing a partial update from the rows that it is about.

Private Textual API (8.2.8): `Compositor._get_renders`, `Compositor._dirty_regions`, `Screen._compositor`. Textual asks
every widget between the first and the last row of an update for all its lines, filters them and drops those that are
not painted: with a table of fifty rows and two panes that is 230 lines for a key that changes two. For a full frame it
asks also for lines that other widgets cover: those of the screen and the body behind the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class RowCompositor(Compositor):
    """Asks only the widgets that are seen in an update, and those for the rows between the first and the last seen."""

    _updated: tuple[Region, ...] = ()
    """The regions of the update that is being rendered; empty for a full one."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Render what changed; what is beside it stays empty."""
        self._updated = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._updated = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Yield region, clip and lines of each widget that is seen in the update; the clip has only the rows of it.

        Widgets come front to back: rows that those before cover completely are not asked for.
        """
        updated = self._updated or (crop or self.size.region,)
        covered: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            parts = [part for each in updated if (part := seen.intersection(each))]
            if not parts:
                continue
            top, bottom = min(part.y for part in parts), max(part.bottom for part in parts)
            left, right = seen.x, seen.right
            while top < bottom and _covers(covered[top], left, right):
                top += 1
            while top < bottom and _covers(covered[bottom - 1], left, right):
                bottom -= 1
            if top == bottom:
                continue
            rows = Region(clip.x, top, clip.width, bottom - top)
            lines = widget.render_lines(Region(left - region.x, top - region.y, seen.width, bottom - top))
            # A widget whose size has just changed may return shorter lines: what is beside them is of those behind it.
            for y, strip in enumerate(lines, top):
                covered[y].append((left, left + strip.cell_length))
            yield region, rows, lines


def _covers(spans: list[tuple[int, int]], left: int, right: int) -> bool:
    """Whether spans of columns contain all columns from `left` to before `right`."""
    for start, end in sorted(spans) if len(spans) > 1 else spans:
        if start > left:
            return False
        left = max(left, end)
    return left >= right

"""Composing a partial update from the rows that it is about.

Private Textual API (8.2.8): `Compositor._get_renders`, `Screen._compositor`. Textual asks every widget that overlaps an
update for all its lines, filters them and drops those that are not painted: with a table of fifty rows and two panes
that is 230 lines for a key that changes two.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class RowCompositor(Compositor):
    """Asks widgets for the lines between the first and the last row of an update alone."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Yield region, clip and lines of each widget that overlaps `crop`; the clip has only the rows of `crop`."""
        if not crop:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            rows = Region(clip.x, crop.y, clip.width, crop.height).intersection(clip)
            seen = region.intersection(rows)
            if crop.overlaps(clip) and seen:
                lines = widget.render_lines(Region(seen.x - region.x, seen.y - region.y, seen.width, seen.height))
                yield region, rows, lines

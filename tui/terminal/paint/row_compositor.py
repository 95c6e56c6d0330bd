"""Composing a partial update from the rows that it is about.

Private Textual API (8.2.8): `Compositor._get_renders`, `Compositor._dirty_regions`, `Screen._compositor`. Textual asks
every widget between the first and the last row of an update for all its lines, filters them and drops those that are
not painted: with a table of fifty rows and two panes that is 230 lines for a key that changes two.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class RowCompositor(Compositor):
    """Asks for an update only the widgets that it overlaps, and those for the rows between its first and last one."""

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
        """Yield region, clip and lines of each widget that the update overlaps; the clip has only the rows of it."""
        if not crop:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            parts = [part for each in self._updated or (crop,) if (part := seen.intersection(each))]
            if parts:
                top, bottom = min(part.y for part in parts), max(part.bottom for part in parts)
                rows = Region(clip.x, top, clip.width, bottom - top)
                inner = Region(seen.x - region.x, top - region.y, seen.width, bottom - top)
                yield region, rows, widget.render_lines(inner)

"""Send the cells that changed, and no others.

Textual 8.2.8 sends a changed region from the left edge of its widget on (`ChopsUpdate.render_segments` crops at the
right only), so that one changed cell of a wide table costs its whole row. Here both sides are cropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.control import Control
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.console import Console
    from textual.screen import Screen


class CroppedUpdate(ChopsUpdate):
    """A partial update whose spans begin where the change begins."""

    def render_segments(self, console: Console) -> str:
        """Return what is to be written to the terminal."""
        out: list[str] = []
        chops: Sequence[Mapping[int, Strip | None]] = self.chops
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], chops[y].items(), strict=False):
                first, last = max(x, left), min(end, right)
                if strip is None or first >= last:
                    continue
                out.append(Control.move_to(first, y).segment.text)
                whole = first == x and last == end
                out.append((strip if whole else strip.crop(first - x, last - x)).render(console))
        return "".join(out)


class CroppedDisplay(App[int]):
    """An app whose partial updates are cropped at both sides."""

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if type(renderable) is ChopsUpdate:
            renderable = CroppedUpdate(renderable.chops, renderable.spans, renderable.chop_ends)
        super()._display(screen, renderable)

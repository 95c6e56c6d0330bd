"""pyte with what it lacks of an xterm: REP, and erasing the screen in the colour of the pen."""

from __future__ import annotations

from typing import Any

import pyte


class XtermScreen(pyte.Screen):
    """A screen whose erased cells have the background of the pen, also where nothing was drawn before."""

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        """Erase the screen or a part of it."""
        if how in (2, 3):
            for y in range(self.lines):
                for x in range(self.columns):
                    self.buffer[y][x] = self.cursor.attrs
        super().erase_in_display(how, *args, **kwargs)

    def repeat(self, count: int = 1) -> None:
        """Draw the character before the cursor again, `count` times."""
        at = min(self.cursor.x, self.columns) - 1
        self.draw(self.buffer[self.cursor.y][at].data * (count or 1))


class XtermStream(pyte.ByteStream):
    """A stream that knows REP."""

    csi = {**pyte.ByteStream.csi, "b": "repeat"}
    events = pyte.ByteStream.events | {"repeat"}

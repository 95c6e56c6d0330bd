"""How often a plane without a change stream is asked for its hosts; each other list names its own time."""

from __future__ import annotations

import msgspec


class Pace(msgspec.Struct, frozen=True):
    """How often a Palette is asked for its hosts; all in seconds."""

    fresh: float = 5.0
    """Between two looks at the newest changes."""
    fresh_while_filling: float = 15.0
    """The same while the first fill takes the budget."""
    rescan: float = 300.0
    """From the end of one scan of the entire fleet to the start of the next."""
    scan_share: float = 0.5
    """Share of the budget that a later scan may take; the user's own requests have the rest."""
    workers: int = 8
    """Pages under way at a time in the first fill."""

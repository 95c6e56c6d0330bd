"""Values as cells of a table on the command line; `-` for what is unknown."""

from __future__ import annotations

from edgewright.store.table import ago, or_dash, stamp

__all__ = ["ago", "or_dash", "percent", "stamp"]


def percent(value: float | None) -> str:
    """Return a share as integer per cent; `-` for what is unknown."""
    return "-" if value is None else f"{value:.0f}"

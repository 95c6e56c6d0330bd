"""Values as cells of a table on the command line; `-` for what is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.core import times

if TYPE_CHECKING:
    pass


def or_dash(value: object) -> str:
    """Return a value as text; `-` for what is unknown."""
    return "-" if value is None or value == "" else str(value)


def percent(value: float | None) -> str:
    """Return a share as integer per cent; `-` for what is unknown."""
    return "-" if value is None else f"{value:.0f}"


def ago(moment: float | None, now: float) -> str:
    """Return the age of a moment; `-` for none."""
    return times.age(None if moment is None else now - moment)


def stamp(moment: float | None) -> str:
    """Return a moment as `2026-11-23T08:08:46Z`; `-` for none."""
    return "-" if moment is None else times.rfc3339(moment)[:19] + "Z"

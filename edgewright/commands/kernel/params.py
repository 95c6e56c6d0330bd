"""How a verb declares what it works on and what it takes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

TargetKind = str
"""The noun of the command line whose `list` names the objects; a test finds the list of each."""


class Param(NamedTuple):
    """One parameter of a verb; positional unless `flag` begins with `--`."""

    name: str
    help: str
    flag: str = ""
    required: bool = False
    many: bool = False
    kind: Literal["text", "int", "flag", "file", "span", "time"] = "text"
    choices: tuple[str, ...] = ()
    default: Any = None
    metavar: str = ""
    secret: bool = False
    form: str = ""
    """What the console's form shows instead of `help`, where that names options of the command line."""


class Target(NamedTuple):
    """What a verb works on: objects of `kind`, at least `least`, at most `most` of them (None: any number)."""

    kind: TargetKind
    least: int = 1
    most: int | None = None


CONSOLE_ONLY = "It changes what the console shows; a command line shows nothing that could change."


def filtered_by(example: str) -> tuple[Param, ...]:
    """Return the parameters of a list; `example` is a filter."""
    return (Param("filter", f"show only what matches: {example}", many=True, metavar="FILTER"),)

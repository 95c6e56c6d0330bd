"""How the rows of a collection are shown: columns, fields of filters, and one thing in full, declared once.

The table of the command line, the list and the detail of the console, filters, sorting and export are made from this.
Plain values only: colours are names of roles, and widths are cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from edgewright.core import times
from edgewright.core.filters.fields import FilterField
from edgewright.store.collections.rows import Row

R = TypeVar("R", bound=Row)
Value = str | int | float | None
"""What a cell shows; None and "" are unknown."""
Facts = tuple[str, tuple[tuple[str, str], ...]]
"""A titled block of labels and values."""


def or_dash(value: object) -> str:
    """Return a value as text; `-` for what is unknown."""
    return "-" if value is None or value == "" else str(value)


def ago(moment: float | None, now: float) -> str:
    """Return the age of a moment; `-` for none."""
    return times.age(None if moment is None else now - moment)


def stamp(moment: float | None) -> str:
    """Return a moment as `2026-11-23T08:08:46Z`; `-` for none."""
    return "-" if moment is None else times.rfc3339(moment)[:19] + "Z"


def quote(name: str) -> str:
    """Return a name as a word of a shell; `shlex` would be loaded before the first frame."""
    safe = "".join(character for character in name if character not in "-_.:").isalnum()
    return name if safe else "'" + name.replace("'", "'\\''") + "'"


class Look(NamedTuple):
    """What the texts of a row depend on beside the row."""

    now: float
    """Epoch seconds UTC."""
    projects: Mapping[str, str] = {}
    """Names of projects by uid, where they are known."""
    usage: Any = None
    """CPU and memory in use (`store.workloads.usage.Usage`) of what a cluster runs; None where that is not asked."""

    def project(self, uid: str) -> str:
        """Return the name of a project, `tenant` for none."""
        return self.projects.get(uid, uid) if uid else TENANT


TENANT = "tenant"


class Column(NamedTuple, Generic[R]):
    """One column. Its value is a field of the row unless `value` makes it."""

    id: str
    """Name under which users store order and choice of columns."""
    title: str
    least: int = 4
    """Cells that it has at least in the console."""
    most: int = 0
    weight: int = 0
    right: bool = False
    age: bool = False
    """Whether the value is a time (epoch seconds), shown as its age."""
    field: str = ""
    """Field of the row; the id unless given."""
    value: Callable[[R, Look], Value] | None = None
    tone: Callable[[R], str] | str = ""
    """Role of the theme, for example `muted`."""
    order: Callable[[R], Any] | None = None
    """What it is sorted by, where that is not the value; None sorts last."""
    down: bool = False
    """Whether the largest number is the first."""
    listed: str = ""
    """Title on the command line, where it is another one."""
    wide: bool = False
    """Whether the command line shows it with `-o wide` only."""

    def of(self, row: R, look: Look) -> Value:
        """Return the value of a row."""
        if self.value is not None:
            return self.value(row, look)
        value: Any = row.get(self.field or self.id)
        return value if isinstance(value, (str, int, float)) else None

    def tone_of(self, row: R) -> str:
        """Return the role in which a row shows it."""
        return self.tone if isinstance(self.tone, str) else self.tone(row)

    def sorted_by(self, row: R, look: Look) -> Any:
        """Return what a row is sorted by; newest first for times, text without case."""
        if self.order is not None:
            return self.order(row)
        value = self.of(row, look)
        if self.age:
            return -value if isinstance(value, (int, float)) and value else None
        if self.down and isinstance(value, (int, float)):
            return -value
        return value.lower() if isinstance(value, str) else value


class Table(NamedTuple, Generic[R]):
    """How a collection is shown."""

    thing: str
    """What one is called in a sentence: `SSH key`."""
    columns: tuple[Column[R], ...]
    """Columns in the order of the console; one without a title is a sign."""
    listing: tuple[str, ...]
    """Ids of the columns of the command line, in its order; without a column `uid` that comes last, with `-o wide`."""
    fields: tuple[FilterField, ...]
    example: str
    """An example of a filter, for the prompt of the console."""
    facts: Callable[[R, Look], tuple[Facts, ...]]
    headline: Callable[[R], str]
    nothing: str
    """What the console shows when there is none."""
    add: str = ""
    """What the command line prints when there is none."""
    worked_out: Mapping[str, Callable[[R, Look], object]] = {}
    """Values of filter fields that are no field of the row, by their source."""
    printed: str = "name"
    """Field that `-o name` prints."""
    unique: tuple[str, ...] = ()
    """Fields beside the uid by which one is found, whatever the case."""
    called: str = "name"
    """Field by which one is found where it is not ambiguous."""
    apart: str = "Use the uid"
    """What to name one by where several have the name."""
    order: Callable[[R], Any] | None = None
    """Order of the list; None: that of the plane."""
    sort: str = ""
    """Column by which the console sorts first."""
    project_of: Callable[[R], str] | None = None
    """Uid of the project, for tables that show its name."""
    conceal: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Takes secrets out of a document that is printed."""

    def get(self, row: R, look: Look) -> Callable[[str], object]:
        """Return what gives the values of a row by the names that filters use."""
        made = self.worked_out
        return lambda name: made[name](row, look) if name in made else row.get(name)

    def column(self, name: str) -> Column[R] | None:
        """Return a column by its id."""
        return next((each for each in self.columns if each.id == name), None)

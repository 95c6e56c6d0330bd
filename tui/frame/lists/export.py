"""What every list has: keys for the rows that are there, and the table to a file by a key.

What is filtered and sorted now is written, the columns in sight or all of them.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

from textual import events, on, work

from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from tui.frame.base import BaseScreen
from tui.navigation.views import load
from tui.verbs.bindings import working_on
from tui.widgets.lines import Line, line, pad
from tui.widgets.virtual_table import VirtualTable

Format = Literal["csv", "json"]
Value = str | float | int | bool | tuple[str, ...] | None
CHOICES = (
    ("csv", "CSV", "the columns shown"),
    ("csv all", "CSV", "all columns"),
    ("json", "JSON", "the columns shown"),
    ("json all", "JSON", "all columns"),
)


class Table(NamedTuple):
    """What is written: the columns in their order, and a value for each of them in every row."""

    view: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Value]]
    filter: str = ""
    sort: str = ""
    plane: str = ""
    project: str = ""
    at: float = 0.0
    """When it was taken, epoch seconds UTC."""


class ExportsTable(BaseScreen):
    """A list: its key line offers what works on the rows that are there, and they can be written to a file.

    Values are written, not what the screen made of them.
    """

    @property
    @abstractmethod
    def table(self) -> VirtualTable:
        """The table."""

    @property
    @abstractmethod
    def can_filter(self) -> bool:
        """Whether there are rows, a filter, or rows still to come."""

    def pointed_rows(self) -> int:
        """Return how many rows are marked; without a mark whether one is under the cursor."""
        table = self.table
        marked = len(table.marks.intersection(table.keys)) if table.marks else 0
        return marked or int(bool(table.cursor_key))

    def working_hints(self) -> tuple[str, ...]:
        """Return the keys that do something with the rows that are marked, or the one under the cursor."""
        rows = self.pointed_rows() if self.is_there else 0
        return working_on(self.hints, rows, self.can_filter)

    @abstractmethod
    def table_to_export(self, every_column: bool) -> Table:
        """Return the rows as they are filtered and sorted now. Called in a thread: read only what does not change."""

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self.show_keys()  # the keys of the table are live from now on

    def action_export(self, format: str = "", columns: str = "") -> None:  # noqa: A002
        """Write the table; ask for the format when it is not named."""
        if not format:
            self._ask_format()
        elif format in ("csv", "json") and columns in ("", "shown", "all"):
            self._export(cast("Format", format), columns == "all")
        else:
            self.session.store.message(f"No format {format} {columns}. Write: export csv, or export json all.", "warn")

    @work(group="export:ask", exclusive=True, exit_on_error=False)
    async def _ask_format(self) -> None:
        from tui.modals.choose import ChooseModal

        options = [_option(*choice) for choice in CHOICES]
        chosen = await self.app.ask(ChooseModal("Write this table to a file", options, current="csv"))  # type: ignore[attr-defined]
        if chosen:
            format_, _, columns = chosen.partition(" ")
            self._export(format_, columns == "all")

    @work(group="export:write", exclusive=True, exit_on_error=False)
    async def _export(self, format: Format, every_column: bool) -> None:  # noqa: A002
        from edgewright.config import locations

        message = self.session.store.message
        try:
            table = await asyncio.to_thread(self.table_to_export, every_column)
            if len(table.rows) > 5000:
                message(f"Writing {len(table.rows):,} rows ...")
            folder = locations.ensure(locations.folder("data") / "exports")
            path = await asyncio.to_thread(load("tui.frame.lists.table_file:write"), table, format, folder)
        except EdgewrightError as error:
            message(f"{error.message} {error.hint}".strip(), "bad")
            return
        rows = f"{len(table.rows):,} row{'' if len(table.rows) == 1 else 's'}"
        message(f"{rows} of {table.view} written to {locations.shown(path)}", "ok")


def moment(value: object) -> Value:
    """Return epoch seconds as RFC 3339 text, None when not known."""
    return times.rfc3339(float(value)) if isinstance(value, int | float) and value else None


def _option(key: str, name: str, about: str) -> Line:
    return line((pad(name, 6), "strong"), (about, "muted"), key=key)

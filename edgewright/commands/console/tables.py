"""Verbs that change how a table of the console shows its rows: filter, sort, columns, marks, the raw document."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import LISTS, RAW, Command, Param, Scope
from edgewright.commands.kernel.params import CONSOLE_ONLY

OBJECTS = tuple(scope for scope in LISTS if scope != "feed")
"""Lists of objects that verbs work on; entries of the feed are only read."""
ARRANGED = tuple(scope for scope in LISTS if scope != "installers")
"""Lists with columns to choose from."""


class _TableView(Command):
    """What these verbs share: live where there is a table, console only, nothing is changed."""

    scope: ClassVar[Scope] = "hosts"
    also: ClassVar[tuple[Scope, ...]] = LISTS
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


class Filter(_TableView):
    """Show only what matches: health:unhealthy tag.site:berlin age<2h cpu>=4 text."""

    name = "filter"
    title = "filter"
    keys = ("/",)
    also = ("pulse", *LISTS)
    params = (Param("filter", "the filter", many=True, metavar="FILTER"),)
    action = "filter"


class Yaml(_TableView):
    """Show the raw document as the plane sent it."""

    name = "yaml"
    title = "raw"
    keys = ("y",)
    also = RAW
    action = "yaml"
    on_rows = (1, 0)
    no_cli = "The command line has -o yaml."


class Columns(_TableView):
    """Choose which columns are shown; the choice is stored."""

    name = "columns"
    title = "columns"
    keys = ("C",)
    also = ARRANGED
    action = "columns"


class Export(_TableView):
    """Write the table to a CSV or JSON file: the rows and columns shown, or all columns."""

    name = "export"
    title = "export"
    keys = ("ctrl+s",)
    params = (
        Param("format", "csv or json", choices=("csv", "json"), metavar="FORMAT"),
        Param("columns", "shown or all", choices=("shown", "all"), metavar="COLUMNS"),
    )
    action = "export"
    no_cli = "The command line has -o json."


class Mark(_TableView):
    """Mark or unmark the row under the cursor; verbs then take all marked rows."""

    name = "mark"
    title = "mark"
    keys = ("space",)
    also = OBJECTS
    action = "mark"
    on_rows = (1, 0)


class MarkRange(_TableView):
    """Mark every row from the last mark to the cursor."""

    name = "mark range"
    title = "mark range"
    keys = ("ctrl+@",)
    also = OBJECTS
    action = "mark_range"
    on_rows = (1, 0)


class MarkClear(_TableView):
    """Take all marks away."""

    name = "mark clear"
    title = "clear marks"
    keys = ("ctrl+backslash",)
    also = OBJECTS
    action = "mark_clear"


class Sort(_TableView):
    """Sort by a column; again turns the order round."""

    name = "sort"
    title = "sort"
    keys = ("S",)
    params = (Param("field", "the column", metavar="COLUMN"),)
    action = "sort"
    on_rows = (1, 0)


class SortName(_TableView):
    """Sort by name; again turns the order round."""

    name = "sort name"
    title = "sort by name"
    keys = ("N",)
    also = OBJECTS
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "name"),)


class SortAge(_TableView):
    """Sort by age; again turns the order round."""

    name = "sort age"
    title = "sort by age"
    keys = ("A",)
    also = OBJECTS
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "since"),)


class SortHealth(_TableView):
    """Sort by health, worst first; again turns the order round."""

    name = "sort health"
    title = "sort by health"
    keys = ("H",)
    also = ()
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "health"),)


class AuditEveryone(_TableView):
    """Show every entry of the audit log, those of hosts and equal ones in a row too, or what people did."""

    name = "audit everyone"
    title = "everyone"
    keys = ("e",)
    scope = "feed"
    also = ()
    action = "everyone"
    no_cli = "The command line lists every entry."


class SortCpu(_TableView):
    """Sort by CPU in use, highest first; again turns the order round."""

    name = "sort cpu"
    title = "sort by CPU"
    keys = ("P",)
    also = ()
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "cpu_percent"),)


class SortMemory(_TableView):
    """Sort by memory in use, highest first; again turns the order round."""

    name = "sort memory"
    title = "sort by memory"
    keys = ("M",)
    also = ()
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "memory_percent"),)


class SortDisk(_TableView):
    """Sort by the fullest file system, highest first; again turns the order round."""

    name = "sort disk"
    title = "sort by disk"
    keys = ("D",)
    also = ()
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "disk_percent"),)


class SortSeen(_TableView):
    """Sort by the last heartbeat, the longest silent host first; again turns the order round."""

    name = "sort seen"
    title = "sort by last heartbeat"
    keys = ("T",)
    also = ()
    action = "sort"
    on_rows = (1, 0)
    preset = (("field", "last_seen"),)


class Follow(_TableView):
    """Follow the newest entry, or stop following."""

    name = "follow"
    title = "follow"
    keys = ("s",)
    scope = "feed"
    also = ()
    action = "follow"
    no_cli = "The command line has event list --follow."


COMMANDS: tuple[type[Command], ...] = (
    Filter,
    Yaml,
    Columns,
    Export,
    Mark,
    MarkRange,
    MarkClear,
    Sort,
    SortName,
    SortAge,
    SortHealth,
    SortCpu,
    SortMemory,
    SortDisk,
    SortSeen,
    AuditEveryone,
    Follow,
)

"""The list and the detail of every collection with a table (`store.table`): no screen of their own is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on

from edgewright.commands.kernel import described, registry
from edgewright.core.errors import NotFound
from edgewright.store.collection import Collection
from edgewright.store.table import Column, Look, Table
from tui.frame.ages import age_of
from tui.frame.document_values import UNKNOWN
from tui.frame.fetched import FetchedDetail, FetchedListing, Fetches
from tui.frame.links import open_key
from tui.frame.lists.listing import Listed
from tui.widgets.lines import Role, Span
from tui.widgets.table_layout import Column as TableColumn
from tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Command
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail

BRIEF = {"create": "new", "update": "change"}
"""Labels of the key line for verbs that every noun has."""


class DescribedListing(FetchedListing):
    """The list of a collection; the verbs of its noun work on it."""

    noun: ClassVar[str]
    table_of: ClassVar[Table[Any]]
    _projects: Mapping[str, str] = {}

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return everything by uid."""
        result = await described.entries(ctx, self.noun)
        self._projects = result.projects
        return {entry.row.uid: entry for entry in result.items}

    @property
    def _look(self) -> Look:
        return Look(self.now, self._projects)

    def entry(self, row: described.Entry) -> Listed:
        """Return a thing as a row of the table."""
        look, columns = self._look, self.table_of.columns
        cells = tuple(_cell(column, row.row, look) for column in columns)
        order = tuple(column.sorted_by(row.row, look) for column in columns)
        return Listed(row.row.uid, cells, order, self.table_of.get(row.row, look))

    def describe(self, row: described.Entry) -> Detail:
        """Return a thing in full."""
        return described.detail(self.noun, row.row, row.document, self._look)

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"{self.noun}/{event.key}")


class DescribedDetail(FetchedDetail):
    """One thing of a collection; its verbs are those of the list."""

    noun: ClassVar[str]
    _projects: Mapping[str, str] = {}

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return it by its uid; empty when it does not exist any more."""
        result = await described.entries(ctx, self.noun)
        self._projects = result.projects
        entry = next((each for each in result.items if each.row.uid == self.target), None)
        try:
            return {} if entry is None else {self.target: await described.complete(ctx, self.noun, entry)}
        except NotFound:
            return {}

    def describe(self, row: described.Entry) -> Detail:
        """Return it in full."""
        return described.detail(self.noun, row.row, row.document, Look(self.now, self._projects))


def _cell(column: Column[Any], row: Any, look: Look) -> Span:
    value = column.of(row, look)
    if column.age:
        text = age_of(None if isinstance(value, str) else value, look.now)
    else:
        text = UNKNOWN if value is None or value == "" else str(value)
    return Span(text, cast("Role", column.tone_of(row)))


@cache
def list_screen(noun: str) -> type[DescribedListing]:
    """Return the screen that lists the things of a noun."""
    collection, table, _ = described.shown(noun)
    columns = tuple(
        TableColumn(each.id, each.title, each.least, "right" if each.right else "left", each.weight, each.most)
        for each in table.columns
    )
    parts = {
        "__doc__": f"All of: {table.thing}.",
        **_shared(collection),
        "view": collection.view,
        "table_of": table,
        "nothing": table.nothing,
        "frozen": 1 if table.columns[0].title.strip() else 2,
        "hints": list_hints(collection.view),
        "filter_fields": table.fields,
        "filter_example": table.example,
        "moments": {each.id: each.field or each.id for each in table.columns if each.age},
        "default_sort": (table.sort, False),
        "table_columns": columns,
    }
    return type(f"{noun.capitalize()}List", (DescribedListing,), parts)


@cache
def detail_screen(noun: str) -> type[DescribedDetail]:
    """Return the screen that shows one thing of a noun."""
    collection, table, _ = described.shown(noun)
    single, many = _verbs(collection.view)
    parts = {
        "__doc__": f"Shows one: {table.thing}.",
        **_shared(collection),
        "view": noun,
        "missing": f"This {table.thing} does not exist any more.",
        "hints": tuple(_hint(verb) for verb in (*single, *many)),
    }
    return type(f"{noun.capitalize()}Detail", (DescribedDetail,), parts)


def _shared(collection: Collection[Any]) -> dict[str, Any]:
    return {
        "__module__": __name__,
        "noun": collection.noun,
        "scope": collection.view,
        "audit_kind": collection.change_kind or collection.noun,
        "collections": Fetches.collections | {collection.name},
    }


def list_hints(scope: str) -> tuple[str, ...]:
    """Return the key line of a list: what makes one, what changes one, then what works on all that are marked."""
    single, many = _verbs(scope)
    new = [verb for verb in _changing(scope) if verb.target is None]
    first = ("nav-open=open", "filter")
    if not (new or single or many):
        return (*first, "sort-name", "export")
    marks = ("mark",) if many else ()
    return (*first, *map(_hint, new), *map(_hint, single), *marks, *map(_hint, many))


def _changing(scope: str) -> list[type[Command]]:
    return [verb for verb in registry.for_scope(scope) if verb.scope == scope and verb.danger != "none"]


def _verbs(scope: str) -> tuple[list[type[Command]], list[type[Command]]]:
    """Return the verbs for one thing, those with a form first, and the verbs for many."""
    verbs = [verb for verb in _changing(scope) if verb.target is not None]
    single = [verb for verb in verbs if verb.target is not None and verb.target.most == 1]
    return sorted(single, key=lambda verb: not verb.asks), [verb for verb in verbs if verb not in single]


def _hint(verb: type[Command]) -> str:
    brief = BRIEF.get(verb.name.rpartition(" ")[2])
    return f"{verb.id()}={brief}" if brief else verb.id()

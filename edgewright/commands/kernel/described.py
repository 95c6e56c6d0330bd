"""The verbs `list` and `show` of every collection with a table (`store.table`); how one thing is found by a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from edgewright.clients import ports
from edgewright.clients.ports import CanListProjects
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.cells import ago, or_dash
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Detail, Item, Listing, Section
from edgewright.config.nearest import suggestion
from edgewright.core import times
from edgewright.core.errors import Conflict, Failed, NotFound
from edgewright.core.filters.command_line import filter_of
from edgewright.core.text import clean, plural
from edgewright.store.collection import Collection, Reading
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.every import of_noun
from edgewright.store.table import Look, Table

PAGE = 1000
"""Entries of a list whose port reads pages."""


class Entry(NamedTuple):
    """One thing: its row, and the document as it came."""

    row: Any
    document: dict[str, Any]


class Entries(NamedTuple):
    """Things in the order of their table, with the names of projects that their texts need."""

    items: tuple[Entry, ...]
    projects: Mapping[str, str]

    def look(self) -> Look:
        """Return what texts of the rows depend on, now."""
        return Look(times.now(), self.projects)


def shown(noun: str) -> tuple[Collection[Any], Table[Any], Reading]:
    """Return the collection of a noun, its table and how it is read. Raises `Failed` for one without."""
    collection = of_noun(noun)
    if collection is None or collection.table is None or collection.reading is None:
        raise Failed(f"{noun} has no table.")
    return collection, collection.table, collection.reading


async def entries(ctx: CommandContext, noun: str) -> Entries:
    """Return everything of a noun that the credential may see. Raises `EdgewrightError`."""
    collection, table, reading = shown(noun)
    documents = await reading.read(await ctx.port(ports.BY_NAME[reading.port]), PAGE)
    now = times.now()
    rows = [(collection.from_document(document, now), document) for document in documents]
    items = [Entry(row, document) for row, document in rows if row is not None]
    if table.order is not None:
        order = table.order
        items.sort(key=lambda item: order(item.row))
    return Entries(tuple(items), await _projects(ctx, table, items))


async def _projects(ctx: CommandContext, table: Table[Any], items: list[Entry]) -> Mapping[str, str]:
    if table.project_of is None or not any(table.project_of(item.row) for item in items):
        return {}
    rows = [PROJECTS.from_document(each, 0.0) for each in await (await ctx.port(CanListProjects)).all()]
    return {row.uid: row.name for row in rows if row is not None}


async def find(ctx: CommandContext, noun: str, text: str) -> Entry:
    """Return one thing by uid, by what else is unique, or by name. Raises `NotFound`, `Conflict` for a name of many."""
    return one_of(noun, (await entries(ctx, noun)).items, text)


def one_of(noun: str, items: tuple[Entry, ...], text: str) -> Entry:
    """Return one of the things. Raises as `find`."""
    _, table, _ = shown(noun)
    for item in items:
        if item.row.uid == text or text.lower() in [str(item.row.get(field)).lower() for field in table.unique]:
            return item
    named = [item for item in items if item.row.get(table.called) == text]
    if len(named) > 1:
        wide = " -o wide" if table.apart == "Use the uid" else ""
        raise Conflict(
            f"{len(named)} {plural(table.thing)} are called {clean(text)}.",
            f"{table.apart}: edgewright {noun} list{wide}",
        )
    if not named:
        near = suggestion(text, [str(item.row.name) for item in items])
        raise NotFound(f"There is no {table.thing} {clean(text)}{near}.", f"See them: edgewright {noun} list")
    return named[0]


async def complete(ctx: CommandContext, noun: str, entry: Entry) -> Entry:
    """Return a thing with its own document, where the list has less of it. Raises `EdgewrightError`."""
    collection, _, _ = shown(noun)
    if collection.getter is None:
        return entry
    document = await (await ctx.port(ports.BY_NAME[collection.getter])).get(entry.row.uid)
    row = collection.from_document(document, times.now())
    return entry if row is None else Entry(row, document)


def columns(noun: str) -> tuple[Column, ...]:
    """Return the columns of the table of the command line."""
    _, table, _ = shown(noun)
    listed = [each for name in table.listing if (each := table.column(name)) is not None]
    uid = () if table.column("uid") is not None else (Column("UID", wide=True),)
    return (*(Column(each.listed or each.title, wide=each.wide, right=each.right) for each in listed), *uid)


def item(table: Table[Any], entry: Entry, look: Look) -> Item:
    """Return a thing as a row of the table of the command line."""
    cells = []
    for name in table.listing:
        column = table.column(name)
        value = None if column is None else column.of(entry.row, look)
        aged = column is not None and column.age and not isinstance(value, str)
        cells.append(ago(value, look.now) if aged else or_dash(value))  # type: ignore[arg-type]
    uid = () if table.column("uid") is not None else (entry.row.uid,)
    name = str(entry.row.get(table.printed) or entry.row.uid)
    return Item(name, (*cells, *uid), printed(table, entry.document))


def printed(table: Table[Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as it is printed: without secrets."""
    return document if table.conceal is None else table.conceal(document)


def detail(noun: str, row: Any, document: dict[str, Any], look: Look) -> Detail:
    """Return one thing as one reads it; its name is one that no other has, where the table has such a field."""
    _, table, _ = shown(noun)
    sections = tuple(Section(title, facts) for title, facts in table.facts(row, look))
    name = str(row.get(table.printed) or "") if table.printed in table.unique else row.name
    return Detail(name or row.uid, printed(table, document), table.headline(row), sections)


class _List:
    """What `list` does."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the things that match. Raises `UsageError` for a filter that cannot be read."""
        noun = _noun(self)
        _, table, _ = shown(noun)
        wanted, result = filter_of(args, table.fields), await entries(ctx, noun)
        look = result.look()
        matches = [entry for entry in result.items if wanted.matches(table.get(entry.row, look), look.now)]
        empty = table.add if table.add and not wanted else f"No {table.thing} matches."
        items = tuple(item(table, entry, look) for entry in matches)
        return Outcome((), result=Listing(columns(noun), items, empty))


class _Show:
    """What `show` does."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one thing. Raises `NotFound`, `Conflict`."""
        noun = _noun(self)
        result = await entries(ctx, noun)
        entry = await complete(ctx, noun, one_of(noun, result.items, plan.touches[0]))
        return Outcome((), result=detail(noun, entry.row, entry.document, result.look()))


def _noun(verb: object) -> str:
    return str(getattr(verb, "name", "")).partition(" ")[0]


@cache
def acting(command: type[Command]) -> type[Command]:
    """Return the class that carries out a verb `list` or `show`."""
    if issubclass(command, (_List, _Show)):
        return command
    does = _List if command.name.endswith(" list") else _Show
    return type(command.__name__, (does, command), {"__doc__": command.__doc__, "__module__": command.__module__})

"""What a verb gives to print: a listing, one thing, a text, or a stream of lines that arrive over time.

Plain values; the command line turns them into a table, JSON or YAML, the console into a view.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple


class Column(NamedTuple):
    """One column of a listing; `wide` ones are shown with `-o wide` only, `right` ones end where their title ends."""

    title: str
    wide: bool = False
    right: bool = False


class Item(NamedTuple):
    """One thing of a listing: its name (for `-o name`), its cells, and the document as it came."""

    name: str
    cells: tuple[str, ...]
    document: Any


class Listing(NamedTuple):
    """Many things. `empty` is the sentence for none, `note` one for below the table (stderr)."""

    columns: tuple[Column, ...]
    items: tuple[Item, ...]
    empty: str = "There is nothing."
    note: str = ""


class Section(NamedTuple):
    """A titled block of label and value pairs."""

    title: str
    facts: tuple[tuple[str, str], ...]


class Detail(NamedTuple):
    """One thing: its name, its document, and its text for users."""

    name: str
    document: Any
    headline: str
    sections: tuple[Section, ...]


class Text(NamedTuple):
    """Text to print as it is. `document` is what `-o json` prints, `name` what `-o name` prints."""

    text: str
    document: Any = None
    name: str = ""


class Printed(str):
    """A line for `report` that belongs to the result: it is printed to stdout, before the result."""

    __slots__ = ()


class Stream(NamedTuple):
    """Things that arrive one by one until the user ends it."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    items: AsyncIterator[Item]


class Quick(NamedTuple):
    """What a quick way of a verb prints: a text of complete lines, and a note for stderr."""

    text: str = ""
    note: str = ""

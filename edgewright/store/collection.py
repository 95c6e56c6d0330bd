"""What the store knows of a resource: one descriptor in `store/collections/<noun>.py`, listed in `store/every.py`.

Reducer, model, draft, cache, replay and the feeds of a plane loop over that list. A new resource is a module with a
row, a function that makes it from a document, and a descriptor; nothing else in the store or in the sources names it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from edgewright.core.errors import ExitCode
from edgewright.core.text import plural
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import PortName
    from edgewright.core.problems import Problem
    from edgewright.store.table import Table

R = TypeVar("R", bound=Row)
Documents = list[dict[str, Any]]


NOT_FOR_ALL = frozenset({ExitCode.NOT_FOUND, ExitCode.REFUSED, ExitCode.INVALID})
"""Refusals of a list that an older hub does not have, or that not every role may read."""


class Reading(NamedTuple):
    """How the list of a resource is read from a plane."""

    read: Callable[[Any, int], Awaitable[Documents]]
    """Asks the port, in pages of that many things; returns documents."""
    label: str
    """What is named in the note when a plane refuses the list."""
    port: PortName
    """The port that it asks; a source without it has no such list."""
    entire: bool = True
    """Whether the answer is all there is, so that what is not in it no longer exists; else it is the newest part."""
    hub_only: bool = False
    """Whether it is read from a hub alone, although a Palette may have it."""
    every: float | None = None
    """Seconds between two readings from a plane without a change stream; None: it is not read there."""
    quiet: frozenset[ExitCode] = frozenset()
    """Refusals that need no note: an older hub does not have the list, or not every role may read it."""
    judged: bool = False
    """Whether problems are judged by it."""


class Ending(NamedTuple, Generic[R]):
    """That rows of a resource end, and what users read about it."""

    at: Callable[[R], float | None]
    """When a row ends (epoch seconds); None for one without an end, or one that no longer counts."""
    problem: Callable[[R, float], Problem]
    """The problem of a row that ends soon or has ended."""
    before: str
    """What follows from the end, for a row that has not ended."""
    after: str


class Collection(NamedTuple, Generic[R]):
    """One resource of the store: a dict of rows in the model, under `name`."""

    name: str
    """Field of the model, and the beginning of the kinds of events: `tokens`, `tokens.seen`, `tokens.gone`."""
    row: type[R]
    from_document: Callable[[Mapping[str, Any], float], R | None]
    """Makes a row of a document that came at a time (epoch seconds); None for one that names no key."""
    change_kind: str
    """Kind of its changes on the stream of a hub; empty for what never changes."""
    noun: str
    """The noun of the command line and of keys that open one: `token`."""
    limit: int = 0
    """Newest rows that the model has; 0 for all. Rows with a limit have a time `at`."""
    cached: bool = True
    """Whether it is in the last known fleet on disk."""
    reading: Reading | None = None
    """How its list is read; None for hosts, which are read in pages of their own."""
    getter: PortName | None = None
    """The port whose `get` gives the document of one thing; None where the plane returns it with its list only."""
    key: str = "uid"
    """Field of a row that is its key in the model."""
    pinned: Callable[[R], bool] | None = None
    """Rows that stay whatever the limit."""
    documents: bool = False
    """Whether the store has the raw documents that were seen last."""
    hosts_of: Callable[[R], Iterable[str]] | None = None
    """Uids of the hosts that a row is about: they are in the first frame."""
    ends_with_host: bool = False
    """Whether a row goes when its host goes."""
    message: Callable[[R | None, R, Mapping[str, Any]], tuple[str, str] | None] | None = None
    """Level and sentence for the user when a row replaces another; gets the hosts too."""
    problem: Callable[[R], str] | None = None
    """Key of the problem that a row is; its acknowledgement ends with the row."""
    status: Mapping[str, bool] = {}
    """What a complete list shows about the plane: fields of `SourceStatus`."""
    audit_kind: str = ""
    """Kind of audit entries and events about one, where it is not the kind of its changes."""
    ending: Ending[R] | None = None
    """That its rows end; then it has a line of its own on Pulse, and those that end soon are problems."""
    table: Table[R] | None = None
    """How it is shown: with one it has a list and a detail in the console, and the verbs `list` and `show`."""

    @property
    def view(self) -> str:
        """Name of its list in the console: `tokens`; the detail is called by the noun."""
        return plural(self.noun)

    @property
    def seen(self) -> str:
        """Kind of the event `{"docs": [...], "complete": bool}`: documents as the plane sends them."""
        return f"{self.name}.seen"

    @property
    def removed(self) -> str:
        """Kind of the event `{"uids": [key, ...]}`: what the plane no longer has."""
        return f"{self.name}.gone"

    def of(self, model: Any) -> dict[str, R]:
        """Return its rows in a model, by key."""
        rows: dict[str, R] = getattr(model, self.name)
        return rows

"""What the hub knows of a resource: one descriptor in `resources/<noun>/resource.py`, listed in `process/compose.py`.

A new resource is a folder with routes and a descriptor; nothing else in the hub names it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Table

from edgewright.hub.controllers.runtime import Controller
from edgewright.hub.http.routing import Message, Receive, Route, Send
from edgewright.hub.readmodel.memory import Follow, Load
from edgewright.hub.readmodel.state import State
from edgewright.hub.services import Services

Render = Callable[[Services, str], dict[str, Any] | None]
Sweep = Callable[[Services], Coroutine[Any, Any, Any]]
Prune = Callable[[Services, float], Coroutine[Any, Any, dict[str, int]]]


class FastPath(Protocol):
    """Answers one kind of request straight from ASGI."""

    def matches(self, scope: Message) -> bool:
        """Return whether a request is of that kind, by its method and path."""

    async def try_fast(self, scope: Message, receive: Receive, send: Send) -> Message | None:
        """Answer it and return `None`, or return the message read (may be empty) for the ordinary route."""


class Resource(NamedTuple):
    """One resource: every part is optional but `name`."""

    name: str
    """The noun of the command line."""
    routes: tuple[Route, ...] = ()
    tables: tuple[Table, ...] = ()
    """The tables that belong to it."""
    load: Callable[[Connection, State], None] | None = None
    """Reads its records into memory at the start."""
    parts: Callable[[Services], tuple[object, ...]] | None = None
    """Builds what it has for itself and for others, found by `Services.part`."""
    follows: Callable[[Services], tuple[Follow, ...]] | None = None
    """How memory follows its records after a commit."""
    documents: Mapping[str, Load] = {}
    """Kind of change -> what reads the documents of such changes again, as JSON texts, where they are in a table."""
    render: Mapping[str, Render] = {}
    """Kind of change -> the present document for readers, where the change has none of its own."""
    tenant_kinds: frozenset[str] = frozenset()
    """Kinds of changes that readers of one project never get (rule P35)."""
    begin: Callable[[Services], None] | None = None
    """Runs once before the first request."""
    prune: Prune | None = None
    """Deletes what is older than the hub is set to retain at a time; returns the deleted rows by table."""
    sweeps: tuple[Sweep, ...] = ()
    """What runs for as long as the hub does."""
    stops: tuple[Callable[[Services], None], ...] = ()
    """Run when the hub is asked to stop, while it still takes writes; must not wait."""
    controllers: tuple[Controller, ...] = ()
    """Its durable jobs, each with one hub at a time."""
    fast: Callable[[Services], tuple[FastPath, ...]] | None = None
    """What answers single kinds of requests without the router."""
    own_paths: tuple[str, ...] = ()
    """Beginnings of paths that Palette does not have."""
    open_paths: frozenset[str] = frozenset()
    """Paths on which a stale credential is not a reason to refuse."""

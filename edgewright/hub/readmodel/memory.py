"""The one way of a committed change into memory and to readers, for the commits of this process and of others.

Each resource registers its types of records: how memory takes one, how it drops one, how one is read again from its
table, and as what kind of change readers get it. A change of this process brings its record; that of another hub on the
same database is read from the table by its uid.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from edgewright.hub.db.changelog.entry import DELETE, PUT, Entry, LogRow
from edgewright.hub.readmodel.changes import Changes

Load = Callable[[Connection, Sequence[str]], Mapping[str, Any]]
"""Reads records (or the JSON texts of documents) by uid; those that no longer exist are left out."""


def rows(table: Table, record: Callable[..., Any], key: str = "uid") -> Load:
    """Return what loads records whose fields are the columns of a table."""
    column = table.c[key]

    def load(connection: Connection, uids: Sequence[str]) -> Mapping[str, Any]:
        query = select(table).where(column.in_(uids))
        return {row._mapping[key]: record(**row._mapping) for row in connection.execute(query)}

    return load


def texts(table: Table, text: str = "doc", key: str = "uid") -> Load:
    """Return what loads documents that a table has as JSON texts."""
    columns = table.c[key], table.c[text]

    def load(connection: Connection, uids: Sequence[str]) -> Mapping[str, Any]:
        query = select(*columns).where(columns[0].in_(uids))
        return {uid: doc.encode() for uid, doc in connection.execute(query)}

    return load


class Follow(NamedTuple):
    """How one type of record is followed.

    `put` and `drop` (by uid) change memory. `kind` is the kind of change that readers get: `None` for `name`, empty for
    none. A `put` that `publishes` hands the change to readers itself. `put_loaded` takes what `load` returned where
    that is more than a record.
    """

    record: type
    name: str
    """The kind of its changes in the log."""
    put: Callable[[Any], object]
    drop: Callable[[str], object]
    load: Load
    kind: str | None = None
    uid: Callable[[Any], str] = lambda record: str(record.uid)
    project: Callable[[Any], str] = lambda record: ""
    publishes: bool = False
    put_loaded: Callable[[Any], object] | None = None

    @property
    def shown(self) -> str:
        """Return the kind of change that readers get; empty for none."""
        return self.name if self.kind is None else self.kind


class Memory:
    """Applies committed changes. Used on the event loop only, apart from `entry` and `documents`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._by_type: dict[type, Follow] = {}
        self._by_name: dict[str, Follow] = {}
        self._documents: dict[str, Load] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._watchers: dict[str, list[Callable[[str, str, bytes | None], None]]] = {}
        self.shared = False
        """Whether other processes write to the database, so that a gap in the numbers is theirs."""
        self.loaded_through = 0
        """Up to which change memory takes what was read from the database, since it has the newer rows already."""
        self.behind: Callable[[], None] = lambda: None
        """Called when a commit of this process waits for the changes of others before it."""

    def register(self, *follows: Follow) -> None:
        """Follow further types of records. Raises `ValueError` for one that is followed already."""
        for follow in follows:
            if follow.record in self._by_type or follow.name in self._by_name:
                raise ValueError(f"{follow.record.__name__} is followed already")
            self._by_type[follow.record] = self._by_name[follow.name] = follow

    def register_documents(self, documents: Mapping[str, Load]) -> None:
        """Read the documents of changes of these kinds from their tables."""
        self._documents.update(documents)

    @property
    def documents(self) -> Collection[str]:
        """Return the kinds of changes whose document a table has."""
        return self._documents.keys()

    @property
    def seq(self) -> int:
        """Return the number of the newest change that memory has taken."""
        return self._changes.seq

    def listen(self, kind: str, listener: Callable[[], None]) -> None:
        """Call `listener` for each change of `kind` that becomes durable, before readers get it."""
        self._listeners.setdefault(kind, []).append(listener)

    def watch(self, kind: str, watcher: Callable[[str, str, bytes | None], None]) -> None:
        """Call `watcher` with op, uid and document (JSON) of each change of `kind` that becomes durable."""
        self._watchers.setdefault(kind, []).append(watcher)

    def entry(self, op: str, record: Any) -> Entry:
        """Return the change of a record; raises `KeyError` for a type that no one registered. Any thread."""
        follow = self._by_type[type(record)]
        return Entry(follow.name, op, follow.uid(record), follow.project(record), record)

    def shown(self, kind: str) -> str:
        """Return the kind of change that readers get for a kind in the log; empty for none."""
        follow = self._by_name.get(kind)
        return kind if follow is None else follow.shown

    def reading(self, connection: Connection, logged: Sequence[LogRow]) -> list[Entry]:
        """Return rows of the log with the kinds that readers get, empty for what is not sent. Any thread."""
        entries = []
        wanted: dict[str, list[str]] = {}
        for row in logged:
            doc = None if row.doc is None else row.doc.encode()
            entries.append(Entry(self.shown(row.kind), row.op, row.uid, row.project_uid, None, doc, row.seq))
            if row.kind in self._documents and row.op == PUT:
                wanted.setdefault(row.kind, []).append(row.uid)
        for kind, uids in wanted.items():
            texts = self._documents[kind](connection, uids)
            for entry in entries:
                if entry.kind == kind and entry.op == PUT:
                    entry.doc = texts.get(entry.uid)
                    entry.kind = "" if entry.doc is None else kind
        return entries

    def load(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Read the records and documents of changes from their tables. Any thread."""
        wanted: dict[str, dict[str, None]] = {}
        for entry in entries:
            if entry.op == PUT and (entry.kind in self._by_name or entry.kind in self._documents):
                wanted.setdefault(entry.kind, {})[entry.uid] = None
        for kind, uids in wanted.items():
            follow = self._by_name.get(kind)
            records = (follow.load if follow is not None else self._documents[kind])(connection, list(uids))
            for entry in entries:
                if entry.kind != kind or entry.op != PUT:
                    continue
                if follow is not None:
                    entry.record = records.get(entry.uid)
                else:
                    entry.doc = records.get(entry.uid)
        for entry in entries:
            entry.loaded = True

    def ready(self, entries: Sequence[Entry]) -> bool:
        """Return whether memory has taken all that was committed before these changes of this process."""
        if not self.shared or not entries or entries[-1].seq <= self.seq:
            return True
        ready = self.loaded_through <= self.seq and entries[0].seq <= self.seq + 1
        if not ready:
            self.behind()
        return ready

    def apply(self, entry: Entry) -> None:
        """Take a change, unless it was taken already."""
        if entry.seq <= self.seq:
            return
        with self._changes.taking(entry.seq):
            self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        follow = self._by_name.get(entry.kind)
        if follow is None:
            if entry.op == DELETE or entry.doc is not None or not entry.loaded:
                self.publish(entry.kind, entry.op, entry.uid, entry.project_uid, entry.doc)
            return  # without its document the thing no longer exists
        if entry.op == DELETE:
            follow.drop(entry.uid)
        elif entry.record is not None:
            put = follow.put_loaded if entry.loaded and follow.put_loaded is not None else follow.put
            put(entry.record)
            if follow.publishes:
                return
        elif entry.loaded:
            return  # the row no longer exists; its removal follows
        if follow.shown:
            self.publish(follow.shown, entry.op, entry.uid, entry.project_uid, None)

    def publish(self, kind: str, op: str, uid: str, project_uid: str, doc: bytes | None) -> None:
        """Hand a change to readers."""
        for listener in self._listeners.get(kind, ()):
            listener()
        for watcher in self._watchers.get(kind, ()):
            watcher(op, uid, doc)
        self._changes.publish(kind, op, uid, project_uid, doc)

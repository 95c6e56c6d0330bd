"""The one way of a committed change into memory and to readers.

Each resource registers its types of records: how memory takes one, how it drops one, and as what kind of change readers
get it. Local commits go through it, and so will the commits of other hubs on the same database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from edgewright.hub.readmodel.changes import Changes
from edgewright.wire import protocol


class Follow(NamedTuple):
    """How one type of record is followed.

    `put` and `drop` change memory. With `kind`, readers get a change of that kind; `uid` and `project` read the record.
    A `put` that decides itself what readers get leaves `kind` empty.
    """

    record: type
    put: Callable[[Any], object]
    drop: Callable[[Any], object]
    kind: str = ""
    uid: Callable[[Any], str] = lambda record: str(record.uid)
    project: Callable[[Any], str] = lambda record: ""


class Memory:
    """Applies committed changes. Used on the event loop only."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._follows: dict[type, Follow] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}

    def register(self, *follows: Follow) -> None:
        """Follow further types of records. Raises `ValueError` for one that is followed already."""
        for follow in follows:
            if follow.record in self._follows:
                raise ValueError(f"{follow.record.__name__} is followed already")
            self._follows[follow.record] = follow

    def listen(self, kind: str, listener: Callable[[], None]) -> None:
        """Call `listener` for each change of `kind` that becomes durable, before readers get it."""
        self._listeners.setdefault(kind, []).append(listener)

    def put(self, record: Any) -> None:
        """Take a record that was added or changed."""
        follow = self._follows[type(record)]
        follow.put(record)
        self._publish_record(follow, protocol.CHANGE_PUT, record)

    def drop(self, record: Any) -> None:
        """Take the removal of a record."""
        follow = self._follows[type(record)]
        follow.drop(record)
        self._publish_record(follow, protocol.CHANGE_DELETE, record)

    def _publish_record(self, follow: Follow, op: str, record: Any) -> None:
        if follow.kind:
            self.publish(follow.kind, op, follow.uid(record), follow.project(record), None)

    def publish(self, kind: str, op: str, uid: str, project_uid: str, doc: dict[str, Any] | None) -> None:
        """Hand a change to readers."""
        for listener in self._listeners.get(kind, ()):
            listener()
        self._changes.publish(kind, op, uid, project_uid, doc)
